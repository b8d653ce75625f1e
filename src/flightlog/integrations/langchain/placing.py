"""LangChain's runs made current while their code runs: the callbacks only tell of them.

LangChain itself knows where it is: it runs the code of a run in a copy of the context, and makes a model's call in few
methods. There, and nowhere else, the run's span is made current, so that nothing of it is left behind in the program's
own context, nor between two pieces of a stream.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any, Final

from flightlog.core.context import OPEN, variable
from flightlog.core.engine import Span
from flightlog.integrations.http.methods import Replaced, Switch, Unfit
from flightlog.integrations.langchain.handler import Recording, latest

CONTEXTS: Final = ("langchain_core.runnables.config", "langgraph._internal._runnable")
"""Modules with a function that is called in the copy of the context in which a run's code will run."""
MODELS: Final = "langchain_core.language_models.chat_models"

_PLACED: Final = "_set_config_context"
_CALLS: Final = ("_generate_with_cache", "_agenerate_with_cache")
_STREAMS: Final = ("stream", "astream")
_MANAGER: Final = 2
"""Place of a model's run among their arguments."""


class Placing:
    """What is replaced in LangChain, module by module, for a handler."""

    def __init__(self, handler: Recording) -> None:
        self._handler = handler
        self._replaced: dict[str, Replaced] = {}
        self._followed: dict[tuple[type, str], Replaced] = {}

    def arrived(self, name: str, module: Any) -> None:
        """Begin with one of its modules.

        Raises:
            Unfit: it is of another shape; nothing was changed.
        """
        if name in self._replaced:
            return
        methods: list[tuple[Any, str, Callable[[Any, Switch], Any]]] = [(module, _PLACED, self._placing)]
        if name == MODELS:
            model: Any = module.BaseChatModel
            methods = [
                (model, _CALLS[0], self._calling),
                (model, _CALLS[1], self._calling_async),
                (model, _STREAMS[0], self._following),
                (model, _STREAMS[1], self._following),
            ]
        self._replaced[name] = Replaced(methods)

    def leave(self) -> None:
        """Leave LangChain as it was."""
        for held in (self._replaced, self._followed):
            while held:
                held.popitem()[1].restore()

    def _made_of(self, run_id: object) -> Span | None:
        return None if run_id is None else _open(self._handler.made_of(run_id))

    def _placing(self, original: Any, switch: Switch) -> Any:
        def placed(config: Any, *args: Any, **kwargs: Any) -> Any:
            done = original(config, *args, **kwargs)
            if switch.on:
                made = self._made_of(getattr(config.get("callbacks"), "parent_run_id", None))
                if made is not None:
                    variable.set(made)
            return done

        return placed

    def _run_of(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Span | None:
        manager = args[_MANAGER] if len(args) > _MANAGER else kwargs.get("run_manager")
        return self._made_of(getattr(manager, "run_id", None))

    def _calling(self, original: Any, switch: Switch) -> Any:
        def generate(model: Any, *args: Any, **kwargs: Any) -> Any:
            with _within(self._run_of(args, kwargs) if switch.on else None):
                return original(model, *args, **kwargs)

        return generate

    def _calling_async(self, original: Any, switch: Switch) -> Any:
        async def generate(model: Any, *args: Any, **kwargs: Any) -> Any:
            with _within(self._run_of(args, kwargs) if switch.on else None):
                return await original(model, *args, **kwargs)

        return generate

    def _following(self, original: Any, switch: Switch) -> Any:
        """What makes the call of a stream is a method of each class of models: it is met when it is first used."""

        def stream(model: Any, *args: Any, **kwargs: Any) -> Any:
            if switch.on:
                self._follow(type(model), "_stream", self._streaming)
                self._follow(type(model), "_astream", self._streaming_async)
            return original(model, *args, **kwargs)

        return stream

    def _follow(self, kind: type, name: str, make: Callable[[Any, Switch], Any]) -> None:
        """Replace a method of the class that it comes from, unless that lets nobody do so."""
        owner = next((base for base in kind.__mro__ if name in vars(base)), None)
        if owner is not None and (owner, name) not in self._followed and owner.__module__ != MODELS:
            with contextlib.suppress(Unfit, TypeError, AttributeError):
                self._followed[owner, name] = Replaced([(owner, name, make)])

    def _streaming(self, original: Any, switch: Switch) -> Any:
        def stream(model: Any, *args: Any, **kwargs: Any) -> Any:
            made = _just_begun() if switch.on else None
            source = original(model, *args, **kwargs)
            return source if made is None else _pulled(source, made)

        return stream

    def _streaming_async(self, original: Any, switch: Switch) -> Any:
        def stream(model: Any, *args: Any, **kwargs: Any) -> Any:
            made = _just_begun() if switch.on else None
            source = original(model, *args, **kwargs)
            return source if made is None else _pulled_async(source, made)

        return stream


def _just_begun() -> Span | None:
    """The run that asks for this stream; None where it is current already."""
    run = latest.get()
    latest.set(None)
    made = None if run is None else _open(run.made)
    return None if made is variable.get() else made


def _open(made: Span | None) -> Span | None:
    return made if made is not None and made._state == OPEN else None  # noqa: SLF001 - as the core itself looks


@contextlib.contextmanager
def _within(made: Span | None) -> Iterator[None]:
    """Make a span current for a while, unless there is none."""
    if made is None:
        yield
        return
    before = variable.get()
    variable.set(made)
    try:
        yield
    finally:
        if variable.get() is made:
            variable.set(before)


def _pulled(source: Any, made: Span) -> Iterator[Any]:
    """Its items; the span is current while the next one is made."""
    try:
        while True:
            with _within(made):
                try:
                    item = next(source)
                except StopIteration:
                    return
            yield item
    finally:
        close = getattr(source, "close", None)
        if close is not None:
            close()


async def _pulled_async(source: Any, made: Span) -> AsyncIterator[Any]:
    """As above, of a stream for tasks."""
    try:
        while True:
            with _within(made):
                try:
                    item = await anext(source)
                except StopAsyncIteration:
                    return
            yield item
    finally:
        close = getattr(source, "aclose", None)
        if close is not None:
            await close()
