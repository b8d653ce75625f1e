"""What is said of whole traces: a trace's row, which of them a question means, and what they add up to."""

from __future__ import annotations

from typing import Final, Literal, get_args

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


Order = Literal["newest", "duration", "cost", "tokens", "errors"]
ORDERS: Final[tuple[Order, ...]] = get_args(Order)
"""By what traces can be ordered, those first that have most of it."""


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
    until: int | None = None
    """Unix nanoseconds: traces that start before then."""
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


class Slot(Struct, frozen=True, kw_only=True):
    """Ended spans that started within one part of a time."""

    start: int
    """Unix nanoseconds."""
    spans: int
    errors: int


class Figures(Struct, frozen=True, kw_only=True):
    """What the ended spans of one group add up to."""

    name: str = ""
    """This and the next nine: what the group has in common; empty for what it was not grouped by, and for spans that
    have none. As a name `…` stands for every name beyond a project's limit."""
    kind: str = ""
    model: str = ""
    provider: str = ""
    service: str = ""
    user: str = ""
    session: str = ""
    tag: str = ""
    status: str = ""
    attribute: str = ""
    spans: int
    errors: int
    cancelled: int
    interrupted: int
    total_ns: int
    """Sum of their durations."""
    p50_ns: int | None
    """Durations that 50, 90, 95, 99 and all of 100 do not exceed; None without spans."""
    p90_ns: int | None = None
    p95_ns: int | None
    p99_ns: int | None
    max_ns: int | None = None
    is_exact: bool = False
    """Whether each span was looked at. Else it is from sums by the hour: durations that percentiles tell are off by at
    most 2.5 %, and times begin and end with a whole hour."""
    self_ns: int | None = None
    """Sum of the times in which none of their children ran; None where spans were not looked at one by one."""
    llm_calls: int
    unknown_usage_calls: int
    """Model calls that told no usage; the tokens are those of the others."""
    llm_ns: int = 0
    """Sum of the durations of the model calls."""
    input_tokens: int
    output_tokens: int
    cache_read_tokens: int
    cache_write_tokens: int
    reasoning_tokens: int
    priced_calls: int = 0
    """Calls of which the store remembers what they cost, or that it is unknown; the next three are about them."""
    unknown_cost_calls: int = 0
    """Those whose cost is not known, or not known whole."""
    cost_pico_usd: int = 0
    """Trillionths of a US dollar; a least where calls are unknown or were not priced."""
    unpriced_calls: int = 0
    """Model calls that nobody has priced yet."""
    first_ns: int | None = None
    """Mean of the times from the start of a priced call to the first piece of its answer; None where none told it."""
    durations: dict[int, int] = {}
    """How many spans by bucket (`store.rollups`), 5 % wide each."""
    slots: list[Slot] = []
    """When they started, oldest first; only where that was asked for."""

    @property
    def tokens_a_second(self) -> float | None:
        """Output tokens for each second that model calls took; None without any."""
        return self.output_tokens * 1e9 / self.llm_ns if self.output_tokens and self.llm_ns else None

    def common(self) -> tuple[str, ...]:
        """What the group has in common, field by field."""
        named = (self.name, self.kind, self.model, self.provider, self.service)
        return (*named, self.user, self.session, self.tag, self.status, self.attribute)


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
    """Durations that 50, 95 and 99 of 100 ended traces do not exceed, off by at most 2.5 %, and never beyond the
    shortest and the longest; None without any."""
    p95_ns: int | None
    p99_ns: int | None
    hours: list[Hour]
    """Only hours in which a trace started, oldest first."""
    mean_ns: int | None = None
    """Of the durations of those that ended; likewise the longest."""
    max_ns: int | None = None
    spans: int = 0
    llm_calls: int = 0
    unknown_usage_calls: int = 0
    input_tokens: int = 0
    """Those that model calls told, as `Figures` has them; likewise the next."""
    output_tokens: int = 0
    priced_calls: int = 0
    unknown_cost_calls: int = 0
    cost_pico_usd: int = 0
    unpriced_calls: int = 0

    @property
    def success_rate(self) -> float | None:
        """Share of `ok` among the traces that are over; None while none is."""
        over = self.traces - sum(self.statuses.get(status, 0) for status in ("running", "paused"))
        return self.statuses.get("ok", 0) / over if over else None
