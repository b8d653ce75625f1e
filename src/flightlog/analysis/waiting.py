"""Waiting told from working: how long of a span's time it waited for somebody (`pause`, `resume`)."""

from __future__ import annotations

from flightlog.records.attributes import WAITING, WAITING_SINCE
from flightlog.records.span import Span


def waited_ns(span: Span, now: int | None = None) -> int:
    """Nanoseconds that a span waited in all.

    Args:
        span: as it stands.
        now: Unix nanoseconds; up to then a span that waits is counted. By default its present pause is not.
    """
    total = _number(span.attributes.get(WAITING))
    since = waiting_since(span)
    if since and now is not None:
        total += max(0, now - since)
    return total


def worked_ns(span: Span, now: int | None = None) -> int | None:
    """Nanoseconds of a span in which it did not wait; None while it is open and no `now` is given.

    Never less than 0: the clocks of two processes may disagree.
    """
    end = span.end if span.end is not None else now
    return None if end is None else max(0, end - span.start - waited_ns(span, now))


def waiting_since(span: Span) -> int:
    """Unix nanoseconds since when a span waits; 0 for one that does not wait now."""
    return _number(span.attributes.get(WAITING_SINCE)) if span.status == "paused" else 0


def _number(value: object) -> int:
    return value if type(value) is int and value > 0 else 0
