"""A recorded answer, served again in the place of a request; the package makes of it what the program wants."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

import msgspec
from msgspec import UNSET

from flightlog.core import rerun
from flightlog.core.rerun import Unmakeable
from flightlog.integrations.stainless.answer import mapping
from flightlog.integrations.stainless.exchange import REQUEST_ID, STATUS_CODE
from flightlog.integrations.stainless.replica import Reply, ending_of, pieces_of, response_of
from flightlog.integrations.stainless.tap import ENDED
from flightlog.records.span import Span

if TYPE_CHECKING:
    from flightlog.integrations.mistralai.asked import Asked

_LEAST_REFUSAL: Final = 400
_BODY: Final = "Body: "
"""Before the body of a refused request in the package's message."""


def served(asked: Asked, request: Any, *, is_async: bool) -> Any:
    """The response that a request gets in a rerun; None where it is to be made.

    Raises:
        Stopped: the rerun ends here.
        Exception: what the recorded request ended with, where nobody answered it.
    """
    answers = rerun.answers
    if answers is None:
        return None
    record = answers.find(asked.call.span)
    if record is None:
        return None
    try:
        came = _unanswered(record) or _reply(asked, record, answers)
    except Unmakeable as reason:
        answers.refuse(asked.call.span, record, str(reason))
        return None
    answers.gave(asked.call.span, record)
    if isinstance(came, BaseException):
        raise came
    return response_of(came, request, is_async=is_async)


def _unanswered(record: Span) -> BaseException | None:
    """The exception of a request that got no answer, made anew; None where it got one."""
    if record.output is not UNSET or STATUS_CODE in record.attributes:
        return None
    if record.error is None:
        raise Unmakeable("it has no answer that could be served")
    package, _, name = record.error.type.rpartition(".")
    kind = getattr(sys.modules.get(package.partition(".")[0]), name, None)
    if not (isinstance(kind, type) and issubclass(kind, Exception)):
        raise Unmakeable(f"it ended with {record.error.type}, which cannot be raised again")
    try:
        made: BaseException = kind(record.error.message)
    except Exception:  # noqa: BLE001 - the border: whatever else such an exception wants is not recorded
        raise Unmakeable(f"it ended with {record.error.type}, which cannot be made again") from None
    return made


def _reply(asked: Asked, record: Span, answers: rerun.Answers) -> Reply:
    headers = {"content-type": "application/json"}
    if request_id := record.attributes.get(REQUEST_ID):
        headers[asked.package.request_id] = str(request_id)
    status = record.attributes.get(STATUS_CODE)
    if isinstance(status, int) and status >= _LEAST_REFUSAL:
        return Reply(status, headers, _refusal(record))
    if record.error is not None and not record.error.stack:
        raise Unmakeable("it failed within its stream")
    maker, body = asked.api.maker, mapping(asked.body)
    made = maker.whole(record, body)
    complete = record.attributes.get(ENDED, "complete") == "complete"
    if not body.get("stream"):
        if not complete:
            raise Unmakeable("it was streamed and not read to its end")
        return Reply(200, headers, msgspec.json.encode(made))
    headers["content-type"] = "text/event-stream"
    events = list(maker.events(made, body, pieces_of(record), complete=complete))
    return Reply(200, headers, events=events, ending=ending_of(record, answers))


def _refusal(record: Span) -> bytes:
    """The body of an answer that refuses, of which the package makes the same message."""
    if record.error is None:
        raise Unmakeable("it is not recorded what was refused")
    raw: Any = record.attributes.get("flightlog.error.raw")
    if isinstance(raw, Mapping):
        return msgspec.json.encode(raw)
    return record.error.message.partition(_BODY)[2].encode()
