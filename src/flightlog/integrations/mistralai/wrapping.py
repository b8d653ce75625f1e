"""Puts the recorder around the clients of `mistralai`, all of them or a single one, and takes it away again.

Every request of a client goes through one method of `BaseSDK`. What the client then makes of the response, an answer
or an exception, is made by the method that the program called, which is wrapped as well; and the pause before each
retry is worked out by one function.
"""

from __future__ import annotations

import sys
from contextvars import ContextVar
from importlib import import_module
from types import ModuleType, TracebackType
from typing import Any, Final, Self

from flightlog.border import let_through
from flightlog.core import rerun
from flightlog.integrations.chosen import Chosen, Report
from flightlog.integrations.http.methods import Replaced, Switch, Unfit
from flightlog.integrations.mistralai import replica
from flightlog.integrations.mistralai.asked import Asked, opened, requested, unseen
from flightlog.integrations.stainless.exchange import guarded
from flightlog.integrations.stainless.wrapping import Serving

_WANTED: Final = ("hook_ctx", "request", "is_error_status_code", "stream", "retry_config")
"""What a method that makes a request takes."""
_RESOURCES: Final = {
    "chat.Chat": ("complete", "stream"),
    "agents.Agents": ("complete", "stream"),
    "fim.Fim": ("complete", "stream"),
    "embeddings.Embeddings": ("create",),
    "conversations.Conversations": tuple(
        f"{name}{way}" for name in ("start", "append", "restart") for way in ("", "_stream")
    ),
}
"""Modules and classes of the package, and their methods that call a model; each has a twin for tasks."""


def _replaced(module: Any, report: Report) -> Replaced:
    base: Any = _class_of(module, "basesdk.BaseSDK")
    for name in ("do_request", "do_request_async"):
        _check(base, name)
    requests = [
        (base, "do_request", lambda made, switch: _requesting(made, switch, report)),
        (base, "do_request_async", lambda made, switch: _requesting_async(made, switch, report)),
    ]
    methods = [
        (owner, f"{name}{way}", _making_async if way else _making)
        for place, names in _RESOURCES.items()
        for owner in [_class_of(module, place)]
        for name in names
        for way in ("", "_async")
    ]
    retries = sys.modules[f"{module.__name__}.utils.retries"]
    pauses = (
        [(retries, _PAUSE, lambda made, switch: _noting(made, switch, report))]
        if hasattr(retries, _PAUSE)
        else []
    )  # without it only less is known of retries
    return Replaced([*requests, *methods, *pauses])


_PAUSE: Final = "_get_sleep_interval"

_clients: Final = Chosen(_replaced)


def wrap(module: ModuleType, report: Report) -> None:
    """Record every client of the package; twice is harmless.

    Raises:
        Unfit: the package is another than this wrapper knows; nothing was changed.
    """
    _clients.wrap(module, report)


def unwrap(module: ModuleType) -> None:  # noqa: ARG001 - the classes are those that were wrapped, of an earlier one too
    """Leave the package as it was."""
    _clients.unwrap()


def is_client(module: Any, value: object) -> bool:
    """Whether this is a client of the package."""
    return isinstance(value, module.Mistral)


def wrap_client(client: Any, report: Report) -> bool:
    """Record one client; False if that is so already."""
    return _clients.add(client.sdk_configuration, sys.modules["mistralai.client"], report)


def unwrap_client(client: Any) -> None:
    """Leave one client as it was."""
    _clients.drop(client.sdk_configuration)


def _class_of(module: Any, place: str) -> Any:
    name, _, kind = place.partition(".")
    try:
        loaded: Any = import_module(
            f"{module.__name__}.{name}"
        )  # as the package does when it is asked for one
    except ImportError:
        raise Unfit(f"it has no {module.__name__}.{name}") from None
    found = getattr(loaded, kind, None)
    if found is None:
        raise Unfit(f"it has no {place}")
    return found


