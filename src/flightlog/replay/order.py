"""What a rerun is told, and what it tells back: files in one directory that all its processes share.

    order.json      what is wanted
    tape.jsonl      the recorded calls that can be answered, one span a line, by start
    people.jsonl    what people answered to spans that waited for them, by time
    paused.jsonl    the spans that waited, one a line
    by_hand.json    model calls by hand that nothing answers: how many calls of the tape began before, by what they ask
    taken/call-<n>  the nth call was given; made once, by whoever comes first
    taken/people-<n>  so for an answer of people
    report.jsonl    what happened, one `Note` a line, appended
    stopped         somebody ended the rerun

The directory is private to its user, and gone when the rerun is over.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Literal

import msgspec
from msgspec import Struct

from flightlog.codecs.lines import decode, encode
from flightlog.records.span import Span

VARIABLE: Final = "FLIGHTLOG_RERUN"
"""Environment variable that names the directory to the program's processes."""

Beyond = Literal["", "stop", "live"]
Sort = Literal["served", "live", "diverged", "refused", "ran out", "unrecorded", "end"]


class Order(Struct, frozen=True):
    """What is wanted of a rerun."""

    trace_id: str
    strict: bool = True
    """The first question without a recorded answer ends it; otherwise that one is answered live."""
    last: int | None = None
    """Number of the last call that is given its recorded answer; None for all, -1 for none."""
    beyond: Beyond = ""
    """What becomes of the calls after that one."""


class Change(Struct, frozen=True):
    """One place at which a question differs from a recorded one, as JSON; None for what is not there."""

    path: str
    recorded: str | None
    now: str | None


class Note(Struct, frozen=True):
    """One thing that happened in a rerun."""

    sort: Sort
    what: str
    """Who was asked, for people."""
    number: int | None = None
    """Of the recorded call, counted from 0."""
    reason: str = ""
    at: str = ""
    """Where in the program: `app.py:31`."""
    changes: Sequence[Change] = ()
    """From the nearest recorded call."""
    more: int = 0
    """Changes that are not listed."""
    live: bool = False
    """It was answered live after all."""


class Told(Struct, frozen=True):
    """What somebody answered to a span that waited."""

    span: str
    """The name of the span."""
    value: Any
    message: str = ""
    """What it waited for."""


class Files:
    """The directory of one rerun."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._taken = directory / "taken"
        self._report = directory / "report.jsonl"

    def prepare(
        self,
        order: Order,
        tape: Sequence[Span],
        people: Sequence[Told] = (),
        *,
        paused: Sequence[Span] = (),
        by_hand: Mapping[str, int] = {},
    ) -> None:
        """Write what the program's processes read."""
        (self.directory / "paused.jsonl").write_bytes(b"".join(encode(span) + b"\n" for span in paused))
        (self.directory / "by_hand.json").write_bytes(msgspec.json.encode(by_hand))
        self._taken.mkdir()
        self._report.touch()
        (self.directory / "tape.jsonl").write_bytes(b"".join(encode(span) + b"\n" for span in tape))
        (self.directory / "people.jsonl").write_bytes(
            b"".join(msgspec.json.encode(told) + b"\n" for told in people)
        )
        (self.directory / "order.json").write_bytes(msgspec.json.encode(order))

    def order(self) -> Order:
        """What is wanted."""
        return msgspec.json.decode((self.directory / "order.json").read_bytes(), type=Order)

    def by_hand(self) -> dict[str, int]:
        """What the model calls by hand asked that nothing answers, and how many calls of the tape began before."""
        return msgspec.json.decode((self.directory / "by_hand.json").read_bytes(), type=dict[str, int])

    def paused(self) -> list[Span]:
        """The spans that waited."""
        return self._spans("paused.jsonl")

    def tape(self) -> list[Span]:
        """The recorded calls."""
        return self._spans("tape.jsonl")

    def _spans(self, name: str) -> list[Span]:
        lines = (self.directory / name).read_bytes().split(b"\n")
        records: list[Any] = [decode(line) for line in lines if line]
        return records

    def people(self) -> list[Told]:
        """What people answered."""
        lines = (self.directory / "people.jsonl").read_bytes().split(b"\n")
        return [msgspec.json.decode(line, type=Told) for line in lines if line]

    def take(self, number: int, sort: str = "call") -> bool:
        """Take a recorded answer for oneself; False if somebody did before."""
        try:
            os.close(os.open(self._taken / f"{sort}-{number}", os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        except FileExistsError:
            return False
        return True

    def is_taken(self, number: int) -> bool:
        """Whether somebody took a recorded call."""
        return (self._taken / f"call-{number}").exists()

    def tell(self, note: Note) -> None:
        """Append to the report; one write, so that lines of several processes never mix."""
        line = msgspec.json.encode(note) + b"\n"
        descriptor = os.open(self._report, os.O_WRONLY | os.O_APPEND)
        try:
            os.write(descriptor, line)
        finally:
            os.close(descriptor)

    def notes(self) -> list[Note]:
        """The report so far."""
        lines = self._report.read_bytes().split(b"\n")
        return [msgspec.json.decode(line, type=Note) for line in lines if line]

    def stop(self) -> None:
        """End the rerun for all its processes."""
        (self.directory / "stopped").touch()

    @property
    def is_stopped(self) -> bool:
        """Whether somebody ended it."""
        return (self.directory / "stopped").exists()
