"""What the journal's tests share: a home of their own, a writer with small segments, and a whole reading."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from flightlog.codecs.lines import encode
from flightlog.journal.framing import frame
from flightlog.journal.reader import Batch, Journal
from flightlog.journal.writer import Writer
from flightlog.records.cursor import Cursor
from flightlog.records.line import Line
from flightlog.records.process import Process
from flightlog.settings import KIB, Layer, Settings, resolve

PROCESS_ID = "0123456789abcdef" * 2


def settings(**values: object) -> Settings:
    return resolve([Layer("test", values)])


def head(process_id: str = PROCESS_ID) -> Line:
    return Line(encode(Process(process_id=process_id, pid=7, started=1_700_000_000_000_000_000)))


class Clock:
    """A clock that moves only when told."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Said(list[str]):
    """Collects what is said to the user."""

    def __call__(self, message: str) -> None:
        self.append(message)


def opened(root: Path, process_id: str = PROCESS_ID, **values: Any) -> Writer:
    """A writer with segments of 64 KiB unless told otherwise."""
    extra = {name: values.pop(name) for name in ("say", "on_pressure", "clock") if name in values}
    extra.setdefault("say", Said())
    chosen = settings(**{"segment_bytes": 64 * KIB, **values})
    return Writer(root, process_id, head(process_id), chosen, **extra)


def line(number: int, size: int = 0, tag: str = "x") -> Line:
    text = f'{{"{tag}":{number},"pad":"'.encode()
    return Line(text + b"p" * max(0, size - len(text) - 2) + b'"}')


def read_all(
    journal: Journal, cursor: Cursor | None = None, limit: int = 1 << 20
) -> tuple[list[bytes], Batch]:
    """Read until there is nothing more; the lines, and the last batch with all torn counts added up."""
    place = cursor or Cursor()
    lines: list[bytes] = []
    torn = 0
    while True:
        batch = journal.read(place, limit)
        assert batch.cursor >= place, "a cursor never goes back"
        place = batch.cursor
        lines += batch.lines
        torn += batch.torn
        if batch.end:
            assert not batch.lines
            return lines, Batch(batch.process, [], place, torn, batch.unreadable, batch.end, batch.dead)
        assert batch.lines, "a batch that is not the end has lines"


def until(fact: Callable[[], bool], seconds: float = 60.0) -> None:
    """Wait for a fact, which is to come true before the deadline."""
    deadline = time.monotonic() + seconds
    waiting = threading.Event()
    while not fact():
        assert time.monotonic() < deadline, "waited in vain"
        waiting.wait(0.002)


def segment(root: Path, number: int, *lines: bytes, tail: bytes = b"", process_id: str = PROCESS_ID) -> Path:
    """Lay down a segment of a dead process by hand, without its process line."""
    directory = root / process_id
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "lock").touch()
    path = directory / f"{number:08}.seg"
    path.write_bytes(b"".join(frame(text) for text in lines) + tail)
    return path
