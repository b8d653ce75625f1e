"""What a line of a child says."""

from __future__ import annotations

import json

import pytest

from flightlog.codecs.lines import encode
from flightlog.integrations.child_meaning import Understanding
from flightlog.narration.line import line as console_line
from flightlog.records.event import Event
from flightlog.records.narration import MARK, NARRATION, SAID, is_narration
from flightlog.records.process import Process
from flightlog.records.span import Span

NOW = 1_700_000_100 * 10**9
STARTED = NOW - 60 * 10**9


def _said(text, *, recorded=False):
    told = Understanding("stdout", STARTED, lambda: recorded).event(text, NOW)
    assert told is not None
    return told


@pytest.mark.parametrize(
    "text",
    [
        "hello",
        "{",
        "{}",
        "{not json}",
        '{"a": 1}',
        '{"message": "no level"}',
        '{"message": "odd level", "level": "purple"}',
        '{"message": {"no": "text"}, "level": "info"}',
        '{"level": "info"}',
        "[1, 2]",
        "{" * 5000 + "}",
        "12:00:00.000 info some other tool",
    ],
)
def test_what_is_nothing_else_is_a_line_of_text(text):
    told = _said(text)
    assert (told.name, told.level, told.body, told.time) == ("output", "info", text, NOW)
    assert told.attributes == {"stream": "stdout"}


LEVELS = [
    ("DEBUG", "debug"),
    ("Information", "info"),
    ("warning", "warn"),
    ("ERR", "error"),
    ("CRITICAL", "fatal"),
    (30, "info"),
    (50, "error"),
]


@pytest.mark.parametrize(("given", "level"), LEVELS)
@pytest.mark.parametrize("key", ["message", "msg", "event"])
def test_a_log_line_in_json_is_a_log_event_of_its_level(key, given, level):
    told = _said(json.dumps({key: "slow", "level": given, "logger": "app.db", "ms": 900}))
    assert (told.name, told.level, told.body) == ("log", level, "slow")
    assert told.attributes == {"stream": "stdout", "logger": "app.db", "ms": 900}


TIMES = [
    "2023-11-14T22:14:59Z",
    "2023-11-14T22:14:59.000+00:00",
    1_700_000_099,
    1_700_000_099_000,
    1_700_000_099_000_000_000,
]


@pytest.mark.parametrize("time", TIMES)
def test_a_time_within_the_childs_life_is_the_events(time):
    told = _said(json.dumps({"msg": "x", "level": "info", "timestamp": time}))
    assert told.time == 1_700_000_099 * 10**9


@pytest.mark.parametrize("time", ["yesterday", 0, -1, True, None, 5e300, "1999-01-01T00:00:00Z", 2**62])
def test_a_time_that_cannot_be_is_when_the_line_came(time):
    told = _said(json.dumps({"msg": "x", "level": "info", "time": time}))
    assert told.time == NOW


def test_fields_of_a_log_line_do_not_take_names_of_ours():
    told = _said(json.dumps({"msg": "x", "level": "info", "body": 1, "severity": "y"}))
    assert told.attributes == {"stream": "stdout", "extra.body": 1, "extra.severity": "y"}


def _event(**more):
    return Event(
        event_id="a" * 16,
        trace_id="b" * 32,
        span_id="c" * 16,
        time=5,
        name="dispatch",
        body="Dispatched job-1",
        level="warn",
        attributes={MARK: NARRATION, "actor": "queue", "target": "job-1"},
        **more,
    )


def test_an_event_of_ours_keeps_id_place_and_time():
    told = _said(encode(_event(process_id="p", service="s")).decode(), recorded=True)
    assert (told.event_id, told.trace_id, told.span_id, told.time) == ("a" * 16, "b" * 32, "c" * 16, 5)
    assert (told.name, told.level, told.body) == ("dispatch", "warn", "Dispatched job-1")
    assert told.attributes == {MARK: NARRATION, "actor": "queue", "target": "job-1"}


def test_an_event_of_a_child_whose_spans_nobody_records_stands_on_our_span():
    told = _said(encode(_event()).decode(), recorded=False)
    assert (told.event_id, told.trace_id, told.span_id, told.time) == ("a" * 16, "", "", 5)


RECORDS = [
    Span(trace_id="b" * 32, span_id="c" * 16, name="x", start=1, end=2, status="ok"),
    Process(process_id="p", pid=1, host="h", started=1),
]


@pytest.mark.parametrize("record", RECORDS, ids=["span", "process"])
def test_other_records_of_ours_are_not_told_again(record):
    assert Understanding("stderr", STARTED, lambda: False).event(encode(record).decode(), NOW) is None


def test_an_event_whose_id_is_none_is_not_taken_for_ours():
    line = '{"v":1,"type":"event","event_id":"../../etc","time":1,"name":"x"}'
    assert Understanding("stderr", STARTED, lambda: False).event(line, NOW) is None


def test_a_narration_that_a_json_log_tells_keeps_its_id():
    fields = {
        SAID: "a" * 16,
        "action": "dispatch",
        "actor": "queue",
        "trace_id": "b" * 32,
        "span_id": "c" * 16,
    }
    told = _said(json.dumps({"message": "Dispatched", "level": "INFO", **fields}), recorded=True)
    assert (told.event_id, told.trace_id, told.name, told.body) == (
        "a" * 16,
        "b" * 32,
        "dispatch",
        "Dispatched",
    )
    assert told.attributes == {MARK: NARRATION, "actor": "queue", "stream": "stdout"}


def test_a_narration_as_the_console_prints_it_is_a_narration():
    told = _said(console_line(_event()))
    assert (told.name, told.level, told.body) == ("dispatch", "warn", "Dispatched job-1")
    assert told.attributes == {MARK: NARRATION, "actor": "queue", "target": "job-1", "stream": "stdout"}
    assert is_narration(Event(event_id="d" * 16, time=1, name=told.name, attributes=dict(told.attributes)))


def test_a_narration_of_a_child_that_records_stays_a_line():
    text = console_line(_event())
    told = _said(text, recorded=True)
    assert (told.name, told.body) == ("output", text)
