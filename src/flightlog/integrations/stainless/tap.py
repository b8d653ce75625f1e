"""Reads an answer beside its consumer, from the very bytes that the consumer gets.

The response of the HTTP client is the one place that every way of reading leads through: iterating the stream,
the package's stream helpers, the raw and the streaming response. So its byte iterators and its ways to close
are watched, on this one object and until the call has ended. What they give, raise and return is handed through
untouched. Reading never runs ahead of the consumer, and nothing is read on its behalf.

A program may also take the bytes as they came over the wire. Of an answer that is compressed these say nothing
to us but that it was read.

A response that is thrown away unread ends its call when it is collected, at the latest when the program ends.
"""

from __future__ import annotations

import weakref
from collections.abc import AsyncIterator, Callable, Iterator
from types import MethodType
from typing import Any, Final, Protocol

import msgspec

from flightlog.border import let_through
from flightlog.core.llm import ModelCall
from flightlog.integrations.stainless.answer import Answer, Stream
from flightlog.integrations.stainless.wire import Events

ENDED: Final = "flightlog.stream.ended"
"""How the stream ended: `complete`, `early` (closed by the program before the provider was done), `abandoned`
(never read to its end, nor closed), or `broken` (by an exception)."""

_MOST_BYTES: Final = 16 << 20
"""A whole answer that the program reads by itself is kept up to this size, to be read when it is complete."""

_WATCHED: Final = ("iter_bytes", "aiter_bytes", "iter_raw", "aiter_raw", "close", "aclose")


class Ending(Protocol):
    """What a tap asks of its call: somebody who can end it."""

    call: ModelCall

    def finish(self, answer: Answer, error: BaseException | None = None) -> None:
        """End with what was said, and with the exception that ended it, if one did."""

    def finish_bytes(self, body: bytes) -> None:
        """End with an answer that is still bytes."""


class Tap:
    """What is known of one answer while it is being read."""

    def __init__(
        self,
        ending: Ending,
        stream: Stream | None,
        report: Callable[[str, Exception], object],
    ) -> None:
        self.inside = False
        """Whether the HTTP client is at work on the next piece: what it closes then is not closed by the program."""
        self.over = False
        self.unread = False
        """Whether bytes went by that cannot be read."""
        self._ending = ending
        self._stream = stream
        self._report = report
        self._events = Events()
        self._body: list[bytes] = []
        self._room = _MOST_BYTES

    def feed(self, piece: bytes) -> None:
        """Take the bytes that the consumer is about to get."""
        if self.over or self.unread:
            return
        try:
            if self._stream is None:
                self._keep(piece)
            else:
                self._take(self._stream, self._events.feed(piece))
        except Exception as failure:  # noqa: BLE001 - the border: the consumer must get its bytes
            self._give_up(failure)

    def _keep(self, piece: bytes) -> None:
        self._room -= len(piece)
        if self._room >= 0:
            self._body.append(piece)

    def _take(self, stream: Stream, events: list[bytes]) -> None:
        call = self._ending.call
        for data in events:
            if data.startswith(b"[DONE]"):
                stream.complete = True
                continue
            try:
                members = msgspec.json.decode(data)
            except (msgspec.DecodeError, UnicodeDecodeError):
                continue  # the consumer meets it too, and ends the stream
            size = stream.event(members) if isinstance(members, dict) else None
            if size is not None:
                call.chunk(size)

    def read_out(self) -> None:
        """There are no more bytes."""
        if self._stream is not None:
            self._stream.complete = True
        self.end("complete")

    def end(self, how: str, error: BaseException | None = None) -> None:
        """End the call, once."""
        if self.over:
            return
        self.over = True
        if isinstance(error, GeneratorExit):  # whoever was waiting for the next piece was thrown away
            how, error = "abandoned", None
        try:
            if self.unread:
                self._end_unsaid(how, error)
            elif self._stream is None:
                self._end_whole(how, error)
            else:
                how = "complete" if self._stream.complete and error is None else how
                self._ending.call.set_attributes({ENDED: how})
                self._ending.finish(self._stream.answer(), error)
        except Exception as failure:  # noqa: BLE001 - as above
            self._give_up(failure)
        self._body, self._stream = [], None

    def _end_whole(self, how: str, error: BaseException | None) -> None:
        if how == "complete" and self._room >= 0:
            self._ending.finish_bytes(b"".join(self._body))
        else:
            self._end_unsaid(how, error)

    def _end_unsaid(self, how: str, error: BaseException | None) -> None:
        self._ending.call.set_attributes({ENDED: how})
        self._ending.call.end(error)

    def _give_up(self, failure: Exception) -> None:
        self.over = True
        self._ending.call.end()
        let_through(failure)
        self._report("an answer could not be recorded", failure)


