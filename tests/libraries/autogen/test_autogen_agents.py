"""Agents and teams, as programs run them: who is within whom, what was said, what it took, what went wrong."""

from __future__ import annotations

import asyncio
import threading

import pytest
from autogen_agentchat.agents import AssistantAgent
from autogen_agentchat.base import TaskResult
from autogen_agentchat.conditions import HandoffTermination, MaxMessageTermination, TextMentionTermination
from autogen_agentchat.teams import RoundRobinGroupChat, SelectorGroupChat, Swarm
from autogen_agentchat.tools import AgentTool
from autogen_core import CancellationToken, FunctionCall
from autogen_core.models import CreateResult, RequestUsage, UserMessage
from autogen_kit import broken_weather, replay
from provider_kit import event, until

import flightlog as fl

WEATHER = "What is the weather in Oslo?"


@pytest.fixture(params=["run", "run_stream"])
def run(request):
    async def run(runner, task=WEATHER, **given):
        if request.param == "run":
            return await runner.run(task=task, **given)
        items = [item async for item in runner.run_stream(task=task, **given)]
        assert isinstance(items[-1], TaskResult)
        return items[-1]

    return lambda *args, **given: asyncio.run(run(*args, **given))


def test_an_agent_its_model_calls_and_its_tool_are_one_tree(clients, talk, tree, run):
    result = run(clients.agent())
    assert result.messages[-1].content == "Sunny in Oslo."
    found = tree()
    assert found.above() == {
        ("forecaster", "agent"): "",
        ("chat gpt-4o-mini", "llm"): "forecaster",
        ("get_weather", "tool"): "forecaster",
    }
    assert len(found.spans) == 4
    assert {span.status for span in found.spans} == {"ok"}
    assert found.tokens() == talk.tokens() == (197, 39)
    (agent,), (tool,) = found.of("agent"), found.of("tool")
    assert [message["content"] for message in agent.input["messages"]] == [WEATHER]
    assert agent.output["content"] == "Sunny in Oslo."
    assert agent.attributes["gen_ai.agent.name"] == "forecaster"
    assert (tool.input, tool.output) == ({"city": "Oslo"}, "sunny in Oslo")
    assert tool.attributes["gen_ai.tool.call.id"] == "call_1"


def test_calls_have_the_messages_as_they_were_sent_and_as_they_were_answered(clients, talk, tree):
    asyncio.run(clients.agent().run(task=WEATHER))
    first, second = tree().of("llm")
    sent = [entry["body"] for entry in talk.served()]
    for call, body in zip((first, second), sent, strict=True):
        assert [one["role"] for one in call.input["messages"]] == [one["role"] for one in body["messages"]]
        assert call.input["messages"][-1]["content"] == body["messages"][-1]["content"]
    schema = first.input["tools"][0]["function"]
    assert (schema["name"], list(schema["parameters"]["properties"])) == ("get_weather", ["city"])
    assert first.output["messages"][0]["tool_calls"][0]["function"] == {
        "name": "get_weather",
        "arguments": '{"city":"Oslo"}',
    }
    assert second.output == {"messages": [{"role": "assistant", "content": "Sunny in Oslo."}]}
    assert second.attributes["gen_ai.provider.name"] == "openai"
    assert second.attributes["gen_ai.response.finish_reasons"] == ["stop"]


def test_a_team_has_its_agents_in_it_and_says_why_it_stopped(clients, talk, tree, run):
    team = RoundRobinGroupChat(
        [clients.agent(), clients.agent("critic", tools=())], termination_condition=MaxMessageTermination(5)
    )
    result = run(team)
    found = tree()
    (told,) = found.of("workflow")
    assert told.name == "RoundRobinGroupChat"
    assert told.attributes["flightlog.autogen.stop_reason"] == result.stop_reason
    assert told.output["content"] == result.messages[-1].content
    assert {found.above()["forecaster", "agent"], found.above()["critic", "agent"]} == {told.name}
    assert found.above()["get_weather", "tool"] == "forecaster"
    assert {span.trace_id for span in found.spans} == {told.trace_id}
    assert found.tokens() == talk.tokens()


