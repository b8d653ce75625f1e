"""What is said of whole traces: a trace's row, which of them a question means, and what they add up to."""

from __future__ import annotations

from typing import Final

from msgspec import Struct

from flightlog.records.event import Event
from flightlog.records.question import Question
from flightlog.records.span import Span


class Trace(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One trace. What is unknown is None, never 0."""

    trace_id: str
    name: str
    kind: str
    status: str
    """The status of its most root-like span."""
    start: int
    """Unix nanoseconds: the least start of its spans."""
    duration_ns: int | None
    """Greatest end minus least start; None while nothing has ended."""
    span_count: int
    error_count: int
    llm_calls: int
    input_tokens: int | None
    """Sum over the model calls whose usage is known; None when none is."""
    output_tokens: int | None
    unknown_usage_calls: int
    """Model calls that reported no usage."""
    model: str | None
    """Model of the earliest model call that names one."""
    retries: int
    """`retry` events seen."""
    slow: bool
    """Worked for at least the `slow_limit` that the question gave; a meaning, computed when asked."""
    interrupted: int
    """Spans that ended as `interrupted`."""
    project: str
    environment: str
    session: str | None
    """The root's; where that has none, the one that was asked for and is below it."""
    user: str | None
    tags: list[str]
    service: str | None
    waiting_ns: int = 0
    """How long of its duration its root waited for somebody; left out of JSON when it did not."""
    waiting_since: int | None = None
    """Unix nanoseconds: since when its root waits; left out of JSON while it does not."""

    @property
    def worked_ns(self) -> int | None:
        """Its duration without the time in which its root waited; None while nothing has ended."""
        return None if self.duration_ns is None else max(0, self.duration_ns - self.waiting_ns)


class Selection(Struct, frozen=True, kw_only=True):
    """Which traces a question means; what is empty or None narrows nothing, and all that is given must hold."""

    statuses: tuple[str, ...] = ()
    """Any of these."""
    name: str = ""
    """With `*`, `?` or `[…]` a pattern for the whole name; without, a part of it, whatever its ASCII case."""
    kinds: tuple[str, ...] = ()
    """Any of these."""
    session: str = ""
    """That of its root, or where that has none, of any of its spans."""
    project: str = ""
    since: int | None = None
    """Unix nanoseconds: traces that start then or later."""
    question: Question | None = None
    """Traces of which some span fits it. Where spans or calls are answered, those of them that fit it."""


EVERY_TRACE: Final = Selection()
"""The selection that narrows nothing."""


class Flow(Struct, frozen=True, kw_only=True):
    """What belongs to one correlation id, in whatever traces."""

    spans: list[Span]
    """Those recorded while the id was bound, by start, then id; without large inputs and outputs."""
    events: list[Event]
    """Those that name it, or were recorded while it was bound, by time, then id."""
    has_more: bool
    """There are more than were asked for."""


class Figures(Struct, frozen=True, kw_only=True):
    """What the ended spans of one group add up to."""

    name: str = ""
    """What the group has in common; empty for a part of it that was not grouped by. `…` stands for every name
    beyond a project's limit."""
    kind: str = ""
    model: str = ""
    provider: str = ""
    spans: int
    errors: int
    cancelled: int
    interrupted: int
    total_ns: int
    """Sum of their durations."""
    p50_ns: int | None
    """Durations that 50, 95 and 99 of 100 do not exceed, off by at most 2.6 %; None without spans."""
    p95_ns: int | None
    p99_ns: int | None
    llm_calls: int
    unknown_usage_calls: int
    """Model calls that told no usage; the tokens are those of the others."""
    input_tokens: int
    output_tokens: int
    cache_read_tokens: int
    cache_write_tokens: int
    reasoning_tokens: int


class Hour(Struct, frozen=True, kw_only=True):
    """The traces that started within one hour."""

    start: int
    """Unix nanoseconds."""
    traces: int
    errors: int
    """Those that ended as `error`."""


class TraceFigures(Struct, frozen=True, kw_only=True):
    """What some traces add up to."""

    traces: int
    statuses: dict[str, int]
    """How many ended, or stand, with each status."""
    retried: int
    """Traces with at least one retry."""
    retries: int
    recovered: int
    """Traces that ended as `ok` after a retry."""
    slow: int
    """Traces that worked for at least the `slow_limit` that the question gave; waiting is no work."""
    p50_ns: int | None
    """Durations that 50, 95 and 99 of 100 ended traces do not exceed, off by at most 2.6 %, and never beyond the
    shortest and the longest; None without any."""
    p95_ns: int | None
    p99_ns: int | None
    hours: list[Hour]
    """Only hours in which a trace started, oldest first."""

    @property
    def success_rate(self) -> float | None:
        """Share of `ok` among the traces that are over; None while none is."""
        over = self.traces - sum(self.statuses.get(status, 0) for status in ("running", "paused"))
        return self.statuses.get("ok", 0) / over if over else None
