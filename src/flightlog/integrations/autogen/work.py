"""One piece of AutoGen's work on its way: a run of a team, the turn of an agent, a model call, the call of a tool.

The span is current while the work goes on. Of work that gives a stream it is not current between two of its items.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any, Final

from flightlog.border import let_through
from flightlog.core.context import OPEN, parent_here, variable
from flightlog.core.engine import Span
from flightlog.core.llm import ModelCall
from flightlog.integrations.refusal import refusal

Report = Callable[[str, Exception], object]

_MOST_ABOVE: Final = 256
_ENDED: Final = "flightlog.stream.ended"


class Work:
    """Something that has begun."""

    __slots__ = ("call", "made", "of", "take")

    def __init__(
        self,
        of: object,
        made: Span,
        take: Callable[[Work, Any, bool], None],
        call: ModelCall | None = None,
    ) -> None:
        """Prepare.

        Args:
            of: the team, the agent, the client or the tool whose work it is.
            made: its span.
            take: takes in what it gives, with whether that is all or one item of a stream.
            call: the model call that it is, if it is one.
        """
        self.of = of
        self.made = made
        self.take = take
        self.call = call


class Working:
    """The work that goes on, and how it begins and ends."""

    def __init__(self, report: Report) -> None:
        self._report = report
        self._open: dict[Span, Work] = {}

    def here(self) -> Work | None:
        """The innermost work of this context."""
        seen: Any = parent_here(variable.get())
        for _ in range(_MOST_ABOVE):
            if not isinstance(seen, Span):
                return None
            if seen in self._open:
                return self._open[seen]
            seen = parent_here(seen._parent)  # noqa: SLF001 - as the core itself looks
        return None

    def begin(self, make: Callable[[], Work | None]) -> Work | None:
        """Begin something that is current nowhere yet; None where it is not recorded."""
        here = variable.get()
        try:
            work = make()
            if work is None:
                return None
            (work.call or work.made).__enter__()
            if not work.made.span_id:  # its level is off
                return None
            self._open[work.made] = work
        except Exception as failure:  # noqa: BLE001 - the border: the work must go on
            let_through(failure)
            self._report("a call could not be recorded", failure)
            return None
        else:
            return work
        finally:
            if variable.get() is not here:
                variable.set(here)

    def take(self, work: Work, said: Any, *, is_all: bool) -> None:
        """Take in what it gives."""
        try:
            work.take(work, said, is_all)
        except Exception as failure:  # noqa: BLE001 - the border, as above
            let_through(failure)
            self._report("an answer could not be recorded", failure)

    def end(self, work: Work, error: BaseException | None = None) -> None:
        """End it, with what it ended with."""
        self._open.pop(work.made, None)
        try:
            if isinstance(error, GeneratorExit):  # its consumer has heard enough
                work.made.set_attributes({_ENDED: "early"})
                error = None
            if error is not None and work.call is not None:
                work.call.set_attributes(refusal(error))
            if work.made._state == OPEN:  # noqa: SLF001 - as above
                kind = None if error is None else type(error)
                (work.call or work.made).__exit__(kind, error, getattr(error, "__traceback__", None))
        except Exception as failure:  # noqa: BLE001 - the border, as above
            let_through(failure)
            self._report("the end of a call could not be recorded", failure)

    async def awaited(self, work: Work, source: Any) -> Any:
        """What a coroutine gives; the span is current meanwhile."""
        with _within(work.made):
            try:
                result = await source
            except BaseException as error:
                self.end(work, error)
                raise
            self.take(work, result, is_all=True)
            self.end(work)
            return result

    async def pulled(self, begin: Callable[[], Work | None], source: Any) -> AsyncIterator[Any]:
        """The items of a stream; the span begins with the first and is current while each is made."""
        work = begin()
        error: BaseException | None = None
        try:
            while True:
                with _within(None if work is None else work.made):
                    try:
                        item = await anext(source)
                    except StopAsyncIteration:
                        return
                if work is not None:
                    self.take(work, item, is_all=False)
                yield item
        except BaseException as left:
            error = left
            raise
        finally:
            if work is not None:
                self.end(work, error)
            close = getattr(source, "aclose", None)
            if close is not None:
                await close()


@contextlib.contextmanager
def _within(made: Span | None) -> Iterator[None]:
    """Make a span current for a while, unless there is none."""
    if made is None:
        yield
        return
    before = variable.get()
    variable.set(made)
    try:
        yield
    finally:
        if variable.get() is made:
            variable.set(before)
