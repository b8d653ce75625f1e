"""Streams of LlamaIndex: the call goes on while the program reads, and is current while the next piece is made.

The dispatcher tells that a method returned, and not what becomes of the stream that it gave. So the methods that give
one are wrapped, in each class of models that has them, also in those that are defined later. Many of them make their
request only when the first piece is asked for.
"""

from __future__ import annotations

import contextlib
import functools
import inspect
import weakref
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Generator, Iterator, Mapping
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Final, Protocol

from flightlog.border import let_through
from flightlog.core.context import OPEN, variable
from flightlog.integrations.http.methods import Switch, Unfit
from flightlog.integrations.llama_index.kinds import LAZY, MODEL, STREAMS, SYNTHESIZER, family_of
from flightlog.integrations.llama_index.told import facts, usage

if TYPE_CHECKING:
    from flightlog.integrations.llama_index.runs import Run

ENDED: Final = "flightlog.stream.ended"
"""How a stream ended: `complete`, `early`, `abandoned` or `broken`."""
_HOOK: Final = "__init_subclass__"
_METHODS: Final[Mapping[str, tuple[str, ...]]] = {MODEL: STREAMS, SYNTHESIZER: LAZY}
_MOST_CHARACTERS: Final = 1 << 20
"""Of a streamed text as much is kept."""


class Stream:
    """A stream that a method is about to give."""

    __slots__ = ("method", "model", "run")

    def __init__(self, model: object, method: str) -> None:
        self.model = model
        self.method = method
        self.run: Run | None = None
        """The model call, once it has begun."""


expected: Final[ContextVar[Stream | None]] = ContextVar("flightlog_llama_index", default=None)
"""The stream that a method called in this context is about to give."""


class _Ends(Protocol):
    report: Callable[[str, Exception], object]
    """Takes what could not be done."""

    def lazy(self) -> Run | None:
        """The run that a stream belongs to which does its work while it is read."""

    def stream_ended(self, reading: Reading, error: BaseException | None) -> None:
        """A stream is over, and what broke it."""


class Streams:
    """What is replaced in the classes of models."""

    def __init__(self, handler: _Ends, mixin: Any) -> None:
        """Begin.

        Args:
            handler: is told of the end of each stream.
            mixin: the class that all of them come from.

        Raises:
            Unfit: it is of another shape; nothing was changed.
        """
        self._handler = handler
        self._mixin = mixin
        self._switch = Switch()
        self._replaced: list[tuple[type, str, Any, Any]] = []
        self._hook: Any = vars(mixin).get(_HOOK)
        if not isinstance(self._hook, classmethod):
            raise Unfit(f"its {mixin.__name__} does not decorate the classes below it")
        for kind in _below(mixin):
            self._follow(kind)
        setattr(mixin, _HOOK, self._following())

    def leave(self) -> None:
        """Leave the classes as they were."""
        self._switch.on = False
        setattr(self._mixin, _HOOK, self._hook)
        while self._replaced:
            kind, name, original, ours = self._replaced.pop()
            if vars(kind).get(name) is ours:
                setattr(kind, name, original)

    def _following(self) -> Any:
        """The hook for classes that are defined later."""
        original = self._hook.__func__

        def followed(kind: Any, /, **options: Any) -> None:
            original(kind, **options)
            if self._switch.on:
                self._follow(kind)

        functools.update_wrapper(followed, original)
        return classmethod(followed)

    def _follow(self, kind: Any) -> None:
        for name in _METHODS.get(family_of(kind), ()):
            original = vars(kind).get(name)
            if original is None or getattr(original, "__isabstractmethod__", False):
                continue
            if not hasattr(original, "__get__") or any(
                one[0] is kind and one[1] == name for one in self._replaced
            ):
                continue
            ours = self._streaming(name, original)
            setattr(kind, name, ours)
            self._replaced.append((kind, name, original, ours))

    def _streaming(self, name: str, original: Any) -> Callable[..., Any]:
        """What stands in the place of one method."""
        if inspect.iscoroutinefunction(original):

            async def give_async(model: Any, *args: Any, **kwargs: Any) -> Any:
                with self._expecting(model, name) as stream:
                    source = await original.__get__(model, type(model))(*args, **kwargs)
                return self._given(source, stream)

            return functools.update_wrapper(give_async, original)

        def give(model: Any, *args: Any, **kwargs: Any) -> Any:
            with self._expecting(model, name) as stream:
                source = original.__get__(model, type(model))(*args, **kwargs)
            return self._given(source, stream)

        return functools.update_wrapper(give, original)

    @contextlib.contextmanager
    def _expecting(self, model: object, method: str) -> Iterator[Stream | None]:
        """Say that a method is called; nothing where it calls itself, as a part of its own work."""
        before = expected.get()
        is_part = before is not None and before.model is model and before.method == method
        if is_part or not self._switch.on:
            yield None
            return
        stream = Stream(model, method)
        expected.set(stream)
        try:
            yield stream
        finally:
            expected.set(before)

    def _given(self, source: Any, stream: Stream | None) -> Any:
        """The stream as the program gets it."""
        if stream is None or not isinstance(source, Generator | AsyncGenerator):
            return source
        run = stream.run
        if run is None and stream.method in LAZY:
            run = self._handler.lazy()
        if run is None or run.made._state != OPEN:  # noqa: SLF001 - as the core itself looks
            return source
        reading = Reading(run, self._handler)
        found: Any = (
            _pulled(source, reading) if isinstance(source, Generator) else _pulled_async(source, reading)
        )
        weakref.finalize(found, reading.end, "abandoned")
        return found


