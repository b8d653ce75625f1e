"""Runs on their way: CrewAI tells of a beginning and of an end, and nothing holds what is between.

A run's span is the current one from its beginning to its end, in the context in which CrewAI tells of them: as CrewAI
keeps its own stack. Where an end is never told (a task that is cancelled, a call that is tried again in another way)
it comes with that of the run around it.
"""

from __future__ import annotations

from typing import Any, Final

from flightlog.core.context import OPEN, parent_here, variable
from flightlog.core.engine import Span
from flightlog.core.llm import ModelCall

_MOST_ABOVE: Final = 256
_OUTLIVING: Final = frozenset({"memory_save"})
"""What goes on in the background when what began it is over."""


class Run:
    """Something that has begun and is not over."""

    __slots__ = ("below", "call", "family", "graph", "made", "mark", "origin", "source")

    def __init__(self, family: str, source: object, mark: str, made: Span, call: ModelCall | None) -> None:
        self.family = family
        """What its events have in common: `crew_kickoff`, `llm_call`, …"""
        self.source = source
        """Who told of it."""
        self.mark = mark
        """What tells it from others of its family and source; empty for nothing."""
        self.made = made
        self.call = call
        """The model call that it is, if it is one."""
        self.graph: Any = None
        """The graph that it is a run of, as `flows.Graph`."""
        self.origin: Run | None = None
        """The run around it."""
        self.below: dict[int, Run] = {}
        """Runs within it that are not over, by their identity."""

    def is_of(self, family: str, source: object, mark: str) -> bool:
        """Whether an end of this family and mark, told by this source, is its own."""
        return self.family == family and self.mark == mark and (bool(mark) or self.source is source)


class Runs:
    """The runs that are on their way."""

    def __init__(self) -> None:
        self._by_span: dict[Span, Run] = {}

    def begin(self, run: Run) -> bool:
        """Make a run current here; False where its level is off."""
        run.origin = self.here()
        (run.call or run.made).__enter__()
        if not run.made.span_id:
            return False
        self._by_span[run.made] = run
        if run.origin is not None:
            run.origin.below[id(run)] = run
        return True

    def here(self) -> Run | None:
        """The innermost run of this context."""
        seen: Any = parent_here(variable.get())
        for _ in range(_MOST_ABOVE):
            if not isinstance(seen, Span):
                return None
            if seen in self._by_span:
                return self._by_span[seen]
            seen = parent_here(seen._parent)  # noqa: SLF001 - as the core itself looks
        return None

    def find(self, family: str, source: object, mark: str) -> Run | None:
        """The run that an end is of: the nearest around here, else the one anywhere that is the only such."""
        run = self.here()
        while run is not None:
            if run.is_of(family, source, mark):
                return run
            run = run.origin
        found = [one for one in list(self._by_span.values()) if one.is_of(family, source, mark)]
        return found[0] if len(found) == 1 else None

    def end(self, run: Run, error: BaseException | None = None) -> None:
        """End a run, and before it what began within it and is not told of any more."""
        for one in list(run.below.values()):
            if one.family not in _OUTLIVING or error is not None:
                self.end(one, error)
        if self._by_span.pop(run.made, None) is None:
            return
        if run.origin is not None:
            run.origin.below.pop(id(run), None)
        ending = (None if error is None else type(error), error, getattr(error, "__traceback__", None))
        if run.made._state == OPEN:  # noqa: SLF001 - as above
            (run.call or run.made).__exit__(*ending)

    def abandon(self, since: object, error: BaseException) -> None:
        """End what began here and is not over, as an exception has left it.

        Args:
            since: what was current when the call began that the exception has left.
            error: the exception.
        """
        run = self.here()
        while run is not None and run.made is not since and not _is_above(run.made, since):
            around = run.origin
            self.end(run, error)
            run = around

    def end_all(self) -> None:
        """End all of them, as nobody tells of them any more."""
        for run in list(self._by_span.values()):
            self.end(run)


def _is_above(made: Span, seen: Any) -> bool:
    """Whether a span is this one or stands above it."""
    for _ in range(_MOST_ABOVE):
        if seen is None or seen is made:
            return seen is made
        seen = getattr(seen, "_parent", None)
    return True
