"""Runs of `query`: the tree, what was said, tokens as they were served, tools, subagents, failures."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path

import pytest
from claude_agent_sdk import AssistantMessage, ClaudeAgentOptions, CLINotFoundError, ResultMessage, query

import flightlog as fl

IN = "gen_ai.usage.input_tokens"
OUT = "gen_ai.usage.output_tokens"


def of_kind(seen, kind):
    return sorted((span for span in seen.spans if span.kind == kind), key=lambda span: span.start)


def named(seen, name):
    return [span for span in seen.spans if span.name == name]


def tokens(seen):
    calls = of_kind(seen, "llm")
    return tuple(sum(call.attributes.get(name, 0) for call in calls) for name in (IN, OUT))


def test_a_run_is_a_tree_of_model_calls_and_tools(seen, run, talk, above):
    """What a tool's own code records is below the tool; tokens are those that the provider served."""
    messages = asyncio.run(run("zqweather"))
    assert isinstance(messages[-1], ResultMessage)
    (agent,) = of_kind(seen, "agent")
    (tool,) = of_kind(seen, "tool")
    first, second = of_kind(seen, "llm")
    assert {above(span) for span in (tool, first, second)} == {agent.name}
    (inner,) = named(seen, "within the tool")
    assert above(inner) == tool.name == "mcp__w__get_weather"
    assert agent.input == {"messages": [{"role": "user", "content": "zqweather"}]}
    assert agent.output == "It is sunny."
    assert agent.status == tool.status == first.status == "ok"
    assert agent.context["session"] == messages[-1].session_id == first.context["session"]
    assert agent.attributes["gen_ai.usage.cost"] == messages[-1].total_cost_usd
    assert tool.input == {"city": "Oslo"}
    assert tool.output == [{"type": "text", "text": "sunny in Oslo"}]
    assert [block["type"] for block in first.output["messages"][0]["content"]] == ["text", "tool_use"]
    assert second.input["messages"][0]["content"][0]["type"] == "tool_result"
    assert [(call.attributes[IN], call.attributes[OUT]) for call in (first, second)] == [(100, 20), (150, 30)]
    assert tokens(seen) == talk.tokens() == (250, 50)
    assert first.attributes["gen_ai.provider.name"] == "anthropic"
    assert first.end <= tool.end <= second.end <= agent.end
    assert agent.attributes["flightlog.instrumentation"] == "claude_agent_sdk"


def test_tools_side_by_side_keep_their_own_results_and_the_trace_reaches_the_program(seen, run, talk):
    asyncio.run(run("zqtwice"))
    (agent,) = of_kind(seen, "agent")
    failed, good = of_kind(seen, "tool")
    assert (failed.status, failed.error.type) == ("error", "ToolError")
    assert "Exit code 3" in failed.error.message
    assert good.status == "ok"
    assert good.output.startswith(f"trace=00-{agent.trace_id}-")
    assert agent.status == "ok"
    assert tokens(seen) == talk.tokens()


def test_a_subagent_is_below_the_tool_that_began_it(seen, run, talk, above):
    asyncio.run(run("zqdelegate"))
    agent, helper = of_kind(seen, "agent")
    asked, shell = of_kind(seen, "tool")
    assert (helper.name, above(helper), above(asked)) == ("helper", "Agent", agent.name)
    assert above(shell) == "helper"
    assert helper.output == "The work is done."
    assert helper.input == "zqwork please"
    calls = {call.attributes[IN]: call for call in of_kind(seen, "llm")}
    assert {above(calls[61]), above(calls[62])} == {"helper"}
    assert {above(calls[102]), above(calls[152])} == {agent.name}
    assert calls[61].input["messages"] == [{"role": "user", "content": "zqwork please"}]
    assert tokens(seen) == talk.tokens()
    assert {span.trace_id for span in seen.spans} == {agent.trace_id}


def test_a_subagent_that_is_waited_for_is_within_its_tool(seen, run, talk, above):
    asyncio.run(run("zqforeground"))
    agent, helper = of_kind(seen, "agent")
    asked = next(tool for tool in of_kind(seen, "tool") if tool.name == "Agent")
    assert (above(helper), above(asked)) == ("Agent", agent.name)
    assert asked.start <= helper.start <= helper.end <= asked.end
    assert agent.output == "It came back."
    assert tokens(seen) == talk.tokens()


def test_what_the_model_thought_is_kept(seen, run):
    asyncio.run(run("zqthink"))
    (call,) = of_kind(seen, "llm")
    blocks = call.output["messages"][0]["content"]
    assert [block["type"] for block in blocks] == ["thinking", "text"]
    assert blocks[0]["thinking"] == "Hm."


def test_a_refusal_is_an_error_with_the_providers_word(seen, run):
    with pytest.raises(Exception, match="You shall not"):
        asyncio.run(run("zqforbidden"))
    (agent,) = of_kind(seen, "agent")
    (call,) = of_kind(seen, "llm")
    assert (agent.status, call.status) == ("error", "error")
    assert agent.error.type == call.error.type == call.attributes["error.type"] == "authentication_failed"
    assert call.attributes["http.response.status_code"] == 403
    assert IN not in call.attributes
    assert OUT not in call.attributes


