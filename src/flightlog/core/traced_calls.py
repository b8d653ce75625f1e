"""The wrappers around what is traced: one for each sort of function, each of that sort itself.

A generator function is recorded by a generator function, and so on, so that whoever asks `inspect` gets the
answer that the original gives. The span of a generator starts at its first step, that of a function at its
call; when a plain function returns a generator or a coroutine that has not started, its span goes on until that
one is done.

Each wrapper opens its span with the module name of the function that it wraps in its globals: a level filter
names modules, and the one that counts is the function's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import CoroutineType, FunctionType, GeneratorType
from typing import Any, Final, cast

from flightlog.border import let_through
from flightlog.core.bound import Binding, bound, innermost
from flightlog.core.engine import Span, span
from flightlog.core.memo import captured
from flightlog.core.off import OFF
from flightlog.core.traced_arguments import Arguments
from flightlog.core.traced_bodies import LASTING, AsyncSteps, Awaited, Steps, Unwatched, is_fresh
from flightlog.core.traced_items import Items, fail_softly
from flightlog.records.kinds import Level

_OFF: Final = cast("Any", OFF)
"""What stands for a span that is off."""

Attributes = Mapping[str, object] | Callable[..., Mapping[str, object]]
"""Attributes of every span, or a function of the call's arguments that gives those of one."""


class Shape:
    """What one decoration asks for."""

    __slots__ = ("arguments", "attributes", "enter", "kind", "level", "name", "prepare", "reduce", "result")

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

    def body(self, current: Span, source: Any) -> Steps | AsyncSteps | Awaited:
        """Hand the current span over to what runs later."""
        kind = type(source)
        if kind is CoroutineType:
            return Awaited(current, source, keep=self.result)
        items = Items(current, self.reduce, keep=self.result)
        return (Steps if kind is GeneratorType else AsyncSteps)(current, source, items)

    def followed(self, current: Span, answer: Any) -> Any:
        """What stands in for a generator or coroutine that a function returned; None if it has started."""
        if not is_fresh(answer):
            return None
        body = self.body(current, answer)
        if isinstance(body, Awaited):
            stand_in: Any = body.run()
        elif isinstance(body, Steps):
            stand_in = _stepping(lambda *_: body)()
        else:
            stand_in = _stepping_async(lambda *_: body)()
        stand_in.__name__, stand_in.__qualname__ = answer.__name__, answer.__qualname__
        return stand_in


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
    name, kind, level, result = shape.name, shape.kind, shape.level, shape.result
    enter, prepare, followed = shape.enter, shape.prepare, shape.followed

    def call(*args: Any, **kwargs: Any) -> Any:
        current = span(name, kind, level)
        if current is _OFF:
            return function(*args, **kwargs)
        current.__enter__() if enter is None else enter(current)
        try:
            if prepare is not None and current.recorded:
                prepare(current, args, kwargs)
            answer = function(*args, **kwargs)
            if type(answer) in LASTING:
                stand_in = followed(current, answer)
                if stand_in is not None:
                    return stand_in
            if result:
                current.output = answer
        except BaseException as error:
            current.__exit__(type(error), error, error.__traceback__)
            raise
        current.__exit__(None, None, None)
        return answer

    return _as_if_in(module, call)


def around_coroutine(function: Any, shape: Shape, module: str) -> Any:
    """A coroutine function that records each call of this one."""
    name, kind, level, result = shape.name, shape.kind, shape.level, shape.result
    enter, prepare, followed = shape.enter, shape.prepare, shape.followed

    async def call(*args: Any, **kwargs: Any) -> Any:
        current = span(name, kind, level)
        if current is _OFF:
            return await function(*args, **kwargs)
        current.__enter__() if enter is None else enter(current)
        try:
            if prepare is not None and current.recorded:
                prepare(current, args, kwargs)
            answer = await function(*args, **kwargs)
            if type(answer) in LASTING:
                stand_in = followed(current, answer)
                if stand_in is not None:
                    return stand_in
            if result:
                current.output = answer
        except BaseException as error:
            current.__exit__(type(error), error, error.__traceback__)
            raise
        current.__exit__(None, None, None)
        return answer

    return _as_if_in(module, call)


def around_generator(function: Any, shape: Shape, module: str) -> Any:
    """A generator function that records each run of this one."""
    return _stepping(_beginning(function, shape, module))


def around_async_generator(function: Any, shape: Shape, module: str) -> Any:
    """An async generator function that records each run of this one."""
    return _stepping_async(_beginning(function, shape, module))


Begin = Callable[[tuple[Any, ...], dict[str, Any]], Any]
"""Makes the body of a generator from the arguments of its call, at its first step."""


def _beginning(function: Any, shape: Shape, module: str) -> Begin:
    name, kind, level = shape.name, shape.kind, shape.level
    enter, prepare = shape.enter, shape.prepare

    def begin(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        current = span(name, kind, level)
        if current is _OFF:
            return Unwatched(function(*args, **kwargs))
        current.__enter__() if enter is None else enter(current)
        try:
            if prepare is not None and current.recorded:
                prepare(current, args, kwargs)
            return shape.body(current, function(*args, **kwargs))
        except BaseException as error:
            current.__exit__(type(error), error, error.__traceback__)
            raise

    opening: Begin = _as_if_in(module, begin)
    return opening


def _stepping(begin: Begin) -> Any:
    def call(*args: Any, **kwargs: Any) -> Any:
        body = begin(args, kwargs)
        step, value = body.source.send, None
        while True:
            try:
                item = body.advance(step, value)
            except StopIteration as end:
                return end.value
            finally:
                value = None  # an exception that was thrown in must not be held by its own traceback
            step = body.source.send
            try:
                value = yield item
            except BaseException as thrown:  # noqa: BLE001 - it is the body's to deal with
                step, value = body.source.throw, thrown

    return call


def _stepping_async(begin: Begin) -> Any:
    async def call(*args: Any, **kwargs: Any) -> Any:
        body = begin(args, kwargs)
        step, value = body.source.asend, None
        while True:
            try:
                item = await body.advance(step, value)
            except StopAsyncIteration:
                return
            finally:
                value = None  # as above
            step = body.source.asend
            try:
                value = yield item
            except BaseException as thrown:  # noqa: BLE001 - as above
                step, value = body.source.athrow, thrown

    return call


def _as_if_in(module: str, function: Any) -> Any:
    """The same function with the name of this module in its globals."""
    names = _names.get(module)
    if names is None:
        names = _names[module] = {**globals(), "__name__": module}
    return FunctionType(function.__code__, names, function.__name__, None, function.__closure__)


_names: dict[str, dict[str, Any]] = {}
