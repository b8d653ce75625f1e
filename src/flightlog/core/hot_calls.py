"""`traced_fn`: says of each call of a function that it began, with its arguments, and how it ended.

Two events of level trace and no span: the calls stand on whatever span is current. What takes the function's place
is made as `traced` makes it (`traced_calls.py`), and follows the call as `narrates` does (`narrates_calls.py`): it
changes nothing around it. Where the level is off when a function is decorated, the function itself is given back.
"""

from __future__ import annotations

from collections.abc import Callable
from sys import _getframe
from time import monotonic_ns
from types import FrameType, MethodType, TracebackType
from typing import Any, Final, Self, TypeVar, overload

from flightlog._speed.presence import ENGINE
from flightlog.core import classes
from flightlog.core.bound import innermost
from flightlog.core.context import LEFT, variable
from flightlog.core.control import control
from flightlog.core.hot_sites import Site, are_plain
from flightlog.core.hot_telling import TRACE, fail, is_heard, tell
from flightlog.core.narrate import _bound
from flightlog.core.narrates_calls import HeardAsyncSteps, HeardAwaited, HeardSteps, _Returned
from flightlog.core.off import OFF
from flightlog.core.outcome import said, status_of
from flightlog.core.provenance import actor_of
from flightlog.core.redact import shortened
from flightlog.core.traced_arguments import Arguments, arguments_of, code_of, is_partial
from flightlog.core.traced_calls import Shape
from flightlog.core.tracer import SHAPE, _name_of, around, is_traced, retraced
from flightlog.records.hot import ENTER, EXIT, MARK

_Traced = TypeVar("_Traced")

_MOST_SAID: Final = 1_000
"""Characters of what an exception says."""


@overload
def traced_fn(function: _Traced, /) -> _Traced: ...


@overload
def traced_fn(
    *, actor: str = "", every: int = 1, per_second: float = 0.0
) -> Callable[[_Traced], _Traced]: ...


def traced_fn(function: Any = None, /, *, actor: str = "", every: int = 1, per_second: float = 0.0) -> Any:
    """Say of each call that it began, with its arguments, and how it ended, with its result and how long it took.

    Works bare and with options, on functions, coroutine functions, generator functions and async generator
    functions, on methods, static and class methods (above or below their decorator), on `functools.partial` and
    any other object that can be called, above or below `traced`.

    Where nobody records level trace of the function's module at this moment, the function itself is given back,
    unchanged: a later change of the level cannot revive it.

    Args:
        function: what is decorated, when used bare.
        actor: who acts; empty: what `bind(actor=…)` says, else the last part of the function's module name.
        every: tell of the first of so many calls.
        per_second: tell of at most so many calls a second; 0 for no limit.

    Raises:
        TypeError: at decoration, for what cannot be called and for classes.
    """
    options = _Options(actor, every, per_second)
    return options.applied if function is None else options.applied(function)


class _Options:
    """The options of one decoration."""

    __slots__ = ("actor", "every", "per_second")

    def __init__(self, actor: str, every: int, per_second: float) -> None:
        self.actor = actor
        self.every = every
        self.per_second = per_second

    def applied(self, function: Any) -> Any:
        """What stands in the place of what is decorated."""
        inner = getattr(function, "__func__", function)
        if isinstance(function, type) or not (callable(function) or callable(inner)):
            raise TypeError(f"traced_fn takes a function, not {type(function).__name__} {function!r}")
        if not control.foresees(TRACE, _module_of(inner)):
            return function
        if isinstance(function, (staticmethod, classmethod)):
            return type(function)(self._function(inner, skip=isinstance(function, classmethod)))
        return self._function(function, skip=None)

    def _function(self, function: Any, *, skip: bool | None) -> Any:
        if isinstance(function, MethodType):
            return MethodType(self._function(function.__func__, skip=True), function.__self__)
        if is_traced(function):  # the span goes around: what is said belongs to it
            return retraced(self._function(function.__wrapped__, skip=skip), getattr(function, SHAPE))
        shape = _Calls(function, self, arguments_of(function, frozenset(), skip=skip))
        return around(function, shape, _module_of(function))


