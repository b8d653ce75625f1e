"""LangGraph: a run shows the graph that was declared, with what became of each of its nodes."""

from __future__ import annotations

import asyncio
import operator
import uuid
from typing import Annotated, TypedDict

import pytest
from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.language_models.fake_chat_models import GenericFakeChatModel
from langchain_core.messages import AIMessage
from langchain_core.tools import tool
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import END, START, StateGraph
from langgraph.prebuilt import ToolNode
from langgraph.types import Command, RetryPolicy, Send, interrupt

import flightlog as fl
from flightlog.analysis.graph import graphs, newest
from flightlog.analysis.tree import build
from flightlog.records.span import Span


class State(TypedDict):
    seen: Annotated[list, operator.add]


def plan(state):
    """Say what is to be done.

    And more.
    """
    return {"seen": ["plan"]}


def work(state):
    return {"seen": ["work"]}


def rest(state):
    return {"seen": ["rest"]}


def route(state):
    return "on" if len(state["seen"]) < 2 else "off"


def made(**nodes):
    graph = StateGraph(State)
    for name, node in ({"plan": plan, "work": work, "rest": rest} | nodes).items():
        graph.add_node(name, node)
    graph.add_edge(START, "plan")
    graph.add_conditional_edges("plan", route, {"on": "work", "off": "rest"})
    graph.add_edge("work", END)
    graph.add_edge("rest", END)
    return graph


def shown(*graphs_):
    """Each node to its state and how often it ran, each way to what became of it."""
    (graph, *_) = graphs_
    nodes = {node.id: (node.state, node.occurrences) for node in graph.nodes}
    return nodes, {(edge.origin, edge.target): edge.selection for edge in graph.edges}


def drawn(seen):
    spans = {
        record.span_id: record for record in seen.records if isinstance(record, Span)
    }  # those that wait, too
    return graphs(build(spans.values(), seen.events).roots)


def test_a_run_shows_the_graph_with_what_became_of_it(seen):
    made().compile(name="plans").invoke({"seen": []})
    run = seen.span("plans")
    assert (run.kind, run.status) == ("workflow", "ok")
    declared = run.attributes["flightlog.graph"]
    assert declared["name"] == "plans"
    assert declared["nodes"] == [
        {"id": "plan", "kind": "step", "description": "Say what is to be done."},
        {"id": "work", "kind": "step"},
        {"id": "rest", "kind": "step"},
    ]
    assert {(edge["from"], edge["to"], edge.get("label", "")) for edge in declared["edges"]} == {
        ("plan", "work", "on"),
        ("plan", "rest", "off"),
    }
    steps = [span for span in seen.spans if span.attributes.get("flightlog.graph.node")]
    assert [step.name for step in steps] == ["plan", "work"]
    assert {step.parent_id for step in steps} == {run.span_id}
    (branch,) = [event for event in seen.events if event.name == "branch"]
    assert branch.span_id == steps[0].span_id
    assert branch.attributes == {"node": "plan", "chosen": ["work"], "rejected": ["rest"]}
    assert run.output == {"seen": ["plan", "work"]}


def test_its_state_is_live(seen):
    live = []
    with fl.span("outer") as outer:

        def looks(state):
            live.append(shown(newest(outer.tree(), {})))
            return {"seen": ["work"]}

        made(work=looks).compile().invoke({"seen": []})
    ways = {("plan", "work"): "chosen", ("plan", "rest"): "rejected"}
    assert live == [({"plan": ("ok", 1), "work": ("running", 1), "rest": ("not_seen", 0)}, ways)]
    assert shown(*drawn(seen)) == ({"plan": ("ok", 1), "work": ("ok", 1), "rest": ("not_seen", 0)}, ways)