def test_a_retry_is_an_event_of_the_call(seen, run, talk):
    asyncio.run(run("zqflaky"))
    (call,) = of_kind(seen, "llm")
    (retry,) = [event for event in seen.events if event.name == "retry"]
    assert retry.span_id == call.span_id
    assert (retry.attributes["attempt"], retry.attributes["reason"]) == (1, "429")
    assert retry.attributes["delay"] > 0
    assert call.status == "ok"
    assert talk.statuses() == [429, 200]
    assert tokens(seen) == (11, 2)


def test_runs_at_the_same_time_stand_below_whoever_made_them(seen, run, above):
    async def within(name, prompt):
        with fl.span(name):
            await run(prompt)

    async def both():
        await asyncio.gather(within("left", "zqhello"), within("right", "zqbye"))

    asyncio.run(both())
    agents = {above(agent): agent for agent in of_kind(seen, "agent")}
    assert agents["left"].output == "Hello."
    assert agents["right"].output == "Bye."
    for call in of_kind(seen, "llm"):
        around = next(agent for agent in agents.values() if agent.span_id == call.parent_id)
        assert call.output["messages"][0]["content"][0]["text"] == around.output
        assert call.trace_id == around.trace_id


def test_a_run_that_is_left_before_its_result_is_cancelled(seen, options, talk):
    async def leave():
        messages = query(prompt="zqtwice", options=options(talk))
        async with contextlib.aclosing(messages):
            async for message in messages:
                if isinstance(message, AssistantMessage):
                    break

    asyncio.run(leave())
    (agent,) = of_kind(seen, "agent")
    assert agent.status == "cancelled"
    assert {tool.status for tool in of_kind(seen, "tool")} <= {"cancelled", "ok", "error"}
    (call,) = of_kind(seen, "llm")
    assert call.attributes[IN] == 101


def test_between_two_messages_nothing_is_current(seen, options, talk, above):
    async def look():
        async for _ in query(prompt="zqhello", options=options(talk)):
            with fl.span("outside"):
                pass

    with fl.span("around"):
        asyncio.run(look())
    assert {above(span) for span in named(seen, "outside")} == {"around"}
    assert [above(agent) for agent in of_kind(seen, "agent")] == ["around"]


def test_a_program_that_cannot_be_started_is_an_error(seen, tmp_path):
    async def ask():
        missing = ClaudeAgentOptions(cli_path=str(tmp_path / "nowhere"))
        async for _ in query(prompt="zqhello", options=missing):
            raise AssertionError

    with pytest.raises(CLINotFoundError):
        asyncio.run(ask())
    (agent,) = seen.spans
    assert agent.status == "error"
    assert agent.error.type.endswith("CLINotFoundError")


def test_a_program_that_dies_is_an_error_and_its_tool_is_cancelled(seen, run):
    with pytest.raises(Exception, match="exit code"):
        asyncio.run(run("zqdie"))
    (agent,) = of_kind(seen, "agent")
    (tool,) = of_kind(seen, "tool")
    (call,) = of_kind(seen, "llm")
    assert agent.status == "error"
    assert tool.status == "cancelled"
    assert call.attributes[IN] == 31
    assert OUT not in call.attributes


def test_prompts_that_come_one_by_one_belong_to_one_run(seen, options, talk):
    async def prompts():
        for text in ("zqhello", "zqbye"):
            yield {"type": "user", "message": {"role": "user", "content": text}, "parent_tool_use_id": None}

    async def ask():
        return [message async for message in query(prompt=prompts(), options=options(talk))]

    asyncio.run(ask())
    (agent,) = of_kind(seen, "agent")
    assert [message["content"] for message in agent.input["messages"]] == ["zqhello", "zqbye"]
    assert tokens(seen) == talk.tokens()


def test_a_message_that_cannot_be_read_is_told_once_and_the_run_goes_on(seen, run, capfd, monkeypatch):
    """A failure of ours never reaches the program."""
    from flightlog.integrations.claude_agent_sdk.conversation import Conversation

    def broken(self, message):
        raise LookupError("of ours")

    monkeypatch.setattr(Conversation, "came", broken)
    messages = asyncio.run(run("zqhello"))
    assert messages[-1].result == "Hello."
    said = capfd.readouterr().err
    assert "claude_agent_sdk" in said
    assert "of ours" in said


def test_what_the_program_gets_is_the_same(seen, run, options, talk):
    recorded = asyncio.run(run("zqweather"))
    fl.uninstrument("claude_agent_sdk")
    plain = asyncio.run(run("zqweather"))
    assert [type(one) for one in recorded] == [type(one) for one in plain]
    assert recorded[-1].result == plain[-1].result
    assert len(of_kind(seen, "agent")) == 1
    assert Path(options(talk).cwd).is_dir()
