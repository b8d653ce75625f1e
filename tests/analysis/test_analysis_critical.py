"""The critical path: every moment of a trace is somebody's, and only what is on it can make the trace faster."""

from __future__ import annotations

import pytest
from analysis_kit import MS, span, tree
from hypothesis import given
from hypothesis import strategies as st

from flightlog.analysis.critical import critical_path
from flightlog.analysis.tree import build


def told(path):
    return [(each.node.name if each.node else "", each.start / MS, each.end / MS) for each in path.stretches]


def test_a_span_alone_is_all_of_the_path():
    path = critical_path(tree(span(1, 0, "root", 0, 10)))
    assert told(path) == [("root", 0, 10)]
    assert (path.ns, path.worked_ns, path.waited_ns, path.unrecorded_ns) == (10 * MS, 10 * MS, 0, 0)


def test_children_one_after_the_other_are_on_it_with_the_time_between_them():
    path = critical_path(tree(span(1, 0, "root", 0, 10), span(2, 1, "a", 1, 4), span(3, 1, "b", 5, 9)))
    assert told(path) == [("root", 0, 1), ("a", 1, 4), ("root", 4, 5), ("b", 5, 9), ("root", 9, 10)]


def test_of_parallel_children_the_one_that_ended_last_is_on_it():
    path = critical_path(
        tree(span(1, 0, "root", 0, 10), span(2, 1, "short", 0, 4), span(3, 1, "long", 0, 10))
    )
    assert told(path) == [("long", 0, 10)]


def test_what_ended_before_its_successor_began_wins_over_what_ran_all_the_time():
    path = critical_path(
        tree(
            span(1, 0, "root", 0, 101),
            span(2, 1, "background", 0, 100),
            span(3, 1, "first", 0, 50),
            span(4, 1, "second", 52, 101),
        )
    )
    assert told(path) == [("first", 0, 50), ("root", 50, 52), ("second", 52, 101)]


def test_where_nothing_had_ended_what_ran_is_on_it():
    path = critical_path(tree(span(1, 0, "root", 0, 10), span(2, 1, "a", 0, 6), span(3, 1, "b", 5, 10)))
    assert told(path) == [("a", 0, 5), ("b", 5, 10)]


def test_it_goes_down_into_children():
    path = critical_path(tree(span(1, 0, "root", 0, 10), span(2, 1, "a", 2, 8), span(3, 2, "b", 3, 5)))
    assert told(path) == [("root", 0, 2), ("a", 2, 3), ("b", 3, 5), ("a", 5, 8), ("root", 8, 10)]
    assert [(share.node.name, share.ns // MS) for share in path.shares] == [("root", 4), ("a", 4), ("b", 2)]


def test_waiting_for_somebody_is_no_work():
    waits = {"flightlog.waiting_ns": 3 * MS}
    path = critical_path(tree(span(1, 0, "root", 0, 10), span(2, 1, "ask", 2, 8, attributes=waits)))
    assert (path.worked_ns, path.waited_ns) == (7 * MS, 3 * MS)


def test_between_two_roots_nothing_was_recorded():
    path = critical_path(tree(span(1, 0, "a", 0, 2), span(2, 0, "b", 5, 6)))
    assert told(path) == [("a", 0, 2), ("", 2, 5), ("b", 5, 6)]
    assert path.unrecorded_ns == 3 * MS


def test_an_open_span_counts_up_to_the_latest_time():
    path = critical_path(tree(span(1, 0, "root", 0, None, status="running"), span(2, 1, "a", 2, 8)))
    assert told(path) == [("root", 0, 2), ("a", 2, 8)]


def test_a_trace_of_nothing_has_none():
    assert critical_path(tree()).stretches == []


def test_a_chain_of_many_spans_is_walked():
    count = 20_000
    path = critical_path(build(span(n + 1, n, "s", n, 2 * count - n) for n in range(count)))
    assert path.ns == (2 * count) * MS
    assert len(path.shares) == count


@st.composite
def traces(draw):
    spans = []
    for number in range(1, draw(st.integers(1, 20)) + 1):
        start = draw(st.integers(0, 30))
        end = draw(st.one_of(st.none(), st.integers(0, 40)))
        status = "running" if end is None else "ok"
        spans.append(span(number, draw(st.integers(0, number)) % number, "s", start, end, status=status))
    return spans


@given(traces())
def test_every_moment_belongs_to_exactly_one_stretch(spans):
    grown = build(spans)
    path = critical_path(grown)
    for one, next_one in zip(path.stretches, path.stretches[1:], strict=False):
        assert one.end == next_one.start
    assert all(each.ns > 0 for each in path.stretches)
    begin = min(each.start for each in spans)
    if path.stretches:
        assert path.stretches[0].start == min(root.start for root in grown.roots)
    assert path.ns <= max(0, grown.end - begin)
    assert path.worked_ns + path.waited_ns + path.unrecorded_ns == path.ns


@pytest.mark.parametrize("kept", [2, 3])
def test_a_child_outside_its_parents_time_takes_nothing_from_it(kept):
    records = {2: span(2, 1, "early", -5, 1), 3: span(3, 1, "late", 9, 20)}
    path = critical_path(tree(span(1, 0, "root", 0, 10), records[kept]))
    assert path.ns == 10 * MS