def test_what_chooses_the_next_speaker_is_a_call_of_the_team(tree, run):
    chooser = replay("bob", "alice")
    agents = [AssistantAgent(name, replay("Yes", "DONE")) for name in ("alice", "bob")]
    team = SelectorGroupChat(
        agents, chooser, termination_condition=MaxMessageTermination(3), allow_repeated_speaker=True
    )
    run(team)
    found = tree()
    names = {span.span_id: span.name for span in found.spans}
    assert sorted(names[call.parent_id] for call in found.of("llm")) == [
        "SelectorGroupChat",
        "SelectorGroupChat",
        "alice",
        "bob",
    ]


def test_a_swarm_says_whom_it_hands_over_to(seen, tree, run):
    hand_over = CreateResult(
        finish_reason="function_calls",
        content=[FunctionCall(id="h", name="transfer_to_bob", arguments="{}")],
        usage=RequestUsage(prompt_tokens=9, completion_tokens=2),
        cached=False,
    )
    alice = AssistantAgent("alice", replay(hand_over), handoffs=["bob"])
    bob = AssistantAgent("bob", replay("I am bob. DONE"))
    stop = TextMentionTermination("DONE") | HandoffTermination("user")
    run(Swarm([alice, bob], termination_condition=stop))
    found = tree()
    agents = {span.name: span for span in found.of("agent")}
    (handed,) = [event for event in seen.events if event.name == "handoff"]
    assert (handed.span_id, handed.attributes) == (agents["alice"].span_id, {"to": "bob"})
    assert agents["bob"].output["content"] == "I am bob. DONE"
    assert found.of("llm")[0].attributes["gen_ai.usage.input_tokens"] == 9


def test_an_agent_that_is_a_tool_is_within_the_call_of_it(clients, talk, tree):
    asked = CreateResult(
        finish_reason="function_calls",
        content=[FunctionCall(id="t", name="forecaster", arguments='{"task": "the weather in Oslo"}')],
        usage=RequestUsage(prompt_tokens=9, completion_tokens=2),
        cached=False,
    )
    boss = clients.agent("boss", tools=(AgentTool(clients.agent()),), client=replay(asked, "Done"))
    asyncio.run(boss.run(task="Find out"))
    found = tree()
    assert found.above()["forecaster", "tool"] == "boss"
    assert found.above()["forecaster", "agent"] == "forecaster"
    assert found.above()["get_weather", "tool"] == "forecaster"


def test_what_came_from_a_cache_was_served_by_nobody(seen, tree, clients):
    asyncio.run(clients.agent(tools=(), client=replay("Hi")).run(task="Hello"))
    (call,) = tree().of("llm")
    assert not [name for name in call.attributes if name.startswith("gen_ai.usage.")]
    assert [(one.name, one.attributes) for one in seen.events] == [("cache", {"hit": True})]


def test_pieces_of_a_streamed_answer_are_counted_and_its_tokens_are_those_that_were_served(
    clients, talk, tree
):
    client = clients.client(stream_options={"include_usage": True})
    agent = clients.agent(model_client_stream=True, client=client)
    asyncio.run(agent.run(task=WEATHER))
    calls = tree().of("llm")
    assert calls[1].attributes["flightlog.stream.characters"] == len("Sunny in Oslo.")
    assert calls[1].attributes["gen_ai.response.time_to_first_chunk"] > 0
    assert tree().tokens() == talk.tokens() == (197, 39)


def test_a_stream_without_usage_has_unknown_tokens(clients, tree):
    asyncio.run(clients.agent(tools=(), model_client_stream=True).run(task="Say hello"))
    (call,) = tree().of("llm")
    assert not [name for name in call.attributes if name.startswith("gen_ai.usage.")]
    assert call.output["messages"][0]["content"] == "Hello from the agent."


def test_a_stream_that_is_closed_early_is_no_error(clients, tree):
    async def main():
        stream = clients.client().create_stream([UserMessage(content="Say hello", source="user")])
        assert isinstance(await anext(stream), str)
        await stream.aclose()

    asyncio.run(main())
    (call,) = tree().of("llm")
    assert (call.status, call.attributes["flightlog.stream.ended"]) == ("ok", "early")


def test_a_stream_that_breaks_off_is_an_error(clients, wire, tree):
    wire.will_say(event({"id": "c", "choices": [{"index": 0, "delta": {"content": "Hel"}}]}), None)
    agent = clients.agent(tools=(), model_client_stream=True, client=clients.client(**wire.options()))
    with pytest.raises(Exception, match="Connection error"):
        asyncio.run(agent.run(task="Say hello"))
    assert {(span.kind, span.status) for span in tree().spans} == {("llm", "error"), ("agent", "error")}


