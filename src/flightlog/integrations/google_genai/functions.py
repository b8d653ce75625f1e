"""Automatic function calling: the client asks the model, calls the program's functions and asks again by itself.

Each of its requests is a model call of its own. What it does for one call of the program is one span around them, in
which the functions that it calls are tools beside the requests.
"""

from __future__ import annotations

import weakref
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextvars import ContextVar
from functools import partial
from types import TracebackType
from typing import Any, Final, Self

from flightlog.border import let_through
from flightlog.core import lasting
from flightlog.core.engine import span
from flightlog.integrations.chosen import Chosen, Report
from flightlog.integrations.google_genai.asked import called
from flightlog.integrations.google_genai.request import NAME, model_of
from flightlog.integrations.http.methods import Switch
from flightlog.integrations.stainless.answer import text
from flightlog.integrations.stainless.exchange import as_left
from flightlog.integrations.stainless.package import INSTRUMENTATION
from flightlog.records import genai

_SESSION: Final = "ClientSession"
"""The class of the tools that a server of the Model Context Protocol offers."""
_FAILED: Final = "FunctionInvocationError"
"""What the package makes of an exception of a function, to tell the model."""
_OVER: Final = object()

What = Callable[[Any, Any, Any], tuple[Any, Any, Any]]
"""Gives of a call, by what it is made on and with: its client, its model and how it is configured."""

working: Final[ContextVar[Work | None]] = ContextVar("flightlog_google_genai_functions", default=None)
"""What is being done in this context."""


class Work:
    """The requests and functions of one call of the program. As a `with` block: while something of it is done."""

    __slots__ = ("_before", "_outer", "_report", "made")

    def __init__(self, model: str, report: Report) -> None:
        self._report = report
        self._outer: Work | None = None
        made: Any = span(f"automatic_function_calling {model_of(f'{model}:')}", "step")
        made.set_attributes({INSTRUMENTATION: NAME, **called()})
        self.made = made
        self._before = lasting.here()
        made.__enter__()
        lasting.put_back(made, self._before)

    def __enter__(self) -> Self:
        self._before = lasting.stand(self.made)
        self._outer = working.get()
        working.set(self)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        lasting.put_back(self.made, self._before)
        if working.get() is self:
            working.set(self._outer)
        if error is not None:
            self.end(error)

    def end(self, error: BaseException | None = None) -> None:
        """End it, once."""
        lasting.end(self.made, None if error is None else as_left(error))


class Begin:
    """Begins the work of one call, where that may call functions and its client is recorded."""

    __slots__ = ("_clients", "_report", "_what")

    def __init__(self, what: What, clients: Chosen, report: Report) -> None:
        self._what = what
        self._clients = clients
        self._report = report

    def __call__(self, switch: Switch, called_on: Any, args: Any, kwargs: Any) -> Work | None:
        """The work of a call that is about to be made; None where there is none."""
        try:
            client, model, config = self._what(called_on, args, kwargs)
            if switch.on and self._clients.has(client) and calls_functions(config):
                return Work(text(model), self._report)
        except Exception as failure:  # noqa: BLE001 - the border: the program's call must be made
            let_through(failure)
            self._report("a call could not be recorded", failure)
        return None


def wrappers(
    package: Mapping[str, Any], clients: Chosen, report: Report
) -> list[tuple[Any, str, Callable[[Any, Switch], Any]]]:
    """What is to be replaced: where, under which name, and what makes the wrapper of the original.

    Args:
        package: modules of the package, by their names in it.
        clients: those that are recorded.
        report: told of what cannot be recorded.
    """
    models, chats, helpers = package["models"], package["chats"], package["_extra_utils"]
    found: list[tuple[Any, str, Callable[[Any, Switch], Any]]] = [
        (helpers, "invoke_function_from_dict_args", _tool),
        (helpers, "invoke_function_from_dict_args_async", _async_tool),
    ]
    for plain, tasks, name, what in (
        (models.Models, models.AsyncModels, "generate_content", _of_models),
        (chats.Chat, chats.AsyncChat, "send_message", _of_chat),
    ):
        begin = Begin(what, clients, report)
        for owner, method, around in (
            (plain, name, _around),
            (tasks, name, _around_async),
            (plain, f"{name}_stream", _around_stream),
            (tasks, f"{name}_stream", _around_async_stream),
        ):
            found.append((owner, method, partial(around, begin)))
    return found


def _of_models(models: Any, _args: Any, kwargs: Mapping[str, Any]) -> tuple[Any, Any, Any]:
    return models._api_client, kwargs.get("model"), kwargs.get("config")  # noqa: SLF001 - whom all its work knows


