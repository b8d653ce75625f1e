"""Runs a program again with the answers of a recorded trace, and says what came of it."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from msgspec import Struct

from flightlog.core.rerun import DIVERGED
from flightlog.records.errors import BadQuestion
from flightlog.records.event import Event
from flightlog.records.span import Span
from flightlog.replay.order import VARIABLE, Beyond, Files, Note, Order
from flightlog.replay.people import told_by_people
from flightlog.replay.tape import by_hand_of, tape_of
from flightlog.running import Again, Outcome, run_program

_LACKS: Final = frozenset({"diverged", "refused", "ran out", "unrecorded"})


class Reran(Struct, frozen=True):
    """What a rerun came to."""

    trace_id: str
    """Of the recorded trace."""
    outcome: Outcome
    tape: Sequence[Span]
    """The recorded calls."""
    notes: Sequence[Note]
    """What happened, in this order."""
    strict: bool
    people: int = 0
    """Recorded answers of people."""

    @property
    def given(self) -> int:
        """Recorded answers that were given."""
        return len(self.served) + sum(note.sort == "served" and note.number is None for note in self.notes)

    @property
    def served(self) -> frozenset[int]:
        """Numbers of the recorded calls whose answers were given."""
        numbers = (note.number for note in self.notes if note.sort == "served")
        return frozenset(number for number in numbers if number is not None)

    @property
    def lacks(self) -> list[Note]:
        """What was asked and had no recorded answer."""
        return [note for note in self.notes if note.sort in _LACKS]

    @property
    def asked_anew(self) -> int:
        """Calls that were made live."""
        return sum(note.live for note in self.notes)

    @property
    def has_ended_as_told(self) -> bool:
        """Whether it was ended after the last call that was to be answered."""
        return any(note.sort == "end" for note in self.notes)

    @property
    def returncode(self) -> int:
        """The exit code to leave with: the program's own, unless the rerun was ended."""
        if any(not note.live for note in self.lacks):
            return DIVERGED
        return 0 if self.has_ended_as_told else self.outcome.returncode


class Report(Struct, frozen=True):
    """What a rerun came to, as one document."""

    rerun_of: str
    """Id of the recorded trace."""
    trace_id: str
    """Of the new one; empty where it was not recorded."""
    returncode: int
    """Exit code of the command, or minus the number of the signal that killed the program."""
    strict: bool
    recorded: int
    """Answers that could have been given."""
    given: int
    anew: int
    """Calls that were made live."""
    lacks: Sequence[Note]
    """What was asked and had no recorded answer."""
    left: Sequence[str]
    """Ids of the recorded calls that nobody asked for."""


def report(done: Reran) -> Report:
    """Sum up a rerun for programs."""
    return Report(
        rerun_of=done.trace_id,
        trace_id=done.outcome.trace_id,
        returncode=done.returncode,
        strict=done.strict,
        recorded=len(done.tape) + done.people,
        given=done.given,
        anew=done.asked_anew,
        lacks=done.lacks,
        left=[span.span_id for number, span in enumerate(done.tape) if number not in done.served],
    )


def rerun_program(
    spans: Sequence[Span],
    events: Sequence[Event],
    arguments: Sequence[str],
    *,
    module: bool = False,
    strict: bool = True,
    last: Span | None = None,
    beyond: Beyond = "",
) -> Reran:
    """Run a program again; what the recorded calls of these spans asked is answered as it was.

    Args:
        spans: of one trace.
        events: of the same.
        arguments: path or module name, then the program's own arguments.
        module: the first argument names a module.
        strict: end it at the first question that has no recorded answer; otherwise that one is asked anew.
        last: the last span whose answer is given, or within which answers are given.
        beyond: what becomes of the calls after that one.

    Raises:
        BadQuestion: the trace has no call that can be answered; or as `run_program`.
    """
    tape = tape_of(spans)
    people = told_by_people(spans, events)
    by_hand = by_hand_of(spans, tape)
    if not tape and not people:
        raise BadQuestion(
            "this trace has no call that a rerun could answer: calls of the openai, anthropic, google-genai and "
            "mistralai packages, of DSPy's models, and of functions that `flightlog.recorded` marks, and what people "
            "answered to a span that waited" + _about(by_hand)
        )
    waited = {event.span_id for event in events if event.name == "pause"}
    with tempfile.TemporaryDirectory(prefix="flightlog-rerun-") as directory:
        files = Files(Path(directory))
        number = None if last is None else _number(tape, last)
        files.prepare(
            Order(spans[0].trace_id, strict, number, beyond),
            tape,
            people,
            paused=[span for span in spans if span.span_id in waited],
            by_hand=by_hand,
        )
        again = Again(spans[0].trace_id, _root(spans).span_id, {VARIABLE: directory})
        outcome = run_program(arguments, module=module, again=again)
        return Reran(spans[0].trace_id, outcome, tape, files.notes(), strict, len(people))


def _about(by_hand: Mapping[str, int]) -> str:
    """What to do about model calls by hand that nothing answers; empty where there are none."""
    return (
        "; a model call by hand (`flightlog.llm`) is answered where its block asks `given()`"
        if by_hand
        else ""
    )


def _number(tape: Sequence[Span], last: Span) -> int:
    """Number of the last call that began no later than this span ended, or is this span; -1 for none."""
    for number, span in enumerate(tape):
        if span.span_id == last.span_id:
            return number
    until = last.start if last.end is None else last.end
    return sum(span.start <= until for span in tape) - 1


def _root(spans: Sequence[Span]) -> Span:
    ids = {span.span_id for span in spans}
    return next((span for span in spans if span.parent_id not in ids), spans[0])
