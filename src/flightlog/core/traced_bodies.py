"""The body of a generator, coroutine or async generator under a span of its own.

A generator shares the context of whoever advances it, so a span that stayed current between two steps would be
the parent of what its consumer does. Here the body's place in the context (its span and its bindings) is put
in place for each step and taken out again after it, whichever task or thread takes the step. The span ends as
the body does: exhausted, closed, by an exception, or because nobody holds it any more.
"""

from __future__ import annotations

from _thread import get_ident
from collections.abc import Callable
from sys import get_asyncgen_hooks, getrefcount, modules, set_asyncgen_hooks
from types import AsyncGeneratorType, CoroutineType, GeneratorType
from typing import Any, Final

from flightlog.core import tasks
from flightlog.core.bound import bound
from flightlog.core.classes import traceback_of
from flightlog.core.context import LEFT, STRAY, variable
from flightlog.core.engine import Span
from flightlog.core.traced_items import Items


class Unwatched:
    """A body whose span is off: every step is as if nobody were there."""

    __slots__ = ("source",)

    def __init__(self, source: Any) -> None:
        self.source = source

    def enter(self) -> None:
        """Stay where the consumer is."""

    def first(self, step: Callable[[], Any]) -> Any:
        """Begin the first step."""
        return step()

    def took(self, outside: object, item: object) -> None:
        """Let it pass."""

    def ended(self, outside: object, error: BaseException | None) -> None:
        """Let it pass."""


class _Body:
    """A span that is open while its body is, and current while that runs.

    Whoever drives the body (`traced_calls.py`) calls `enter` before each step, and after it either `took` or, when
    the step was the last one, `ended`. There is no frame of ours between the driver's and the body's: a program
    that recurses through what is traced has only so many.
    """

    __slots__ = ("_binding", "_ended", "_inside", "_items", "_span", "source")

    _end_of: tuple[type[BaseException], ...] = ()
    """What a body of this sort raises when it is simply done."""

    def __init__(self, span: Span, source: Any, items: Items | None) -> None:
        """Take the span, which was just entered here, out of this context.

        Args:
            span: the current span.
            source: the generator or coroutine, not started yet.
            items: what becomes of the pieces it gives; None if it gives none.
        """
        self.source = source
        self._span = span
        self._items = items
        self._ended = False
        self._inside = variable.get()
        self._binding = bound.get()
        variable.set(span._outer)

    def enter(self) -> Any:
        """Take the body's place in the context; gives what `took` and `ended` put back."""
        outside = variable.get(), bound.get()
        variable.set(self._inside)
        bound.set(self._binding)
        return outside

    def took(self, outside: Any, item: object) -> None:
        """Leave the body's place after a step, with what that gave: as `_leave`, without its call."""
        self._inside = variable.get()
        self._binding = bound.get()
        variable.set(outside[0])
        bound.set(outside[1])
        if self._items is not None:
            self._items.add(item)

    def ended(self, outside: Any, error: BaseException | None) -> None:
        """End the span with what its body ended with, and leave the body's place."""
        try:
            self._end(error)
        finally:
            self._leave(outside)

    def _leave(self, outside: Any) -> None:
        self._inside = variable.get()
        self._binding = bound.get()
        variable.set(outside[0])
        bound.set(outside[1])

    def _end(self, error: BaseException | None) -> None:
        """End the span with what its body ended with; called in the body's place."""
        if self._ended:
            return
        self._ended = True
        span = self._span
        kind = type(error)  # `isinstance` and `getattr` would ask the exception, which is the program's
        done = error is None or issubclass(kind, self._end_of)
        if self._items is not None:
            self._items.tell(error.value if type(error) is StopIteration else None)
        if done or error is None:
            span.__exit__(None, None, None)
        else:
            span.__exit__(type(error), error, traceback_of(error))
        if (
            span._state == STRAY
        ):  # it was taken out wherever it stood: who still sees it was started by the body
            span._state = LEFT

    def __del__(self) -> None:
        """End the span of a body that was never started."""
        self._end(None)


class Steps(_Body):
    """The body of a generator."""

    __slots__ = ()
    _end_of = (StopIteration,)


