"""Runs of agents: the tree that the SDK tells of, with what each part was given and gave."""

from __future__ import annotations

import asyncio
import threading

import agents
import pytest
from agents import GuardrailFunctionOutput, RunConfig, Runner, function_tool
from agents_kit import CHAT, RESPONSES, agent, of_kind, path, ran, run, tokens
from msgspec import UNSET
from provider_kit import until

import flightlog as fl

SAID = "Hello! How can I help you today?"


@function_tool
def get_weather(city: str) -> str:
    with fl.span("look out"):
        return f"sunny in {city}"


@function_tool
async def get_time(city: str) -> str:
    with fl.span("look at the clock"):
        await asyncio.sleep(0)
        return f"noon in {city}"


@pytest.mark.parametrize("is_streamed", [False, True])
@pytest.mark.parametrize(
    ("kind", "text", "said"),
    [(CHAT, "hello", SAID), (RESPONSES, "respond", "A response, in pieces of twenty.")],
)
def test_a_run_is_a_tree_with_one_model_call_that_counts(seen, talk, kind, text, said, is_streamed):
    assert run(agent(talk, kind, instructions="Be kind."), text, is_streamed=is_streamed) == said
    (model,) = of_kind(seen, "llm")
    assert path(seen, model) == ["Agent workflow", "Agent workflow", "clerk", "turn 1", "chat gpt-4o"]
    assert (model.status, model.attributes["gen_ai.request.model"]) == ("ok", "gpt-4o")
    assert model.attributes["flightlog.instrumentation"] == "openai_agents"
    assert model.attributes["gen_ai.provider.name"] == "openai"
    assert tokens(seen) == talk.tokens() != (0, 0)
    assert len(talk.served()) == 1
    assert text in str(model.input)
    assert "Be kind." in str(model.input)
    assert said in str(model.output["messages"])
    (below,) = [span for span in seen.spans if span.parent_id == model.span_id]
    assert (below.kind, below.attributes["flightlog.instrumentation"]) == ("http", "openai")
    assert {span.status for span in seen.spans} == {"ok"}
    if is_streamed:
        assert model.attributes["gen_ai.response.time_to_first_chunk"] > 0


@pytest.mark.parametrize("is_streamed", [False, True])
@pytest.mark.parametrize(("kind", "told"), [(CHAT, "messages"), (RESPONSES, "input")])
def test_agents_runs_and_workflows_say_what_was_asked_and_what_came_of_it(
    seen, talk, kind, told, is_streamed
):
    asked = agent(talk, kind, instructions="Be kind.", tools=[get_weather, get_time])
    assert run(asked, "outside", is_streamed=is_streamed) == "Go."
    (clerk,) = of_kind(seen, "agent")
    _, last = of_kind(seen, "llm")
    assert "outside" in str(clerk.input[told])
    assert "tools" not in clerk.input
    # Of Responses the SDK tells what the server repeats, and this one repeats nothing.
    assert ("Be kind." in str(clerk.input)) == (kind is CHAT)
    assert clerk.output == {"messages": last.output["messages"]}
    around = [span for span in seen.spans if span.name == "Agent workflow"]
    assert [span.kind for span in sorted(around, key=lambda span: span.start)] == ["workflow", "step"]
    for span in around:
        assert "outside" in str(span.input)
        assert "Be kind." not in str(span.input)
        assert span.output == clerk.output


def test_a_workflow_of_several_runs_says_of_none_that_it_is_the_whole(seen, talk):
    async def main():
        with agents.trace("both"):
            await Runner.run(agent(talk), "hello")
            await Runner.run(agent(talk), "hello")

    asyncio.run(main())
    (flow,) = of_kind(seen, "workflow")
    assert (flow.name, flow.input, flow.output) == ("both", UNSET, UNSET)
    assert [SAID in str(span.output) for span in of_kind(seen, "agent")] == [True, True]


def test_an_agent_that_a_tool_asks_speaks_for_the_tool_alone(seen, talk):
    helper = agent(talk, name="helper").as_tool("ask_helper", "Ask.")
    assert run(agent(talk, tools=[helper]), "delegate") == "Done."
    outer, inner = of_kind(seen, "agent")
    assert "Done." in str(outer.output)
    assert "delegate" in str(outer.input)
    assert SAID in str(inner.output)
    assert "hello" in str(inner.input)
    (flow,) = of_kind(seen, "workflow")
    assert "Done." in str(flow.output)


def test_what_a_program_does_not_want_told_is_not_told_of_the_agent_either(seen, talk):
    config = RunConfig(trace_include_sensitive_data=False)
    run(agent(talk), "hello", run_config=config)
    around = [span for span in seen.spans if span.kind in {"workflow", "step", "agent"}]
    assert {(span.input, span.output) for span in around} == {(UNSET, UNSET)}


