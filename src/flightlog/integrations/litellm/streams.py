"""Reads an answer that is streamed beside its consumer, from the very pieces that the consumer gets.

LiteLLM's streams are objects of several classes, each with `__next__` or `__anext__`. These methods are replaced in a
class as soon as a stream of it is met, and look whether the stream is one that is recorded. The call is the current
span while a piece is made, for a stream may make its request only then.
"""

from __future__ import annotations

import contextlib
import threading
import weakref
from collections.abc import Iterable
from typing import Any, Final
from weakref import WeakKeyDictionary

from flightlog.integrations.http.methods import Replaced, Switch, Unfit
from flightlog.integrations.litellm import told
from flightlog.integrations.litellm.calls import Exchange
from flightlog.integrations.stainless.answer import Stream, mapping
from flightlog.integrations.stainless.tap import ENDED

_STEP: Final = "__next__"
_ASYNC_STEP: Final = "__anext__"


class Watched:
    """What is known of one stream while it is being read."""

    __slots__ = ("__weakref__", "_chunks", "_reader", "exchange", "inside", "is_over", "notes")

    def __init__(self, exchange: Exchange, reader: Stream, stream: Any) -> None:
        self.exchange = exchange
        self.inside = False
        """Whether the stream is at work on a piece: a class of LiteLLM's may ask the one that it is made from."""
        self.is_over = False
        self.notes = _Notes(stream)
        self._reader = reader
        inner = getattr(stream, "completion_stream", None)
        chunks = getattr(stream, "chunks", None)
        self._chunks: Iterable[Any] = getattr(inner, "chunks", ()) if chunks is None else chunks

    def take(self, item: Any) -> None:
        """Take the piece that the consumer is about to get."""
        if not self.is_over:
            self.exchange.step(self._take, item)

    def _take(self, item: Any) -> None:
        dump = getattr(item, "model_dump", None)
        size = self._reader.event(mapping(dump(warnings=False) if dump is not None else item))
        if size is not None:
            self.exchange.call.chunk(size)

    def end(self, how: str, error: BaseException | None = None) -> None:
        """End the call, once; `how` is a word of `flightlog.stream.ended`."""
        if self.is_over:
            return
        self.is_over = True
        if isinstance(error, GeneratorExit):
            how, error = "abandoned", None
        self.exchange.step(self._end, how, error)

    def _end(self, how: str, error: BaseException | None) -> None:
        how = "complete" if self._reader.complete and error is None else how
        answer = self._reader.answer()
        if isinstance(self._reader, told.Pieces):
            answer.usage = told.usage_of(getattr(chunk, "usage", None) for chunk in list(self._chunks))
        self.exchange.call.set_attributes({ENDED: how})
        if error is not None:
            self.exchange.tell(error)
        self.exchange.finish(answer, self.notes, error)


class _Notes:
    """What a stream says about itself, kept without keeping the stream."""

    def __init__(self, stream: Any) -> None:
        about = told.hidden(stream)
        names = ("custom_llm_provider", "api_base", "additional_headers", "cache_hit")
        self._hidden_params = {name: about[name] for name in names if about.get(name) is not None}
        self.custom_llm_provider = getattr(stream, "custom_llm_provider", None)
        if isinstance(self.custom_llm_provider, str) and not told.is_cached(stream):
            self._hidden_params.setdefault("custom_llm_provider", self.custom_llm_provider)


class Streams:
    """The streams that are being read, and the classes whose methods see them."""

    def __init__(self) -> None:
        self._known: WeakKeyDictionary[Any, Watched] = WeakKeyDictionary()
        self._followed: dict[tuple[type, str], Replaced] = {}
        self._lock = threading.Lock()

    def watch(self, stream: Any, exchange: Exchange) -> bool:
        """Read a stream beside its consumer until it has ended; False for what is no stream of a known kind."""
        kind = type(stream)
        make = exchange.sort.stream
        if make is None or not (hasattr(kind, _STEP) or hasattr(kind, _ASYNC_STEP)):
            return False
        if not kind.__module__.startswith("litellm."):
            return False
        self._follow(kind)
        watched = Watched(exchange, make(), stream)
        self._known[stream] = watched
        weakref.finalize(stream, watched.end, "abandoned")
        return True

    def leave(self) -> None:
        """Leave the classes as they were; the streams that are still read end as they are."""
        for watched in list(self._known.values()):
            watched.end("abandoned")
        with self._lock:
            while self._followed:
                self._followed.popitem()[1].restore()

    def _follow(self, kind: type) -> None:
        ways = {
            _STEP: self._step,
            _ASYNC_STEP: self._async_step,
            "close": self._close,
            "aclose": self._aclose,
        }
        with self._lock:
            for name, make in ways.items():
                owner = next((base for base in kind.__mro__ if name in vars(base)), None)
                if owner is None or (owner, name) in self._followed:
                    continue
                with contextlib.suppress(Unfit, TypeError, AttributeError):
                    self._followed[owner, name] = Replaced([(owner, name, make)])

    def _of(self, stream: Any, switch: Switch) -> Watched | None:
        """What is known of a stream at the outermost of its methods; None where nothing is."""
        watched = self._known.get(stream) if switch.on else None
        return None if watched is None or watched.inside or watched.is_over else watched

    def _step(self, original: Any, switch: Switch) -> Any:
        def step(stream: Any) -> Any:
            watched = self._of(stream, switch)
            if watched is None:
                return original(stream)
            watched.inside = True
            try:
                with watched.exchange.call.current():
                    item = original(stream)
            except StopIteration:
                watched.end("complete")
                raise
            except BaseException as error:
                watched.end("broken", error)
                raise
            finally:
                watched.inside = False
            watched.take(item)
            return item

        return step

    def _async_step(self, original: Any, switch: Switch) -> Any:
        async def step(stream: Any) -> Any:
            watched = self._of(stream, switch)
            if watched is None:
                return await original(stream)
            watched.inside = True
            try:
                with watched.exchange.call.current():
                    item = await original(stream)
            except StopAsyncIteration:
                watched.end("complete")
                raise
            except BaseException as error:
                watched.end("broken", error)
                raise
            finally:
                watched.inside = False
            watched.take(item)
            return item

        return step

    def _close(self, original: Any, switch: Switch) -> Any:
        def close(stream: Any, *args: Any, **kwargs: Any) -> Any:
            try:
                return original(stream, *args, **kwargs)
            finally:
                watched = self._of(stream, switch)
                if watched is not None:
                    watched.end("early")

        return close

    def _aclose(self, original: Any, switch: Switch) -> Any:
        async def aclose(stream: Any, *args: Any, **kwargs: Any) -> Any:
            try:
                return await original(stream, *args, **kwargs)
            finally:
                watched = self._of(stream, switch)
                if watched is not None:
                    watched.end("early")

        return aclose
