"""Conversations of `ClaudeSDKClient`: turns, interrupts, permissions, hooks, and tokens that are only summed up."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import threading

import claude_agent_sdk
import pytest
from claude_agent_sdk import (
    ClaudeSDKClient,
    HookMatcher,
    PermissionResultAllow,
    PermissionResultDeny,
    StreamEvent,
    query,
)
from claude_agent_sdk._internal.client import InternalClient
from claude_agent_sdk._internal.query import Query
from provider_kit import event
from test_claude_agent_sdk_runs import IN, OUT, named, of_kind, tokens

import flightlog as fl
from flightlog.core.context import variable
from flightlog.core.rerun import DIVERGED
from flightlog.integrations.claude_agent_sdk import conversation
from flightlog.integrations.claude_agent_sdk.calls import Calls, Lane, Moment

PROGRAM = """
import asyncio, sys
import flightlog
from claude_agent_sdk import ClaudeAgentOptions, query

@flightlog.recorded
def first():
    return 1

async def main():
    first()
    async for message in query(prompt="zqhello", options=ClaudeAgentOptions(model="claude-sonnet-4-5")):
        pass
    print(message.result)

asyncio.run(main())
"""


async def turn(client, prompt):
    await client.query(prompt)
    return [message async for message in client.receive_response()]


def test_each_turn_is_a_span_where_it_was_asked_for(seen, options, talk, above):
    async def talk_twice():
        async with ClaudeSDKClient(options(talk)) as client:
            for prompt in ("zqhello", "zqbye"):
                with fl.span(f"asks {prompt}"):
                    await turn(client, prompt)

    asyncio.run(talk_twice())
    first, second = of_kind(seen, "agent")
    assert (above(first), above(second)) == ("asks zqhello", "asks zqbye")
    assert (first.output, second.output) == ("Hello.", "Bye.")
    assert first.end < second.start
    assert first.context["session"] == second.context["session"]
    assert first.attributes["gen_ai.usage.cost"] > 0
    assert second.attributes["gen_ai.usage.cost"] > 0
    assert tokens(seen) == talk.tokens() == (207, 47)


def test_a_prompt_during_a_turn_belongs_to_that_turn(seen, options, talk):
    """So the program has it: it answers to both at once."""

    async def ask_at_once():
        async with ClaudeSDKClient(options(talk)) as client:
            await client.query("zqtwice")
            await turn(client, "zqbye")

    asyncio.run(ask_at_once())
    (agent,) = of_kind(seen, "agent")
    assert [message["content"] for message in agent.input["messages"]] == ["zqtwice", "zqbye"]
    assert tokens(seen) == talk.tokens()


def test_an_interrupt_is_cancelled_and_no_error(seen, options, wire):
    hold = threading.Event()
    wire.will_say(*_begun(), _piece("Hi"), hold, _piece("never"))

    async def interrupt():
        asked = options(wire, include_partial_messages=True)
        async with ClaudeSDKClient(asked) as client:
            await client.query("zqhello")
            async for message in client.receive_response():
                if isinstance(message, StreamEvent) and message.event["type"] == "content_block_delta":
                    await client.interrupt()

    try:
        asyncio.run(interrupt())
    finally:
        hold.set()
    (agent,) = of_kind(seen, "agent")
    assert agent.status == "cancelled"
    assert agent.error is None


def test_a_refused_tool_says_so_and_the_question_is_a_span(seen, options, talk, above):
    async def refuse(name, given, context):
        with fl.span("asks somebody"):
            if name == "Bash":
                return PermissionResultDeny(message="not today")
            return PermissionResultAllow()

    async def ask():
        asked = options(talk, permission_mode="default", can_use_tool=refuse)
        async with ClaudeSDKClient(asked) as client:
            return await turn(client, "zqweather")

    asyncio.run(ask())
    (question,) = of_kind(seen, "guardrail")
    (tool,) = of_kind(seen, "tool")
    assert question.name == "permission mcp__w__get_weather"
    assert above(question) == tool.name
    (inner,) = named(seen, "asks somebody")
    assert above(inner) == question.name
    assert tool.status == "ok"


def test_a_tool_that_is_refused_is_an_error(seen, options, talk):
    async def refuse(name, given, context):
        return PermissionResultDeny(message="not today")

    async def ask():
        asked = options(talk, permission_mode="default", can_use_tool=refuse)
        async with ClaudeSDKClient(asked) as client:
            return await turn(client, "zqweather")

    asyncio.run(ask())
    (tool,) = of_kind(seen, "tool")
    assert tool.status == "error"
    assert "not today" in tool.error.message
    assert tool.error.type == "PermissionDenied"


def test_hooks_run_as_they_do_and_belong_to_their_tool(seen, options, talk, above):
    heard = []

    async def before(given, ident, context):
        with fl.span("hook"):
            heard.append((given["hook_event_name"], ident))
        return {}

    async def ask():
        asked = options(talk, hooks={"PreToolUse": [HookMatcher(hooks=[before])]})
        async with ClaudeSDKClient(asked) as client:
            return await turn(client, "zqweather")

    asyncio.run(ask())
    assert heard == [("PreToolUse", "toolu_1")]
    (hook,) = named(seen, "hook")
    assert above(hook) == "mcp__w__get_weather"


def _begun(**usage):
    message = {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "claude-sonnet-4-5-20250929",
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": {"input_tokens": 10, "cache_read_input_tokens": 5, "output_tokens": 1, **usage},
    }
    begin = {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}
    return _event({"type": "message_start", "message": message}), _event(begin)


def _event(data):
    return event(data, name=data["type"])


def _piece(text):
    return _event({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": text}})


def _answer(wire, came_out=42):
    delta = {"stop_reason": "end_turn", "stop_sequence": None}
    wire.will_say(
        *_begun(),
        _piece("Hi"),
        _event({"type": "content_block_stop", "index": 0}),
        _event({"type": "message_delta", "delta": delta, "usage": {"output_tokens": came_out}}),
        _event({"type": "message_stop"}),
    )


@pytest.mark.parametrize("is_streamed", [False, True])
def test_a_guess_at_what_comes_out_is_not_taken_for_a_number(seen, options, wire, is_streamed):
    """An answer's first event says one token; 42 are known at its end, and from the sums."""
    _answer(wire)

    async def ask():
        asked = options(wire, include_partial_messages=is_streamed)
        return [message async for message in query(prompt="zqhello", options=asked)]

    messages = asyncio.run(ask())
    assert any(isinstance(message, StreamEvent) for message in messages) is is_streamed
    (call,) = of_kind(seen, "llm")
    assert (call.attributes[IN], call.attributes[OUT]) == (15, 42)
    assert call.attributes["gen_ai.usage.cache_read.input_tokens"] == 5
    assert ("gen_ai.response.time_to_first_chunk" in call.attributes) is is_streamed
    assert call.attributes["gen_ai.response.model"] == "claude-sonnet-4-5-20250929"
    if is_streamed:
        assert call.attributes["flightlog.stream.characters"] == 2
        assert call.attributes["gen_ai.response.finish_reasons"] == ["end_turn"]


