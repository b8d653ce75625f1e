"""Runs on their way, by their ids: LangChain tells of a run's beginning and end, and nothing holds it in between."""

from __future__ import annotations

from typing import Any, Final

from flightlog.core.context import OPEN, parent_here, variable
from flightlog.core.engine import Span
from flightlog.core.llm import ModelCall

_MOST_ABOVE: Final = 64

ENDED: Final = "flightlog.stream.ended"
"""How a stream ended, where its consumer closed it before its end: `early`."""


class Run:
    """One run that has begun."""

    __slots__ = ("call", "graph", "made", "name", "node", "origin")

    def __init__(self, made: Span, call: ModelCall | None = None, origin: Run | None = None) -> None:
        self.made = made
        """Its span."""
        self.call = call
        """The model call that it is, if it is one."""
        self.origin = origin
        """The run around it."""
        self.graph: Any = None
        """The graph that it is a run of, as `graphs.Graph`."""
        self.node = ""
        """The node that it is a run of, in the graph of the run around it."""
        self.name = ""


class Runs:
    """The runs that are on their way."""

    def __init__(self) -> None:
        self._runs: dict[Any, Run] = {}
        self._passed: dict[Any, Run] = {}
        """The run around each one that is left out."""

    def get(self, run_id: object) -> Run | None:
        """One of them; for one that is left out, the run around it."""
        return self._runs.get(run_id) or self._passed.get(run_id)

    def take(self, run_id: object) -> Run | None:
        """One of them that is over; None for one that is left out."""
        self._passed.pop(run_id, None)
        return self._runs.pop(run_id, None)

    def begin(self, run_id: object, parent_id: object, made: Span) -> Run | None:
        """Begin a span that is current nowhere; None where its level is off."""
        return self._begin(run_id, parent_id, made, None)

    def begin_call(self, run_id: object, parent_id: object, call: ModelCall) -> Run | None:
        """Begin a model call; None as above."""
        return self._begin(run_id, parent_id, call._span, call)  # noqa: SLF001 - what is made current

    def _begin(self, run_id: object, parent_id: object, made: Span, call: ModelCall | None) -> Run | None:
        origin = self.get(parent_id)
        here = variable.get()
        variable.set(_place(origin))
        try:
            (made.__enter__ if call is None else call.start)()
        finally:
            variable.set(here)
        if not made.span_id:  # its level is off: what is in it belongs to the run around it
            self.pass_by(run_id, parent_id)
            return None
        run = self._runs[run_id] = Run(made, call, origin)
        return run

    def pass_by(self, run_id: object, parent_id: object) -> None:
        """Leave a run out: what happens in it belongs to the run around it."""
        origin = self.get(parent_id)
        if origin is not None:
            self._passed[run_id] = origin


def _place(origin: Run | None) -> Any:
    """What a run that begins here stands under: what is current, or the run around it where that is none of it."""
    here = variable.get()
    if origin is None:
        return here
    seen = parent_here(here)
    for _ in range(_MOST_ABOVE):
        if seen is origin.made:
            return here
        if not isinstance(seen, Span):
            break
        seen = parent_here(seen._parent)  # noqa: SLF001 - as the core itself looks
    return origin.made


def end(run: Run, error: BaseException | None = None) -> None:
    """End a run, with what ended it."""
    if isinstance(error, GeneratorExit):  # its consumer has heard enough
        run.made.set_attributes({ENDED: "early"})
        error = None
    waits = _waits_for(error)
    if waits is not None:
        run.made.pause(waits)
        error = None
    elif _is_passed_on(error):
        error = None
    if run.call is not None:
        run.call.end(error)
    elif run.made._state == OPEN:  # noqa: SLF001 - as above
        run.made.__exit__(
            None if error is None else type(error), error, getattr(error, "__traceback__", None)
        )


def _waits_for(error: BaseException | None) -> str | None:
    """What a run waits for that ended by an interrupt of LangGraph's; None where it did not."""
    if not _is_a(error, "GraphInterrupt"):
        return None
    interrupts = error.args[0] if error is not None and error.args else ()
    told = [getattr(one, "value", one) for one in interrupts or ()]
    return "; ".join(str(one) for one in told)[:1000]


def _is_passed_on(error: BaseException | None) -> bool:
    """Whether this is no failure, but how LangGraph hands something on to the graph around."""
    return _is_a(error, "GraphBubbleUp")


def _is_a(error: BaseException | None, name: str) -> bool:
    return any(
        base.__name__ == name and base.__module__.startswith("langgraph") for base in type(error).__mro__
    )
