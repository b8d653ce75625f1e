"""Spans of blocks and of generators: an agent's run may be either, and what is in it is below it in both."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from flightlog.border import let_through
from flightlog.core.context import OPEN, parent_here, variable
from flightlog.core.detached import begin, finish
from flightlog.core.engine import Span, span
from flightlog.core.unset import UNSET

Report = Callable[[str, Exception], object]

INSTRUMENTATION: Final = "flightlog.instrumentation"
LIBRARY: Final = "smolagents"
ENDED: Final = "flightlog.stream.ended"


class Work:
    """One piece of work of an agent's, which never fails for what we do."""

    __slots__ = ("_report", "made")

    def __init__(self, report: Report) -> None:
        self._report = report
        self.made: Span | None = None

    def guarded(self, step: Callable[..., Any], *args: Any) -> Any:
        """Do something of ours."""
        try:
            return step(*args)
        except Exception as failure:  # noqa: BLE001 - the border: the program's own work must go on
            let_through(failure)
            self._report("a part of a run could not be recorded", failure)
            return None

    def begin(self, name: str, kind: str, attributes: Mapping[str, object], content: object = UNSET) -> None:
        """Begin, below what is current."""
        self.guarded(self._begin, name, kind, attributes, content)

    def _begin(self, name: str, kind: str, attributes: Mapping[str, object], content: object) -> None:
        made = span(name, kind, input=content)
        if isinstance(made, Span):
            made.set_attributes({INSTRUMENTATION: LIBRARY, **attributes})
            begin(made, parent_here(variable.get()))
            self.made = made

    def end(self, error: BaseException | None = None) -> None:
        """End, with what ended it."""
        self.guarded(self._end, error)

    def _end(self, error: BaseException | None) -> None:
        made = self.made
        if made is None or made._state != OPEN:  # noqa: SLF001 - as the core itself looks
            return
        if isinstance(error, GeneratorExit):
            made.set_attributes({ENDED: "early"})
        elif error is not None:
            made._end_with(error)  # noqa: SLF001 - as if it had left a block of this span
        finish(made)

    def cancel(self) -> None:
        """End it as cancelled."""
        made = self.made
        if made is not None and made._state == OPEN:  # noqa: SLF001 - as above
            made._status = "cancelled"  # noqa: SLF001 - no exception of this meaning leaves anything
            made._plain = False  # noqa: SLF001 - as above
        self.end()

    @contextlib.contextmanager
    def current(self) -> Iterator[None]:
        """Be current for a while."""
        made, before = self.made, variable.get()
        if made is None:
            yield
            return
        variable.set(made)
        try:
            yield
        finally:
            if variable.get() is made:
                variable.set(before)


def pulled(
    source: Any,
    current: Callable[[], Any],
    noted: Callable[[Any], object],
    done: Callable[[BaseException | None], object],
) -> Iterator[Any]:
    """The items of a generator; its span is current while the next one is made, and not between two of them.

    Args:
        source: the generator.
        current: makes the block in which it is.
        noted: is told each item.
        done: is told that it is over, and by what.
    """
    error: BaseException | None = None
    try:
        while True:
            with current():
                try:
                    item = next(source)
                except StopIteration:
                    return
            noted(item)
            yield item
    except BaseException as failure:
        error = failure
        if isinstance(failure, GeneratorExit):
            with current():
                source.close()
        raise
    finally:
        done(error)
