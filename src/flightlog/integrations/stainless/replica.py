"""A recorded answer, served again: a client that gets it from here instead of from the network.

The package itself makes of it what the program wants: parsed, raw, a stream, an exception. Only what would be
sent and received is replaced, on a copy of the client that lasts for the one call.
"""

from __future__ import annotations

import ast
import copy
import sys
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from datetime import timedelta
from typing import Any, Final

import msgspec
from msgspec import UNSET, Struct

from flightlog.core import rerun
from flightlog.core.rerun import DIVERGED, Stopped, Unmakeable
from flightlog.integrations.stainless.answer import mapping
from flightlog.integrations.stainless.exchange import REQUEST_ID, STATUS_CODE, Exchange, is_recorded
from flightlog.integrations.stainless.package import Package
from flightlog.integrations.stainless.tap import ENDED
from flightlog.records.span import Span

_LEAST_REFUSAL: Final = 400
_CONNECTION: Final = ("APITimeoutError", "APIConnectionError")
"""Exceptions of the package for a request that got no answer, the narrower one first."""


class Reply(Struct):
    """What the network would have brought."""

    status: int
    headers: dict[str, str]
    body: bytes = b""
    events: Iterable[bytes] | None = None
    """Of a streamed answer, in the place of a body."""
    ending: Callable[[Any], BaseException | None] = lambda _module: None
    """What ends the stream after its last event, made with the HTTP client's package; None: nothing more comes."""


def stand_in(client: Any, exchange: Exchange, options: Any) -> Any:
    """Who makes the request of a rerun: a client that is served the recorded answer, or this one.

    Raises:
        Stopped: the rerun ends here.
        Exception: what the recorded call raised, where no answer came.
    """
    answers = rerun.answers
    assert answers is not None
    record = answers.find(exchange.call.span)
    if record is None:
        return client
    try:
        reply = _reply(exchange, record, options, answers)
    except Unmakeable as reason:
        answers.refuse(exchange.call.span, record, str(reason))
        return client
    answers.gave(exchange.call.span, record)
    if reply is None:
        raise _unanswered(exchange.package, client, record, options)
    return _served_by(client, _Wire(client._client, reply, exchange))  # noqa: SLF001 - whose place it takes


def unseen(package: Package, options: Any) -> None:
    """Say that a request is made which leaves no record: another service of the provider's, or a call that is muted."""
    if rerun.answers is not None and not is_recorded(options):
        rerun.answers.unrecorded(f"{str(options.method).upper()} {options.url} of the {package.name} package")


def _served_by(client: Any, wire: Any) -> Any:
    served = copy.copy(client)
    served._client = wire  # noqa: SLF001 - as above
    if (
        getattr(served, "_middleware_chain", None) is not None
    ):  # whose last link is the client it was copied from
        served._middleware_chain = served._build_middleware_chain()  # noqa: SLF001 - as above
    return served


class _Wire:
    """Takes the place of an HTTP client: it serves one reply, and is otherwise what it stands for."""

    def __init__(self, real: Any, reply: Reply, exchange: Exchange) -> None:
        self._real = real
        self._reply = reply
        self._exchange = exchange

    @property  # type: ignore[misc]  # the package asks whose client it is
    def __class__(self) -> Any:
        return type(self._real)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    def send(self, request: Any, **_: Any) -> Any:
        """Serve the reply, to a client or to one for tasks."""
        is_async = hasattr(type(self._real), "aclose")
        response = response_of(self._reply, request, is_async=is_async)
        if response.status_code < _LEAST_REFUSAL:
            self._exchange.response = response
        return _awaited(response) if is_async else response


async def _awaited(response: Any) -> Any:
    return response


def response_of(reply: Reply, request: Any, *, is_async: bool) -> Any:
    """The reply as a response of the package that made the request."""
    module: Any = sys.modules[type(request).__module__.partition(".")[0]]
    if reply.events is None:
        content: Any = reply.body
    elif is_async:
        content = _async_stream(reply.events, reply.ending, module)
    else:
        content = _stream(reply.events, reply.ending, module)
    response = module.Response(reply.status, headers=reply.headers, content=content, request=request)
    response.elapsed = timedelta()
    return response