class Reading:
    """How far a stream has been read."""

    __slots__ = ("_handler", "_is_over", "_pieces", "_size", "last", "reason", "run", "used")

    def __init__(self, run: Run, handler: _Ends) -> None:
        self.run = run
        self.last: Any = None
        """Its last piece; that of a model holds all before it."""
        self.reason = ""
        """Why the model stopped; seldom in the last piece."""
        self.used: dict[str, int | None] = {}
        """Tokens, in whatever piece they came."""
        self._handler = handler
        self._is_over = False
        self._pieces: list[str] = []
        self._size = 0

    @property
    def text(self) -> str:
        """What was read of it."""
        return "".join(self._pieces)

    def piece(self, item: Any) -> None:
        """One piece came: of a model's answer, or plain text."""
        try:
            self._take(item)
        except Exception as failure:  # noqa: BLE001 - the border: the program has a piece to read
            let_through(failure)
            self._handler.report("a piece of a stream could not be recorded", failure)

    def _take(self, item: Any) -> None:
        self.last = item
        said = getattr(item, "delta", item)
        if isinstance(said, str) and said:
            if self._size < _MOST_CHARACTERS:
                self._pieces.append(said)
            self._size += len(said)
            if self.run.call is not None:
                self.run.call.chunk(len(said))
        raw = getattr(item, "raw", None)
        if raw is not None:
            self.reason = facts(raw).get("reason", self.reason)
            self.used = usage(raw) or self.used

    def end(self, how: str, error: BaseException | None = None) -> None:
        """It is over; only the first time counts."""
        if not self._is_over:
            self._is_over = True
            if self.run.call is not None:
                self.run.made.set_attributes({ENDED: how})
            self._handler.stream_ended(self, error)


@contextlib.contextmanager
def _within(run: Run) -> Iterator[None]:
    """Make a run current for a while, if it is not over."""
    before = variable.get()
    if run.made._state != OPEN or before is run.made:  # noqa: SLF001 - as above
        yield
        return
    variable.set(run.made)
    try:
        yield
    finally:
        if variable.get() is run.made:
            variable.set(before)


def _pulled(source: Generator[Any, Any, Any], reading: Reading) -> Iterator[Any]:
    """Its pieces."""
    try:
        while True:
            with _within(reading.run):
                try:
                    item = next(source)
                except StopIteration:
                    break
            reading.piece(item)
            yield item
    except GeneratorExit:
        source.close()
        reading.end("early")
        raise
    except BaseException as error:
        reading.end("broken", error)
        raise
    reading.end("complete")


async def _pulled_async(source: AsyncGenerator[Any, Any], reading: Reading) -> AsyncIterator[Any]:
    """As above, of a stream for tasks."""
    try:
        while True:
            with _within(reading.run):
                try:
                    item = await anext(source)
                except StopAsyncIteration:
                    break
            reading.piece(item)
            yield item
    except GeneratorExit:
        await source.aclose()
        reading.end("early")
        raise
    except BaseException as error:
        reading.end("broken", error)
        raise
    reading.end("complete")


def _below(kind: type) -> Iterator[type]:
    """All classes that come from one, each once."""
    waiting: list[type] = list(kind.__subclasses__())
    seen: set[type] = set()
    while waiting:
        found = waiting.pop()
        if found not in seen:
            seen.add(found)
            waiting += found.__subclasses__()
            yield found
