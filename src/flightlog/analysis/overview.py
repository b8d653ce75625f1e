"""What the newest traces say at a glance: how many, how fast, how they went, what they took."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from msgspec import Struct

from flightlog.records.traces import Trace

MINUTE_NS: Final = 60 * 10**9
BEATS: Final = 20
"""Pieces into which the time is divided for `starts`."""

_OPEN: Final = frozenset({"running", "paused"})


class Overview(Struct, frozen=True, kw_only=True):
    """The figures of some traces; all exact, for the traces themselves were looked at."""

    traces: int = 0
    open: int = 0
    """Of them, those that run or wait."""
    failed: int = 0
    """Those that ended as `error`."""
    last_minute: int = 0
    """Those that began within the last minute."""
    p50_ns: int | None = None
    """Durations that 50, 95 and 99 of 100 of those that are over do not exceed; None while none is."""
    p95_ns: int | None = None
    p99_ns: int | None = None
    input_tokens: int | None = None
    """Sum over those that told theirs; None where none did."""
    output_tokens: int | None = None
    since: int | None = None
    """Unix nanoseconds: when the oldest of them began."""
    starts: tuple[int, ...] = ()
    """How many began in each of `BEATS` equal pieces of the time from `beat_since` to now, the oldest first."""
    span_ns: int = 0
    """How long that time is."""

    @property
    def over(self) -> int:
        """Those that are over."""
        return self.traces - self.open


def overview(traces: Sequence[Trace], now_ns: int) -> Overview:
    """Sum up these traces as of now."""
    if not traces:
        return Overview()
    took = sorted(t.duration_ns for t in traces if t.status not in _OPEN and t.duration_ns is not None)
    since = min(trace.start for trace in traces)
    span_ns = max(MINUTE_NS, now_ns - since)
    return Overview(
        traces=len(traces),
        open=sum(trace.status in _OPEN for trace in traces),
        failed=sum(trace.status == "error" for trace in traces),
        last_minute=sum(now_ns - MINUTE_NS <= trace.start <= now_ns for trace in traces),
        p50_ns=_rank(took, 50),
        p95_ns=_rank(took, 95),
        p99_ns=_rank(took, 99),
        input_tokens=_sum([trace.input_tokens for trace in traces]),
        output_tokens=_sum([trace.output_tokens for trace in traces]),
        since=since,
        starts=_starts(traces, now_ns, span_ns),
        span_ns=span_ns,
    )


def _rank(ordered: Sequence[int], percent: int) -> int | None:
    """The least of them that so many of 100 do not exceed."""
    return ordered[-(-len(ordered) * percent // 100) - 1] if ordered else None


def _sum(numbers: Sequence[int | None]) -> int | None:
    known = [number for number in numbers if number is not None]
    return sum(known) if known else None


def _starts(traces: Sequence[Trace], now_ns: int, span_ns: int) -> tuple[int, ...]:
    counted = [0] * BEATS
    for trace in traces:
        place = BEATS - 1 - (now_ns - trace.start) * BEATS // span_ns
        counted[min(BEATS - 1, max(0, place))] += 1
    return tuple(counted)
