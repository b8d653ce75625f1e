"""Trees keep every span exactly once, whatever its links and times say."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flightlog.analysis.tree import MARKS, PLACEHOLDER, Tree, build, find, self_time, walk
from flightlog.records.event import Event
from flightlog.records.span import Span
from flightlog.store.sqlite.closing import NOT_RECORDED

MS = 1_000_000

TRACE = "0af7651916cd43dd8448eb211c80319c"


def span(number: int, parent: int = 0, start: int = 0, end: int | None = 100, **fields: Any) -> Span:
    known = {"name": f"span {number}", "status": "ok" if end is not None else "running"}
    return Span(
        trace_id=TRACE,
        span_id=f"{number:016x}",
        parent_id=f"{parent:016x}" if parent else "",
        start=start,
        end=end,
        **{**known, **fields},
    )


def names(tree: Tree) -> list[str]:
    return [node.record.name for node in walk(tree)]


numbers = st.integers(min_value=0, max_value=12)
any_span = st.builds(
    span,
    number=numbers.map(lambda number: number + 1),
    parent=numbers,
    start=st.integers(min_value=0, max_value=50),
    end=st.none() | st.integers(min_value=0, max_value=60),
    process_id=st.sampled_from(["", "a", "b"]),
)


@given(st.lists(any_span, max_size=30))
def test_every_span_of_the_input_appears_exactly_once(spans):
    tree = build(spans)
    assert Counter(id(node.record) for node in walk(tree)) == Counter(map(id, spans))
    assert tree.span_count == len(spans)


@given(st.lists(any_span, max_size=30))
def test_a_child_has_its_own_parent_id_is_one_deeper_and_comes_in_order_of_time(spans):
    for node in walk(build(spans)):
        order = [(child.record.start, child.record.span_id) for child in node.children]
        assert order == sorted(order)
        for child in node.children:
            assert child.record.parent_id == node.record.span_id
            assert child.depth == node.depth + 1


@given(st.lists(any_span, max_size=30))
def test_a_root_either_has_no_parent_or_carries_the_mark_that_says_why(spans):
    for root in build(spans).roots:
        assert root.depth == 0
        assert not root.record.parent_id or {"orphan", "own_parent", "cycle"} & set(root.marks)


@given(st.lists(any_span, max_size=30))
def test_the_tree_counts_the_marks_of_its_nodes(spans):
    tree = build(spans)
    counted = Counter(mark for node in walk(tree) for mark in node.marks)
    assert tree.marks == counted
    assert set(tree.marks) <= set(MARKS)


@given(st.lists(any_span, max_size=30))
def test_self_time_lies_between_nothing_and_the_duration_and_is_unknown_while_a_span_is_open(spans):
    for node in walk(build(spans)):
        duration = node.record.duration_ns
        if duration is None:
            assert node.self_ns is None
        else:
            assert 0 <= node.self_ns <= max(0, duration)


@given(st.lists(any_span, max_size=20), st.randoms())
def test_the_order_of_the_input_does_not_matter_when_ids_are_unique(spans, random):
    unique = list({one.span_id: one for one in spans}.values())
    shuffled = unique[:]
    random.shuffle(shuffled)
    assert names(build(shuffled)) == names(build(unique))


intervals = st.lists(st.tuples(st.integers(-5, 40), st.integers(-5, 40)), max_size=8)


@given(st.integers(0, 20), st.integers(0, 20), intervals)
def test_self_time_is_what_counting_moment_by_moment_gives(start, length, covered):
    moments = range(start, start + length)
    free = sum(not any(begins <= moment < ends for begins, ends in covered) for moment in moments)
    assert self_time(start, start + length, covered) == free


def test_an_empty_trace_is_an_empty_tree():
    tree = build([])
    assert (tree.roots, tree.span_count, tree.start, tree.end, tree.marks) == ([], 0, 0, 0, {})


@pytest.mark.parametrize("shape", ["chain", "fan"])
def test_a_hundred_thousand_spans_are_no_trouble_deep_or_wide(shape):
    count = 100_000
    spans = [span(n, (n - 1 if shape == "chain" else 1) if n > 1 else 0) for n in range(1, count + 1)]
    tree = build(spans)
    nodes = list(walk(tree))
    assert len(nodes) == count
    assert nodes[-1].depth == (count - 1 if shape == "chain" else 1)
    assert tree.marks == {}
    assert "children=" in repr(tree.roots[0])


def test_a_span_whose_parent_is_missing_is_a_marked_root():
    tree = build([span(1), span(2, parent=99)])
    assert [root.marks for root in tree.roots] == [(), ("orphan",)]
    assert tree.marks == {"orphan": 1}


def test_a_span_that_is_its_own_parent_is_a_marked_root():
    tree = build([span(7, parent=7), span(8, parent=7)])
    assert tree.roots[0].marks == ("own_parent",)
    assert names(tree) == ["span 7", "span 8"]


def test_a_circle_of_parents_is_cut_above_its_earliest_span():
    tree = build([span(1, 3, start=5), span(2, 1, start=2), span(3, 2, start=9), span(4, 3, start=9)])
    assert names(tree) == ["span 2", "span 3", "span 1", "span 4"]
    assert tree.roots[0].marks == ("cycle",)
    assert tree.marks["cycle"] == 1


def test_of_two_spans_with_one_id_the_earlier_gets_the_children_and_the_later_the_mark():
    tree = build(
        [span(1), span(2, 1, start=10, name="later"), span(2, 1, start=5, name="first"), span(3, 2, 6)]
    )
    first, later = tree.roots[0].children
    assert (first.record.name, first.marks, len(first.children)) == ("first", (), 1)
    assert (later.record.name, later.marks, later.children) == ("later", ("duplicate",), [])


def test_several_roots_stand_beside_each_other_by_start():
    assert names(build([span(2, start=9), span(1, start=3)])) == ["span 1", "span 2"]


@pytest.mark.parametrize(
    ("start", "end", "process", "mark"),
    [
        (10, 90, "a", ()),
        (5, 50, "a", ("outside",)),
        (50, 120, "a", ("outside",)),
        (120, None, "a", ("outside",)),
        (50, None, "a", ()),
        (80, 20, "a", ("backwards",)),
    ],
)
def test_a_child_at_odds_with_its_parents_time_is_marked(start, end, process, mark):
    parent = span(1, start=10, end=100, process_id="a")
    child = build([parent, span(2, 1, start=start, end=end, process_id=process)]).roots[0].children[0]
    assert child.marks == mark


@pytest.mark.parametrize(
    ("start", "end", "mark"),
    [
        (1000 * MS, 1100 * MS, ()),
        (990 * MS, 1110 * MS, ()),
        (1120 * MS, None, ("outside",)),
        (1110 * MS, None, ()),
        (990 * MS - 1, 1050 * MS, ("skewed",)),
        (1050 * MS, 1110 * MS + 1, ("outside",)),
        (990 * MS - 1, 1110 * MS + 1, ("skewed",)),
    ],
)
def test_clocks_of_two_processes_may_differ_a_little_and_those_of_one_may_not(start, end, mark):
    parent = span(1, start=1000 * MS, end=1100 * MS, process_id="a")
    (child,) = build([parent, span(2, 1, start=start, end=end, process_id="b")]).roots[0].children
    assert child.marks == mark
    if (start, end) != (1000 * MS, 1100 * MS):
        (same,) = build([parent, span(2, 1, start=start, end=end, process_id="a")]).roots[0].children
        assert same.marks == ("outside",)


def test_a_parent_that_is_open_makes_no_child_late():
    assert build([span(1, end=None), span(2, 1, start=5, end=10**9)]).marks == {}


def test_a_placeholder_is_marked():
    tree = build([span(1, name=NOT_RECORDED, status="interrupted"), span(2, name=NOT_RECORDED)])
    assert [root.marks for root in tree.roots] == [("placeholder",), ()]
    assert NOT_RECORDED == PLACEHOLDER


def test_self_time_leaves_out_the_union_of_the_children_and_an_open_child_runs_on():
    spans = [span(1, end=100), span(2, 1, 10, 40), span(3, 1, 30, 50), span(4, 1, 90, None)]
    assert build(spans).roots[0].self_ns == 50


def test_the_tree_lasts_from_its_earliest_to_its_latest_time_events_included():
    event = Event(event_id="1", trace_id=TRACE, span_id=span(2).span_id, time=500, name="log")
    tree = build([span(1, start=20, end=90), span(2, 1, start=30, end=None)], [event])
    assert (tree.start, tree.end) == (20, 500)


def test_events_hang_on_their_span_by_time_and_the_rest_is_loose():
    def event(number: int, on: int, time: int) -> Event:
        return Event(event_id=str(number), trace_id=TRACE, span_id=f"{on:016x}", time=time, name=f"e{number}")

    tree = build([span(1)], [event(1, 1, 9), event(2, 1, 3), event(3, 5, 1)])
    assert [e.name for e in tree.roots[0].events] == ["e2", "e1"]
    assert [e.name for e in tree.loose_events] == ["e3"]


def test_find_gives_every_node_of_a_name_in_order():
    tree = build(
        [span(1, name="a"), span(2, 1, 5, name="b"), span(3, 1, 3, name="b"), span(4, 3, 4, name="b")]
    )
    assert [node.record.span_id[-1] for node in find(tree, "b")] == ["3", "4", "2"]
    assert find(tree, "c") == []
