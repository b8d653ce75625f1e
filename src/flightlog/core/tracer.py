"""`traced`: a decorator that records each call of whatever can be called.

What it is given decides what it gives back: a function for a function, a coroutine function for a coroutine
function, and so on (`traced_calls.py`); the same class for a class, with its public methods recorded.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from types import FunctionType, MethodType
from typing import Any, Final, TypeVar, overload

from flightlog.border import let_through
from flightlog.core.outcome import text_of
from flightlog.core.traced_arguments import Arguments, arguments_of, code_of, is_partial
from flightlog.core.traced_calls import (
    ASYNC_GENERATOR,
    AWAITABLE,
    COROUTINE,
    GENERATOR,
    Attributes,
    Shape,
    around_async_generator,
    around_coroutine,
    around_function,
    around_generator,
)
from flightlog.records.kinds import Level

_Traced = TypeVar("_Traced")

_MARK: Final = "__flightlog_traced__"
"""Attribute of a wrapper: the function it wraps, which its `__wrapped__` also is. A decorator around it copies
the one and replaces the other."""

SHAPE: Final = "__flightlog_shape__"
"""Attribute of a wrapper: what it does around each call."""

_FACE: Final = ("__module__", "__name__", "__qualname__", "__doc__", "__annotations__", "__type_params__")
_CACHE: Final = ("cache_info", "cache_clear", "cache_parameters")
"""What `functools.lru_cache` puts on its objects, and nowhere that a wrapper would copy."""


@overload
def traced(function: _Traced, /) -> _Traced: ...


@overload
def traced(
    *,
    name: str = "",
    kind: str = "function",
    level: Level = "info",
    capture_args: bool = True,
    capture_result: bool = True,
    ignore: str | Iterable[str] = (),
    tags: str | Iterable[str] = (),
    attributes: Attributes | None = None,
    reduce: Callable[[list[Any]], object] | None = None,
) -> Callable[[_Traced], _Traced]: ...


def traced(
    function: Any = None,
    /,
    *,
    name: str = "",
    kind: str = "function",
    level: Level = "info",
    capture_args: bool = True,
    capture_result: bool = True,
    ignore: str | Iterable[str] = (),
    tags: str | Iterable[str] = (),
    attributes: Attributes | None = None,
    reduce: Callable[[list[Any]], object] | None = None,
) -> Any:
    """Record each call as a span with its arguments as input and its result as output.

    Works bare (`@traced`) and with options, on functions, coroutine functions, generator functions and async
    generator functions, on methods, static and class methods (above or below their decorator), on
    `functools.partial` and any other object that can be called, and on classes: there each public method that
    the class itself defines is recorded; names that begin with an underscore (`__init__`, too), properties and
    what it inherits are not. What is traced already is not recorded twice: the outermost decoration counts,
    but on a class those of its methods do.

    A generator's span starts at its first step and ends with it: exhausted, closed, by an exception, or when
    nobody holds it any more. It is current while the body runs, and not while the consumer does. What it gives
    becomes the output. So it is for a generator, an async generator or a coroutine that a plain function
    returns without having started it; one that the program holds elsewhere, too, is given back as it is.

    Args:
        function: what is decorated, when used bare.
        name: the span's name; empty means the qualified name. For a class: what stands before the method's name.
        kind: the span's kind.
        level: the span's level; below the threshold a call costs little more than the function.
        capture_args: False leaves the input out.
        capture_result: False leaves the output out.
        ignore: names of parameters that are left out of the input; that of `*args` or `**kwargs` means all in it.
        tags: tags of the span, beside those that `bind` put around it.
        attributes: attributes of the span; or a function that gets the arguments of the call and gives them.
        reduce: makes the output of a generator's pieces, given as a list (at most 10,000 of them). Without it
            texts are joined, and anything else is a list of at most 1,000. Pieces are counted in any case.

    Raises:
        TypeError: at decoration, for what cannot be called, and for a name in `ignore` that is no parameter's.
    """
    if reduce is not None and not callable(reduce):
        raise TypeError(f"reduce takes a list and gives the output; {reduce!r} cannot be called")
    options = _Options(
        name,
        kind,
        level,
        capture_args=capture_args,
        capture_result=capture_result,
        ignore=frozenset(_words(ignore)),
        tags=_words(tags),
        attributes=attributes if attributes is None or callable(attributes) else dict(attributes),
        reduce=reduce,
    )
    return options.applied if function is None else options.applied(function)


class _Options:
    """The options of one decoration."""

    __slots__ = ("args", "attributes", "ignore", "kind", "level", "name", "reduce", "result", "tags")

    def __init__(
        self,
        name: str,
        kind: str,
        level: Level,
        *,
        capture_args: bool,
        capture_result: bool,
        ignore: frozenset[str],
        tags: tuple[str, ...],
        attributes: Attributes | None,
        reduce: Callable[[list[Any]], object] | None,
    ) -> None:
        self.name = name
        self.kind = kind
        self.level = level
        self.args = capture_args
        self.result = capture_result
        self.ignore = ignore
        self.tags = tags
        self.attributes = attributes
        self.reduce = reduce

    def applied(self, target: Any) -> Any:
        """What stands in the place of what is decorated."""
        if isinstance(target, type):
            return self._class(target)
        if isinstance(target, staticmethod):
            return staticmethod(self._function(target.__func__, skip=False))
        if isinstance(target, classmethod):
            return classmethod(self._function(target.__func__, skip=True))
        if not callable(target):
            raise TypeError(f"traced takes what can be called, not {type(target).__name__}: {_hint(target)}")
        return self._function(target)

    def _class(self, target: type) -> type:
        methods = {name: found for name, found in vars(target).items() if _is_public_method(found, name)}
        made = {name: self._method(found, name) for name, found in methods.items()}
        unknown = [arguments.unknown for _, arguments in made.values() if arguments is not None]
        if unknown and (misspelt := frozenset.intersection(*unknown)):
            raise TypeError(_says_unknown(misspelt, target))
        for name, (method, _) in made.items():
            try:
                setattr(target, name, method)
            except Exception as error:
                let_through(error)
                raise TypeError(f"the methods of {target!r} cannot be replaced: {error}") from error
        return target

    def _method(self, found: Any, name: str) -> tuple[Any, Arguments | None]:
        inner = getattr(found, "__func__", found)
        made, arguments = self._wrapped(
            inner,
            f"{self.name}.{name}" if self.name else "",
            skip=not isinstance(found, staticmethod),
        )
        return (type(found)(made) if isinstance(found, (staticmethod, classmethod)) else made), arguments

    def _function(self, function: Any, *, skip: bool | None = None) -> Any:
        if isinstance(function, MethodType) and is_traced(function.__func__):
            return MethodType(self._function(function.__func__, skip=True), function.__self__)
        made, arguments = self._wrapped(function, self.name, skip=skip)
        if arguments is not None and arguments.unknown:
            raise TypeError(_says_unknown(arguments.unknown, function))
        return made

    def _wrapped(self, function: Any, name: str, *, skip: bool | None) -> tuple[Any, Arguments | None]:
        while is_traced(function):
            function = function.__wrapped__
        arguments = arguments_of(function, self.ignore, skip=skip) if self.args else None
        shape = Shape(
            name or _name_of(function),
            self.kind,
            self.level,
            arguments=arguments,
            result=self.result,
            reduce=self.reduce,
            tags=self.tags,
            attributes=self.attributes,
        )
        return retraced(function, shape), arguments


def around(function: Any, shape: Shape, module: str) -> Any:
    """A function of the same sort and with the same face that does to each call of this one what the shape says.

    Args:
        function: what is called.
        shape: what is done around it.
        module: the module that a level filter may name.
    """
    code = code_of(function)
    flags = 0 if code is None else code.co_flags
    made = _maker(flags)(function, shape, module)
    if flags & AWAITABLE:
        made.__code__ = made.__code__.replace(co_flags=made.__code__.co_flags | AWAITABLE)
    return _dressed(made, function)


def retraced(function: Any, shape: Shape) -> Any:
    """A function that records each call of this one."""
    made = around(function, shape, getattr(function, "__module__", None) or "")
    setattr(made, _MARK, function)
    setattr(made, SHAPE, shape)
    return made


def is_traced(function: Any) -> bool:
    """Whether this is a wrapper of ours, and not another decorator's around one or a method bound to its object."""
    if isinstance(function, MethodType):
        return False
    inner = getattr(function, "__wrapped__", None)
    return inner is not None and getattr(function, "__dict__", {}).get(_MARK) is inner


