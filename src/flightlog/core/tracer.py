"""`traced`: a decorator that records each call of a function or coroutine function as a span."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar, overload

from flightlog.core.engine import span
from flightlog.records.kinds import Level

_Function = TypeVar("_Function", bound=Callable[..., Any])

_COROUTINE: Final = 0x80
"""`CO_COROUTINE` of a code object (documented with the `inspect` module)."""
_GENERATOR: Final = 0x20 | 0x200
_VARARGS: Final = 0x04


@overload
def traced(function: _Function, /) -> _Function: ...


@overload
def traced(
    *,
    name: str = "",
    kind: str = "function",
    level: Level = "info",
    capture_args: bool = True,
    capture_result: bool = True,
) -> Callable[[_Function], _Function]: ...


def traced(
    function: Any = None,
    /,
    *,
    name: str = "",
    kind: str = "function",
    level: Level = "info",
    capture_args: bool = True,
    capture_result: bool = True,
) -> Any:
    """Record each call as a span with its arguments as input and its result as output.

    Works bare (`@traced`) and with options, on functions and on `async def` functions.

    Args:
        function: the function, when used bare.
        name: the span's name; empty means the function's qualified name.
        kind: the span's kind.
        level: the span's level; below the threshold a call costs little more than the function.
        capture_args: False leaves the input out.
        capture_result: False leaves the output out.

    Raises:
        TypeError: at decoration, for what is not a Python function, or is a generator function: a span
            around the call of one would end before its body began.
    """
    shape = _Shape(name, kind, level, capture_args=capture_args, capture_result=capture_result)
    return shape.wrap if function is None else shape.wrap(function)


class _Shape:
    """The options of one decoration."""

    __slots__ = ("args", "kind", "level", "name", "result")

    def __init__(
        self, name: str, kind: str, level: Level, *, capture_args: bool, capture_result: bool
    ) -> None:
        self.name = name
        self.kind = kind
        self.level = level
        self.args = capture_args
        self.result = capture_result

    def wrap(self, function: Any) -> Any:
        code = getattr(function, "__code__", None)
        if code is None or code.co_flags & _GENERATOR:
            what = "a generator function" if code is not None else type(function).__name__
            raise TypeError(f"traced takes functions and coroutine functions, not {what}: {function!r}")
        name = self.name or function.__qualname__.replace("<locals>.", "")
        arguments = _Arguments(function) if self.args else None
        make = _around_coroutine if code.co_flags & _COROUTINE else _around_function
        return _dressed(make(function, name, self, arguments), function)


def _around_function(function: Any, name: str, shape: _Shape, arguments: _Arguments | None) -> Any:
    kind, level, result = shape.kind, shape.level, shape.result

    def call(*args: Any, **kwargs: Any) -> Any:
        with span(name, kind, level) as current:
            if not current.recorded:
                return function(*args, **kwargs)
            if arguments is not None:
                current.input = arguments.named(args, kwargs)
            answer = function(*args, **kwargs)
            if result:
                current.output = answer
            return answer

    return call


def _around_coroutine(function: Any, name: str, shape: _Shape, arguments: _Arguments | None) -> Any:
    kind, level, result = shape.kind, shape.level, shape.result

    async def call(*args: Any, **kwargs: Any) -> Any:
        with span(name, kind, level) as current:
            if not current.recorded:
                return await function(*args, **kwargs)
            if arguments is not None:
                current.input = arguments.named(args, kwargs)
            answer = await function(*args, **kwargs)
            if result:
                current.output = answer
            return answer

    return call


class _Arguments:
    """The parameter names of a function, read once; `inspect` would cost a program 10 ms at its start."""

    __slots__ = ("_names", "_positional", "_rest", "_skip")

    def __init__(self, function: Any) -> None:
        code = function.__code__
        count = code.co_argcount
        self._names = code.co_varnames[:count]
        keyword_only = count + code.co_kwonlyargcount
        self._rest = code.co_varnames[keyword_only] if code.co_flags & _VARARGS else "args"
        self._positional = count
        bound_first = count and self._names[0] in {"self", "cls"} and "." in function.__qualname__
        self._skip = 1 if bound_first else 0

    def named(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> dict[str, Any]:
        """The arguments as they were passed, by name; `self` and `cls` are left out, defaults are not added."""
        given = dict(zip(self._names[self._skip :], args[self._skip :], strict=False))
        if len(args) > self._positional:
            given["*" + self._rest] = args[self._positional :]
        given.update(kwargs)
        return given


def _dressed(wrapper: Any, function: Any) -> Any:
    """Make the wrapper look like the function; `functools` is left alone for the sake of start-up time."""
    for attribute in ("__module__", "__name__", "__qualname__", "__doc__", "__annotations__"):
        setattr(wrapper, attribute, getattr(function, attribute))
    wrapper.__dict__.update(function.__dict__)
    wrapper.__wrapped__ = function
    return wrapper
