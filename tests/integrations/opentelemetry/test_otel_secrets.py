"""No field of OpenTelemetry's API is a way around the gate, nor is a limit of its, nor what is said of a mistake."""

from __future__ import annotations

import json
import secrets

import pytest
from opentelemetry._logs import LogRecord
from opentelemetry.trace import Link, SpanContext, Status, StatusCode, TraceFlags, TraceState

from flightlog.integrations.opentelemetry import LoggerProvider, TracerProvider
from flightlog.integrations.opentelemetry import notes as notes_room
from flightlog.integrations.opentelemetry.limits import Limits


class Drawn:
    """Tokens that were handed over, by the field that each was put into."""

    def __init__(self) -> None:
        self.by_field: dict[str, str] = {}

    def __call__(self, field: str) -> str:
        token = self.by_field[field] = "ghp" + "_" + secrets.token_hex(18)
        return token

    def left_in(self, told: object) -> list[str]:
        """The fields whose token, or a part of it, is in what was recorded."""
        text = repr(told)
        return [field for field, token in self.by_field.items() if token[4:20] in text or token[-12:] in text]


def _facts(drawn: Drawn, of: str) -> dict[str, object]:
    """Attributes of every type, with a secret in each."""
    return {
        "text": drawn(f"{of} text"),
        "texts": [drawn(f"{of} texts"), "x"],
        "bytes": drawn(f"{of} bytes").encode(),
        "many": [drawn(f"{of} many").encode()],
        "json": json.dumps({"password": drawn(f"{of} json")[4:]}),
        "mapping": {"a": [{"b": drawn(f"{of} mapping")}], drawn(f"{of} inner key"): 1},
        "http.request.header.authorization": ["Custom " + drawn(f"{of} header")[4:]],
        "db.password": drawn(f"{of} under a key")[4:],
        "gen_ai.input.messages": [{"content": drawn(f"{of} message")}],
        "error.type": drawn(f"{of} error type"),
        drawn(f"{of} key"): 1,
    }


def _everything(captured):
    spans = [(span, span.attributes, span.links, span.otel, span.error) for span in captured.spans]
    return spans, [(event, event.attributes, event.otel) for event in captured.events]


def test_a_secret_in_any_field_of_a_span_leaves_as_a_mask(seen):
    drawn = Drawn()
    tracer = TracerProvider().get_tracer(
        "lib " + drawn("scope"), drawn("version"), "https://x/" + drawn("schema"), _facts(drawn, "scope's")
    )
    there = SpanContext(1, 2, is_remote=True, trace_flags=TraceFlags(1), trace_state=TraceState())
    with tracer.start_as_current_span(
        "a " + drawn("name"), attributes=_facts(drawn, "given"), links=[Link(there, _facts(drawn, "link's"))]
    ) as span:
        span.add_event("e " + drawn("event"), _facts(drawn, "event's"))
        span.record_exception(ValueError(drawn("exception")), _facts(drawn, "exception's"))
        span.set_attributes(_facts(drawn, "set"))
        span.set_status(Status(StatusCode.ERROR, drawn("description")))
        span.update_name("b " + drawn("new name"))
    assert len(seen.spans) == 1
    assert len(seen.events) == 2
    assert drawn.left_in(_everything(seen)) == []


def test_a_secret_in_any_field_of_a_log_record_leaves_as_a_mask(seen):
    drawn = Drawn()
    logger = LoggerProvider().get_logger(
        "lib " + drawn("scope"), drawn("version"), "https://x/" + drawn("schema"), _facts(drawn, "scope's")
    )
    for body in (drawn("text"), drawn("bytes").encode(), [drawn("list")], _facts(drawn, "mapping's")):
        record = LogRecord(
            body=body,
            severity_text=drawn("severity"),
            event_name="e " + drawn("event name"),
            attributes=_facts(drawn, "attributes'"),
        )
        logger.emit(record)
    assert len(seen.events) == 4
    assert drawn.left_in(_everything(seen)) == []


@pytest.mark.parametrize("longest", [3, 12, 24, 30])
def test_what_a_limit_of_opentelemetry_cuts_is_redacted_before(seen, longest):
    drawn = Drawn()
    limits = Limits(value_length=longest, other_value_length=longest)
    facts = {"text": "key " + drawn("text"), "list": [drawn("list")], "other": {drawn("other"), 1}}
    with TracerProvider(limits).get_tracer("lib").start_as_current_span("a", attributes=facts) as span:
        span.set_attribute("set", f"{drawn('set')} " + "w " * 10_000)
        span.add_event("e", facts)
        span.add_link(SpanContext(1, 2, is_remote=True), facts)
        LoggerProvider(limits).get_logger("lib").emit(LogRecord(body=[facts["text"]], attributes=facts))
    assert drawn.left_in(_everything(seen)) == []
    masked = "key [REDACTED]"
    assert seen.span("a").attributes["text"] == masked[:longest]
    assert all(token[:12] not in repr(_everything(seen)) for token in drawn.by_field.values())


def test_what_is_said_of_a_mistake_holds_no_secret(tracer, caplog):
    drawn = Drawn()
    notes_room._said.clear()
    with tracer.start_as_current_span("a") as span:
        span.set_attribute(drawn("bytes").encode(), 1)
        span.set_attributes({(drawn("tuple"),): 1})
    assert len(caplog.records) == 2
    assert drawn.left_in(caplog.text) == []
