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
and a span that starts while such a frame is on the stack becomes their child. So does one that starts there
while whoever advances the generator holds a span open that it began between two steps (`outside`).

Besides spans the variable may hold a marker: `Carried`, `Remote` or `Captured` (below).
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from types import FrameType
from typing import TYPE_CHECKING, Any, Final

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
    tracestate = ""
    """What other tracers said with it (W3C); most say nothing."""

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

outside: Final[dict[Span, tuple[int, tuple[int, ...]]]] = {}
"""Open spans that began while a generator that holds a span above them waited: the identity of the frame where each
was entered, and those of the frames that waited."""


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
    """Give a generator's body its own span back where the variable shows another's.

    Either its step runs in a context that never saw the span, or whoever advances it has begun another one.

    Args:
        parent: what the variable says.
        frame: where the new span is being entered.
    """
    between = _begun_outside(parent)
    if between is None and all(not spans or _is_ancestor(spans[-1], parent) for spans in list(held.values())):
        return parent
    last = 0 if between is None else outside.get(between, (0,))[0]
    for _ in range(_MOST_FRAMES):
        if frame is None:
            break
        if spans := held.get(id(frame)):
            if not _is_ancestor(spans[-1], parent):
                return spans[-1]
            own: Span | Remote | Captured | None = _within(parent, spans[-1], id(frame))
            if own is not parent:
                return own
        if id(frame) == last:
            break
        frame = frame.f_back
    return parent


def place(span: Span, parent: Span | Remote | Captured | None, frame: FrameType) -> None:
    """Note which of the generators that hold a span above this one wait while it begins.

    Args:
        span: the one that is being entered.
        parent: what stands above it.
        frame: where it is being entered.
    """
    asked: set[int] = set()
    known: set[int] = set()
    seen: Any = parent
    while seen is not None:
        if (at := getattr(seen, "_frame", 0)) in held and at not in known:
            asked.add(at)
        if seen in outside:
            known.update(outside[seen][1])
        if getattr(seen, "_alone", False):
            break
        seen = getattr(seen, "_parent", None)
    here: FrameType | None = frame
    for _ in range(_MOST_FRAMES):
        if here is None or not asked:
            break
        asked.discard(id(here))
        here = here.f_back
    if asked:
        span._frame = id(frame)
        outside[span] = (span._frame, tuple(asked))


def _begun_outside(seen: Any) -> Span | None:
    """The nearest span, from this one on up, that began while a generator that holds one above it waited."""
    while seen is not None:
        if seen in outside or getattr(seen, "_alone", False):
            return seen  # type: ignore[no-any-return]  # only spans are and have that
        seen = getattr(seen, "_parent", None)
    return None


def _within(parent: Any, own: Span, frame: int) -> Any:
    """The innermost span, from this one on up to a generator's, that did not begin while the generator waited."""
    seen = inner = parent
    while seen is not None and seen is not own:
        above = getattr(seen, "_parent", None)
        if frame in outside.get(seen, (0, ()))[1] or getattr(seen, "_alone", False):
            inner = above
        seen = above
    return inner


def _is_ancestor(span: Span, of: Span | Remote | Captured | None) -> bool:
    """Whether `span` is `of` or stands above it."""
    seen: object = of
    while seen is not None:
        if seen is span:
            return True
        seen = getattr(seen, "_parent", None)
    return False
