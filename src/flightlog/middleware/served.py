"""One request on its way through an application, as ASGI and WSGI have it in common.

It is a span of kind `http` with OpenTelemetry's attributes. It ends when the answer does; what the application goes on
to do afterwards is recorded under it. Nothing here raises into the application.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any, Final

from flightlog.border import let_through
from flightlog.core import lasting
from flightlog.core.bound import Bind
from flightlog.core.engine import bind, happened, span
from flightlog.core.http import named_headers, short_name
from flightlog.core.outcome import fault_of, status_of
from flightlog.middleware.options import Options
from flightlog.propagation import foreign, rules, traceparent
from flightlog.propagation.extract import extract
from flightlog.records import http
from flightlog.records.attributes import EXCEPTION

_LEAST_FAILURE: Final = 500
_CORRELATION: Final = "X-Correlation-Id"


class CancelledError(Exception):
    """What a request ends with that nobody waits for any more; its name makes the span `cancelled`."""


class Served:
    """A request, from its first line to the last byte of its answer."""

    __slots__ = (
        "_before",
        "_binding",
        "_incoming",
        "_options",
        "answer",
        "facts",
        "is_over",
        "received",
        "sent",
        "span",
        "status",
    )

    def __init__(self, options: Options, headers: list[tuple[str, str]], facts: dict[str, object]) -> None:
        """Begin it here: from now on its span is current.

        Args:
            options: of the middleware.
            headers: of the request, names in lower case.
            facts: attributes of the span.
        """
        self._options = options
        self.facts = facts
        self.status = 0
        self.sent = self.received = 0
        """Bytes of either body."""
        self.is_over = False
        facts.update(named_headers(headers, options.request_headers, http.REQUEST_HEADER))
        found = extract(headers)
        links = [found] if found and not options.trust else ()
        told = lasting.is_child_of(
            found.trace_id, found.span_id
        )  # by another library, whose span is around ours
        self._incoming = found if options.trust and not told else found.unparented()
        self._incoming.__enter__()
        self._before = lasting.here()
        self._binding: Bind | None = None
        self.span: Any = span(short_name(facts), kind="http", links=links)
        try:
            self.span.set_attributes(facts)
            self._binding = self._bind_correlation(found.correlation_id)
            self.span.__enter__()
            self.answer = self._answer()
        except BaseException:  # nothing of it may stay where the application is about to run
            lasting.end(self.span)
            self.step_out()
            raise

    def _bind_correlation(self, given: str) -> Bind | None:
        """Make a correlation id where none came, so that everything of this request has it."""
        trace_id = lasting.foretold_trace(self.span)
        if given or not trace_id or "correlation" not in rules.current().formats:
            return None
        binding = bind(correlation_id=foreign.as_uuid(trace_id))
        binding.__enter__()
        return binding

    def _answer(self) -> dict[str, str]:
        """Headers for the answer: where the request is recorded, and its correlation id."""
        told: dict[str, str] = {}
        formats = rules.current().formats
        if not self._options.answers:
            return told
        if self.span.span_id and "tracecontext" in formats:
            told["traceresponse"] = traceparent.render(
                self.span.trace_id, self.span.span_id, sampled=self.span.recorded
            )
        if "correlation" in formats:
            correlation_id = self._incoming.correlation_id or foreign.as_uuid(self.span.trace_id)
            told |= (
                {_CORRELATION: correlation_id} if self._incoming.correlation_id or self.span.trace_id else {}
            )
        return told

    def missing_from(self, headers: Iterable[str]) -> dict[str, str]:
        """What is to be added to the answer, by the lower-case names of the headers that it has."""
        names = frozenset(headers)
        return {name: value for name, value in self.answer.items() if name.lower() not in names}

    def answered(self, status: int, headers: Iterable[tuple[str, str]]) -> None:
        """The answer has begun."""
        self.status = status
        self.span.set_attributes({http.STATUS_CODE: status})
        if self._options.response_headers:
            self.span.set_attributes(
                dict(named_headers(headers, self._options.response_headers, http.RESPONSE_HEADER))
            )

    def routed(self, route: str) -> None:
        """Which of the application's routes it took."""
        if route and not self.is_over:
            self.span.set_attributes({http.ROUTE: route})
            lasting.rename(self.span, short_name(self.facts, route))

    @property
    def has_failed(self) -> bool:
        """Whether the answer says that the server could not do it."""
        return self.status >= _LEAST_FAILURE

    def end(self, error: BaseException | None = None, facts: Mapping[str, object] | None = None) -> None:
        """End it, once: with the answer, or with what came instead."""
        if self.is_over:
            return
        self.is_over = True
        told: dict[str, object] = dict(facts or {})
        if self.sent:
            told[http.RESPONSE_SIZE] = self.sent
        if self.received:
            told[http.REQUEST_SIZE] = self.received
        if error is None and self.has_failed:
            told[http.ERROR_TYPE] = str(self.status)
            self.span.fail(f"answered with status {self.status}", type=str(self.status))
        elif error is not None and status_of(error) == "error":
            told[http.ERROR_TYPE] = fault_of(error, brief=True)["type"]
            if not self.status:  # what every server answers in the place of an application that raised
                told[http.STATUS_CODE] = _LEAST_FAILURE
        self.span.set_attributes(told)
        lasting.end(self.span, error)

    def leave(self, error: BaseException | None = None) -> None:
        """The application has returned, or raised: put back the context that it was called in."""
        if self.is_over and error is not None and status_of(error) == "error":
            self._tell(error)
        self.end(error)
        self.step_out()

    def step_in(self) -> None:
        """Make it current again, for a step of an answer that is made while it is sent."""
        self._incoming.__enter__()
        if self._binding is not None:
            self._binding.__enter__()
        self._before = lasting.stand(self.span)

    def step_out(self) -> None:
        """Put back the context, although it may go on: its answer is still to be made."""
        lasting.put_back(self.span, self._before)
        if self._binding is not None:
            self._binding.__exit__(None, None, None)
        self._incoming.__exit__(None, None, None)

    def _tell(self, error: BaseException) -> None:
        """An exception after the answer belongs to the request, which has ended."""
        fault = fault_of(error)
        if self.span.recorded:
            attributes = {EXCEPTION[key]: value for key, value in fault.items()}
            happened("exception", "error", f"{fault['type']}: {fault['message']}", attributes, self.span)


def guarded(step: Any, *args: Any) -> Any:
    """Do one step of ours; whatever goes wrong, the application goes on. None when it did."""
    try:
        return step(*args)
    except Exception as failure:  # noqa: BLE001 - the border: the request must be served whatever we cannot record
        let_through(failure)
        with suppress(Exception):
            rules.current().lose("internal_errors")
        return None
