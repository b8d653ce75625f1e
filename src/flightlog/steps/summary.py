"""What a trace adds up to."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from flightlog.steps.step import MS, TraceStep, type_text


class TraceSummary(Struct, frozen=True):
    """Counts, durations and errors of one trace. Durations are whole milliseconds."""

    total_steps: int
    total_duration_ms: int
    step_durations: dict[str, int]
    """By step type, the longest first."""
    step_counts: dict[str, int]
    """By step type, in the same order."""
    errors: list[str]
    """`name: message` of each step that failed, in order."""
    slowest: str | None = None
    """Name of the step that took longest."""


def summary(steps: Sequence[TraceStep], total_duration_ms: int) -> TraceSummary:
    """Add up these steps."""
    took: dict[str, int] = {}
    counts: dict[str, int] = {}
    for step in steps:
        kind = type_text(step.step_type)
        took[kind] = took.get(kind, 0) + step.end_ns - step.start_ns
        counts[kind] = counts.get(kind, 0) + 1
    order = sorted(took, key=lambda kind: -took[kind])
    slowest = max(steps, key=lambda step: step.end_ns - step.start_ns, default=None)
    return TraceSummary(
        total_steps=len(steps),
        total_duration_ms=total_duration_ms,
        step_durations={kind: took[kind] // MS for kind in order},
        step_counts={kind: counts[kind] for kind in order},
        errors=[f"{step.name}: {step.error or 'failed'}" for step in steps if step.failed],
        slowest=None if slowest is None else slowest.name,
    )
