"""Where flujo is: the run and the step that go on in this context, each with the span that stands for it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from contextvars import ContextVar
from time import monotonic
from typing import Any, Final

from flightlog.core.context import OPEN, variable
from flightlog.core.engine import Span
from flightlog.integrations.flujo import told
from flightlog.integrations.flujo.waiting import Step
from flightlog.records.kinds import Level

EVENT: Final = "flujo.event"
"""On an event: what flujo calls it."""
ITERATION: Final = "flujo.iteration"
"""On a step in the body of a loop: in which round, counted from 0."""
BRANCH: Final = "flujo.branch"
"""On a step in a branch: the name of the branch."""

_TAKEN: Final = frozenset({"level", "body"})
"""Parameters of `event`, which an attribute cannot be called."""


class Place:
    """A run, or a step in one."""

    __slots__ = (
        "around",
        "is_again",
        "made",
        "path",
        "quota",
        "rounds",
        "run",
        "seen",
        "subject",
        "tries",
        "until",
        "why",
    )

    def __init__(self, made: Span, subject: Any, around: Place | None) -> None:
        self.made = made
        """Its span."""
        self.subject = subject
        """The runner, or the step."""
        self.around = around
        """The place around it; of a run that of the step which it is part of, if any."""
        self.run: Run = self if isinstance(self, Run) else around.run  # type: ignore[union-attr]  # a step is in a run
        self.path = ""
        """The names from the run down to here."""
        self.quota: Any = None
        """Of which it may take something."""
        self.is_again = False
        """Whether it was paused, and goes on."""
        self.seen = -1
        """Of a loop the place of the last step that began, in its body."""
        self.rounds = -1
        """Of a loop the round that goes on, counted from 0."""
        self.tries = 0
        """How often its agent was asked."""
        self.until = 0.0
        """When its agent answered or failed last, on the monotonic clock."""
        self.why = ""
        """Why that was not enough."""

    def tell(self, name: str, facts: Mapping[str, Any], called: str = "", level: Level = "info") -> None:
        """Record an event on its span.

        Args:
            name: of the event.
            facts: what it says.
            called: its name with flujo, where that is another.
            level: how important it is.
        """
        named = {f"flujo.{key}" if key in _TAKEN else key: value for key, value in facts.items()}
        if called:
            named[EVENT] = called
        self.made.event(name, level, "", **named)

    def path_of(self, step: Any) -> str:
        """What tells a step that begins here from others of its run, also in another process."""
        name = told.step_name(step)
        return f"{self.path}/{name}" if self.path else name

    def begins(self, step: Any, context: Any) -> dict[str, object]:
        """A step begins here: tell of the round and of the branch; gives what the step shall know of that."""
        known: dict[str, object] = {}
        place = None if self.run is self else told.place_in_body(self.subject, step)
        if place is not None:
            self._go_round(place, context)
            known[ITERATION] = self.rounds
        branch = None if self.run is self else told.branch_of(self.subject, step)
        if branch is not None:
            chosen, others = branch
            known[BRANCH] = chosen
            if self.seen < 0 and hasattr(self.subject, "condition_callable"):
                self.seen = 0
                self.tell("branch", {"chosen": chosen, "rejected": others})
        if step is not None and step is getattr(self.subject, "fallback_step", None):
            self.tell("fallback", {"error": self.why or "failed"}, "flujo.fallback.triggered", "warn")
        return known

    def _go_round(self, place: int, context: Any) -> None:
        counted = getattr(context, "_loop_iteration_index", None)  # counts from 1, and goes on after a pause
        number = counted - 1 if isinstance(counted, int) and counted > 0 else -1
        is_next = self.seen < 0 or place <= self.seen
        if is_next or number > self.rounds:
            self.rounds = number if number > self.rounds else self.rounds + 1
            is_begun, self.is_again = self.is_again and place > 0, False
            if is_begun:  # in the middle of the round in which it was paused
                self.seen = place
                return
            self.tell("loop", {"i": self.rounds}, "loop.iteration")
        self.seen = place

    def asks(self) -> None:
        """Its agent is asked, maybe once more."""
        self.tries += 1
        if self.tries > 1:
            facts = {
                "attempt": self.tries - 1,
                "reason": self.why or "its answer was not accepted",
                "delay": round(monotonic() - self.until, 6),
            }
            self.tell("retry", facts, "flujo.retry", "warn")
        self.why = ""

    def answered(self, error: BaseException | None = None) -> None:
        """Its agent has answered, or failed."""
        self.until = monotonic()
        self.why = "" if error is None else type(error).__name__

    @contextlib.contextmanager
    def current(self) -> Iterator[None]:
        """Be what goes on here, for a while."""
        before, place = variable.get(), here.get()
        tracing = self.run.tracing
        if tracing is not None:
            told.set_tracing(tracing)
        if self.made._state == OPEN:  # noqa: SLF001 - as the core itself looks
            variable.set(self.made)
        here.set(self)
        try:
            yield
        finally:
            here.set(place)
            if tracing is not None:
                told.set_tracing(None)
            if variable.get() is self.made:
                variable.set(before)


class Run(Place):
    """One run of a pipeline."""

    __slots__ = (
        "answer",
        "before",
        "id",
        "is_cancelled",
        "paused",
        "persons",
        "result",
        "tracing",
        "waiting",
    )

    def __init__(self, made: Span, runner: Any, around: Place | None) -> None:
        super().__init__(made, runner, around)
        self.id = ""
        """Its id with flujo, once that is known."""
        self.result: Any = None
        """What it came to, as far as that is known."""
        self.is_cancelled = False
        """Whether a step of its own was cancelled, which flujo itself does not pass on."""
        self.paused: dict[str, Step] = {}
        """Paths of steps of it that wait."""
        self.waiting: dict[str, Span] = {}
        """Paths of steps that go on in it, to the spans that were paused before."""
        self.persons: list[Span] = []
        """Steps that were paused before, and are over with the answer."""
        self.before: dict[str, Step] = {}
        """Steps that waited when it went on, until one begins."""
        self.answer: object = None
        """What it goes on with."""
        self.tracing: Any = None
        """What flujo tells of its events, where it has none of its own."""


here: Final[ContextVar[Place | None]] = ContextVar("flightlog_flujo", default=None)
"""The innermost run or step of flujo in this context."""