def test_a_stream_without_usage_leaves_its_tokens_unknown(seen, talk):
    settings = agents.ModelSettings(include_usage=False)
    run(agent(talk, model_settings=settings), "hello", is_streamed=True)
    (model,) = of_kind(seen, "llm")
    assert not any(name.startswith("gen_ai.usage.") for name in model.attributes)
    assert SAID in str(model.output)


def test_what_a_group_of_traces_is_called_is_the_session_of_all_in_it(seen, talk):
    config = RunConfig(group_id="thread-7", workflow_name="Support", trace_metadata={"desk": "3"})
    run(agent(talk, tools=[get_weather, get_time]), "outside", run_config=config)
    assert {span.context.get("session") for span in seen.spans} == {"thread-7"}
    (flow,) = of_kind(seen, "workflow")
    assert flow.name == "Support"
    assert flow.attributes["gen_ai.conversation.id"] == "thread-7"
    assert flow.attributes["flightlog.metadata"] == {"desk": "3"}
    with fl.span("afterwards"):
        pass
    (after,) = [span for span in seen.spans if span.name == "afterwards"]
    assert (after.parent_id, after.context) == ("", {})


def test_tools_side_by_side_have_their_own_code_below_them(seen, talk):
    assert run(agent(talk, tools=[get_weather, get_time]), "outside") == "Go."
    first, second = sorted(of_kind(seen, "tool"), key=lambda span: span.name)
    assert (first.name, first.input, first.output) == ("get_time", {"city": "Oslo"}, "noon in Oslo")
    assert (second.name, second.input, second.output) == ("get_weather", {"city": "Oslo"}, "sunny in Oslo")
    assert second.attributes["gen_ai.tool.name"] == "get_weather"
    below = {span.name: path(seen, span)[-2] for span in seen.spans if span.name.startswith("look")}
    assert below == {"look out": "get_weather", "look at the clock": "get_time"}
    assert {path(seen, tool)[-2] for tool in (first, second)} == {"turn 1"}
    one, two = of_kind(seen, "llm")
    assert [call["function"]["name"] for call in one.output["messages"][0]["tool_calls"]] == [
        "get_weather",
        "get_time",
    ]
    assert path(seen, two)[-2] == "turn 2"
    (clerk,) = of_kind(seen, "agent")
    assert sorted(clerk.attributes["flightlog.agent.tools"]) == ["get_time", "get_weather"]
    assert tokens(seen) == talk.tokens() == (240, 68)


def test_a_tool_that_fails_is_an_error_though_the_run_goes_on(seen, talk):
    @function_tool(name_override="get_weather")
    def broken(city: str) -> str:
        raise ValueError("no window")

    assert run(agent(talk, tools=[broken, get_time]), "outside") == "Go."
    (tool,) = [span for span in of_kind(seen, "tool") if span.name == "get_weather"]
    assert (tool.status, tool.error.type, tool.error.message) == ("error", "ValueError", "no window")
    assert of_kind(seen, "workflow")[0].status == "ok"


def test_a_hand_off_says_who_hands_over_to_whom(seen, talk):
    poet = agent(talk, name="poet")
    assert run(agent(talk, handoffs=[poet]), "verse") == "Ode."
    (over,) = [span for span in seen.spans if span.name == "handoff to poet"]
    (told,) = [event for event in seen.events if event.name == "handoff"]
    assert (told.span_id, told.attributes) == (over.span_id, {"from": "clerk", "to": "poet"})
    clerk, other = of_kind(seen, "agent")
    assert (clerk.name, other.name) == ("clerk", "poet")
    assert clerk.attributes["flightlog.agent.handoffs"] == ["poet"]
    assert tokens(seen) == talk.tokens() == (240, 68)


@pytest.mark.parametrize("is_triggered", [False, True])
def test_guardrails_say_whether_they_struck(seen, talk, is_triggered):
    @agents.input_guardrail(run_in_parallel=False)
    async def polite(context, one, given):
        return GuardrailFunctionOutput(output_info=None, tripwire_triggered=is_triggered)

    asked = agent(talk, input_guardrails=[polite])
    if is_triggered:
        with pytest.raises(agents.InputGuardrailTripwireTriggered):
            run(asked, "hello")
    else:
        run(asked, "hello")
    (guard,) = of_kind(seen, "guardrail")
    assert guard.name == "polite"
    assert guard.attributes["flightlog.guardrail.triggered"] is is_triggered
    assert of_kind(seen, "workflow")[0].status == ("error" if is_triggered else "ok")
    assert len(of_kind(seen, "llm")) == (0 if is_triggered else 1)


