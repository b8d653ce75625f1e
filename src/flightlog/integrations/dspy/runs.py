"""Work that DSPy has begun, by the ids of its callbacks."""

from __future__ import annotations

from typing import Any, Final

from flightlog.core.context import OPEN, Captured, Remote, parent_here, variable
from flightlog.core.engine import Span
from flightlog.core.llm import ModelCall
from flightlog.integrations.dspy.told import failure

_MOST_ABOVE: Final = 64


class Run:
    """One piece of work that has begun."""

    __slots__ = ("before", "call", "instance", "is_given", "is_served", "made")

    def __init__(self, made: Span, instance: object, call: ModelCall | None = None) -> None:
        self.made = made
        """Its span."""
        self.instance = instance
        """The object whose method it is."""
        self.call = call
        """The model call that it is, if it is one."""
        self.before: Any = None
        """What was current before it."""
        self.is_served = False
        """Whether somebody was asked; else a cache may have had the answer."""
        self.is_given = False
        """Whether it got a recorded answer."""


class Runs:
    """The runs that are on their way."""

    def __init__(self) -> None:
        self._runs: dict[str, Run] = {}
        self._made: dict[Span, Run] = {}

    def knows(self, name: str) -> bool:
        """Whether the one of this id is on its way."""
        return name in self._runs

    def take(self, name: str) -> Run | None:
        """The one of this id, which is over."""
        return self._runs.pop(name, None)

    def around(self) -> Run | None:
        """The innermost run that is current here."""
        seen = parent_here(variable.get())
        for _ in range(_MOST_ABOVE):
            if seen is None or isinstance(seen, (Remote, Captured)):
                break
            found = self._made.get(seen)
            if found is not None:
                return found
            seen = parent_here(seen._parent)  # noqa: SLF001 - as the core itself looks
        return None

    def begin(self, name: str, run: Run) -> None:
        """Begin its span and make it current, unless its level is off."""
        run.before = variable.get()
        if run.call is None:
            run.made.__enter__()
        else:
            run.call.start()
        if run.made.span_id:
            variable.set(run.made)
            self._runs[name] = run
            self._made[run.made] = run

    def end(self, run: Run, error: BaseException | None = None) -> None:
        """End a run, with what ended it."""
        self._made.pop(run.made, None)
        if error is not None:
            run.made.set_attributes(dict(failure(error)))
        if run.call is not None:
            if variable.get() is run.made:
                variable.set(run.before)
            run.call.end(error)
        elif run.made._state == OPEN:  # noqa: SLF001 - as above
            run.made.__exit__(
                None if error is None else type(error), error, getattr(error, "__traceback__", None)
            )

    def end_all(self) -> None:
        """End those that are on their way, as nothing will be told of them any more."""
        for run in [*self._made.values()][::-1]:
            self.end(run)
        self._runs.clear()
