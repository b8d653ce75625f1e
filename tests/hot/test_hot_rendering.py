"""How a hot call reads: the same line on standard error, on the console and in a drawn trace."""

from __future__ import annotations

import re

import pytest

from flightlog.cli.render.details import event_label
from flightlog.codecs.lines import encode
from flightlog.narration.events import is_told
from flightlog.narration.hot import is_hot, line
from flightlog.records.event import Event
from flightlog.sinks.console_line import event_text
from flightlog.sinks.stderr import Stderr
from flightlog.sinks.stream import Look


def _event(name: str, body: str = "", level: str = "trace", /, **attributes: object) -> Event:
    return Event(event_id="e", time=0, name=name, level=level, body=body, attributes=attributes)


def _marked(mark: str, name: str, /, **attributes: object) -> Event:
    return _event(name, **{"flightlog.event": mark}, **attributes)


MS = 1_000_000
CALL = {"actor": "orchestratord", "function": "dispatch_job"}

GOLDEN = [
    (
        _marked("enter", "dispatch_job", **CALL, args={"job_id": "job-123", "pool_id": "default"}),
        'TRACE orchestratord dispatch_job job_id="job-123" pool_id="default" "dispatch_job started"',
    ),
    (
        _marked("exit", "dispatch_job", **CALL, result="worker-gpu0-r1", elapsed_ns=15 * MS),
        'TRACE orchestratord dispatch_job result="worker-gpu0-r1" elapsed_ms=15 "dispatch_job completed"',
    ),
    (
        _marked(
            "exit", "dispatch_job", **CALL, error="ValueError: bad", status="error", elapsed_ns=1_234_567
        ),
        'TRACE orchestratord dispatch_job error="ValueError: bad" elapsed_ms=1.23 "dispatch_job failed"',
    ),
    (
        _marked(
            "exit", "dispatch_job", **CALL, error="CancelledError", status="cancelled", elapsed_ns=42_000
        ),
        'TRACE orchestratord dispatch_job error="CancelledError" elapsed_ms=0.042 "dispatch_job cancelled"',
    ),
    (
        _marked("exit", "dispatch_job", **CALL, result=None, elapsed_ns=1_234_567_890),
        'TRACE orchestratord dispatch_job result=null elapsed_ms=1235 "dispatch_job completed"',
    ),
    (
        _marked("enter", "dispatch_job", **CALL, args={}),
        'TRACE orchestratord dispatch_job "dispatch_job started"',
    ),
    (_event("enter", actor="billing", function="f", args={"a": 1}), 'TRACE billing enter f "ENTER f(a=1)"'),
    (_event("enter", function="f"), 'TRACE enter f "ENTER f()"'),
    (_event("enter", function="f", args=[1, "x"]), "TRACE enter f \"ENTER f(1, 'x')\""),
    (_event("enter", function="f", args="a, b"), 'TRACE enter f "ENTER f(a, b)"'),
    (
        _event("exit", actor="billing", function="f", result="x", elapsed_ns=15 * MS),
        'TRACE billing exit f "EXIT f → x (15ms)"',
    ),
    (_event("exit", function="f", result=[1], elapsed_ns=1_240), 'TRACE exit f "EXIT f → [1] (1.24µs)"'),
    (_event("exit", function="f", elapsed_ns=999), 'TRACE exit f "EXIT f (999ns)"'),
    (_event("exit", function="f", result="x"), 'TRACE exit f "EXIT f → x"'),
    (_event("exit", function="f", elapsed_ns=2_500 * MS), 'TRACE exit f "EXIT f (2.5s)"'),
    (
        _event("loop", "warming up", actor="engine", i=0, n=8),
        'TRACE engine loop iter_0/8 "Iteration 0/8: warming up"',
    ),
    (_event("loop", i=3), 'TRACE loop iter_3 "Iteration 3"'),
    (_event("loop", i=0, n=2, name="jobs"), 'TRACE jobs iter_0/2 "Iteration 0/2"'),
    (
        _event("state", actor="queue", name="queue_depth", before=5, after=6),
        'TRACE queue state_change queue_depth transition="5 → 6"',
    ),
    (
        _marked("tiny", "dispatch", actor="queue", target="job-1"),
        "TRACE queue dispatch job-1",
    ),
    (
        Event(
            event_id="e",
            time=0,
            name="dispatch",
            level="trace",
            body='sent to "w1"',
            attributes={
                "flightlog.event": "tiny",
                "actor": "queue",
                "target": "job-1",
                "correlation_id": "c-1",
                "flightlog.left_out": 99,
            },
        ),
        'TRACE queue dispatch job-1 correlation_id="c-1" left_out=99 "sent to \\"w1\\""',
    ),
]


