"""Flows: their methods are steps, what they declare is a graph, and a router says which way it chose."""

from __future__ import annotations

import asyncio

import pytest
from crewai.flow.async_feedback import HumanFeedbackPending, HumanFeedbackProvider
from crewai.flow.flow import Flow, and_, listen, or_, router, start
from crewai.flow.human_feedback import human_feedback
from crewai.flow.persistence.sqlite import SQLiteFlowPersistence

import flightlog as fl
from flightlog.records.span import Span


class Both(Flow):
    @start()
    def first(self):
        """Begin here."""
        return "a"

    @start()
    async def second(self):
        with fl.span("within"):
            return "b"

    @router(and_(first, second))
    def way(self):
        return "left"

    @listen("left")
    def go_left(self):
        return "went left"

    @listen("right")
    def go_right(self):
        return "went right"

    @listen(or_(go_left, go_right))
    def last(self, said):
        return f"{said}, and done"


@pytest.fixture(params=["kickoff", "kickoff_async"])
def run(request):
    def run(flow, **given):
        result = getattr(flow, request.param)(**given)
        return asyncio.run(result) if asyncio.iscoroutine(result) else result

    return run


def test_a_flow_is_a_workflow_and_its_methods_are_steps_in_it(tree, run):
    assert run(Both(), inputs={"topic": "x"}) == "went left, and done"
    found = tree()
    (flow,) = found.of("workflow")
    assert (flow.name, flow.parent_id, flow.input, flow.output) == (
        "Both",
        "",
        {"topic": "x"},
        "went left, and done",
    )
    steps = ["first", "go_left", "last", "second", "way"]
    above = {name: above for (name, _), above in found.above().items() if name != "Both"}
    assert above == {**dict.fromkeys(steps, "Both"), "within": "second"}
    assert {span.name: span.output for span in found.of("step")}["go_left"] == "went left"


def test_a_flow_declares_its_graph_and_the_way_that_was_not_taken(seen, tree):
    Both().kickoff()
    found = tree()
    declared = found.of("workflow")[0].attributes["flightlog.graph"]
    assert {(edge["from"], edge["to"]): edge.get("label", "") for edge in declared["edges"]} == {
        ("first", "way"): "",
        ("second", "way"): "",
        ("way", "go_left"): "left",
        ("way", "go_right"): "right",
        ("go_left", "last"): "",
        ("go_right", "last"): "",
    }
    assert [node["id"] for node in declared["nodes"] if node.get("description") == "Begin here."] == ["first"]
    (branch,) = [event for event in seen.events if event.name == "branch"]
    assert branch.attributes == {"node": "way", "chosen": ["go_left"], "rejected": ["go_right"]}


def test_a_method_that_fails_is_an_error_and_so_is_its_flow(tree, run):
    class Broken(Flow):
        @start()
        def begin(self):
            raise LookupError("nothing there")

    with pytest.raises(LookupError):
        run(Broken())
    found = tree()
    assert {(span.name, span.status, span.error.type) for span in found.spans} == {
        ("begin", "error", "LookupError"),
        ("Broken", "error", "LookupError"),
    }


def test_a_crew_within_a_flow_is_within_the_method_that_began_it(crews, talk, tree, run):
    class Outer(Flow):
        @start()
        def begin(self):
            return crews.crew().kickoff().raw

    assert run(Outer()) == "Sunny in Oslo."
    found = tree()
    assert found.above()["forecast", "workflow"] == "begin"
    assert found.above()["begin", "step"] == "Outer"
    assert found.tokens() == talk.tokens()


def test_flows_that_run_at_once_keep_their_methods_apart(tree):
    class Slow(Flow):
        @start()
        async def begin(self):
            await asyncio.sleep(0)
            return "x"

        @listen(begin)
        async def end(self):
            await asyncio.sleep(0)
            return "y"

    async def main():
        await asyncio.gather(*(Slow().kickoff_async() for _ in range(5)))

    asyncio.run(main())
    found = tree()
    flows = {span.span_id for span in found.of("workflow")}
    assert len(flows) == 5
    for name in ("begin", "end"):
        assert {span.parent_id for span in found.of("step") if span.name == name} == flows


def test_a_flow_that_is_cancelled_is_cancelled(tree):
    async def main():
        begun = asyncio.Event()

        class Waiting(Flow):
            @start()
            async def begin(self):
                begun.set()
                await asyncio.Event().wait()

        running = asyncio.create_task(Waiting().kickoff_async())
        await begun.wait()
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running

    asyncio.run(main())
    assert {(span.name, span.status) for span in tree().spans} == {
        ("Waiting", "cancelled"),
        ("begin", "cancelled"),
    }


def test_a_flow_that_waits_for_somebody_is_paused_and_goes_on_as_a_run_of_its_own(seen, tree, tmp_path):
    class Desk(HumanFeedbackProvider):
        def request_feedback(self, context, flow):
            raise HumanFeedbackPending(context=context)

    class Review(Flow):
        @start()
        @human_feedback(message="Is this well?", provider=Desk())
        def write(self):
            return "a page"

        @listen(write)
        def publish(self, told):
            return "published"

    kept = SQLiteFlowPersistence(str(tmp_path / "flows.db"))
    pending = Review(persistence=kept).kickoff()
    assert isinstance(pending, HumanFeedbackPending)
    states = {record.name: record.status for record in seen.records if isinstance(record, Span)}
    assert states == {"Review": "ok", "write": "paused"}
    (pause,) = [event for event in seen.events if event.name == "pause"]
    assert pause.attributes["message"] == "Is this well?"
    assert Review.from_pending(pending.context.flow_id, kept).resume("yes") == "published"
    assert {(span.name, span.status) for span in tree().of("step")} == {("write", "ok"), ("publish", "ok")}
    assert [span.output for span in tree().of("workflow")][-1] == "published"
