"""Runs that wait for an answer: which of their spans were paused, in this process or, by the run's id, in another."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from flightlog.core import resuming
from flightlog.core.engine import Span
from flightlog.core.unset import UNSET

RUN_ID: Final = "flujo.run_id"
TYPE: Final = "flujo.step.type"
PERSON: Final = "HumanInTheLoopStep"
"""The type of a step that does nothing but ask somebody."""

_MOST_RUNS: Final = 1_000
_MOST_STEPS: Final = 1_000


class Step(NamedTuple):
    """A step that waits."""

    ref: str
    """As `flightlog.resume` takes it."""
    is_person: bool
    """Whether the answer is all that it waits for; else it is executed again."""


class Steps(NamedTuple):
    """What goes on with one answer."""

    run: Span
    """Not entered yet, like the others."""
    steps: dict[str, Span]
    """Those that will be executed again, by their paths."""
    persons: list[Span]
    """Those that the answer ends."""
    before: dict[str, Step]
    """All the steps that waited, by their paths."""


class Waiting:
    """The runs that wait, as far as this process paused them."""

    def __init__(self) -> None:
        self._runs: dict[str, tuple[str, dict[str, Step]]] = {}

    def keep(self, run_id: str, ref: str, steps: Mapping[str, Step]) -> None:
        """Know that a run waits.

        Args:
            run_id: its id with flujo; without one nothing is known.
            ref: its span, as `pause` gave it.
            steps: its steps that wait, by their paths.
        """
        if not run_id or not ref:
            return
        self._runs[run_id] = (ref, dict(steps))
        while len(self._runs) > _MOST_RUNS:  # many are never resumed
            self._runs.pop(next(iter(self._runs)), None)

    def take(self, run_id: str, answer: object) -> Steps | None:
        """The spans that go on; None where nothing of the run is known. It may read the home's journals.

        Raises:
            FlightlogError: a span does not wait, or is not there.
        """
        if resuming.paused is None or not run_id:
            return None
        known = self._runs.pop(run_id, None) or _found(resuming.paused, run_id)
        if known is None:
            return None
        ref, steps = known
        take_up = resuming.paused.take_up
        run = take_up(ref, answer)
        again = {path: take_up(step.ref, UNSET) for path, step in steps.items() if not step.is_person}
        persons = [take_up(step.ref, answer) for step in steps.values() if step.is_person]
        return Steps(run, again, persons, steps)


def _found(paused: resuming.Paused, run_id: str) -> tuple[str, dict[str, Step]] | None:
    """What another process paused."""
    waits = {one.span_id: one for one in paused.find(RUN_ID, run_id) if one.status == "paused"}
    run = next((one for one in waits.values() if one.attributes.get(RUN_ID) == run_id), None)
    if run is None:
        return None
    steps: dict[str, Step] = {}
    for one in list(waits.values())[:_MOST_STEPS]:
        path = _path(one, waits, run.span_id)
        if path:
            steps[path] = Step(_ref(one), one.attributes.get(TYPE) == PERSON)
    return _ref(run), steps


def _path(step: Any, waits: Mapping[str, Any], run: str) -> str:
    """The names from the run down to a step; empty where it is none of the run. What is around it waits as well."""
    names: list[str] = []
    seen = step
    while seen is not None and seen.span_id != run and len(names) < _MOST_STEPS:
        names.append(seen.name)
        seen = waits.get(seen.parent_id)
    return "/".join(reversed(names)) if seen is not None and seen.span_id == run else ""


def _ref(record: Any) -> str:
    return f"00-{record.trace_id}-{record.span_id}-01"
