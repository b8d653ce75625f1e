"""A trace's row: what a list shows, kept up to date as spans arrive."""

from __future__ import annotations

from msgspec import Struct


class Trace(Struct, frozen=True, kw_only=True):
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
    """Took at least the `slow_limit` that the question gave; a meaning, computed when asked."""
    interrupted: int
    """Spans that ended as `interrupted`."""
    project: str
    environment: str
    session: str | None
    user: str | None
    tags: list[str]
    service: str | None