def _check(base: Any, name: str) -> None:
    """Refuse a method that does not take what ours hands on."""
    method: Any = getattr(base, name, None)
    while hasattr(method, "__wrapped__"):
        method = method.__wrapped__
    code = getattr(method, "__code__", None)
    if code is None or code.co_varnames[1 : 1 + len(_WANTED)] != _WANTED:
        raise Unfit(f"{base.__name__}.{name} does not take {', '.join(_WANTED)}")


class _Making:
    """The time in which a method of the package makes a request and then an answer or an exception of what came."""

    __slots__ = ("_before", "asked")

    def __init__(self) -> None:
        self.asked: Asked | None = None
        """The request that was made in it."""
        self._before: _Making | None = None

    def __enter__(self) -> Self:
        self._before = making.get()
        making.set(self)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if making.get() is self:
            making.set(self._before)
        if self.asked is not None and error is not None:
            guarded(self.asked, self.asked.failed, error)

    def answered(self) -> None:
        """The program has its answer, or a stream of one."""
        if self.asked is not None:
            # From here on only the program has the response: where it is dropped, the call ends.
            response, self.asked.response = self.asked.response, None
            guarded(self.asked, self.asked.answered, response)


making: Final[ContextVar[_Making | None]] = ContextVar("flightlog_mistralai_making", default=None)


def _making(original: Any, switch: Switch) -> Any:
    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        if not (switch.on and _clients.has(self.sdk_configuration)):
            return original(self, *args, **kwargs)
        with _Making() as made:
            result = original(self, *args, **kwargs)
        made.answered()
        return result

    return method


def _making_async(original: Any, switch: Switch) -> Any:
    async def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        if not (switch.on and _clients.has(self.sdk_configuration)):
            return await original(self, *args, **kwargs)
        with _Making() as made:
            result = await original(self, *args, **kwargs)
        made.answered()
        return result

    return method


def _begun(sdk: Any, switch: Switch, request: Any, report: Report) -> Asked | None:
    """The record of a request; None where nobody wants one."""
    if not switch.on or not _clients.has(sdk.sdk_configuration):
        return None
    asked = opened(request, report)
    if asked is None and rerun.answers is not None:
        unseen(request)
    return asked


def _came(asked: Asked, response: Any) -> None:
    """The client has a response; what comes of it is seen by whoever makes an answer of it."""
    made = making.get()
    if made is not None and made.asked is None:
        made.asked, asked.response = asked, response
    else:
        guarded(asked, asked.seen, response)


def _requesting(original: Any, switch: Switch, report: Report) -> Any:
    def do_request(self: Any, hook_ctx: Any, request: Any, *args: Any, **kwargs: Any) -> Any:
        asked = _begun(self, switch, request, report)
        if asked is None:
            return original(self, hook_ctx, request, *args, **kwargs)
        with Serving(asked, requested):
            response = replica.served(asked, request, is_async=False)
            if response is None:
                response = original(self, hook_ctx, request, *args, **kwargs)
        _came(asked, response)
        return response

    return do_request


def _requesting_async(original: Any, switch: Switch, report: Report) -> Any:
    async def do_request(self: Any, hook_ctx: Any, request: Any, *args: Any, **kwargs: Any) -> Any:
        asked = _begun(self, switch, request, report)
        if asked is None:
            return await original(self, hook_ctx, request, *args, **kwargs)
        with Serving(asked, requested):
            response = replica.served(asked, request, is_async=True)
            if response is None:
                response = await original(self, hook_ctx, request, *args, **kwargs)
        _came(asked, response)
        return response

    return do_request


def _noting(original: Any, switch: Switch, report: Report) -> Any:
    """The pause before a retry is worked out for one reason only: there is going to be one."""

    def pause(
        exception: Any, initial: Any, longest: Any, exponent: Any, retries: Any, *args: Any, **kwargs: Any
    ) -> Any:
        seconds = original(exception, initial, longest, exponent, retries, *args, **kwargs)
        asked = requested.get() if switch.on else None
        if asked is not None:
            try:
                asked.retry(retries + 1, seconds)
            except Exception as failure:  # noqa: BLE001 - the border: the client must go on
                let_through(failure)
                report("a retry could not be recorded", failure)
        return seconds

    return pause
