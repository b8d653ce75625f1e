"""Work that LlamaIndex has begun: its span, what is around it, and the streams that keep it open."""

from __future__ import annotations

from asyncio import CancelledError
from typing import Any, Final

from flightlog.core.context import OPEN, Captured, Remote, parent_here, variable
from flightlog.core.engine import Span
from flightlog.core.llm import ModelCall
from flightlog.integrations.refusal import refusal

_MOST_ABOVE: Final = 64


class Run:
    """One piece of work that has begun."""

    __slots__ = (
        "answer",
        "around",
        "before",
        "call",
        "instance",
        "is_cancelled",
        "kind",
        "made",
        "streams",
        "waits",
    )

    def __init__(self, made: Span, kind: str, instance: object, around: Run | None) -> None:
        self.made = made
        """Its span."""
        self.kind = kind
        self.instance = instance
        """The object whose method it is; None for a function."""
        self.around = around
        """The run that it is a part of."""
        self.call: ModelCall | None = None
        """The model call that it is, if it is one."""
        self.before: Any = None
        """What was current before it."""
        self.streams = 0
        """How many streams began with it or within it that are not over."""
        self.waits = False
        """Whether it has returned, and goes on until those streams are over."""
        self.answer: dict[str, Any] | None = None
        """What it gave, but for the text that the stream will have."""
        self.is_cancelled = False


class Runs:
    """The runs that are on their way, by the ids that LlamaIndex gave them."""

    def __init__(self) -> None:
        self._runs: dict[str, Run] = {}
        self._made: dict[Span, Run] = {}

    def get(self, name: str) -> Run | None:
        """The one of this id."""
        return self._runs.get(name)

    def take(self, name: str) -> Run | None:
        """The one of this id, which is over or goes on by itself."""
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

    def begin(self, name: str, run: Run) -> bool:
        """Begin its span and make it current; False where its level is off."""
        run.before = variable.get()
        if run.call is None:
            run.made.__enter__()
        else:
            run.call.start()
        if not run.made.span_id:
            return False
        variable.set(run.made)
        self._runs[name] = run
        self._made[run.made] = run
        return True

    def lay_aside(self, run: Run) -> None:
        """Let a run go on without being current here."""
        if variable.get() is run.made:
            variable.set(run.before)

    def end(self, run: Run, error: BaseException | None = None) -> None:
        """End a run, with what ended it."""
        self._made.pop(run.made, None)
        run.waits = False
        if run.is_cancelled and error is None:
            error = CancelledError()
        if error is not None:
            run.made.set_attributes(refusal(error))
        if run.call is not None:
            self.lay_aside(run)
            run.call.end(error)
        elif run.made._state == OPEN:  # noqa: SLF001 - as above
            run.made.__exit__(
                None if error is None else type(error), error, getattr(error, "__traceback__", None)
            )
        self.lay_aside(run)

    def stream_begins(self, run: Run) -> None:
        """A stream goes on after the call that gave it: that, and all around it, may have to wait."""
        waiting: Run | None = run
        while waiting is not None:
            waiting.streams += 1
            waiting = waiting.around

    def stream_ends(self, run: Run, text: str, error: BaseException | None) -> None:
        """It is over, and with it whatever only waited for it.

        Args:
            run: where it began.
            text: what was read of it.
            error: what broke it.
        """
        waiting: Run | None = run
        while waiting is not None:
            waiting.streams -= 1
            if waiting.waits and not waiting.streams:
                if waiting.answer is not None:
                    waiting.made.output = {**waiting.answer, "response": text}
                self.end(waiting, error)
            waiting = waiting.around

    def end_all(self) -> None:
        """End those that are on their way, as nothing will be told of them any more."""
        for run in [*self._made.values()][::-1]:
            self.end(run)
        self._runs.clear()
