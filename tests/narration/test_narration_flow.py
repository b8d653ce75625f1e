"""A flow is told by time across traces, and says where it goes on."""

from __future__ import annotations

from narration_records import narration, span

from flightlog.narration.flow import flow
from flightlog.narration.trace import Manner
from flightlog.records.span import Fault

OTHER = "b" * 32


def drawn(spans, events, **manner):
    return ["  " * one.depth + one.text for one in flow(spans, events, Manner(**manner))]


def test_narrations_come_by_time_under_the_place_where_they_were_said():
    said = [
        narration(1, 1, "accept", at=1, body="Accepted job-1", service="api"),
        narration(2, 2, "take", at=5, body="Took job-1", service="worker", trace_id=OTHER),
        narration(3, 1, "answer", at=9, body="Answered", service="api"),
        narration(4, 0, "log", at=10, body="Alone", service="api", trace_id=""),
    ]
    assert drawn([], said) == [
        "In api, trace aaaaaaaa:",
        "  Accepted job-1",
        "In worker, trace bbbbbbbb:",
        "  Took job-1",
        "In api, trace aaaaaaaa:",
        "  Answered",
        "In api, outside of any trace:",
        "  Alone",
        "All of it took 9.00 ms, in 2 traces.",
    ]


def test_of_spans_the_outermost_are_told_unless_narrated_and_those_that_failed():
    failed = {"status": "error", "error": Fault("ValueError", "no")}
    spans = [
        span(1, 77, "outer", took=9, kind="tool"),
        span(2, 1, "inner", at=1),
        span(3, 1, "bad", at=2, **failed),
        span(4, 0, "told", at=4),
    ]
    assert drawn(spans, [narration(1, 4, "tell", at=4.5, body="Told")]) == [
        "In a program without a name, trace aaaaaaaa:",
        "  Called the tool outer in 9.00 ms.",
        "  bad failed after 1.00 ms: ValueError: no.",
        "  Told",
        "All of it took 9.00 ms, in 1 trace. 1 step failed.",
    ]


def test_alike_sentences_are_folded_and_levels_and_voices_hold():
    said = [narration(n, 1, "count", at=n, body=f"Counted {n}", attributes={"cute": "🐑"}) for n in range(7)]
    said.append(narration(9, 1, "debug", at=9, body="hidden", level="debug"))
    assert drawn([], said, level="info")[1:-1] == [
        "  Counted 0",
        "  Counted 1",
        "  …and 5 more like it: Counted 0",
    ]
    assert drawn([], said, view="cute", everything=True)[1:-1] == ["  🐑"] * 7 + ["  hidden"]


def test_a_flow_of_nothing_is_nothing():
    assert drawn([], []) == []


def test_what_was_said_at_one_moment_took_no_time():
    assert (
        drawn([], [narration(1, 1, "tell", at=1, body="Told")])[-1]
        == "All of it was said at once, in 1 trace."
    )
