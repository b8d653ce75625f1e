"""One request for a model as its user sees it: over the client's own retries, to the end of the answer.

Sync and async requests share this; it does no I/O and raises nothing into the program.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextvars import ContextVar
from typing import Any, Final

import msgspec

from flightlog.border import let_through
from flightlog.core import rerun
from flightlog.core.llm import failure_facts, start_request
from flightlog.integrations.chosen import Report
from flightlog.integrations.mistralai.request import PACKAGE, api_of, begin, body_of, directory
from flightlog.integrations.stainless.answer import mapping, text
from flightlog.integrations.stainless.caller import called_from
from flightlog.integrations.stainless.exchange import REQUEST_ID, STATUS_CODE, Exchange, as_left
from flightlog.records import genai

_LEAST_REFUSAL: Final = 400
_PASSING: Final = frozenset({"429", "500", "502", "503", "504"})
"""Codes after which the client itself tries again, where it was told to try at all."""

requested: Final[ContextVar[Asked | None]] = ContextVar("flightlog_mistralai", default=None)
"""The request that is being made in this context."""


class Asked(Exchange):
    """One request on its way."""

    __slots__ = ()

    def failed(self, error: BaseException) -> None:
        """The request ends with an exception, which is the program's to handle."""
        status = getattr(error, "status_code", None)
        if isinstance(status, int) and status >= _LEAST_REFUSAL:
            self._refused(status, error)
        elif isinstance(status, int) and hasattr(self.response, "_content"):
            # It was served, and is paid for; the package could not make an answer of it.
            self.call.set_attributes({STATUS_CODE: status})
            self.finish_bytes(self.response.content, error)
            return
        self.call.end(as_left(error))

    def seen(self, response: Any) -> None:
        """A response is here of which somebody makes an answer whom we do not know."""
        if response.status_code >= _LEAST_REFUSAL:
            self.call.fail(f"answered with status {response.status_code}", type=str(response.status_code))
        self.answered(response)

    def _refused(self, status: int, error: BaseException) -> None:
        told = _decoded(text(getattr(error, "body", None)))
        inner = mapping(told.get("error")) or told
        word = text(inner.get("type")) or text(inner.get("code"))
        facts = failure_facts(text(inner.get("code")), str(status) in _PASSING, told or None)
        request_id = mapping(getattr(error, "headers", None)).get(PACKAGE.request_id)
        if request_id:
            facts[REQUEST_ID] = request_id
        self.call.set_attributes({**facts, STATUS_CODE: status, genai.ERROR_TYPE: word or str(status)})


def _decoded(body: str) -> Mapping[str, Any]:
    try:
        return mapping(msgspec.json.decode(body))
    except (msgspec.DecodeError, UnicodeError):
        return {}


def opened(request: Any, report: Report) -> Asked | None:
    """Begin to record a request; None for one that calls no model, or that is not wanted."""
    try:
        api = api_of(request)
        if api is None:
            return None
        body = body_of(request)
        call = begin(request, api, body)
        call.set_attributes(called_from(directory()))
        if not call.recorded:
            return None
        start_request(call).request(body, endpoint=str(request.url.path))
        return Asked(call, PACKAGE, api, body, report)
    except Exception as failure:  # noqa: BLE001 - the border: the request must be made whatever we cannot do
        let_through(failure)
        report("a request could not be recorded", failure)
        return None


def unseen(request: Any) -> None:
    """Say in a rerun that a request is made which leaves no record: it has no recorded answer."""
    if rerun.answers is not None:
        rerun.answers.unrecorded(f"{request.method} {request.url.path} of the mistralai package")
