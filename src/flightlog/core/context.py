"""Which span is current, and whose child the next one is.

One ContextVar holds the innermost span. There are no tokens, so nothing can be "created in a different
Context". Instead a span knows how it was left:

* `OPEN`: it has not ended.
* `LEFT`: it ended where it was entered, in the same thread and task, while it was current. Wherever it is
  still seen, that is a copy of the context made while it was open (`create_task`, `copy_context`): what starts
  there was caused by it, and is its child although it has ended.
* `STRAY`: it ended somewhere else: a generator closed by another task, finalised by the garbage collector, or
  closed out of order. Wherever it is still seen is a leak, and whoever reads it goes on to its parent.

A generator's body may also run in a context that never saw the span opened in it (an async generator whose
steps are awaited by different tasks). Spans opened directly in a generator's frame are remembered (`held`),
and a span that starts while such a frame is on the stack becomes their child.

Besides spans the variable may hold a marker: `Carried`, `Remote` or `Captured` (below).
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from types import FrameType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from flightlog.core.engine import Span

OPEN: Final = 0
LEFT: Final = 1
STRAY: Final = 2
MARKER: Final = 3
"""Not a span that can simply be a parent."""
FOREIGN: Final = 4
"""A span that a forked child inherited: its parent process records it, here it is only an ancestor."""

_MOST_FRAMES: Final = 64


class Remote:
    """A span of another process, known by its ids: a parent from a header, a fork or the environment."""

    __slots__ = ("_drops", "span_id", "trace_id")
    _state = MARKER

    def __init__(self, trace_id: str, span_id: str, *, sampled: bool = True) -> None:
        self.trace_id = trace_id
        self.span_id = span_id
        self._drops = not sampled

    @property
    def sampled(self) -> bool:
        """Whether its trace is recorded."""
        return not self._drops


class Captured:
    """Where `capture` stands: spans begun here are roots, and their lines go to `take` and nowhere else."""

    __slots__ = ("least", "take")
    _state = MARKER
    _drops = False

    def __init__(self, take: Callable[[bytes], object], least: int = 0) -> None:
        self.take = take
        self.least = least
        """The number of the least level that it takes (`LEVELS`)."""


class Carried:
    """A span taken along into a thread. It counts only while it is open: threads outlive their cause."""

    __slots__ = ("inner",)
    _state = MARKER
    _drops = True

    def __init__(self, inner: Span | Remote | Captured) -> None:
        self.inner = inner


variable: Final[ContextVar[Span | Remote | Captured | Carried | None]] = ContextVar("flightlog", default=None)
"""The innermost span or marker of this context."""

held: Final[dict[int, list[Span]]] = {}
"""Open spans that were entered directly in a generator's frame, by the frame's identity, innermost last."""


def parent_here(seen: Span | Remote | Captured | Carried | None) -> Span | Remote | Captured | None:
    """What stands behind the value of the variable: a span that may be a parent, a marker, or nothing."""
    while seen is not None:
        if isinstance(seen, (Remote, Captured)):
            return seen
        if isinstance(seen, Carried):
            seen = None if seen.inner._state in {LEFT, STRAY} else seen.inner
        elif seen._state == FOREIGN:
            if (
                seen._out is not None
            ):  # taken by a `capture` of the parent process, which hears nothing from here
                return Captured(seen._out)
            return Remote(seen.trace_id, seen.span_id, sampled=not seen._drops)
        elif seen._state == STRAY:
            seen = seen._parent
        else:
            return seen
    return None


def open_span(seen: Span | Remote | Captured | Carried | None) -> Span | None:
    """The innermost span that is still open, or None."""
    found = parent_here(seen)
    while found is not None and not isinstance(found, (Remote, Captured)):
        if found._state == OPEN:
            return found
        found = parent_here(found._parent)
    return None


def captor(seen: Span | Remote | Captured | Carried | None) -> Captured | None:
    """The `capture` that takes what begins here, or None."""
    found = parent_here(seen)
    while found is not None and not isinstance(found, (Remote, Captured)):
        if found._out is None:
            return None
        found = parent_here(found._parent if found._root is found else found._root)
    return found if isinstance(found, Captured) else None


def rescued(
    parent: Span | Remote | Captured | None,
    frame: FrameType | None,
) -> Span | Remote | Captured | None:
    """Give a generator's body its own span back when it runs in a context that never saw it.

    Args:
        parent: what the variable says.
        frame: where the new span is being entered.
    """
    if all(not spans or _is_ancestor(spans[-1], parent) for spans in list(held.values())):
        return parent
    for _ in range(_MOST_FRAMES):
        if frame is None:
            break
        if (spans := held.get(id(frame))) and not _is_ancestor(spans[-1], parent):
            return spans[-1]
        frame = frame.f_back
    return parent


def _is_ancestor(span: Span, of: Span | Remote | Captured | None) -> bool:
    """Whether `span` is `of` or stands above it."""
    seen: object = of
    while seen is not None:
        if seen is span:
            return True
        seen = getattr(seen, "_parent", None)
    return False