class _Calls(Shape):
    """The shape of a decoration that tells of each call."""

    __slots__ = ("_action", "_file", "_given", "_module", "_names", "_options", "_site")
    steps = HeardSteps
    async_steps = HeardAsyncSteps
    awaited = HeardAwaited

    def __init__(self, function: Any, options: _Options, arguments: Arguments) -> None:
        super().__init__(
            _name_of(function),
            "",
            TRACE,
            arguments=arguments,
            result=True,
            reduce=None,
            tags=(),
            attributes=None,
        )
        self._action = self.name.rpartition(".")[2]
        self._given = arguments
        self._options = options
        self._site = Site()
        self._module = _module_of(function)
        code = code_of(function)
        self._file = "" if code is None else code.co_filename
        self._names = getattr(function, "__globals__", {})

    @property
    def open(self) -> Callable[[str, str, str], Any]:
        """Makes what tells of a call, or gives `OFF`."""
        return self._begun

    def run(self, function: Any, plain: Any) -> Callable[..., Any] | None:
        """What C does within the wrapper of a plain function; None: it is Python's."""
        every, per_second = self._options.every, self._options.per_second
        if ENGINE is None or type(self._options.actor) is not str or not are_plain(every, per_second):
            return None
        names, actor = self._given.plan, self._options.actor
        made: Callable[..., Any] = ENGINE.Teller(
            function,
            names,
            self._action,
            self.name,
            self._module,
            actor,
            self._site,
            every,
            float(per_second),
            plain,
            self.ended,
            self._follow,
        )
        return made

    def _follow(self, answer: Any, zero: int) -> Any:
        """What stands in for a generator or coroutine that a call gave, which began at this moment."""
        call = _Call(self)
        call.zero = zero
        return self.followed(call, answer)  # type: ignore[arg-type]  # it stands for a span

    def items(self, current: Any) -> Any:
        """What becomes of what a generator gives and returns."""
        return _Returned(current)

    def _begun(self, _name: str, _kind: str, _level: str) -> Any:
        try:
            heard = is_heard(_getframe(1)) and self._site.admits(
                self._options.every, self._options.per_second
            )
        except Exception as failure:  # noqa: BLE001 - the border: a trace call must not break its program
            fail(failure)
            return OFF
        return _Call(self) if heard else OFF

    def _prepare(self, current: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """Say that a call began."""
        try:
            self.tell(ENTER, {"args": self._given.named(args, kwargs)}, _getframe(1))
        except Exception as failure:  # noqa: BLE001 - the border, as above
            fail(failure)
        current.zero = monotonic_ns()

    def ended(self, result: object, error: BaseException | None, ns: int) -> None:
        """Say how a call ended that took so many nanoseconds."""
        try:
            status = "ok" if error is None else status_of(error)
            if status == "ok":
                fields: dict[str, object] = {"result": result}
            else:
                fields = {"error": _told(error), "status": status}
            self.tell(EXIT, {**fields, "elapsed_ns": ns}, _getframe(1))
        except Exception as failure:  # noqa: BLE001 - the border, as above
            fail(failure)

    def tell(self, what: str, fields: dict[str, object], frame: FrameType) -> None:
        """Say that a call began or ended."""
        told: dict[str, object] = {MARK: what}
        actor = self._options.actor or _bound(innermost(), "actor")
        told["actor"] = actor or actor_of(self._module, self._file, self._names)
        told["function"] = self.name
        told.update(fields)
        tell(self._action, told, "", frame, self._site)


class _Call:
    """One call that is told of. To the wrappers it is what a span is, without a place in the context."""

    __slots__ = ("_calls", "output", "zero")
    recorded = True
    _state = LEFT

    def __init__(self, calls: _Calls) -> None:
        self._calls = calls
        self.output: object = None
        self.zero = 0

    @property
    def _outer(self) -> Any:
        """What the context holds around the call, which is what it holds in it."""
        return variable.get()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._calls.ended(self.output, error, monotonic_ns() - self.zero)


def _module_of(function: Any) -> str:
    """The module whose code runs, also within a `functools.partial`."""
    while is_partial(function):
        function = function.func
    return getattr(function, "__module__", None) or ""


def _told(error: BaseException | None) -> str:
    """What an exception is, and what it says."""
    if error is None:
        return ""
    kind, text = classes.short_name(type(error)), shortened(said(error), _MOST_SAID)
    return f"{kind}: {text}" if text else kind
