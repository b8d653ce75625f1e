"""A declared workflow: what its runs record, and what is read back of them, on the engine that runs."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading

import pytest

import flightlog as fl
from flightlog.graphing import MOST_EDGES, MOST_NODES
from flightlog.records.attributes import GRAPH, ITEM, NODE

NODES = {
    "classify": "Classify the request",
    "lookup": {"title": "Look the order up", "description": "In the shop's database.", "kind": "db"},
    "pay": "Pay back",
    "escalate": "Ask a person",
}
EDGES = [("classify", "lookup"), ("lookup", "pay", "order found"), ("lookup", "escalate", "no such order")]


def refund():
    return fl.graph("refund", NODES, EDGES, title="Refund", description="Gives money back.")


def states(snapshot):
    return {node.id: node.state for node in snapshot.nodes}


def ways(snapshot):
    return {(edge.origin, edge.target): edge.selection for edge in snapshot.edges}


def test_before_the_first_run_nothing_is_seen():
    seen = refund().snapshot()
    assert (seen.name, seen.title, seen.description, seen.state) == (
        "refund",
        "Refund",
        "Gives money back.",
        "not_seen",
    )
    assert states(seen) == dict.fromkeys(NODES, "not_seen")
    assert set(ways(seen).values()) == {"unknown"}
    lookup = seen.nodes[1]
    assert (lookup.kind, lookup.title, lookup.description) == (
        "db",
        "Look the order up",
        "In the shop's database.",
    )


def test_a_run_shows_what_it_did_while_it_runs_and_afterwards():
    flow = refund()
    with fl.capture():
        with flow.run({"text": "money back"}) as run:
            with flow.step("classify"):
                pass
            with flow.step("lookup") as step:
                flow.choose("pay")
                within = flow.snapshot()
            with flow.step("pay") as paid:
                pass
        after = flow.snapshot()
    assert states(within) == {
        "classify": "ok",
        "lookup": "running",
        "pay": "not_seen",
        "escalate": "not_seen",
    }
    assert within.state == "running"
    assert states(after) == {"classify": "ok", "lookup": "ok", "pay": "ok", "escalate": "not_seen"}
    assert ways(after) == {
        ("classify", "lookup"): "taken",
        ("lookup", "pay"): "chosen",
        ("lookup", "escalate"): "rejected",
    }
    assert (after.graph_id, after.trace_id, after.state) == (run.span_id, run.trace_id, "ok")
    assert [one.span_id for node in after.nodes for one in node.runs][1:] == [step.span_id, paid.span_id]


def test_what_is_recorded_are_spans_and_an_event_like_any_other():
    flow = refund()
    with fl.capture() as seen, flow.run("given", tenant="t-1"), flow.step("lookup", "order-7", item=3, k=1):
        flow.choose("no such order", reason="nothing found")
    step, run = seen.spans if seen.spans[0].name == "lookup" else seen.spans[::-1]
    assert (run.name, run.kind, run.input, run.attributes["tenant"]) == ("refund", "workflow", "given", "t-1")
    assert [node["id"] for node in run.attributes[GRAPH]["nodes"]] == list(NODES)
    assert (step.name, step.kind, step.input) == ("lookup", "db", "order-7")
    assert step.attributes == {NODE: "lookup", ITEM: 3, "k": 1}
    (event,) = seen.events
    assert (event.name, event.span_id) == ("branch", step.span_id)
    assert event.attributes == {
        "chosen": ["no such order"],
        "node": "lookup",
        "rejected": ["pay"],
        "reason": "nothing found",
    }


def test_a_decorated_function_is_a_step():
    flow = fl.graph("numbers")

    @flow.node("double", title="Double it", kind="tool")
    def double(number):
        return 2 * number

    @flow.node("later")
    async def later(number):
        return number

    with fl.capture() as seen:
        with flow.run():
            assert double(4) == 8
            assert asyncio.run(later(5)) == 5
        assert states(flow.snapshot()) == {"double": "ok", "later": "ok"}
    called = next(span for span in seen.spans if span.name == "double")
    assert (called.kind, called.input, called.output) == ("tool", {"number": 4}, 8)


def test_failures_cancellations_and_items_are_told_one_by_one():
    flow = refund()
    with fl.capture():
        with flow.run():
            for item in range(3):
                try:
                    with flow.step("pay", item=item):
                        if item == 1:
                            raise ValueError("the bank says no")
                except ValueError:
                    pass
            try:
                with flow.step("escalate"):
                    raise asyncio.CancelledError
            except asyncio.CancelledError:
                pass
        seen = flow.snapshot()
    pay = next(node for node in seen.nodes if node.id == "pay")
    assert (pay.state, pay.occurrences, pay.by_status) == ("ok", 3, {"ok": 2, "error": 1})
    assert pay.error == "ValueError: the bank says no"
    assert [(one.number, one.item, one.status, bool(one.error)) for one in pay.runs] == [
        (1, 0, "ok", False),
        (2, 1, "error", True),
        (3, 2, "ok", False),
    ]
    assert states(seen)["escalate"] == "cancelled"


def test_a_graph_within_a_step_is_its_child():
    outer, inner = fl.graph("outer", ["a", "b"]), fl.graph("inner", ["x"])
    with fl.capture():
        with outer.run() as whole:
            with outer.step("a"):
                pass
            for _ in range(2):
                with outer.step("b"), inner.run(), inner.step("x"):
                    pass
        above, below = outer.snapshot(), inner.snapshot()
    assert [(one.node, one.occurrence, one.name, one.status) for one in above.children] == [
        ("b", 1, "inner", "ok"),
        ("b", 2, "inner", "ok"),
    ]
    assert states(above) == {"a": "ok", "b": "ok"}
    assert (below.state, states(below)) == ("ok", {"x": "ok"})
    assert above.graph_id == whole.span_id


def test_runs_at_the_same_time_are_told_apart():
    flow = fl.graph("flow", ["a", "b"])
    runs = {}
    ready = threading.Barrier(2)

    def work(step):
        with flow.run() as run:
            runs[step] = run
            ready.wait(30)
            with flow.step(step):
                pass

    with fl.capture():
        threads = [threading.Thread(target=work, args=(step,)) for step in ("a", "b")]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        seen = {step: states(flow.snapshot(run)) for step, run in runs.items()}
    assert seen == {"a": {"a": "ok", "b": "not_seen"}, "b": {"a": "not_seen", "b": "ok"}}


def test_what_is_declared_during_a_run_is_part_of_it():
    flow = fl.graph("flow", ["a"])
    with fl.capture():
        with flow.run():
            flow.edge("a", "b", "late")
        flow.node("c")  # after it: the run is over, and stays as it was
        seen = flow.snapshot()
    assert list(states(seen)) == ["a", "b"]
    assert [edge.label for edge in seen.edges] == ["late"]


def test_declaring_twice_changes_nothing_and_more_is_added():
    flow = refund()
    flow.node("pay", title="Pay back")
    flow.edge("lookup", "pay")
    flow.edge("lookup", "pay", "order found")
    assert len(flow.snapshot().nodes) == len(NODES)
    assert [edge.label for edge in flow.snapshot().edges] == ["", "order found", "no such order"]
    flow.node("pay", title="Pay it back")
    assert flow.snapshot().nodes[2].title == "Pay it back"


def test_a_declaration_without_end_is_bounded_and_says_so():
    flow = fl.graph("wide", [f"n{number}" for number in range(MOST_NODES + 7)])
    for number in range(MOST_EDGES + 3):
        flow.edge(f"n{number % 400}", f"n{number // 4}")
    with fl.capture() as seen:
        with flow.run(), flow.step("n1"):
            pass
        told = flow.snapshot()
    assert len(told.nodes) == MOST_NODES
    assert len(told.edges) <= MOST_EDGES
    assert told.left_out >= 7
    assert all("flightlog.cut" not in span.attributes for span in seen.spans)


def test_long_texts_do_not_cost_a_declaration_its_nodes():
    flow = fl.graph("wordy", {f"n{n}": {"title": "t" * 300, "description": "d" * 9000} for n in range(400)})
    with fl.capture():
        with flow.run():
            pass
        told = flow.snapshot()
    assert (len(told.nodes), told.nodes[399].title, told.nodes[399].description) == (400, "t" * 120, "")


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: fl.graph(""),
        lambda: fl.graph(7),
        lambda: fl.graph("g", "abc"),
        lambda: fl.graph("g", [3]),
        lambda: fl.graph("g", {"a": {"colour": "red"}}),
        lambda: fl.graph("g", {"a": 3}),
        lambda: fl.graph("g", edges=["ab"]),
        lambda: fl.graph("g", edges=[("a",)]),
        lambda: fl.graph("g", edges=[("a", "")]),
    ],
)
def test_a_declaration_that_is_none_is_refused_where_it_is_written(wrong):
    with pytest.raises(TypeError):
        wrong()


def test_nothing_that_a_running_program_says_raises():
    flow = refund()
    with fl.capture(), flow.run(object(), level="no such level"):
        with flow.step(None, item=object()):
            flow.choose(3, object(), after=7, reason=object())
        flow.choose()
    assert flow.snapshot() is not None


def test_where_nothing_is_recorded_the_declaration_is_left():
    flow = refund()
    with fl.capture(level="info"), flow.run(level="trace") as run, flow.step("pay", level="trace"):
        flow.choose("pay")
    assert not run.recorded
    assert set(states(flow.snapshot()).values()) == {"not_seen"}


def test_secrets_in_a_declaration_pass_the_gate():
    flow = fl.graph("flow", {"a": "uses password=hunter2-hunter2"})
    with fl.capture() as seen, flow.run():
        pass
    assert "hunter2" not in repr(seen.records)


def test_importing_it_loads_nothing_heavy():
    code = "import sys, flightlog; flightlog.graph('g', ['a']); print('msgspec' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
