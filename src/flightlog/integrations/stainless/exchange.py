"""One model call as its user sees it: from the request, over the client's own retries, to the end of the answer.

Sync and async calls share this; it does no I/O. An answer that is streamed is read beside its consumer
(`tap.py`), and the call ends when the stream does.

Nothing here raises into the program: the wrapper's steps go through `guarded`, which reports and goes on.
"""

from __future__ import annotations

import sys
from asyncio import CancelledError
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from typing import Any, Final

import msgspec

from flightlog.border import let_through
from flightlog.core.llm import ModelCall, failure_facts, start_request
from flightlog.integrations.stainless.answer import Answer, text
from flightlog.integrations.stainless.caller import called_from
from flightlog.integrations.stainless.package import Api, Package
from flightlog.integrations.stainless.tap import Tap, tap
from flightlog.records import genai

Report = Callable[[str, Exception], object]
"""Takes what could not be done, and the failure; counts it and tells the user once."""

REQUEST_ID: Final = "flightlog.response.request_id"
"""The server's own name for the exchange, which its support asks for."""
STATUS_CODE: Final = "http.response.status_code"
_LEAST_REFUSAL: Final = 400
_LEAST_OF_SERVER: Final = 500
_PASSING: Final = frozenset({408, 409, 429})
"""Codes after which the clients that are made of Stainless try again, as after those of a server's own failure."""

serving: Final[ContextVar[Exchange | None]] = ContextVar("flightlog_stainless", default=None)
"""The call that is being made in this context: what is wrapped twice is recorded once."""


class Answered:
    """A call that ends with what its provider answered."""

    __slots__ = ("_report", "api", "body", "call", "response")

    def __init__(self, call: ModelCall, api: Api, body: object, report: Report) -> None:
        self.call = call
        self.body = body
        """What is being sent, until there is an answer: by it a request is known again in a second wrapper."""
        self.response: Any = None
        """The HTTP client's response that the package is about to make an answer of."""
        self.api = api
        self._report = report

    def failed(self, error: BaseException) -> None:
        """The call ends with an exception, which is the program's to handle."""
        self.call.end(as_left(error))

    def finish_bytes(self, body: bytes, error: BaseException | None = None) -> None:
        """End with an answer that is still the bytes that were served, and with the exception that they led to."""
        try:
            members = msgspec.json.decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError):
            members = None
        self._finish_members(members, error)

    def _finish_members(self, members: object, error: BaseException | None = None) -> None:
        """End with an answer, or with nothing said where it is none: a page of HTML, say."""
        said = self.api.read(members) if isinstance(members, Mapping) and members else Answer()
        self.finish(said, error)

    def finish(self, answer: Answer, error: BaseException | None = None) -> None:
        """End with what was said."""
        call = self.call
        call.response(id=answer.id, model=answer.model)
        usage = answer.usage
        call.usage(
            input=usage.input,
            output=usage.output,
            cache_read=usage.cache_read,
            cache_write=usage.cache_write,
            reasoning=usage.reasoning,
        )
        call.finish(*answer.finish)
        call.set_attributes(answer.attributes)
        if answer.messages is not None:
            call.output = {"messages": answer.messages}
        elif answer.vectors is not None:
            call.output = {"vectors": answer.vectors}
        if answer.failure is not None:
            call.fail(answer.failure[1], type=answer.failure[0])
        call.end(error)


