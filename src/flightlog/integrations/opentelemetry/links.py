"""What is said of a link besides the ids of the other span: in the field `otel`, as of links that come over OTLP."""

from __future__ import annotations

from typing import Any, Final

from opentelemetry.trace import SpanContext, TraceFlags

_HAS_REMOTE: Final = 0x100
IS_REMOTE: Final = 0x200
"""Flags of OTLP beside W3C's: that it is known whether a context came from another process, and that it did."""


def told_of(context: SpanContext) -> dict[str, Any]:
    """What a line says in `otel` of a link to a span, besides its ids: nothing of a usual one of this process."""
    flags = context.trace_flags & 0xFF
    told: dict[str, Any] = {}
    if context.trace_state:
        told["trace_state"] = context.trace_state.to_header()
    if context.is_remote:
        told["flags"] = _HAS_REMOTE | IS_REMOTE | flags
    elif not flags & TraceFlags.SAMPLED:
        told["flags"] = _HAS_REMOTE | flags
    return told
