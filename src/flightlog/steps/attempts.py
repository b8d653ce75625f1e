"""Which steps of an execution trace were tries of one thing, and how that ended.

Neither the format nor the API says that a step tries again what another one failed at. Two steps are tries of one
thing if they have the same type and the same name, where what a name says of trying again does not count:
`weather_api`, `weather_api "retry"` and `weather_api (attempt 2)` are one. Case and punctuation do not count either.
The type `Error` stands in the place of what a step was, so there the name alone tells.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final, NamedTuple

from flightlog.core.outcome import text_of
from flightlog.steps.step import StepType, TraceStep, type_text

_WORD: Final = re.compile(r"[^\W_]+")
_AGAIN: Final = frozenset({"again", "attempt", "re", "retried", "retry", "retrying", "try"})
"""Words of a name that count tries; `re` is the first half of `re-try`. A number that follows one belongs to it."""

_CANCELLED: Final = frozenset({"CancelledError", "KeyboardInterrupt"})


class Retry(NamedTuple):
    """A step that tried again what an earlier one had failed at."""

    place: int
    """Of the step among all."""
    attempt: int
    """How many tries had failed before it."""
    reason: str
    """The error of the last one of them."""


def retries(steps: Sequence[TraceStep]) -> list[Retry]:
    """Every step that tried again what had failed, in their order."""
    found: list[Retry] = []
    failures: dict[tuple[str, ...], list[TraceStep]] = {}
    for place, step in enumerate(steps):
        thing = _thing(step)
        before = [other for other in failures.get(thing, ()) if _is_of_one_type(step, other)]
        if before:
            found.append(Retry(place, len(before), before[-1].error or "failed"))
        if _failed(step):
            failures.setdefault(thing, []).append(step)
        elif not step.failed and before:
            failures[thing] = [other for other in failures[thing] if other not in before]
    return found


def failed_for_good(steps: Sequence[TraceStep]) -> TraceStep | None:
    """The first step that failed and did not succeed when it was tried again; None if there is none."""
    succeeded: set[tuple[str, tuple[str, ...]]] = set()
    found = None
    for step in reversed(steps):
        own, thing = type_text(step.step_type), _thing(step)
        if not step.failed:
            succeeded |= {(own, thing), (StepType.ERROR, thing)}
        elif (own, thing) not in succeeded and _failed(step):
            found = step
    return found


def is_cancelled(step: TraceStep) -> bool:
    """Whether the exception that left its block stands for no failure: `ExecutionTrace.step` wrote its name."""
    return (step.error or "").partition(":")[0] in _CANCELLED


def _failed(step: TraceStep) -> bool:
    return step.failed and not is_cancelled(step)


def _is_of_one_type(step: TraceStep, failed: TraceStep) -> bool:
    """Whether a step may be another try of one that failed."""
    own, other = type_text(step.step_type), type_text(failed.step_type)
    return StepType.ERROR in {own, other} or own == other


def _thing(step: TraceStep) -> tuple[str, ...]:
    """The words of a step's name, without those that count tries."""
    name = text_of(step.name)
    kept: list[str] = []
    follows_a_count = False
    for word in _WORD.findall(name.casefold()):
        counts = word in _AGAIN
        if not counts and not (follows_a_count and word.isdecimal()):
            kept.append(word)
        follows_a_count = counts
    return tuple(kept) or (name,)