class Exchange(Answered):
    """One call on its way, of a package that one generator made."""

    __slots__ = ("package", "refused")

    def __init__(self, call: ModelCall, package: Package, api: Api, body: object, report: Report) -> None:
        super().__init__(call, api, body, report)
        self.refused: Any = None
        """The HTTP client's response because of which the package is about to try again."""
        self.package = package

    def retry(self, attempt: int, delay: float) -> None:
        """The client will try again; what made the attempt fail is being handled right now, or was a response."""
        error = sys.exc_info()[1]
        response: Any = self.refused or getattr(error, "response", None)
        status = getattr(response, "status_code", None)
        reason = type(error).__name__ if status is None else f"{status} {response.reason_phrase}".rstrip()
        more = {} if status is None else {STATUS_CODE: status}
        self.call.event("retry", level="warn", attempt=attempt, reason=reason, delay=delay, **more)

    def failed(self, error: BaseException) -> None:
        """The call ends with an exception, which is the program's to handle."""
        error = as_left(error)
        facts: dict[str, Any] = {}
        status = getattr(error, "status_code", None)
        if isinstance(status, int):
            facts[STATUS_CODE] = status
        if isinstance(status, int) and status >= _LEAST_REFUSAL:
            # The provider's own word says more than the class; without one there is the code.
            facts[genai.ERROR_TYPE] = (
                text(getattr(error, "type", None)) or text(getattr(error, "code", None)) or str(status)
            )
            facts |= failure_facts(
                text(getattr(error, "code", None)),
                status in _PASSING or status >= _LEAST_OF_SERVER,
                getattr(error, "body", None),
            )
        if request_id := text(getattr(error, "request_id", None)):
            facts[REQUEST_ID] = request_id
        self.call.set_attributes(facts)
        if self.response is None:
            self.call.end(error)
            return
        # It was served, and is paid for; the package could not make of it what the program wants.
        self._take_request_id(self.response.headers.get(self.package.request_id))
        self.finish_bytes(getattr(self.response, "_content", b""), error)

    def answered(self, result: Any) -> None:
        """The client has an answer for the program: whole, or a stream, or a response to be read later."""
        response = getattr(result, "http_response", None) or getattr(result, "response", None)
        if not hasattr(response, "iter_bytes"):
            response = result if hasattr(result, "iter_bytes") else None
        if isinstance(result, str):
            self.finish_bytes(result.encode(errors="replace"))
            return
        if response is None:
            self._take_request_id(getattr(result, "_request_id", None))
            self._finish_members(_members(result, self.api))
            return
        self.call.set_attributes({STATUS_CODE: response.status_code})
        self._take_request_id(response.headers.get(self.package.request_id))
        if hasattr(response, "_content"):
            self.finish_bytes(response.content)
        else:
            tap(response, Tap(self, self._stream_of(response), self._report))

    def _stream_of(self, response: Any) -> Any:
        """What reads the events of a streamed answer; None for one that is whole but not read yet."""
        is_events = text(response.headers.get("content-type")).startswith("text/event-stream")
        return self.api.stream() if is_events and self.api.stream is not None else None

    def _take_request_id(self, request_id: object) -> None:
        if isinstance(request_id, str) and request_id:
            self.call.set_attributes({REQUEST_ID: request_id})


def as_left(error: BaseException) -> BaseException:
    """What a call ended with: a coroutine that was thrown away has nobody who waits for its answer."""
    return CancelledError() if isinstance(error, GeneratorExit) else error


def _members(result: Any, api: Api) -> Mapping[str, Any]:
    """A parsed answer as the mapping that it was made from, what is unknown to the client included."""
    if isinstance(result, Mapping):
        return result
    if api.stream is None:  # embeddings: thousands of numbers, of which the record wants none
        usage = getattr(result, "usage", None)
        plain = {"prompt_tokens": getattr(usage, "prompt_tokens", None)}
        return {"model": getattr(result, "model", ""), "usage": plain, "data": getattr(result, "data", None)}
    if not hasattr(result, "to_dict"):  # nothing of the package's: the program wanted something else
        return {}
    dump: Mapping[str, Any] = result.to_dict(mode="json", warnings=False)
    return dump


def opened(package: Package, client: Any, options: Any, report: Report) -> Exchange | None:
    """Begin to record a request; None for one that calls no model, is recorded already, or is not wanted."""
    try:
        api = package.api_of(options)
        if api is None or is_recorded(options):
            return None
        call = package.begin(client, api, options)
        call.set_attributes(called_from(_library_of(package, client)))
        if not call.recorded:
            return None
        start_request(call)
        call.request(options.json_data, endpoint=text(getattr(options, "url", None)))
        return Exchange(call, package, api, options.json_data, report)
    except Exception as failure:  # noqa: BLE001 - the border: the request must be made whatever we cannot do
        let_through(failure)
        report("a request could not be recorded", failure)
        return None


def is_recorded(options: Any) -> bool:
    """Whether a wrapper further out has this request; another one may well be made within it, by a hook say."""
    outer = serving.get()
    return outer is not None and outer.body is not None and outer.body is options.json_data


def _library_of(package: Package, client: Any) -> str:
    """The directory of the package that the client's own class comes from."""
    for base in type(client).__mro__:
        module = sys.modules.get(base.__module__.partition(".")[0])
        if base.__module__.startswith(package.name + ".") and module is not None:
            return str(module.__file__).removesuffix("__init__.py")
    return "<none>"


def guarded(exchange: Answered, step: Callable[..., None], *args: Any) -> None:
    """Do one step of ours; a failure is reported, and the call ends with what is known."""
    try:
        step(*args)
    except Exception as failure:  # noqa: BLE001 - the border, as above
        exchange.call.end()
        let_through(failure)
        exchange._report("an answer could not be recorded", failure)  # noqa: SLF001 - the two are one