def test_one_client_is_recorded_and_others_are_left_alone(options, talk):
    fl.uninstrument()

    async def ask():
        mine, other = ClaudeSDKClient(options(talk)), ClaudeSDKClient(options(talk))
        handle = fl.instrument(mine)
        assert not fl.instrument(mine)._clients
        async with mine, other:
            await turn(mine, "zqhello")
            await turn(other, "zqbye")
        handle.undo()

    with fl.capture() as captured:
        asyncio.run(ask())
    assert [agent.output for agent in of_kind(captured, "agent")] == ["Hello."]


def test_undo_restores_what_was_there():
    fl.uninstrument()
    places = ((Query, "start"), (InternalClient, "process_query"), (ClaudeSDKClient, "connect"))
    before = [vars(owner)[name] for owner, name in places]
    fl.instrument("claude_agent_sdk")
    fl.instrument("claude_agent_sdk")
    assert all(vars(owner)[name] is not was for (owner, name), was in zip(places, before, strict=True))
    fl.uninstrument("claude_agent_sdk")
    assert [vars(owner)[name] for owner, name in places] == before


def test_a_package_of_another_shape_is_left_alone_with_one_message(capfd, monkeypatch, options, talk):
    fl.uninstrument()
    original = InternalClient.process_query
    monkeypatch.delattr(Query, "_handle_control_request")
    fl.instrument("claude_agent_sdk")
    assert InternalClient.process_query is original
    fl.uninstrument("claude_agent_sdk")
    said = capfd.readouterr().err
    assert said.count("claude_agent_sdk") == 1
    assert claude_agent_sdk.__version__ in said