def test_tasks_and_streams_show_the_same(seen):
    async def main():
        app = made().compile()
        await app.ainvoke({"seen": []})
        assert [item async for item in app.astream({"seen": []}, stream_mode="updates")]
        assert not fl.current()

    asyncio.run(main())
    assert list(made().compile().stream({"seen": []}))
    found = drawn(seen)
    assert len(found) == 3
    assert all(shown(one) == shown(found[0]) for one in found)
    assert shown(found[0])[0] == {"plan": ("ok", 1), "work": ("ok", 1), "rest": ("not_seen", 0)}


def test_a_stream_that_is_closed_early_is_no_error(seen):
    stream = made().compile().stream({"seen": []})
    next(stream)
    stream.close()
    run = seen.span("LangGraph")
    assert (run.status, run.attributes["flightlog.stream.ended"]) == ("ok", "early")


def test_an_interrupt_is_a_pause_and_no_error_and_the_next_run_goes_on(seen):
    def asks(state):
        return {"seen": [interrupt("really?")]}

    app = made(work=asks).compile(checkpointer=InMemorySaver())
    config = {"configurable": {"thread_id": "t-1"}}
    assert "__interrupt__" in app.invoke({"seen": []}, config)
    assert "error" not in {span.status for span in seen.spans}
    assert shown(*drawn(seen))[0] == {"plan": ("ok", 1), "work": ("paused", 1), "rest": ("not_seen", 0)}
    (pause,) = [event for event in seen.events if event.name == "pause"]
    assert pause.attributes["message"] == "really?"
    assert app.invoke(Command(resume="yes"), config)["seen"] == ["plan", "yes"]
    runs = [span for span in seen.spans if span.name == "LangGraph"]
    assert [run.attributes["gen_ai.conversation.id"] for run in runs] == ["t-1", "t-1"]
    assert shown(drawn(seen)[-1])[0] == {"plan": ("not_seen", 0), "work": ("ok", 1), "rest": ("not_seen", 0)}


def test_an_interrupt_of_a_graph_within_a_graph_is_no_error_of_either(seen):
    def asks(state):
        return {"seen": [interrupt("inner?")]}

    inner = made(work=asks).compile(name="inner", checkpointer=True)
    outer = StateGraph(State)
    outer.add_node("sub", inner)
    outer.add_edge(START, "sub")
    app = outer.compile(name="outer", checkpointer=InMemorySaver())
    app.invoke({"seen": []}, {"configurable": {"thread_id": "t"}})
    assert "error" not in {span.status for span in seen.spans}
    first, second = drawn(seen)
    assert (first.name, shown(first)[0]) == ("outer", {"sub": ("paused", 1)})
    assert second.name == "inner"
    assert (second.parent_node, shown(second)[0]["work"]) == ("sub", ("paused", 1))


def test_a_node_that_fails_is_an_error_of_its_graph(seen):
    def fails(state):
        raise ValueError("no way")

    with pytest.raises(ValueError, match="no way"):
        made(work=fails).compile().invoke({"seen": []})
    assert shown(*drawn(seen))[0]["work"] == ("error", 1)
    assert seen.span("LangGraph").status == "error"


def test_a_node_that_is_tried_again_is_one_step_with_its_attempts(seen):
    calls = []

    def sometimes(state):
        calls.append(1)
        if len(calls) < 2:
            raise ConnectionError("not yet")
        return {"seen": ["work"]}

    graph = StateGraph(State)
    policy = RetryPolicy(initial_interval=0.001, jitter=False)
    graph.add_node("work", sometimes, retry_policy=policy)
    graph.add_edge(START, "work")
    graph.compile().invoke({"seen": []})
    assert shown(*drawn(seen))[0] == {"work": ("ok", 2)}


def test_items_of_a_map_are_told_apart(seen):
    def fan(state):
        return [Send("each", {"seen": [number]}) for number in range(3)]

    graph = StateGraph(State)
    graph.add_node("plan", plan)
    graph.add_node("each", work)
    graph.add_edge(START, "plan")
    graph.add_conditional_edges("plan", fan, ["each"])
    graph.compile().invoke({"seen": []})
    (run,) = drawn(seen)
    each = next(node for node in run.nodes if node.id == "each")
    assert sorted(one.item for one in each.runs) == [0, 1, 2]
    assert shown(run)[1] == {("plan", "each"): "chosen"}


