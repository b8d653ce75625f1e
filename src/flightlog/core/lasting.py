"""Spans of requests: they end with the answer, wherever that is sent from, and stay the parent of what comes after.

A server's answer is finished by another task than the one that began the request, or while an inner span is
current; work that goes on afterwards in the same context (a background task) was caused by the request all the same.
"""

from __future__ import annotations

from sys import _getframe

from flightlog.core.context import LEFT, STRAY, Captured, variable
from flightlog.core.engine import Span, ids, parent_at
from flightlog.core.off import Off


def foretold_trace(made: Span | Off) -> str:
    """The trace that a span which is about to be entered here will belong to; empty for one that is off."""
    if not isinstance(made, Span):
        return ""
    parent = parent_at(_getframe(1))
    if parent is None or isinstance(parent, Captured):
        made.trace_id = made.trace_id or ids.trace_id()
        return made.trace_id
    return parent.trace_id


def here() -> object:
    """What is current, for `put_back`."""
    return variable.get()


def is_child_of(trace_id: str, span_id: str) -> bool:
    """Whether the current span is a child of that one, in that trace."""
    seen = variable.get()
    return (
        isinstance(seen, Span)
        and seen.trace_id == trace_id
        and seen._parent_field == f'"parent_id":"{span_id}",'
    )


def put_back(span: Span | Off, before: object) -> None:
    """Make current what was so before the span, if the span still is."""
    if variable.get() is span:
        variable.set(before)  # type: ignore[arg-type]  # what the variable held


def stand(span: Span | Off) -> object:
    """Make a span current that was entered elsewhere; gives what was current, for `put_back`."""
    before = variable.get()
    if isinstance(span, Span):
        variable.set(span)
    return before


def end(span: Span | Off, error: BaseException | None = None) -> None:
    """End a span from anywhere; who sees it as current goes on to do so, and begins its children.

    Args:
        span: it may be one that is off.
        error: what it ended with, as if this exception had left its block.
    """
    if not isinstance(span, Span) or span.ended:
        return
    seen = variable.get()
    span.__exit__(
        None if error is None else type(error), error, None if error is None else error.__traceback__
    )
    if span._state == STRAY:
        span._state = LEFT
    if variable.get() is not seen:
        variable.set(seen)


def rename(span: Span | Off, name: str) -> None:
    """Give a span the name that is known only now; the last line of a span is the one that counts."""
    if isinstance(span, Span) and not span.ended:
        span._name = name
