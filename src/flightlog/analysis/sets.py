"""One set of traces compared with another: what they come to, how sure that is, and which steps it is from."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import count
from statistics import fmean
from typing import Final

from msgspec import Struct

from flightlog.analysis.significance import LEVEL, adjusted, fisher, mann_whitney, middle, surest
from flightlog.analysis.waiting import worked_ns
from flightlog.records.span import Span
from flightlog.records.traces import Trace

MEASURES: Final = (
    "duration",
    "cost",
    "input_tokens",
    "output_tokens",
    "spans",
    "errors",
    "llm_calls",
    "retries",
)
"""What is compared of each trace: nanoseconds, pico-dollars and counts."""

OVER: Final = frozenset({"ok", "error", "cancelled", "interrupted"})
"""Statuses of traces that are over; others have no duration yet."""

MOST_STEPS: Final = 10
"""Steps that are told: those with the surest differences."""
LEAST_STEPS: Final = 3
"""Durations that a step must have on both sides."""
MOST_SPANS: Final = 200_000
"""Spans of one set whose durations are looked at; the newest."""


class Measured(Struct, frozen=True):
    """One measure of two sets."""

    name: str
    before: float | None
    """The median, of a score the mean; None where nothing is known."""
    after: float | None
    before_known: int
    """Traces of which it is known."""
    after_known: int
    p: float
    """How often chance alone would make as much of a difference, corrected for looking at several measures."""

    @property
    def is_significant(self) -> bool:
        """Whether it differs by more than chance."""
        return self.p < LEVEL

    @property
    def change(self) -> float | None:
        """How much more it is, as a share of what it was; None where that says nothing."""
        if self.before is None or self.after is None or not self.before:
            return None
        return (self.after - self.before) / self.before


class Share(Struct, frozen=True):
    """How many of a set's traces went well."""

    before: int
    before_of: int
    after: int
    after_of: int
    p: float

    @property
    def is_significant(self) -> bool:
        """Whether it differs by more than chance."""
        return self.p < LEVEL


class SetComparison(Struct, frozen=True):
    """Two sets of traces compared."""

    before: int
    """Traces."""
    after: int
    measures: Sequence[Measured]
    success: Share
    steps: Sequence[Measured]
    """Durations of steps by name, the surest difference first."""
    new_errors: Sequence[tuple[str, str, int]]
    """Name, error type and count of what fails in the later set alone."""
    gone_errors: Sequence[tuple[str, str, int]]
    scores: Sequence[Measured] = ()
    """What the traces of both were judged, by the name of the score."""
    needed: int = 0
    """Traces that each set needs for any difference to be more than chance, where these are too few; else 0."""

    def measure(self, name: str) -> Measured:
        """One of `MEASURES`."""
        return next(measure for measure in self.measures if measure.name == name)


class Side:
    """What is gathered of one set."""

    def __init__(self) -> None:
        self.traces = 0
        self.went_well = 0
        self.over = 0
        self.values: dict[str, array[float]] = {name: array("d") for name in MEASURES}
        self.steps: dict[str, array[float]] = {}
        self.errors: Counter[tuple[str, str]] = Counter()
        self.judged: dict[str, dict[str, tuple[float, int]]] = {}
        """The sum and the number of what each trace was judged, by the name of the score and the trace."""

    def add(self, trace: Trace, pico_usd: int | None) -> None:
        """Count a trace; what it cost is None where that is not known."""
        self.traces += 1
        self.over += trace.status in OVER
        self.went_well += trace.status == "ok"
        found = {
            "duration": trace.worked_ns if trace.status in OVER else None,
            "cost": pico_usd,
            "input_tokens": trace.input_tokens,
            "output_tokens": trace.output_tokens,
            "spans": trace.span_count,
            "errors": trace.error_count,
            "llm_calls": trace.llm_calls,
            "retries": trace.retries,
        }
        for name, value in found.items():
            if value is not None:
                self.values[name].append(value)

    def add_steps(self, spans: Iterable[Span]) -> None:
        """Count spans: how long each took, and how it failed."""
        for span in spans:
            if span.status == "error":
                self.errors[span.name, span.error.type if span.error else ""] += 1
            took = worked_ns(span)
            if took is not None:
                self.steps.setdefault(span.name, array("d")).append(took)

    def add_score(self, name: str, trace_id: str, value: float) -> None:
        """Count what one judge said last of a trace, or of a step of it; of a trace the mean counts."""
        by_trace = self.judged.setdefault(name, {})
        total, count = by_trace.get(trace_id, (0.0, 0))
        by_trace[trace_id] = (total + value, count + 1)

    def scores(self, name: str) -> list[float]:
        """What each trace that was judged was judged, a number each."""
        return [total / count for total, count in self.judged.get(name, {}).values()]