def test_what_the_provider_refuses_is_an_error_with_its_own_word(clients, talk, tree, run):
    with pytest.raises(Exception, match="You shall not pass"):
        run(clients.agent(tools=()), "the forbidden thing")
    (call,), (agent,) = tree().of("llm"), tree().of("agent")
    assert call.attributes["error.type"] == "permission_error"
    assert call.attributes["http.response.status_code"] == talk.statuses()[0] == 403
    assert (call.error.type, agent.status) == ("openai.PermissionDeniedError", "error")


def test_an_error_in_a_team_ends_the_team_with_it(clients, tree, run):
    team = RoundRobinGroupChat([clients.agent(tools=())], termination_condition=MaxMessageTermination(2))
    with pytest.raises(RuntimeError, match="You shall not pass"):
        run(team, "the forbidden thing")
    assert {(span.kind, span.status) for span in tree().spans} == {
        ("workflow", "error"),
        ("agent", "error"),
        ("llm", "error"),
    }


def test_a_tool_that_raises_is_an_error_and_the_agent_goes_on(clients, tree):
    asked = CreateResult(
        finish_reason="function_calls",
        content=[FunctionCall(id="t", name="broken_weather", arguments='{"city": "Oslo"}')],
        usage=RequestUsage(prompt_tokens=9, completion_tokens=2),
        cached=False,
    )
    agent = clients.agent(tools=(broken_weather,), client=replay(asked, "Never mind."))
    asyncio.run(agent.run(task=WEATHER))
    (tool,), (told,) = tree().of("tool"), tree().of("agent")
    assert (tool.status, tool.error.type, tool.error.message) == (
        "error",
        "LookupError",
        "no such city: Oslo",
    )
    assert (told.status, told.output["content"]) == ("ok", "Never mind.")


def test_agents_that_run_at_once_are_not_mixed_up(clients, talk, tree):
    async def one(number):
        with fl.span(f"program {number}"):
            await clients.agent(f"forecaster_{number}").run(task=WEATHER)

    async def main():
        await asyncio.gather(*map(one, range(4)))

    asyncio.run(main())
    found = tree()
    names = {span.span_id: span for span in found.spans}

    def path(span):
        above = names.get(span.parent_id)
        return [span.name] if above is None else [*path(above), span.name]

    for kind in ("llm", "tool"):
        assert {tuple(path(span)[:-1]) for span in found.of(kind)} == {
            (f"program {n}", f"forecaster_{n}") for n in range(4)
        }
    assert found.tokens() == talk.tokens() == (4 * 197, 4 * 39)


def test_a_team_that_is_cancelled_is_cancelled_with_what_is_open_in_it(clients, wire, tree):
    held = threading.Event()
    wire.will_say(held)  # nothing but the head until then
    agent = clients.agent(tools=(), client=clients.client(**wire.options()))
    team = RoundRobinGroupChat([agent], termination_condition=MaxMessageTermination(2))

    async def main():
        token = CancellationToken()
        running = asyncio.create_task(team.run(task="Say hello", cancellation_token=token))
        await asyncio.to_thread(until, lambda: wire.requests, "the request")
        token.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running

    asyncio.run(main())
    held.set()
    assert {(span.kind, span.status) for span in tree().spans} == {
        (kind, "cancelled") for kind in ("workflow", "agent", "llm")
    }


def test_calls_count_once_with_the_client_s_own_wrapper_on(clients, talk, seen, tree):
    with fl.instrument("openai"):
        asyncio.run(clients.agent().run(task=WEATHER))
    found = tree()
    kinds = {span.span_id: span.kind for span in found.spans}
    assert len(found.of("llm")) == 2
    assert [kinds[one.parent_id] for one in found.of("http")] == ["llm", "llm"]
    assert found.tokens() == talk.tokens() == (197, 39)


def test_nothing_is_left_current(clients, tree):
    async def main():
        with fl.span("outer") as outer:
            await clients.agent().run(task=WEATHER)
            assert fl.current() is outer
            async for _ in clients.agent().run_stream(task=WEATHER):
                assert fl.current() is outer

    asyncio.run(main())
    assert [span.status for span in tree().spans] == ["ok"] * 9
