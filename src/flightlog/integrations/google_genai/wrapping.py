"""Puts the recorder around the clients of `google-genai`, all of them or a single one, and takes it away again.

Every request of a client, whichever resource it is made by, goes through one of four methods of its `BaseApiClient`,
each attempt at it through one of two more.
"""

from __future__ import annotations

import sys
import weakref
from collections.abc import AsyncIterator, Iterator
from threading import Event
from types import ModuleType
from typing import Any, Final

from flightlog.core import rerun
from flightlog.integrations.chosen import Chosen, Report
from flightlog.integrations.google_genai import functions, replica
from flightlog.integrations.google_genai.asked import Asked, Request, opened, requested, unseen
from flightlog.integrations.http.methods import Replaced, Switch, Unfit
from flightlog.integrations.stainless.exchange import guarded
from flightlog.integrations.stainless.tap import Tap
from flightlog.integrations.stainless.wrapping import Serving

_OVER: Final = object()
_WANTED: Final = ("http_method", "path", "request_dict", "http_options")
"""What a method that makes a request takes."""


def _replaced(module: Any, report: Report) -> Replaced:
    client: Any = module.client.BaseApiClient
    for name in _ASKING:
        _check(client, name)
    asking = [
        (client, name, lambda original, switch, make=make: make(original, switch, report))
        for name, make in _ASKING.items()
    ]
    attempting = [(client, "_request_once", _attempting), (client, "_async_request_once", _attempting_async)]
    package = {name: sys.modules[f"google.genai.{name}"] for name in ("models", "chats", "_extra_utils")}
    return Replaced([*asking, *attempting, *functions.wrappers(package, _clients, report)])


def _check(client: Any, name: str) -> None:
    """Refuse a method that does not take what ours hands on."""
    method: Any = getattr(client, name, None)
    while hasattr(method, "__wrapped__"):
        method = method.__wrapped__
    code = getattr(method, "__code__", None)
    if code is None or code.co_varnames[1 : 1 + len(_WANTED)] != _WANTED:
        raise Unfit(f"{client.__name__}.{name} does not take {', '.join(_WANTED)}")


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
    """Whether this is a client of the package, or the one for tasks that belongs to it."""
    return isinstance(value, (module.Client, module.client.AsyncClient))


def wrap_client(client: Any, report: Report) -> bool:
    """Record one client, with the one for tasks that belongs to it; False if that is so already."""
    return _clients.add(client._api_client, sys.modules["google.genai"], report)  # noqa: SLF001 - whom all its work knows


def unwrap_client(client: Any) -> None:
    """Leave one client as it was."""
    _clients.drop(client._api_client)  # noqa: SLF001 - as above


def _begun(client: Any, switch: Switch, request: Request, report: Report) -> Asked | None:
    """The record of a request; None where nobody wants one."""
    if not switch.on or not _clients.has(client):
        return None
    asked = opened(client, request, report)
    if asked is None and rerun.answers is not None:
        unseen(request)
    return asked


def _asking(original: Any, switch: Switch, report: Report) -> Any:
    def request(
        self: Any, http_method: str, path: str, request_dict: Any, http_options: Any = None, **more: Any
    ) -> Any:
        asked = _begun(self, switch, Request(http_method, path, request_dict, http_options), report)
        if asked is None:
            return original(self, http_method, path, request_dict, http_options, **more)
        with Serving(asked, requested):
            result = replica.whole_answer(asked)
            if result is None:
                result = original(self, http_method, path, request_dict, http_options, **more)
        guarded(asked, _finished, asked, result)
        return result

    return request


def _asking_async(original: Any, switch: Switch, report: Report) -> Any:
    async def async_request(
        self: Any, http_method: str, path: str, request_dict: Any, http_options: Any = None, **more: Any
    ) -> Any:
        asked = _begun(self, switch, Request(http_method, path, request_dict, http_options), report)
        if asked is None:
            return await original(self, http_method, path, request_dict, http_options, **more)
        with Serving(asked, requested):
            result = replica.whole_answer(asked)
            if result is None:
                result = await original(self, http_method, path, request_dict, http_options, **more)
        guarded(asked, _finished, asked, result)
        return result

    return async_request


def _finished(asked: Asked, result: Any) -> None:
    asked.finish_bytes(_bytes(result))


