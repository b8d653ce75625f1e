"""Log records of OpenTelemetry's API become events of ours, on the span that they belong to."""

from __future__ import annotations

import logging

import pytest
from opentelemetry import trace
from opentelemetry._logs import LogRecord, SeverityNumber

import flightlog as fl


def test_an_event_stands_on_the_current_span_with_its_name_time_and_body(seen, tracer, logger):
    with tracer.start_as_current_span("a"):
        logger.emit(
            timestamp=10**18,
            event_name="gen_ai.client.inference.operation.details",
            body={"messages": ["hello"]},
            attributes={"gen_ai.request.model": "m"},
            severity_number=SeverityNumber.DEBUG,
        )
    (event,) = seen.events
    assert (event.name, event.time, event.level) == (
        "gen_ai.client.inference.operation.details",
        10**18,
        "debug",
    )
    assert event.attributes == {"gen_ai.request.model": "m", "body": {"messages": ["hello"]}}
    assert event.span_id == seen.span("a").span_id
    assert event.otel == {"scope": {"name": "lib", "version": "1.2"}}


@pytest.mark.parametrize(
    ("severity", "level"),
    [
        (None, "info"),
        (1, "trace"),
        (8, "debug"),
        (9, "info"),
        (14, "warn"),
        (20, "error"),
        (24, "fatal"),
        (0, "info"),
    ],
)
def test_severities_are_levels(seen, logger, severity, level):
    logger.emit(body="line", severity_number=None if severity is None else SeverityNumber(severity))
    (event,) = seen.events
    assert (event.name, event.body, event.level, event.trace_id) == ("log", "line", level, "")
    is_exact = severity in (None, 0) or (severity - 1) % 4 == 0
    assert event.otel.get("severity") == (None if is_exact else severity)


def test_a_record_stands_where_its_context_says(seen, tracer, logger):
    span = tracer.start_span("a")
    with fl.span("b"):
        logger.emit(body="one", context=trace.set_span_in_context(span))
        logger.emit(LogRecord(body="two", context=trace.set_span_in_context(span), timestamp=5))
        logger.emit(LogRecord(body="three"))
    span.end()
    names = {one.span_id: one.name for one in seen.spans}
    assert [(event.body, names[event.span_id]) for event in seen.events] == [
        ("one", "a"),
        ("two", "a"),
        ("three", "b"),
    ]


def test_an_exception_of_a_record_is_told(seen, logger):
    logger.emit(
        body="failed", exception=ValueError("no"), severity_number=SeverityNumber.ERROR, severity_text="CRIT"
    )
    (event,) = seen.events
    assert event.attributes["exception.type"] == "ValueError"
    assert (event.attributes["exception.message"], event.attributes["severity"]) == ("no", "CRIT")


def test_a_line_that_logging_has_handed_on_is_recorded_once(seen, logger):
    class Bridge(logging.Handler):
        def emit(self, record):
            logger.emit(body=record.getMessage())

    bridge = Bridge()
    mine = logging.getLogger("otel.bridge")
    mine.addHandler(bridge)
    mine.setLevel("INFO")
    try:
        with fl.instrument("logging"):
            mine.info("once")
        mine.info("by the bridge alone")
    finally:
        mine.removeHandler(bridge)
    assert [event.body for event in seen.events] == ["once", "by the bridge alone"]


def test_what_is_off_is_said_to_be_off(logger, tmp_path):
    fl.configure(level="warn", home=str(tmp_path))
    fl.event("start", level="error")
    try:
        assert not logger.enabled(severity_number=SeverityNumber.INFO)
        assert logger.enabled(severity_number=SeverityNumber.ERROR)
    finally:
        fl.configure(level=None, home=None)


def test_nothing_raises_into_the_program(seen, logger):
    logger.emit(body=object(), attributes=5, event_name=5, timestamp="now", context=5)
    logger.emit(LogRecord(body=None, attributes={"": 1}))
    assert len(seen.events) == 2
