"""The wrappers around what is traced: one for each sort of function, each of that sort itself.

A generator function is recorded by what `inspect` takes for a generator function, and so on, so that whoever asks
gets the answer that the original gives. In truth it is a plain function with the flag of the other sort: it calls
the original right away, so that arguments which do not fit are refused at the call, and gives back a generator
that drives the original's. The span of a generator starts at its first step, that of a function at its call; when
a plain function returns a generator or a coroutine that has not started and that nobody else holds, its span goes
on until that one is done.

Each wrapper opens its span with the module name of the function that it wraps in its globals: a level filter
names modules, and the one that counts is the function's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from sys import _getframe, getrefcount
from types import CoroutineType, FunctionType, GeneratorType
from typing import Any, Final, cast

from flightlog._speed.presence import ENGINE
from flightlog.border import let_through
from flightlog.core.bound import Binding, bound, innermost
from flightlog.core.classes import traceback_of
from flightlog.core.engine import Span, span
from flightlog.core.memo import captured
from flightlog.core.off import OFF
from flightlog.core.traced_arguments import Arguments
from flightlog.core.traced_bodies import (
    ALONE,
    LASTING,
    AsyncSteps,
    Awaited,
    Steps,
    Unawaited,
    Unwatched,
    is_fresh,
)
from flightlog.core.traced_items import Items, fail_softly
from flightlog.records.kinds import Level

COROUTINE: Final = 0x80
GENERATOR: Final = 0x20
ASYNC_GENERATOR: Final = 0x200
AWAITABLE: Final = 0x100
"""Flags of a code object (documented with the `inspect` module); the last one is set by `types.coroutine`."""

_OFF: Final = cast("Any", OFF)
"""What stands for a span that is off."""

Attributes = Mapping[str, object] | Callable[..., Mapping[str, object]]
"""Attributes of every span, or a function of the call's arguments that gives those of one."""


