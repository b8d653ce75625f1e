"""Lanes hold every span once, and in each lane spans nest."""

from __future__ import annotations

import export_records
from hypothesis import given
from hypothesis import strategies as st

from flightlog.analysis.lanes import edges, lanes
from flightlog.analysis.tree import build, walk

TIMES = st.tuples(
    st.integers(0, 30), st.one_of(st.none(), st.integers(0, 30)), st.sampled_from(["", "a", "b"])
)


@given(st.lists(TIMES, max_size=30))
def test_every_span_is_in_one_lane_and_whatever_opens_last_closes_first(times):
    spans = [
        export_records.span(n + 1, n // 2, f"n{n}", start, end, task=task)
        for n, (start, end, task) in enumerate(times)
    ]
    tree = build(spans)
    dealt = lanes(tree)
    assert sorted(bar.node.span_id for bars in dealt.values() for bar in bars) == sorted(
        s.span_id for s in spans
    )
    for place, bars in dealt.items():
        assert {bar.node.record.task for bar in bars} == {place.task}
        stack, last = [], None
        for edge in edges(bars):
            assert last is None or edge.time >= last
            last = edge.time
            if edge.opens:
                stack.append(edge.bar)
            else:
                assert stack.pop() is edge.bar
        assert stack == []


def test_a_tree_that_nests_needs_one_lane_and_what_sticks_out_another():
    dealt = lanes(export_records.tree())
    numbers = {place.number for place in dealt if place.thread == "MainThread" and not place.task}
    beside = [bar.node.name for place, bars in dealt.items() if place.number == 1 for bar in bars]
    assert numbers == {0, 1}
    assert beside == ["overlap two"]


def test_thousands_of_spans_at_once_are_dealt_out_in_a_moment_each():
    spans = [export_records.span(n + 1, 0, "n", n / 1000, 1000 + n) for n in range(3000)]
    dealt = lanes(build(spans))
    assert sum(len(bars) for bars in dealt.values()) == len(spans) == len(dealt)
    assert len(list(walk(build(spans)))) == 3000