def _of_chat(chat: Any, args: Any, kwargs: Mapping[str, Any]) -> tuple[Any, Any, Any]:
    given = kwargs.get("config") or (args[1] if len(args) > 1 else None)
    return chat._modules._api_client, chat._model, given or chat._config  # noqa: SLF001 - as above


def calls_functions(config: Any) -> bool:
    """Whether the client may call functions of the program by itself, as its documentation has it."""

    def of(value: Any, name: str) -> Any:
        return value.get(name) if isinstance(value, Mapping) else getattr(value, name, None)

    automatic = of(config, "automatic_function_calling")
    most = of(automatic, "maximum_remote_calls")
    if of(automatic, "disable") or (isinstance(most, int) and most <= 0):
        return False
    tools = of(config, "tools")
    return isinstance(tools, list) and any(callable(tool) or _is_session(tool) for tool in tools)


def _is_session(tool: object) -> bool:
    return any(base.__name__ == _SESSION for base in type(tool).__mro__)


def _around(begin: Begin, original: Any, switch: Switch) -> Any:
    def whole(self: Any, *args: Any, **kwargs: Any) -> Any:
        work = begin(switch, self, args, kwargs)
        if work is None:
            return original(self, *args, **kwargs)
        with work:
            result = original(self, *args, **kwargs)
        work.end()
        return result

    return whole


def _around_async(begin: Begin, original: Any, switch: Switch) -> Any:
    async def whole(self: Any, *args: Any, **kwargs: Any) -> Any:
        work = begin(switch, self, args, kwargs)
        if work is None:
            return await original(self, *args, **kwargs)
        with work:
            result = await original(self, *args, **kwargs)
        work.end()
        return result

    return whole


def _around_stream(begin: Begin, original: Any, switch: Switch) -> Any:
    def streamed(self: Any, *args: Any, **kwargs: Any) -> Iterator[Any]:
        work = begin(switch, self, args, kwargs)
        source = original(self, *args, **kwargs)
        if work is None:
            yield from source
            return
        try:
            while True:
                with work:
                    item = next(source, _OVER)
                if item is _OVER:
                    return
                yield item
        finally:
            source.close()
            work.end()

    return streamed


def _around_async_stream(begin: Begin, original: Any, switch: Switch) -> Any:
    async def streamed(self: Any, *args: Any, **kwargs: Any) -> Any:
        work = begin(switch, self, args, kwargs)
        if work is None:
            return await original(self, *args, **kwargs)
        with work:
            source = await original(self, *args, **kwargs)
        reading = _within(work, source)
        weakref.finalize(reading, work.end)  # also where nobody ever asks for the first item
        return reading

    return streamed


async def _within(work: Work, source: Any) -> AsyncIterator[Any]:
    try:
        while True:
            with work:
                item = await anext(source, _OVER)
            if item is _OVER:
                return
            yield item
    finally:
        await source.aclose()
        work.end()


def _tool(original: Any, switch: Switch) -> Any:
    def invoke(args: Any, function_to_invoke: Any) -> Any:
        made = _tool_span(args, function_to_invoke) if switch.on and working.get() is not None else None
        if made is None:
            return original(args, function_to_invoke)
        with _Tool(made):
            result = original(args, function_to_invoke)
            made.output = result
        return result

    return invoke


def _async_tool(original: Any, switch: Switch) -> Any:
    async def invoke(args: Any, function_to_invoke: Any) -> Any:
        made = _tool_span(args, function_to_invoke) if switch.on and working.get() is not None else None
        if made is None:
            return await original(args, function_to_invoke)
        with _Tool(made):
            result = await original(args, function_to_invoke)
            made.output = result
        return result

    return invoke


def _tool_span(args: Any, function: Any) -> Any:
    name = text(getattr(function, "__name__", None)) or type(function).__name__
    made: Any = span(name, "tool", input=args)
    made.set_attributes({INSTRUMENTATION: NAME, genai.OPERATION: "execute_tool", genai.TOOL_NAME: name})
    return made


class _Tool:
    """The time in which a function is at work: it is the current span, and fails with the function's own exception."""

    __slots__ = ("_made",)

    def __init__(self, made: Any) -> None:
        self._made = made

    def __enter__(self) -> None:
        self._made.__enter__()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is not None and type(error).__name__ == _FAILED and error.__context__ is not None:
            error = error.__context__
            kind, trace = type(error), error.__traceback__
        self._made.__exit__(kind, error, trace)