class Shape:
    """What one decoration asks for. Another class may stand in its place, with the same names."""

    __slots__ = ("arguments", "attributes", "enter", "kind", "level", "name", "prepare", "reduce", "result")

    steps: type[Steps] = Steps
    async_steps: type[AsyncSteps] = AsyncSteps
    awaited: type[Awaited] = Awaited
    """What follows the bodies of generators, async generators and coroutines."""

    @property
    def open(self) -> Callable[[str, str, Level], Any]:
        """Makes the span of a call, or gives `OFF`."""
        return span

    def __init__(
        self,
        name: str,
        kind: str,
        level: Level,
        *,
        arguments: Arguments | None,
        result: bool,
        reduce: Callable[[list[Any]], object] | None,
        tags: tuple[str, ...],
        attributes: Attributes | None,
    ) -> None:
        self.name = name
        self.kind = kind
        self.level = level
        self.arguments = arguments
        self.result = result
        self.reduce = reduce
        self.attributes = attributes
        self.enter = Tags(tags).enter if tags else None
        """Enters the span; None: it is entered as it is."""
        self.prepare = None if arguments is None and attributes is None else self._prepare
        """Tells a span of its call; None: there is nothing to tell."""

    def run(self, function: Any, _plain: Any) -> Callable[..., Any] | None:
        """What C does within the wrapper of a plain function, called with the arguments; None: it is Python's.

        Args:
            function: what is called.
            _plain: the wrapper in Python, for whoever leaves some calls to it.
        """
        if ENGINE is None or self.enter is not None or self.attributes is not None:
            return None
        names = None if self.arguments is None else self.arguments.plan
        made: Callable[..., Any] = ENGINE.Run(
            function, names, self.name, self.kind, self.level, self.result, self.followed
        )
        return made

    def _prepare(self, current: Span, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        if self.arguments is not None:
            current.input = self.arguments.named(args, kwargs)
        if self.attributes is not None:
            current.set_attributes(self._attributes(current, args, kwargs))

    def _attributes(
        self, current: Span, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Mapping[str, object]:
        if not callable(self.attributes):
            return self.attributes or {}
        try:
            return self.attributes(*args, **kwargs)
        except Exception as failure:  # noqa: BLE001 - the border: it is the program's code, called on our account
            let_through(failure)
            fail_softly(current, failure)
            return {}

    def followed(self, current: Span, answer: Any) -> Any:
        """What stands in for a generator or coroutine that a function returned; None if it has started."""
        if not is_fresh(answer):
            return None
        if type(answer) is CoroutineType:
            stand_in: Any = self.awaited(current, answer, keep=self.result).run()
        elif type(answer) is GeneratorType:
            stand_in = _stepping(_begun, self.steps(current, answer, self.items(current)), (), {})
        else:
            body = self.async_steps(current, answer, self.items(current))
            stand_in = _stepping_async(_begun, body, (), {})
        return _named_as(answer, stand_in)

    def items(self, current: Span) -> Items:
        """What becomes of the pieces that a generator gives."""
        return Items(current, self.reduce, keep=self.result)


class Tags:
    """Puts tags on a span, beside those that `bind` put around it; what runs inside does not get them."""

    __slots__ = ("_last", "_tags")

    def __init__(self, tags: tuple[str, ...]) -> None:
        self._tags = tags
        self._last: tuple[Binding | None, Binding] | None = None
        """The bindings of the last span, and what they became: spans in a row mostly have the same."""

    def enter(self, current: Span) -> None:
        """Enter the span with the tags."""
        before, around = bound.get(), innermost()
        last = self._last
        if last is None or last[0] is not around:
            self._last = last = (around, self._joined(around))
        bound.set(last[1])
        try:
            current.__enter__()
        finally:
            bound.set(before)

    def _joined(self, around: Binding | None) -> Binding:
        had = "" if around is None else around.members.get("tags", "").partition(":")[2]
        before = had[1:-1] if had.startswith("[") else had.removeprefix("null")
        own = ",".join(captured(tag, "tags")[0] for tag in self._tags)
        return Binding({"tags": f'"tags":[{before}{"," if before else ""}{own}]'}, around)


def around_function(function: Any, shape: Shape, module: str) -> Any:
    """A function that records each call of this one."""
    plain = _around_function(function, shape, module)
    run = shape.run(function, plain)
    if run is None:
        return plain

    def call(*args: Any, **kwargs: Any) -> Any:
        return run(args, kwargs)

    return _as_if_in(module, call)


def _around_function(function: Any, shape: Shape, module: str) -> Any:
    """The one whose steps are all in Python."""
    name, kind, level, result = shape.name, shape.kind, shape.level, shape.result
    enter, prepare, followed, begun = shape.enter, shape.prepare, shape.followed, shape.open

    def call(*args: Any, **kwargs: Any) -> Any:
        current = begun(name, kind, level)
        if current is _OFF:
            return function(*args, **kwargs)
        current.__enter__() if enter is None else enter(current)
        try:
            if prepare is not None and current.recorded:
                prepare(current, args, kwargs)
            answer = function(*args, **kwargs)
            if type(answer) in LASTING and getrefcount(answer) <= ALONE:
                stand_in = followed(current, answer)
                if stand_in is not None:
                    return stand_in
            if result:
                current.output = answer
        except BaseException as error:
            current.__exit__(type(error), error, traceback_of(error))
            raise
        current.__exit__(None, None, None)
        return answer

    return _as_if_in(module, call)


def around_coroutine(function: Any, shape: Shape, module: str) -> Any:
    """What passes for a coroutine function and records each run of this one."""
    result, followed, opened = shape.result, shape.followed, _opening(shape, module)

    async def run(kept: Unawaited, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        source = kept.taken()
        current = opened(args, kwargs)
        if current is _OFF:
            return await source
        try:
            answer = await source
            if type(answer) in LASTING and getrefcount(answer) <= ALONE:
                stand_in = followed(current, answer)
                if stand_in is not None:
                    return stand_in
            if result:
                current.output = answer
        except BaseException as error:
            current.__exit__(type(error), error, traceback_of(error))
            raise
        current.__exit__(None, None, None)
        return answer

    def drive(source: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        return run(Unawaited(source), args, kwargs)

    return _around_lasting(function, COROUTINE, opened, drive)


def around_generator(function: Any, shape: Shape, module: str) -> Any:
    """What passes for a generator function and records each run of this one."""
    opened = _opening(shape, module)
    begin = _beginning(shape.steps, shape, opened)

    def drive(source: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        # `types.coroutine` puts its flag on what it is given, which is the function that calls this one
        stepping = _stepping_awaitable if _getframe(1).f_code.co_flags & AWAITABLE else _stepping
        return stepping(begin, source, args, kwargs)

    return _around_lasting(function, GENERATOR, opened, drive)


def around_async_generator(function: Any, shape: Shape, module: str) -> Any:
    """What passes for an async generator function and records each run of this one."""
    opened = _opening(shape, module)
    begin = _beginning(shape.async_steps, shape, opened)

    def drive(source: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        return _stepping_async(begin, source, args, kwargs)

    return _around_lasting(function, ASYNC_GENERATOR, opened, drive)


Opened = Callable[[tuple[Any, ...], dict[str, Any]], Any]
"""Opens the span of a call and tells it of the arguments; gives `OFF` where nobody is interested."""

Begin = Callable[[Any, tuple[Any, ...], dict[str, Any]], Any]
"""Makes the body of a generator, at its first step, from its source and the arguments of its call."""


Drive = Callable[[Any, tuple[Any, ...], dict[str, Any]], Any]
"""Makes what stands in the place of a generator or coroutine, from that and the arguments of its call."""


def _around_lasting(function: Any, flag: int, opened: Opened, drive: Drive) -> Any:
    """What passes for a function of the sort of this flag, and gives a stand-in of what the function made."""

    def call(*args: Any, **kwargs: Any) -> Any:
        try:
            source = function(*args, **kwargs)
        except BaseException as error:
            _refuse(opened(args, kwargs), error)
            raise
        return _named_as(source, drive(source, args, kwargs))

    return _passing_for(flag, call)


def _opening(shape: Shape, module: str) -> Opened:
    name, kind, level = shape.name, shape.kind, shape.level
    enter, prepare, begun = shape.enter, shape.prepare, shape.open

    def opened(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        current = begun(name, kind, level)
        if current is _OFF:
            return current
        current.__enter__() if enter is None else enter(current)
        try:
            if prepare is not None and current.recorded:
                prepare(current, args, kwargs)
        except BaseException as error:
            current.__exit__(type(error), error, traceback_of(error))
            raise
        return current

    opening: Opened = _as_if_in(module, opened)
    return opening


def _refuse(current: Any, error: BaseException) -> None:
    """End the span of a call that made nothing: its arguments do not fit."""
    if current is not _OFF:
        current.__exit__(type(error), error, traceback_of(error))


def _beginning(sort: type[Steps | AsyncSteps], shape: Shape, opened: Opened) -> Begin:
    def begin(source: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        current = opened(args, kwargs)
        return Unwatched(source) if current is _OFF else sort(current, source, shape.items(current))

    return begin


def _begun(body: Any, _args: tuple[Any, ...], _kwargs: dict[str, Any]) -> Any:
    """The body that was made before."""
    return body


def _stepping(begin: Begin, source: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    body = begin(source, args, kwargs)
    del begin, source, args, kwargs  # they live as long as the body wants them to
    source = body.source
    value = thrown = None
    while True:
        outside = body.enter()
        try:
            if thrown is not None:
                item = source.throw(thrown)
            elif value is None:
                item = next(source)  # unlike `send`, no level of recursion
            else:
                item = source.send(value)
        except StopIteration as end:
            body.ended(outside, end)
            return end.value
        except BaseException as error:
            body.ended(outside, error)
            raise
        finally:
            value = thrown = None  # an exception that was thrown in must not be held by its own traceback
        body.took(outside, item)
        try:
            value = yield item
        except BaseException as error:  # noqa: BLE001 - it is the body's to deal with
            thrown = error


_stepping_awaitable: Final = FunctionType(
    _stepping.__code__.replace(co_flags=_stepping.__code__.co_flags | AWAITABLE), globals()
)
"""The same for a generator that `types.coroutine` lets be awaited."""


async def _stepping_async(begin: Begin, source: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    body = begin(source, args, kwargs)
    del begin, source, args, kwargs  # as above
    source = body.source
    value = thrown = None
    is_first = True
    while True:
        outside = body.enter()
        try:
            if is_first:
                is_first = False
                item = await body.first(source.__anext__)
            elif thrown is not None:
                item = await source.athrow(thrown)
            else:
                item = await source.asend(value)
        except StopAsyncIteration as end:
            body.ended(outside, end)
            return
        except BaseException as error:
            body.ended(outside, error)
            raise
        finally:
            value = thrown = None  # as above
        body.took(outside, item)
        try:
            value = yield item
        except BaseException as error:  # noqa: BLE001 - as above
            thrown = error


def _named_as(source: Any, stand_in: Any) -> Any:
    """What stands in the place of a generator or coroutine, with its names."""
    if type(source) in LASTING:  # a compiled function may have made something of its own
        stand_in.__name__, stand_in.__qualname__ = source.__name__, source.__qualname__
    return stand_in


def _passing_for(flag: int, call: Any) -> Any:
    """The function with a flag that `inspect` and others read; the interpreter goes by its instructions.

    It is made anew: Python 3.13 warns of a function whose code becomes one of another sort.
    """
    code = call.__code__.replace(co_flags=call.__code__.co_flags | flag)
    return FunctionType(code, call.__globals__, call.__name__, None, call.__closure__)


def _as_if_in(module: str, function: Any) -> Any:
    """The same function with the name of this module in its globals."""
    names = _names.get(module)
    if names is None:
        names = _names[module] = {**globals(), "__name__": module}
    return FunctionType(function.__code__, names, function.__name__, None, function.__closure__)


_names: dict[str, dict[str, Any]] = {}
