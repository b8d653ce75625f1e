"""Graphs read out of trees, whatever somebody wrote there."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from flightlog.analysis.graph import declared, graphs
from flightlog.analysis.tree import build
from flightlog.records.attributes import GRAPH, NODE
from flightlog.records.event import Event
from flightlog.records.graph import MOST_EDGES, MOST_NODES, MOST_OCCURRENCES
from flightlog.records.span import Fault, Span

TRACE = "a" * 32


def span(number, parent, start, end, status="ok", error=None, **attributes):
    return Span(
        trace_id=TRACE,
        span_id=f"{number:016x}",
        parent_id=f"{parent:016x}" if parent else "",
        name=str(attributes.get(NODE, "work")),
        start=start,
        end=end,
        status=status,
        error=error,
        attributes=attributes,
    )


def run(nodes=("a", "b", "c"), edges=(("a", "b"), ("a", "c")), **more):
    said = {
        "name": "g",
        "nodes": [{"id": node} for node in nodes],
        "edges": [{"from": origin, "to": target} for origin, target in edges],
    }
    return span(1, 0, 0, 100, **{GRAPH: said, **more})


def step(number, node, start, end, parent=1, **more):
    return span(number, parent, start, end, **{NODE: node}, **more)


def branch(on, **attributes):
    return Event(
        event_id=f"{on:016x}",
        trace_id=TRACE,
        span_id=f"{on:016x}",
        time=5,
        name="branch",
        attributes=attributes,
    )


def only(spans, events=()):
    (found,) = graphs(build(spans, events).roots)
    return found


def ways(graph):
    return {(edge.origin, edge.target): edge.selection for edge in graph.edges}


def test_the_state_of_a_node_is_that_of_its_newest_run_unless_one_still_runs():
    fault = Fault("ValueError", "no")
    failed = only([run(), step(2, "a", 1, 2), step(3, "a", 3, 4, status="error", error=fault)])
    assert (failed.nodes[0].state, failed.nodes[0].error) == ("error", "ValueError: no")
    retried = only([run(), step(2, "a", 1, 2, status="error", error=fault), step(3, "a", 3, 4)])
    assert (retried.nodes[0].state, retried.nodes[0].by_status) == ("ok", {"error": 1, "ok": 1})
    still = only([run(), step(2, "a", 1, None, status="running"), step(3, "a", 3, 4)])
    assert still.nodes[0].state == "running"
    waits = only([run(), step(2, "a", 1, None, status="paused"), step(3, "a", 3, 4)])
    assert waits.nodes[0].state == "paused"
    died = only([run(), step(2, "a", 1, 9, status="interrupted")])
    assert died.nodes[0].state == "interrupted"


def test_times_are_of_all_runs_and_the_work_is_their_sum():
    (a, *_) = only([run(), step(2, "a", 10, 20), step(3, "a", 50, 80)]).nodes
    assert (a.start, a.end, a.busy_ns) == (10, 80, 40)


def test_a_way_is_taken_where_the_next_step_began_after_the_one_before():
    assert ways(only([run(), step(2, "a", 1, 10), step(3, "b", 10, 20)])) == {
        ("a", "b"): "taken",
        ("a", "c"): "unknown",
    }
    assert ways(only([run(), step(2, "a", 1, 10), step(3, "b", 0, 9)]))["a", "b"] == "unknown"


def test_what_was_told_counts_more_than_what_it_looks_like():
    told = only([run(), step(2, "a", 1, 10), step(3, "b", 10, 20)], [branch(2, chosen="c", rejected="b")])
    assert ways(told) == {("a", "b"): "rejected", ("a", "c"): "chosen"}


def test_those_that_were_not_chosen_are_rejected_also_where_nobody_says_so():
    assert ways(only([run(), step(2, "a", 1, 10)], [branch(2, chosen="c")])) == {
        ("a", "b"): "rejected",
        ("a", "c"): "chosen",
    }


def test_a_loop_that_chose_otherwise_each_time_has_chosen_both():
    events = [branch(2, chosen="b", rejected=["c"]), branch(3, chosen="c", rejected=["b"])]
    (b, c) = only([run(), step(2, "a", 1, 2), step(3, "a", 3, 4)], events).edges
    assert (b.selection, b.chosen, b.rejected) == ("chosen", 1, 1)
    assert (c.selection, c.chosen, c.rejected) == ("chosen", 1, 1)


def test_ways_go_by_id_by_target_and_by_label():
    said = {
        "name": "g",
        "nodes": [],
        "edges": [
            {"from": "a", "to": "b", "id": "e1", "label": "yes"},
            {"from": "a", "to": "c", "label": "no"},
        ],
    }
    for chosen in ("e1", "b", "yes"):
        graph = only([span(1, 0, 0, 9, **{GRAPH: said})], [branch(1, chosen=chosen, node="a")])
        assert ways(graph) == {("a", "b"): "chosen", ("a", "c"): "rejected"}


def test_what_was_not_declared_is_there_and_marked():
    graph = only([run(("a",), ()), step(2, "a", 1, 2), step(3, "x", 3, 4)], [branch(2, chosen="x")])
    assert [(node.id, node.is_declared) for node in graph.nodes] == [("a", True), ("x", False)]
    assert [(edge.origin, edge.target, edge.is_declared) for edge in graph.edges] == [("a", "x", False)]


def test_a_step_within_a_step_is_of_the_same_run_and_one_outside_is_of_none():
    graph = only([run(), step(2, "a", 1, 50), step(3, "b", 2, 3, parent=2), step(4, "c", 5, 6, parent=0)])
    assert [(node.id, node.occurrences) for node in graph.nodes] == [("a", 1), ("b", 1), ("c", 0)]


def test_records_that_came_twice_are_one():
    once = [run(), step(2, "a", 1, 2)]
    tree = build(once)
    assert graphs(tree.roots) == graphs(tree.roots)


def test_many_runs_are_counted_and_the_first_and_the_last_are_kept():
    graph = only([run(), *(step(n + 2, "a", n, n + 1) for n in range(1000))])
    (a, *_) = graph.nodes
    assert a.occurrences == 1000
    numbers = [one.number for one in a.runs]
    assert len(numbers) == MOST_OCCURRENCES
    assert numbers == [*range(1, 51), *range(951, 1001)]


def test_a_trace_that_claims_too_much_is_cut():
    spans = [run((), ()), *(step(n + 2, f"n{n}", n, n + 1) for n in range(MOST_NODES + 5))]
    events = [
        Event(
            event_id=f"{n:016x}",
            trace_id=TRACE,
            span_id=f"{2:016x}",
            time=n,
            name="branch",
            attributes={"chosen": [f"x{n * 50 + m}" for m in range(50)]},
        )
        for n in range(MOST_EDGES // 50 + 1)
    ]
    graph = only(spans, events)
    assert (len(graph.nodes), len(graph.edges)) == (MOST_NODES, MOST_EDGES)
    assert graph.left_out == 5 + 50


def test_a_deep_trace_needs_no_recursion():
    spans = [run(), *(step(n + 2, "a", n, None, parent=n + 1, status="running") for n in range(20_000))]
    assert only(spans).nodes[0].occurrences == 20_000


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["name", "nodes", "edges", "id", "from", "to", "label", "title", "left_out"]),
            inner,
            max_size=5,
        )
    ),
    max_leaves=20,
)


@given(VALUES, VALUES, VALUES, VALUES)
def test_whatever_stands_in_the_attributes_is_read_or_left(graph, node, chosen, rejected):
    spans = [span(1, 0, 0, 9, **{GRAPH: graph}), span(2, 1, 1, 2, **{NODE: node}), step(3, "a", 3, 4)]
    told = [branch(2, chosen=chosen, rejected=rejected, node=node)]
    found = graphs(build(spans, told).roots)
    assert len(found) == (declared({GRAPH: graph}) is not None)
