"""Follows one call and says afterwards how it went: the shape that `narrates` gives to the wrappers of `traced`.

The wrappers (`traced_calls.py`) are told by their shape what to open for a call; here it is no span but a `Telling`,
which changes nothing around the call: not the current span, not what a generator's consumer sees. It keeps of
the arguments only those that some text names, and speaks when the call is over.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from sys import _getframe
from time import monotonic_ns
from types import TracebackType
from typing import Any, Final, Self

from flightlog.border import let_through
from flightlog.core import classes, memo
from flightlog.core.bound import innermost
from flightlog.core.context import LEFT, variable
from flightlog.core.control import control
from flightlog.core.editor import Spot
from flightlog.core.elapsed import Elapsed
from flightlog.core.engine import parent_at, verdicts
from flightlog.core.narrate import Given, Words, speak
from flightlog.core.off import OFF
from flightlog.core.outcome import status_of
from flightlog.core.parameters import Parameters
from flightlog.core.template import Template
from flightlog.core.traced_bodies import AsyncSteps, Awaited, Steps
from flightlog.core.traced_calls import Shape
from flightlog.records.errors import EditorialWarning
from flightlog.records.kinds import Level

RESULT: Final = "result"
ELAPSED: Final = "elapsed"
ERROR: Final = "error"
"""What a text may name beside the parameters. A parameter of that name wins."""

_FAILURE: Final = "error"
"""The level at which a failed call is told."""


class Texts:
    """The texts of one decoration, read."""

    __slots__ = ("correlation_id", "cute", "failed", "human", "story", "target")

    def __init__(self, human: Template, failed: Template | None, others: Mapping[str, Template]) -> None:
        self.human = human
        self.failed = failed
        """None: it is said that the function failed, and with which type of exception."""
        self.target = others["target"]
        self.cute = others["cute"]
        self.story = others["story"]
        self.correlation_id = others["correlation_id"]

    @property
    def names(self) -> frozenset[str]:
        """All names that they need."""
        read = (self.human, self.failed, self.target, self.cute, self.story, self.correlation_id)
        return frozenset().union(*(one.names for one in read if one is not None))


class Spoken:
    """What one decoration says of each call, beside its texts."""

    __slots__ = ("action", "actor", "fields", "function", "level", "spot")

    def __init__(
        self,
        function: str,
        action: str,
        level: Level,
        *,
        actor: str,
        fields: Mapping[str, object],
        spot: Spot,
    ) -> None:
        self.function = function
        """How the function is called."""
        self.action = action
        self.level = level
        self.actor = actor
        self.fields = fields
        self.spot = spot
        """The line that the texts stand at."""


class Telling:
    """One call that will be told of. To the wrappers it is what a span is, without a place in the context."""

    __slots__ = ("_failure", "_speech", "_success", "_zero", "output", "values")
    recorded = True
    _state = LEFT

    def __init__(self, speech: Speech, *, success: bool, failure: bool) -> None:
        self._speech = speech
        self._success = success
        self._failure = failure
        """Whether the one or the other is wanted."""
        self.values: dict[str, Any] = {}
        self.output: object = None

    @property
    def _outer(self) -> Any:
        """What the context holds around the call, which is what it holds in it."""
        return variable.get()

    def __enter__(self) -> Self:
        self._zero = monotonic_ns()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        ns = monotonic_ns() - self._zero
        try:
            self._speech.tell(self, error, ns)
        except EditorialWarning:
            if error is None:  # an exception of the program's own goes before
                raise
        except Exception as failure:  # noqa: BLE001 - the border: a narration must not break its program
            let_through(failure)
            memo._encoder.failed()

    def wants(self, *, failed: bool) -> bool:
        """Whether the call is told of, ended like this."""
        return self._failure if failed else self._success


class _Returned:
    """Takes what a generator returns; the pieces that it gives are its consumer's."""

    __slots__ = ("_telling",)

    def __init__(self, telling: Telling) -> None:
        self._telling = telling

    def add(self, item: object) -> None:
        """Let it pass."""

    def tell(self, returned: object = None) -> None:
        """Keep it."""
        self._telling.output = returned


class _Heard:
    """How a body is stepped where its consumer is, instead of in a place of its own."""

    __slots__ = ()
    _begun: bool
    _ended: bool
    _end: Callable[[BaseException | None], None]

    def enter(self) -> None:
        """Stay where the consumer is."""
        self._begun = True  # type: ignore[misc]  # a slot of the other base, as below

    def took(self, _outside: None, item: object) -> None:
        """Let it pass."""

    def ended(self, _outside: None, error: BaseException | None) -> None:
        """Tell how it went."""
        self._end(error)

    def _forget_unbegun(self) -> None:
        """Say nothing of a body that was never begun: nothing was done."""
        if not self._begun:
            self._ended = True  # type: ignore[misc]  # as above


