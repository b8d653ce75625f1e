"""One request for a model as its user sees it: over the client's own retries, to the end of the answer.

Sync and async requests share this; it does no I/O and raises nothing into the program.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from contextvars import ContextVar
from pathlib import Path
from time import monotonic_ns
from typing import Any, Final, NamedTuple

from flightlog.border import let_through
from flightlog.core import rerun
from flightlog.core.llm import ModelCall, failure_facts, start_request
from flightlog.integrations.chosen import Report
from flightlog.integrations.google_genai.request import api_of, begin, body_of
from flightlog.integrations.stainless.answer import text
from flightlog.integrations.stainless.caller import called_from
from flightlog.integrations.stainless.exchange import STATUS_CODE, Answered, as_left
from flightlog.integrations.stainless.package import Api
from flightlog.records import genai

_PASSING: Final = frozenset({408, 429, 500, 502, 503, 504})
"""Codes after which the client itself tries again, where it was told to try at all."""

requested: Final[ContextVar[Asked | None]] = ContextVar("flightlog_google_genai", default=None)
"""The request that is being made in this context."""


class Asked(Answered):
    """One request on its way."""

    __slots__ = ("_failed_at", "_reason", "_status", "attempts")

    def __init__(self, call: ModelCall, api: Api, body: object, report: Report) -> None:
        super().__init__(call, api, body, report)
        self.attempts = 0
        self._failed_at = 0
        self._reason, self._status = "", 0
        """Of the attempt before: why it failed."""

    def attempt(self) -> None:
        """The client sends it, or sends it again."""
        self.attempts += 1
        if self.attempts == 1:
            return
        waited = (monotonic_ns() - self._failed_at) / 1e9
        more: dict[str, Any] = {STATUS_CODE: self._status} if self._status else {}
        self.call.event(
            "retry", level="warn", attempt=self.attempts - 1, reason=self._reason, delay=waited, **more
        )

    def refused(self, error: BaseException) -> None:
        """An attempt has failed."""
        self._failed_at = monotonic_ns()
        self._status = code_of(error)
        word = text(getattr(error, "status", None)) if self._status else type(error).__name__
        self._reason = f"{self._status or ''} {word}".strip()

    def failed(self, error: BaseException) -> None:
        """The request ends with an exception, which is the program's to handle."""
        self.note(error)
        self.call.end(as_left(error))

    def note(self, error: BaseException) -> None:
        """Say what is known of a failure: the provider's own word for it, which says more than the class."""
        if code := code_of(error):
            status = text(getattr(error, "status", None))
            facts = failure_facts(status, code in _PASSING, getattr(error, "details", None))
            self.call.set_attributes({**facts, STATUS_CODE: code, genai.ERROR_TYPE: status or str(code)})

    def finish(self, answer: Any, error: BaseException | None = None) -> None:
        """End with what was said, and with the exception that broke it off."""
        if error is not None:
            self.note(error)
        super().finish(answer, error)


def code_of(error: BaseException) -> int:
    """The HTTP status that an exception of the package tells; 0 where it is another."""
    code = getattr(error, "code", None)
    is_told = isinstance(code, int) and hasattr(error, "details") and hasattr(error, "response")
    return code if is_told and isinstance(code, int) else 0


class Request(NamedTuple):
    """What a method of the client that makes a request is given."""

    method: str
    """Of HTTP."""
    path: str
    """It names the model, and what is asked of it."""
    body: Mapping[str, Any]
    options: Any
    """What the program asks of HTTP for this request alone."""


def opened(client: Any, request: Request, report: Report) -> Asked | None:
    """Begin to record a request of a `BaseApiClient`; None for one that calls no model, or that is not wanted."""
    try:
        body = body_of(client, request.body, request.options)
        api = api_of(request.method, request.path, body)
        if api is None:
            return None
        call = begin(client, api, request.path, body)
        call.set_attributes(called())
        if not call.recorded:
            return None
        start_request(call).request(body, endpoint=request.path)
        return Asked(call, api, body, report)
    except Exception as failure:  # noqa: BLE001 - the border: the request must be made whatever we cannot do
        let_through(failure)
        report("a request could not be recorded", failure)
        return None


def unseen(request: Request) -> None:
    """Say in a rerun that a request is made which leaves no record: it has no recorded answer."""
    if rerun.answers is not None:
        place = request.path.partition("?")[0]
        rerun.answers.unrecorded(f"{request.method.upper()} {place} of the google-genai package")


def called() -> dict[str, object]:
    """Attributes that name the line of the program which called."""
    return called_from(str(Path(str(sys.modules["google.genai"].__file__)).parent))