@pytest.mark.parametrize(("event", "text"), GOLDEN, ids=[text for _, text in GOLDEN])
def test_a_hot_call_is_told_like_this(event, text):
    assert line(event) == text


@pytest.mark.parametrize(("event", "text"), GOLDEN, ids=[text for _, text in GOLDEN])
def test_a_story_never_tells_it(event, text):
    assert is_hot(event)
    assert not is_told(event)


@pytest.mark.parametrize(
    "event",
    [
        _event("loop", "", "info", i=1),
        _event("loop"),
        _event("state", before=1, after=2),
        _event("enter"),
        _event("cache", hit=True),
        _marked("narration", "dispatch", actor="a"),
        _event("x", **{"flightlog.event": ["tiny"]}),
    ],
)
def test_other_events_are_none(event):
    assert (is_hot(event), line(event)) == (False, "")


def test_what_a_terminal_would_obey_is_written_out_everywhere():
    bad = "\x1b[31m\n"
    for event in (
        _marked("enter", bad, actor=bad, function=bad, args={bad: bad, "b": [bad]}),
        _marked("exit", bad, actor=bad, function=bad, result=bad, elapsed_ns=bad),
        _marked("exit", bad, actor=bad, function=bad, error=bad, status=bad),
        _event("enter", actor=bad, function=bad, args=bad),
        _event("exit", actor=bad, function=bad, result={bad: bad}),
        _event("loop", bad, actor=bad, i=bad, n=bad, name=bad),
        _event("state", bad, actor=bad, name=bad, before=bad, after=bad),
        _marked("tiny", bad, actor=bad, target=bad, correlation_id=bad, **{"flightlog.left_out": bad}),
    ):
        told = line(event)
        assert told
        assert not re.search(r"[\x00-\x1f\x7f]", told)


@pytest.mark.parametrize("value", [None, 1, 1.5, True, [], {}, "", {"a": [1, {"b": None}]}])
def test_any_value_anywhere_is_told(value):
    for mark in ("enter", "exit", "tiny", "loop", "state"):
        told = dict.fromkeys(("actor", "function", "args", "result", "i", "n", "name", "before"), value)
        event = _marked(mark, "x", **told, after=value, elapsed_ns=value, error=value, target=value)
        assert line(event).startswith("TRACE")
        assert line(_event(mark, **told, after=value, elapsed_ns=value, target=value))


def test_many_arguments_are_cut():
    told = line(_event("enter", function="f", args={f"a{i}": i for i in range(50)}))
    assert told.endswith('a11=11, …)"')


def test_the_same_line_stands_in_a_drawn_trace():
    event, text = GOLDEN[0]
    assert event_label(event) == [(text, "dim")]


def test_the_same_line_stands_on_the_console():
    event, text = GOLDEN[0]
    assert event_text(event, Look()) == f"• {text}"


def test_the_same_line_stands_on_standard_error(capfd):
    event, text = GOLDEN[0]
    Stderr().append([encode(event)])
    assert re.fullmatch(rf"\d\d:\d\d:\d\d\.\d{{3}} {re.escape(text)}\n", capfd.readouterr().err)
