"""A trace as moments in order, and a playhead that keeps their time, hurries over gaps, steps and seeks."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flightlog.analysis.tree import build
from flightlog.records.event import Event
from flightlog.records.span import Span
from flightlog.replay.score import LONGEST_GAP, Playhead, moments

S = 10**9
TRACE = "0" * 31 + "1"


def span(number, start, end, parent=0, status="ok", name=""):
    return Span(
        trace_id=TRACE,
        span_id=f"{number:016x}",
        parent_id=f"{parent:016x}" if parent else "",
        name=name or f"s{number}",
        start=int(start * S),
        end=None if end is None else int(end * S),
        status=status if end is not None else "running",
    )


def event(number, time, level="info"):
    return Event(
        event_id=f"{99 + int(time * 10):016x}",
        trace_id=TRACE,
        span_id=f"{number:016x}",
        time=int(time * S),
        name="loop",
        level=level,
    )


def told(row):
    return [(moment.time / S, moment.sort, moment.node.name) for moment in row]


def test_moments_are_in_the_order_in_which_they_happened():
    tree = build([span(1, 0, 4), span(2, 1, 2, 1), span(3, 2, 4, 1)], [event(2, 1.5), event(2, 1.6, "trace")])
    assert told(moments(tree)) == [
        (0, "opens", "s1"),
        (1, "opens", "s2"),
        (1.5, "happens", "s2"),
        (2, "closes", "s2"),
        (2, "opens", "s3"),
        (4, "closes", "s3"),
        (4, "closes", "s1"),
    ]


def test_a_span_that_took_no_time_opens_before_it_closes_and_one_that_never_ended_does_not_close():
    tree = build([span(1, 0, None), span(2, 1, 1, 1)], [])
    assert told(moments(tree)) == [(0, "opens", "s1"), (1, "opens", "s2"), (1, "closes", "s2")]


@given(
    st.lists(
        st.tuples(st.integers(0, 50), st.integers(0, 20), st.integers(0, 10)),
        min_size=1,
        max_size=30,
    )
)
def test_whatever_the_trace_every_span_opens_once_and_before_it_closes(parts):
    spans = [
        span(number, start, start + took, min(parent, number - 1))
        for number, (start, took, parent) in enumerate(parts, 1)
    ]
    row = moments(build(spans, []))
    assert [moment.time for moment in row] == sorted(moment.time for moment in row)
    for one in spans:
        sorts = [moment.sort for moment in row if moment.node.span_id == one.span_id]
        assert sorts == ["opens", "closes"]


@pytest.fixture
def row():
    return moments(build([span(1, 0, 100), span(2, 1, 2, 1), span(3, 90, 91, 1)], []))


def test_it_keeps_the_time_of_the_trace_times_the_speed(row):
    head = Playhead(row, speed=2.0)
    assert (head.at, head.passed) == (0, 1)
    head.advance(0.25)
    assert (head.at, head.passed) == (S // 2, 1)
    head.advance(0.25)
    assert (head.at, head.passed) == (S, 2)


def test_a_gap_takes_no_longer_than_two_seconds(row):
    head = Playhead(row)
    head.begin_at(2 * S)
    assert head.haste == (88 * S, LONGEST_GAP)
    head.advance(1.0)
    assert head.at == 46 * S
    head.advance(1.0)
    assert (head.at, head.passed) == (90 * S, 4)
    assert head.haste is None


def test_it_ends_at_the_last_moment_and_stays_there(row):
    head = Playhead(row, speed=1000.0)
    head.advance(60)
    assert (head.is_over, head.at, head.passed) == (True, 100 * S, 6)
    head.advance(60)
    assert head.at == 100 * S
    assert head.seconds_to_next == 0


def test_a_step_goes_to_the_next_moment_and_pauses(row):
    head = Playhead(row)
    times = []
    while not head.is_over:
        head.step()
        times.append(head.at // S)
    assert times == [1, 2, 90, 91, 100]
    assert head.paused
    head.step()
    assert head.passed == 6


def test_moments_of_one_time_are_stepped_through_one_by_one():
    row = moments(build([span(1, 0, 2), span(2, 1, 1, 1), span(3, 1, 2, 1)], []))
    head = Playhead(row)
    seen = [head.last]
    while not head.is_over:
        head.step()
        seen.append(head.last)
    assert seen == row


def test_seeking_goes_a_twentieth_or_as_far_as_something_happens(row):
    head = Playhead(row)
    head.jump(1)
    assert head.at == 5 * S
    head.jump(1)
    assert head.at == 90 * S
    head.jump(1)
    assert head.at == 95 * S
    head.jump(-1)
    assert head.at == 90 * S
    head.jump(-1)
    assert head.at == 2 * S
    head.jump(-50)
    assert (head.at, head.passed) == (0, 1)
    head.jump(50)
    assert head.is_over


def test_an_empty_row_is_over_at_once():
    head = Playhead([])
    head.advance(1)
    head.step()
    head.jump(1)
    assert head.is_over
    assert head.last is None