def _stream(events: Iterable[bytes], ending: Any, module: Any) -> Iterator[bytes]:
    yield from events
    error = ending(module)
    if error is not None:
        raise error


async def _async_stream(events: Iterable[bytes], ending: Any, module: Any) -> AsyncIterator[bytes]:
    for event in events:
        yield event
    error = ending(module)
    if error is not None:
        raise error


def _reply(exchange: Exchange, record: Span, options: Any, answers: rerun.Answers) -> Reply | None:
    """What was served; None where nothing was.

    Raises:
        Unmakeable: it cannot be made of what is recorded.
    """
    headers = {"x-should-retry": "false", "content-type": "application/json"}
    if request_id := record.attributes.get(REQUEST_ID):
        headers[exchange.package.request_id] = str(request_id)
    if record.output is UNSET:
        status = record.attributes.get(STATUS_CODE)
        if isinstance(status, int) and status >= _LEAST_REFUSAL:
            return Reply(status, headers, _refusal(record))
        if record.error is not None and record.error.type.rpartition(".")[2] in _CONNECTION:
            return None
        raise Unmakeable("it has no answer that could be served")
    maker = exchange.api.maker
    body = mapping(options.json_data)
    made = maker.whole(record, body)
    if not body.get("stream"):
        if record.attributes.get(ENDED, "complete") != "complete":
            raise Unmakeable("it was streamed and not read to its end")
        return Reply(200, headers, msgspec.json.encode(made))
    headers["content-type"] = "text/event-stream; charset=utf-8"
    failure = _failure(record, exchange.api.error_event)
    complete = record.attributes.get(ENDED, "complete") == "complete" and failure is None
    events = list(maker.events(made, body, pieces_of(record), complete=complete))
    if failure is not None:
        return Reply(200, headers, events=[*events, failure])
    return Reply(200, headers, events=events, ending=ending_of(record, answers))


def pieces_of(record: Span) -> int:
    """In how many pieces the text came; 1 for an answer that was not streamed."""
    count = record.attributes.get("flightlog.stream.chunks")
    return count if isinstance(count, int) and count > 0 else 1


def _refusal(record: Span) -> bytes:
    """The body of an answer that refuses, of which the package makes the same message."""
    assert record.error is not None
    message = record.error.message
    head, dash, rest = message.partition(" - ")
    said = rest if dash and head.startswith("Error code: ") else message
    try:
        told = ast.literal_eval(said) if said.startswith("{") else None
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        told = None
    if isinstance(told, dict):
        return msgspec.json.encode(told)
    kind = record.attributes.get("error.type")
    return msgspec.json.encode({"error": {"message": said, "type": kind, "code": None, "param": None}})


def _unanswered(package: Package, client: Any, record: Span, options: Any) -> BaseException:
    """The package's exception for a request that got no answer."""
    assert record.error is not None
    name = record.error.type.rpartition(".")[2]
    module: Any = sys.modules[package.name]
    request = client._build_request(options)  # noqa: SLF001 - as the client would have made it
    made: BaseException = getattr(module, name)(request=request)
    return made


def _failure(record: Span, event: str) -> bytes | None:
    """The event by which a provider told that it failed within its answer; None where none did."""
    error = record.error
    if error is None or error.stack or record.attributes.get(ENDED) == "broken":
        return None
    told = {"error": {"message": error.message, "type": error.type}}
    if not event:
        return b"data: " + msgspec.json.encode(told) + b"\n\n"
    return f"event: {event}\ndata: ".encode() + msgspec.json.encode({"type": event, **told}) + b"\n\n"


def ending_of(record: Span, answers: rerun.Answers) -> Callable[[Any], BaseException | None]:
    """What comes after the last event that was recorded."""
    how = record.attributes.get(ENDED, "complete")
    if how == "complete":
        return lambda _module: None
    if how != "broken" or record.error is None:
        return lambda _module: answers.ran_out(record)
    fault = record.error

    def broken(module: Any) -> BaseException:
        kind = getattr(module, fault.type.rpartition(".")[2], None)
        if isinstance(kind, type) and issubclass(kind, Exception):
            made: BaseException = kind(fault.message)
            return made
        return Stopped(f"the recorded stream broke with {fault.type}, which cannot be raised again", DIVERGED)

    return broken
