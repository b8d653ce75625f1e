"""httpx and httpx2: `Client.send` and `AsyncClient.send`, through which every request of theirs goes.

One span is one request as the program made it, with its redirects and authentication. A streamed answer ends it when
it has been read or closed.
"""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Iterator
from types import ModuleType
from typing import Any, Final

from flightlog.integrations.http.bodies import Kept
from flightlog.integrations.http.call import Call, Report, begun
from flightlog.integrations.http.methods import Replaced, Singles, Switch

_PACKAGES: Final = ("httpx", "httpx2")

_replaced: Final[dict[str, Replaced]] = {}
_singles: Final = Singles(lambda client: _module_of(client).__name__ in _replaced)


def wrap(module: ModuleType, report: Report) -> None:
    """Record every client of the package; twice is harmless.

    Raises:
        Unfit: the package is another than this wrapper knows; nothing was changed.
    """
    name = module.__name__
    if name in _replaced and _replaced[name].fits(module.Client, module.AsyncClient):
        return
    unwrap(module)
    streams = _Streams(module)
    _replaced[name] = Replaced(
        [
            (module.Client, "send", lambda original, switch: _sending(original, switch, streams, report)),
            (
                module.AsyncClient,
                "send",
                lambda original, switch: _sending_async(original, switch, streams, report),
            ),
        ]
    )


def unwrap(module: ModuleType) -> None:
    """Leave the package as it was."""
    replaced = _replaced.pop(module.__name__, None)
    if replaced is not None:
        replaced.restore()


def is_client(module: Any, value: object) -> bool:
    """Whether this is a client of the package."""
    return isinstance(value, (module.Client, module.AsyncClient))


def wrap_client(client: Any, report: Report) -> bool:
    """Record one client; False if that is so already."""
    module = _module_of(client)
    streams = _Streams(module)
    sending = _sending if isinstance(client, module.Client) else _sending_async
    return _singles.put(client, "send", lambda original, switch: sending(original, switch, streams, report))


def unwrap_client(client: Any) -> None:
    """Leave one client as it was."""
    _singles.take_back(client)


def _module_of(client: object) -> Any:
    """The package whose client this is, perhaps by way of a class of somebody else's."""
    return next(
        module
        for name in _PACKAGES
        if (module := sys.modules.get(name)) is not None and is_client(module, client)
    )


class _Streams:
    """The package's own kinds of streams, with a call that ends when they do."""

    def __init__(self, module: Any) -> None:
        self.library = module.__name__

        class Stream(module.SyncByteStream):  # type: ignore[misc]  # a class of the package at hand
            """A body that is read while the program goes on."""

            def __init__(self, inner: Any, call: Call) -> None:
                self._inner, self._call, self._size = inner, call, 0
                self._kept = Kept(call)  # which ends it where the program drops the answer

            def __iter__(self) -> Iterator[bytes]:
                try:
                    for piece in self._inner:
                        self._size += len(piece)
                        yield piece
                except BaseException as error:
                    self._call.step(self._call.end, None if isinstance(error, GeneratorExit) else error)
                    raise

            def close(self) -> None:
                try:
                    self._inner.close()
                finally:
                    self._call.step(self._call.end, None, self._size)

        class AsyncStream(module.AsyncByteStream):  # type: ignore[misc]  # as above
            """The same for tasks."""

            def __init__(self, inner: Any, call: Call) -> None:
                self._inner, self._call, self._size = inner, call, 0
                self._kept = Kept(call)  # which ends it where the program drops the answer

            async def __aiter__(self) -> AsyncIterator[bytes]:
                try:
                    async for piece in self._inner:
                        self._size += len(piece)
                        yield piece
                except BaseException as error:
                    self._call.step(self._call.end, None if isinstance(error, GeneratorExit) else error)
                    raise

            async def aclose(self) -> None:
                try:
                    await self._inner.aclose()
                finally:
                    self._call.step(self._call.end, None, self._size)

        self.plain, self.asynchronous = Stream, AsyncStream


def _begun(request: Any, streams: _Streams, report: Report) -> Call | None:
    call = begun(streams.library, request.method, request.url, request.headers, report)
    if call is not None:
        request.headers.update(call.headers)
    return call


def _finished(call: Call, response: Any, stream: Any) -> None:
    """The library has an answer for the program: whole, or to be read by it."""
    extensions: Any = getattr(response, "extensions", None) or {}
    version = extensions.get("http_version", b"")
    call.answered(
        response.status_code,
        version=version.decode("ascii", "replace") if isinstance(version, bytes) else "",
        redirects=len(response.history),
    )
    if response.is_closed or not call.span.recorded:
        call.end(None, response.num_bytes_downloaded or None)
    else:
        response.stream = stream(response.stream, call)


def _without(request: Any, call: Call) -> None:
    """The request is the program's: it may be sent again."""
    for name in call.headers:
        request.headers.pop(name, None)


def _sending(original: Any, switch: Switch, streams: _Streams, report: Report) -> Any:
    def send(self: Any, request: Any, *args: Any, **kwargs: Any) -> Any:
        call = _begun(request, streams, report) if switch.on else None
        if call is None:
            return original(self, request, *args, **kwargs)
        try:
            with call:
                response = original(self, request, *args, **kwargs)
        finally:
            call.step(_without, request, call)
        call.step(_finished, call, response, streams.plain)
        return response

    return send


def _sending_async(original: Any, switch: Switch, streams: _Streams, report: Report) -> Any:
    async def send(self: Any, request: Any, *args: Any, **kwargs: Any) -> Any:
        call = _begun(request, streams, report) if switch.on else None
        if call is None:
            return await original(self, request, *args, **kwargs)
        try:
            with call:
                response = await original(self, request, *args, **kwargs)
        finally:
            call.step(_without, request, call)
        call.step(_finished, call, response, streams.asynchronous)
        return response

    return send