def _bytes(result: Any) -> bytes:
    body = getattr(result, "body", None)
    return body.encode(errors="replace") if isinstance(body, str) else b""


def _tap(asked: Asked, report: Report) -> Tap:
    return Tap(asked, None if asked.api.stream is None else asked.api.stream(), report)


def _taken(tap: Tap, item: Any) -> Any:
    """The client hands out each event as JSON: to be read, it stands as it did on the wire."""
    tap.feed(b"data: " + _bytes(item) + b"\n\n")
    return item


def _asking_streamed(original: Any, switch: Switch, report: Report) -> Any:
    def request_streamed(
        self: Any, http_method: str, path: str, request_dict: Any, http_options: Any = None, **more: Any
    ) -> Iterator[Any]:
        # A generator: the request is made when its first item is asked for, and so is the record.
        asked = _begun(self, switch, Request(http_method, path, request_dict, http_options), report)
        if asked is None:
            yield from original(self, http_method, path, request_dict, http_options, **more)
            return
        with Serving(asked, requested):
            source = replica.events(asked)
            if source is None:
                source = original(self, http_method, path, request_dict, http_options, **more)
            first = next(source, _OVER)
        yield from _reading(first, source, _tap(asked, report))

    return request_streamed


def _reading(item: Any, source: Iterator[Any], tap: Tap) -> Iterator[Any]:
    """The items of a stream, the first of which is here."""
    try:
        while item is not _OVER:
            yield _taken(tap, item)
            item = next(source, _OVER)
        tap.read_out()
    except GeneratorExit:
        tap.end("early")
        raise
    except BaseException as error:
        tap.end("broken", error)
        raise
    finally:
        source.close()  # type: ignore[attr-defined]  # it is a generator


def _asking_streamed_async(original: Any, switch: Switch, report: Report) -> Any:
    async def async_request_streamed(
        self: Any, http_method: str, path: str, request_dict: Any, http_options: Any = None, **more: Any
    ) -> Any:
        asked = _begun(self, switch, Request(http_method, path, request_dict, http_options), report)
        if asked is None:
            return await original(self, http_method, path, request_dict, http_options, **more)
        with Serving(asked, requested):
            recorded = replica.events(asked)
            if recorded is None:
                source = await original(self, http_method, path, request_dict, http_options, **more)
            else:
                source = replica.for_tasks(recorded)
        tap, asked_for = _tap(asked, report), Event()
        reading = _reading_async(source, tap, asked_for)
        weakref.finalize(reading, _dropped, tap, asked_for)
        return reading

    return async_request_streamed


def _dropped(tap: Tap, asked_for: Event) -> None:
    """Nobody has the stream any longer, which may be closed after this, or never was begun."""
    tap.end("early" if asked_for.is_set() else "abandoned")


async def _reading_async(source: Any, tap: Tap, asked_for: Event) -> AsyncIterator[Any]:
    asked_for.set()
    try:
        async for item in source:
            yield _taken(tap, item)
        tap.read_out()
    except GeneratorExit:
        tap.end("early")
        raise
    except BaseException as error:
        tap.end("broken", error)
        raise
    finally:
        await source.aclose()


def _attempting(original: Any, switch: Switch) -> Any:
    def request_once(self: Any, *args: Any, **kwargs: Any) -> Any:
        asked = requested.get() if switch.on else None
        if asked is None:
            return original(self, *args, **kwargs)
        guarded(asked, asked.attempt)
        try:
            return original(self, *args, **kwargs)
        except BaseException as error:
            guarded(asked, asked.refused, error)
            raise

    return request_once


def _attempting_async(original: Any, switch: Switch) -> Any:
    async def request_once(self: Any, *args: Any, **kwargs: Any) -> Any:
        asked = requested.get() if switch.on else None
        if asked is None:
            return await original(self, *args, **kwargs)
        guarded(asked, asked.attempt)
        try:
            return await original(self, *args, **kwargs)
        except BaseException as error:
            guarded(asked, asked.refused, error)
            raise

    return request_once


_ASKING: Final = {
    "request": _asking,
    "request_streamed": _asking_streamed,
    "async_request": _asking_async,
    "async_request_streamed": _asking_streamed_async,
}