def _is_public_method(found: Any, name: str) -> bool:
    if name.startswith("_") or not isinstance(found, (FunctionType, staticmethod, classmethod)):
        return False
    inner = getattr(found, "__func__", found)
    return isinstance(inner, FunctionType) and not is_traced(inner)


def _maker(flags: int) -> Callable[[Any, Shape, str], Any]:
    if flags & ASYNC_GENERATOR:
        return around_async_generator
    if flags & GENERATOR:
        return around_generator
    return around_coroutine if flags & COROUTINE else around_function


def _name_of(function: Any) -> str:
    if is_partial(function):
        return _name_of(function.func)
    name = getattr(function, "__qualname__", None) or type(function).__qualname__
    return text_of(name).replace("<locals>.", "")


def _words(given: str | Iterable[str]) -> tuple[str, ...]:
    return (given,) if isinstance(given, str) else tuple(map(text_of, given))


def _says_unknown(names: Iterable[str], target: object) -> str:
    return f"ignore names {', '.join(sorted(names))}, which is no parameter of {target!r}"


def _hint(target: object) -> str:
    if isinstance(target, property):
        return "put traced below the property, on its function"
    return f"{target!r}"


def _dressed(wrapper: Any, function: Any) -> Any:
    """Make the wrapper look like the function; `functools` is left alone for the sake of start-up time."""
    seen = function.func if is_partial(function) else function
    for attribute in _FACE:
        value = getattr(seen, attribute, None)
        if value is not None:
            setattr(wrapper, attribute, value)
    if not hasattr(seen, "__name__"):
        wrapper.__name__ = wrapper.__qualname__ = _name_of(function)
    held = getattr(function, "__dict__", None)
    if isinstance(held, dict):
        wrapper.__dict__.update(held)
    for attribute in _CACHE:
        if hasattr(function, attribute):
            setattr(wrapper, attribute, getattr(function, attribute))
    wrapper.__wrapped__ = function
    return wrapper