class _Waiting(_Body):
    """A body that may wait within a step. One that is finalised while it waits is in a foreign context."""

    __slots__ = ("_begun",)

    def __init__(self, span: Span, source: Any, items: Items | None = None) -> None:
        super().__init__(span, source, items)
        self._begun = False

    def enter(self) -> Any:
        """Take the body's place; where that is, is part of what is given."""
        return (*super().enter(), get_ident(), tasks.current() if "asyncio" in modules else None)

    def ended(self, outside: Any, error: BaseException | None) -> None:
        """End the span; leave the body's place only where it was taken."""
        here = not issubclass(type(error), GeneratorExit) or self._is_in(*outside[2:])
        try:
            self._end(error)
        finally:
            if here:
                self._leave(outside)

    def _is_in(self, thread: int, task: tasks.Task | None) -> bool:
        """Whether this is where the step began, and not where it happens to be finalised."""
        if thread != get_ident():
            return False
        return variable.get() is self._span if task is None else tasks.is_current(task)


class AsyncSteps(_Waiting):
    """The body of an async generator."""

    __slots__ = ()
    _end_of = (StopAsyncIteration,)

    def first(self, step: Callable[[], Any]) -> Any:
        """Begin the first step. The event loop hears of the outer generator alone: closing that one closes this."""
        self._begun = True
        hooks = get_asyncgen_hooks()
        set_asyncgen_hooks(firstiter=None, finalizer=None)
        try:
            return step()
        finally:
            set_asyncgen_hooks(firstiter=hooks.firstiter, finalizer=hooks.finalizer)


class Unawaited:
    """Keeps the coroutine of a call until somebody awaits the one in its place, which warns if nobody does."""

    __slots__ = ("_source",)

    def __init__(self, source: Any) -> None:
        self._source = source

    def taken(self) -> Any:
        """The coroutine, which is about to be awaited."""
        source, self._source = self._source, None
        return source

    def __del__(self) -> None:
        """Close the coroutine: a second warning of the same call would be one too many."""
        if type(self._source) is CoroutineType:
            self._source.close()


class Awaited(_Waiting):
    """A coroutine that a plain function returned."""

    __slots__ = ("_keep",)

    def __init__(self, span: Span, source: Any, *, keep: bool) -> None:
        """As any body; `keep` says whether its answer is recorded."""
        super().__init__(span, source)
        self._keep = keep

    async def run(self) -> Any:
        """Await it in its place."""
        self._begun = True
        outside = self.enter()
        try:
            answer = await self.source
            if self._keep:
                self._span.output = answer
        except BaseException as error:
            self.ended(outside, error)
            raise
        self.ended(outside, None)
        return answer

    def __del__(self) -> None:
        """End the span of a coroutine that nobody awaited; the one in its place warns of that."""
        if not self._begun:
            self.source.close()
        super().__del__()


def is_fresh(answer: Any) -> bool:
    """Whether a generator or coroutine has not started: only then can another stand in its place unnoticed."""
    kind = type(answer)
    if kind is GeneratorType:
        return answer.gi_frame is not None and not (answer.gi_running or answer.gi_suspended)
    if kind is CoroutineType:
        return answer.cr_frame is not None and not (answer.cr_running or answer.cr_suspended)
    frame = answer.ag_frame
    if frame is None or answer.ag_running:
        return False
    suspended = getattr(answer, "ag_suspended", None)
    if suspended is None:  # Python 3.11: it stands where a call left it, and nowhere else
        return bool(frame.f_code.co_code[frame.f_lasti] == _RETURN_GENERATOR)
    return not suspended


_RETURN_GENERATOR: Final = 75
"""The instruction of Python 3.11 with which a call of a generator function returns."""

LASTING: Final = frozenset({GeneratorType, AsyncGeneratorType, CoroutineType})
"""Types of answers whose work is still to be done when a function returns them."""


def _counted_alone() -> int:
    answer = object()
    return getrefcount(answer)


ALONE: Final = _counted_alone()
"""What `getrefcount` says of a local variable's value that nobody else holds. What others hold too is theirs: they
compare it, step it, and must not find it closed because its stand-in was dropped."""