@pytest.mark.timeout(400)  # three programs one after another, each with all that it imports
def test_a_program_is_recorded_by_flightlog_run_and_a_rerun_says_that_it_cannot_answer(
    options, talk, tmp_path
):
    """Each call counts once there."""
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    home = tmp_path / "flightlog"
    environment = {**os.environ, **options(talk).env, "FLIGHTLOG_HOME": str(home)}
    ours = [sys.executable, "-m", "flightlog"]
    ran = subprocess.run(
        [*ours, "run", str(program)], env=environment, capture_output=True, text=True, check=True
    )
    assert "Hello." in ran.stdout
    cost = subprocess.run(
        [*ours, "cost", "--json"], env=environment, capture_output=True, text=True, check=True
    )
    row = json.loads(cost.stdout)["total"]
    assert row["calls"] == 1
    assert (row["input_tokens"], row["output_tokens"]) == talk.tokens() == (103, 23)
    again = subprocess.run(
        [*ours, "rerun", "@latest", str(program)],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert again.returncode == DIVERGED
    assert "claude program" in again.stderr
    assert len(talk.served()) == 1


def test_what_went_before_in_a_resumed_session_is_not_counted_again(seen, options, talk):
    async def ask():
        first = [message async for message in query(prompt="zqhello", options=options(talk))]
        asked = options(talk, resume=first[-1].session_id)
        return [message async for message in query(prompt="zqbye", options=asked)]

    messages = asyncio.run(ask())
    first, second = of_kind(seen, "agent")
    assert first.context["session"] == second.context["session"] == messages[-1].session_id
    assert tokens(seen) == talk.tokens() == (207, 47)
    assert second.attributes["gen_ai.usage.cost"] < messages[-1].total_cost_usd


def test_a_session_that_another_program_began_has_no_cost_of_its_own(seen, options, talk, monkeypatch):
    """What the program says includes what went before, nobody knows how much."""

    async def ask():
        first = [message async for message in query(prompt="zqhello", options=options(talk))]
        monkeypatch.setattr(conversation, "_sums", {})
        asked = options(talk, resume=first[-1].session_id)
        return [message async for message in query(prompt="zqbye", options=asked)]

    asyncio.run(ask())
    first, second = of_kind(seen, "agent")
    assert "gen_ai.usage.cost" in first.attributes
    assert "gen_ai.usage.cost" not in second.attributes
    assert tokens(seen) == talk.tokens() == (207, 47)


def test_calls_of_which_only_the_sums_are_known_are_one_span_more():
    """The program makes calls of its own, for a title, say: they are in its sums and in no message."""
    result = {
        "usage": {"input_tokens": 10, "output_tokens": 5},
        "modelUsage": {
            "claude-sonnet-4-5": {"inputTokens": 10, "outputTokens": 5},
            "claude-haiku": {"inputTokens": 7, "cacheReadInputTokens": 2, "outputTokens": 3},
        },
    }
    with fl.capture() as captured:
        calls, lane = Calls(), Lane(1, is_main=True)
        said = {
            "id": "m",
            "model": "claude-sonnet-4-5",
            "content": [],
            "usage": {"input_tokens": 10, "output_tokens": 1},
        }
        for ident in ("one", "two"):
            usage = {"input_tokens": 5, "output_tokens": 1}
            calls.said(
                lane,
                {"message": {**said, "id": ident, "usage": usage}},
                Moment(variable.get(), "claude-sonnet-4-5", 2),
            )
        calls.settle(result, variable.get(), 1, 3)
    assert tokens(captured) == (19, 8)
    one, two, other = sorted(of_kind(captured, "llm"), key=lambda span: span.attributes.get(OUT, 0))
    assert OUT not in one.attributes
    assert (other.attributes["flightlog.usage.output_of_calls"], other.attributes[OUT]) == (2, 5)
    assert two.attributes["flightlog.usage.unseen_calls"] is True
    assert (two.attributes[IN], two.attributes[OUT]) == (9, 3)
    assert two.attributes["gen_ai.usage.cache_read.input_tokens"] == 2