def test_runs_side_by_side_are_trees_of_their_own(seen, talk):
    async def one(name, text):
        with fl.span(f"for {name}"):
            await ran(agent(talk, name=name), text, run_config=RunConfig(workflow_name=name))

    async def both():
        await asyncio.gather(one("left", "hello"), one("right", "person"))

    asyncio.run(both())
    for name, said in (("left", SAID), ("right", '{"name": "Ada", "age": 36}')):
        (model,) = [span for span in of_kind(seen, "llm") if said in str(span.output)]
        assert path(seen, model) == [f"for {name}", name, name, name, "turn 1", "chat gpt-4o"]
    assert tokens(seen) == talk.tokens() == (240, 68)


def test_several_runs_in_one_trace_stand_below_it(seen, talk):
    async def twice():
        with agents.trace("Two of them"):
            await ran(agent(talk), "hello")
            with agents.custom_span("between", {"n": 1}), fl.span("ours"):
                pass
            await ran(agent(talk), "hello", is_streamed=True)

    asyncio.run(twice())
    (flow,) = of_kind(seen, "workflow")
    assert flow.name == "Two of them"
    assert {path(seen, model)[0] for model in of_kind(seen, "llm")} == {"Two of them"}
    (between,) = [span for span in seen.spans if span.name == "between"]
    assert (between.kind, between.input, between.parent_id) == ("step", {"n": 1}, flow.span_id)
    (ours,) = [span for span in seen.spans if span.name == "ours"]
    assert ours.parent_id == between.span_id
    assert tokens(seen) == talk.tokens() == (240, 68)


@pytest.mark.parametrize("kind", [CHAT, RESPONSES])
def test_a_refusal_is_an_error_in_the_providers_words_all_the_way_up(seen, talk, kind):
    with pytest.raises(Exception, match="You shall not pass"):
        run(agent(talk, kind), "forbidden")
    (model,) = of_kind(seen, "llm")
    assert (model.status, model.error.type) == ("error", "openai.PermissionDeniedError")
    assert model.attributes["error.type"] == "permission_error"
    assert model.attributes["http.response.status_code"] == 403
    assert {span.status for span in seen.spans if span.kind in {"workflow", "agent"}} == {"error"}


def test_a_run_that_is_cancelled_is_no_error(seen, wire):
    never = threading.Event()
    wire.will_say(never, b"{}", content_type="application/json")

    class Elsewhere:
        def options(self, **more):
            return wire.options(**more)

    async def give_up():
        asked = asyncio.create_task(ran(agent(Elsewhere()), "hello"))
        await asyncio.to_thread(until, lambda: wire.requests, "the request")
        asked.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asked

    asyncio.run(give_up())
    never.set()
    assert {span.status for span in seen.spans if span.kind in {"llm", "agent", "workflow"}} == {"cancelled"}


def test_a_stream_that_nobody_reads_on_ends_all_the_same(seen, talk):
    async def stop():
        result = Runner.run_streamed(agent(talk), "hello")
        async for event in result.stream_events():
            if event.type == "raw_response_event":
                break
        result.cancel()
        async for _ in result.stream_events():
            pass

    asyncio.run(stop())
    assert of_kind(seen, "workflow")[0].status in {"ok", "cancelled"}
    assert len([span for span in seen.spans if span.kind == "llm"]) == 1
    assert len(talk.served()) == 1


def test_the_sync_way_is_recorded_as_well(seen, talk):
    assert Runner.run_sync(agent(talk), "hello").final_output == SAID
    assert len(of_kind(seen, "llm")) == 1
    assert tokens(seen) == talk.tokens() == (120, 34)


def test_an_agent_as_a_tool_of_another_stands_below_the_tools_span(seen, talk):
    helper = agent(talk, name="helper").as_tool("ask_helper", "Asks.")
    assert run(agent(talk, tools=[helper]), "delegate") == "Done."
    _, inner = of_kind(seen, "agent")
    assert inner.name == "helper"
    assert path(seen, inner)[2:5] == ["clerk", "turn 1", "ask_helper"]
    assert len(of_kind(seen, "workflow")) == 1
    assert tokens(seen) == talk.tokens() == (360, 102)


def test_speech_is_told_without_its_sound(seen):
    with agents.trace("Voice"):
        with agents.transcription_span(model="whisper-1", input="c291bmQ=", input_format="pcm") as heard:
            heard.span_data.output = "hello"
        with agents.speech_group_span(input="hi"), agents.speech_span(model="tts-1", input="hi") as spoken:
            spoken.span_data.output = "c291bmQ="
    (heard,), (spoken,) = of_kind(seen, "speech_to_text"), of_kind(seen, "text_to_speech")
    assert (heard.output, heard.attributes["gen_ai.request.model"]) == ("hello", "whisper-1")
    assert (spoken.input, spoken.attributes["gen_ai.request.model"]) == ("hi", "tts-1")
    assert "c291bmQ=" not in str(seen.spans)