def tap(response: Any, tap: Tap) -> None:
    """Watch a response until its call has ended."""
    kind = type(response)
    watching = {
        "iter_bytes": _iterator(kind.iter_bytes, tap),
        "aiter_bytes": _async_iterator(kind.aiter_bytes, tap),
        "iter_raw": _raw_iterator(kind.iter_raw, tap),
        "aiter_raw": _async_raw_iterator(kind.aiter_raw, tap),
        "close": _close(kind.close, tap),
        "aclose": _async_close(kind.aclose, tap),
    }
    # They refer back to the response. Its own byte stream does so too: it is freed no later than without us.
    vars(response).update({name: MethodType(watcher, response) for name, watcher in watching.items()})
    weakref.finalize(response, tap.end, "abandoned")


def _let_go(response: Any, tap: Tap) -> None:
    """Take our hands off a response whose call has ended."""
    if tap.over:
        for name in _WATCHED:
            vars(response).pop(name, None)


def _iterator(original: Any, tap: Tap) -> Any:
    def iter_bytes(self: Any, chunk_size: int | None = None) -> Iterator[bytes]:
        source = original(self, chunk_size)
        try:
            while True:
                tap.inside = True
                try:
                    piece = next(source)
                except StopIteration:
                    tap.read_out()
                    break
                except BaseException as error:
                    tap.end("broken", error)
                    raise
                finally:
                    tap.inside = False
                tap.feed(piece)
                yield piece
        finally:
            source.close()
            _let_go(self, tap)

    return iter_bytes


def _async_iterator(original: Any, tap: Tap) -> Any:
    async def aiter_bytes(self: Any, chunk_size: int | None = None) -> AsyncIterator[bytes]:
        source = original(self, chunk_size)
        try:
            while True:
                tap.inside = True
                try:
                    piece = await anext(source)
                except StopAsyncIteration:
                    tap.read_out()
                    break
                except BaseException as error:
                    tap.end("broken", error)
                    raise
                finally:
                    tap.inside = False
                tap.feed(piece)
                yield piece
        finally:
            await source.aclose()
            _let_go(self, tap)

    return aiter_bytes


def _raw_iterator(original: Any, tap: Tap) -> Any:
    watched = _iterator(original, tap)

    def iter_raw(self: Any, chunk_size: int | None = None) -> Iterator[bytes]:
        if tap.inside:  # the client reads for `iter_bytes`, which is watched
            yield from original(self, chunk_size)
            return
        tap.unread = tap.unread or _is_coded(self)
        yield from watched(self, chunk_size)

    return iter_raw


def _async_raw_iterator(original: Any, tap: Tap) -> Any:
    watched = _async_iterator(original, tap)

    async def aiter_raw(self: Any, chunk_size: int | None = None) -> AsyncIterator[bytes]:
        source = (original if tap.inside else watched)(self, chunk_size)
        tap.unread = tap.unread or (not tap.inside and _is_coded(self))
        try:
            async for piece in source:
                yield piece
        finally:
            await source.aclose()

    return aiter_raw


def _is_coded(response: Any) -> bool:
    """Whether the bytes on the wire are others than those of the answer."""
    return str(response.headers.get("content-encoding", "identity")).strip().lower() not in {"", "identity"}


def _close(original: Any, tap: Tap) -> Any:
    def close(self: Any) -> None:
        try:
            original(self)
        finally:
            _closed(self, tap)

    return close


def _async_close(original: Any, tap: Tap) -> Any:
    async def aclose(self: Any) -> None:
        try:
            await original(self)
        finally:
            _closed(self, tap)

    return aclose


def _closed(response: Any, tap: Tap) -> None:
    if not tap.inside:
        tap.end("early")
        _let_go(response, tap)