def compare_sets(before: Side, after: Side) -> SetComparison:
    """Compare what was gathered."""
    p = {name: mann_whitney(before.values[name], after.values[name]) for name in MEASURES}
    p["success"] = fisher(before.went_well, before.over, after.went_well, after.over)
    # What is the same in every trace of both could never differ: it is not looked at, and so not corrected for.
    looked_at = {name for name in MEASURES if len({*before.values[name], *after.values[name]}) > 1}
    if 0 < before.went_well + after.went_well < before.over + after.over:
        looked_at.add("success")
    sure = {**p, **adjusted({name: p[name] for name in p if name in looked_at})}
    return SetComparison(
        before=before.traces,
        after=after.traces,
        measures=[_measured(name, before.values[name], after.values[name], sure[name]) for name in MEASURES],
        success=Share(before.went_well, before.over, after.went_well, after.over, sure["success"]),
        steps=_steps(before, after),
        new_errors=_only(after.errors, before.errors),
        gone_errors=_only(before.errors, after.errors),
        scores=_scores(before, after),
        needed=_needed(before.traces, after.traces, len(looked_at)),
    )


def _needed(one: int, two: int, measures: int) -> int:
    """How many traces each set needs so that sets which differ in every trace differ significantly; 0 for enough."""
    if not measures or surest(one, two) * measures < LEVEL:
        return 0
    return next(size for size in count(2) if surest(size, size) * measures < LEVEL)


def _scores(before: Side, after: Side) -> list[Measured]:
    """Scores that either set has, by name; of those that both have, how sure the difference is."""
    names = sorted({*before.judged, *after.judged})
    values = {name: (before.scores(name), after.scores(name)) for name in names}
    sure = adjusted({name: mann_whitney(*values[name]) for name in names if all(values[name])})
    return [
        Measured(name, _mean(one), _mean(two), len(one), len(two), sure.get(name, 1.0))
        for name, (one, two) in values.items()
    ]


def _mean(values: Sequence[float]) -> float | None:
    return fmean(values) if values else None


def _measured(name: str, one: array[float], two: array[float], p: float) -> Measured:
    return Measured(name, middle(one), middle(two), len(one), len(two), p)


def _steps(before: Side, after: Side) -> list[Measured]:
    both = [
        name
        for name, one in before.steps.items()
        if len(one) >= LEAST_STEPS and len(after.steps.get(name, ())) >= LEAST_STEPS
    ]
    sure = adjusted({name: mann_whitney(before.steps[name], after.steps[name]) for name in both})
    found = [_measured(name, before.steps[name], after.steps[name], sure[name]) for name in both]
    differing = [step for step in found if step.is_significant]
    return sorted(differing, key=lambda step: (step.p, -abs(step.change or 0)))[:MOST_STEPS]


def _only(some: Counter[tuple[str, str]], others: Counter[tuple[str, str]]) -> list[tuple[str, str, int]]:
    return [(*key, count) for key, count in some.most_common() if key not in others]