def test_a_command_that_goes_somewhere_is_no_error(seen):
    graph = StateGraph(State)
    graph.add_node(
        "plan", lambda state: Command(goto="work", update={"seen": ["plan"]}), destinations=("work",)
    )
    graph.add_node("work", work)
    graph.add_edge(START, "plan")
    graph.compile().invoke({"seen": []})
    nodes, ways = shown(*drawn(seen))
    assert nodes == {"plan": ("ok", 1), "work": ("ok", 1)}
    assert ways == {("plan", "work"): "taken"}


def test_an_agent_with_tools_is_a_tree_of_its_calls(seen):
    @tool
    def look_up(city: str) -> str:
        """Look something up."""
        with fl.span("read"):
            return city.upper()

    call = {"name": "look_up", "args": {"city": "Oslo"}, "id": "c1", "type": "tool_call"}
    model = GenericFakeChatModel(messages=iter([AIMessage("", tool_calls=[call]), AIMessage("It is OSLO.")]))

    class Talk(TypedDict):
        messages: Annotated[list, operator.add]

    graph = StateGraph(Talk)
    graph.add_node("model", lambda state: {"messages": [model.invoke(state["messages"])]})
    graph.add_node("tools", ToolNode([look_up]))
    graph.add_edge(START, "model")
    graph.add_conditional_edges(
        "model", lambda state: "tools" if state["messages"][-1].tool_calls else END, ["tools", END]
    )
    graph.add_edge("tools", "model")
    end = graph.compile().invoke({"messages": [("user", "Where?")]})
    assert end["messages"][-1].content == "It is OSLO."
    names = {span.span_id: span.name for span in seen.spans}
    assert names[seen.span("look_up").parent_id] == "tools"
    assert names[seen.span("read").parent_id] == "look_up"
    assert [names[span.parent_id] for span in seen.spans if span.kind == "llm"] == ["model", "model"]
    assert shown(*drawn(seen))[0] == {"model": ("ok", 2), "tools": ("ok", 1)}
    assert seen.span("look_up").output == "OSLO"


def test_the_program_s_own_id_of_a_run_is_kept(seen):
    heard = []

    class Own(BaseCallbackHandler):
        def on_chain_start(self, serialized, inputs, *, run_id, parent_run_id=None, **kwargs):
            heard.append(run_id)

    own = uuid.uuid4()
    made().compile().invoke({"seen": []}, {"run_id": own, "callbacks": [Own()]})
    assert heard[0] == own
    assert seen.span("LangGraph").attributes["flightlog.graph"]["nodes"]


def test_one_graph_is_recorded_and_others_are_left_alone():
    fl.uninstrument()
    app, other = made().compile(), made().compile()
    with fl.instrument(app) as handle, fl.capture() as seen:
        assert repr(handle) == "<instrumented: one CompiledStateGraph>"
        other.invoke({"seen": []})
        assert seen.spans == []
        app.invoke({"seen": []})
        assert shown(*drawn(seen))[0]["plan"] == ("ok", 1)
    with fl.capture() as seen:
        app.invoke({"seen": []})
    assert seen.spans == []


def test_a_graph_that_cannot_be_read_runs_all_the_same(seen, monkeypatch, capsys):
    from flightlog.recording import recorder

    monkeypatch.setattr(recorder, "_said", set())
    monkeypatch.setattr("flightlog.integrations.langchain.graphs._declaration", None)
    assert made().compile().invoke({"seen": []})["seen"] == ["plan", "work"]
    (line,) = capsys.readouterr().err.splitlines()
    assert "a graph could not be read" in line
    assert seen.span("LangGraph").status == "ok"