class HeardSteps(_Heard, Steps):
    """The body of a generator, stepped where its consumer is."""

    __slots__ = ("_begun",)

    def __init__(self, span: Any, source: Any, items: Any) -> None:
        super().__init__(span, source, items)
        self._begun = False

    def __del__(self) -> None:
        self._forget_unbegun()
        super().__del__()


class HeardAsyncSteps(_Heard, AsyncSteps):
    """The body of an async generator, stepped where its consumer is."""

    __slots__ = ()

    def __del__(self) -> None:
        self._forget_unbegun()
        super().__del__()


class HeardAwaited(_Heard, Awaited):
    """A coroutine that a plain function returned, awaited where its caller is."""

    __slots__ = ()

    def __del__(self) -> None:
        self._forget_unbegun()
        super().__del__()


class Speech(Shape):
    """The shape of a decoration that tells of each call."""

    __slots__ = ("_needed", "_parameters", "_spoken", "_texts")
    steps = HeardSteps
    async_steps = HeardAsyncSteps
    awaited = HeardAwaited

    def __init__(self, spoken: Spoken, texts: Texts, parameters: Parameters) -> None:
        needed = texts.names
        super().__init__(
            spoken.function,
            "",
            spoken.level,
            arguments=None,
            result=RESULT in needed and RESULT not in parameters.names,
            reduce=None,
            tags=(),
            attributes=None,
        )
        self._spoken = spoken
        self._texts = texts
        self._parameters = parameters
        self._needed = needed.intersection(parameters.names)
        self.prepare = self._keep if self._needed else None

    @property
    def open(self) -> Callable[[str, str, Level], Any]:
        """Makes the telling of a call, or gives `OFF`."""
        return self._begun

    def run(self, _function: Any, _plain: Any) -> None:
        """All of it is Python's."""

    def items(self, current: Any) -> Any:
        """What becomes of what a generator gives and returns."""
        return _Returned(current)

    def _begun(self, _name: str, _kind: str, level: Level) -> Any:
        success, failure = verdicts.get(level), verdicts.get(_FAILURE)
        if success is None or failure is None:
            frame = _getframe(1)
            success = control.decide(level, frame) if success is None else success
            failure = control.decide(_FAILURE, frame) if failure is None else failure
        return Telling(self, success=success, failure=failure) if success or failure else OFF

    def _keep(self, current: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        current.values = self._parameters.values(args, kwargs, self._needed)

    def tell(self, telling: Telling, error: BaseException | None, ns: int) -> None:
        """Say how a call went that took so many nanoseconds, if somebody wants to hear it."""
        status = "ok" if error is None else status_of(error)
        frame = _getframe(1)
        if not telling.wants(failed=status == "error") or not _is_heard(frame):
            return
        spoken = self._spoken
        values = {ELAPSED: Elapsed(ns / 1e9), **telling.values}
        if error is None:
            values.setdefault(RESULT, telling.output)
        elif status == "error":
            values.setdefault(ERROR, error)
        level = _FAILURE if status == "error" else spoken.level
        given = self._given(values, whole=error is None)
        words = Words(spoken.action, self._sentence(values, status, error), level, given, spoken.fields)
        words.spot, words.is_done = spoken.spot, True
        speak(words, frame)

    def _sentence(self, values: Mapping[str, Any], status: str, error: BaseException | None) -> str:
        texts, name = self._texts, self._spoken.function
        if status == "cancelled":
            return f"{name} was cancelled"
        if status == "error" and error is not None:
            if texts.failed is None:
                return f"{name} failed: {classes.short_name(type(error))}"
            return texts.failed.filled(values)
        if error is not None and RESULT in texts.human.names and RESULT not in values:
            return f"{name} ended early"  # a generator that was closed, an exit that says success
        return texts.human.filled(values)

    def _given(self, values: Mapping[str, Any], *, whole: bool) -> Given:
        """The other texts; of a call that gave no result, only those that need none and do not tell of success."""

        def told(text: Template, *, is_told: bool = True) -> str:
            return text.filled(values) if is_told and (RESULT not in text.names or RESULT in values) else ""

        texts = self._texts
        return (
            self._spoken.actor,
            told(texts.target),
            told(texts.cute, is_told=whole),
            told(texts.story, is_told=whole),
            told(texts.correlation_id),
        )


def _is_heard(frame: Any) -> bool:
    """Whether anybody hears a narration here; nothing is made into text for nobody."""
    binding = innermost()
    if binding is not None and binding.muted:
        return False
    parent: Any = parent_at(frame)
    return parent is None or not parent._drops
