"""Conversations that the provider keeps: each turn is a model call, whole or streamed, and can be given again."""

from __future__ import annotations

import json

import pytest
from mistral_kit import THOUGHT, at
from provider_kit import event, inside

from flightlog.core.rerun import Stopped

USAGE = {
    "prompt_tokens": 188,
    "completion_tokens": 55,
    "total_tokens": 7355,
    "connector_tokens": 7112,
    "connectors": {"web_search": 1},
}
ENTRIES = [
    {"type": "tool.execution", "id": "e1", "name": "web_search", "arguments": "{}", "info": {"hits": 3}},
    {"type": "message.output", "id": "e2", "model": "mistral-x", "role": "assistant", "content": THOUGHT},
    {"type": "function.call", "id": "e3", "tool_call_id": "t1", "name": "f", "arguments": '{"a": 1}'},
]
NOWHERE = {"server_url": "http://127.0.0.1:9"}
CALL = {"id": "t1", "type": "function", "function": {"name": "f", "arguments": '{"a": 1}'}}
KEPT = [
    {"role": "tool", "name": "web_search", "content": {"arguments": "{}", "info": {"hits": 3}}},
    {"role": "assistant", "content": "Deep.", "reasoning_content": "Let me think."},
    {"role": "assistant", "tool_calls": [CALL]},
]


def say_whole(wire):
    body = {"conversation_id": "conv_1", "outputs": ENTRIES, "usage": USAGE}
    wire.will_say(json.dumps(body).encode(), content_type="application/json")


def told(kind, **members):
    return event({"type": kind, **members}, name=kind)


def say_in_pieces(wire):
    wire.will_say(
        told("conversation.response.started", conversation_id="conv_1"),
        told("tool.execution.started", id="e1", name="web_search", arguments="{}"),
        told("tool.execution.done", id="e1", name="web_search", info={"hits": 3}),
        told("message.output.delta", id="e2", model="mistral-x", content=THOUGHT[0]),
        told("message.output.delta", id="e2", model="mistral-x", content="De"),
        told("message.output.delta", id="e2", model="mistral-x", content="ep."),
        told("function.call.delta", id="e3", name="f", tool_call_id="t1", arguments='{"a": '),
        told("function.call.delta", id="e3", name="f", tool_call_id="t1", arguments="1}"),
        told("conversation.response.done", usage=USAGE),
    )


async def start(ask):
    asked = {
        "model": "mistral-x",
        "inputs": "hello",
        "instructions": "Be kind.",
        "completion_args": {"temperature": 0.2},
    }
    answer = await ask("beta.conversations.start", **asked)
    return answer.conversation_id, [entry.type for entry in answer.outputs], answer.usage.total_tokens


async def start_in_pieces(ask):
    async with inside(
        await ask("beta.conversations.start_stream", model="mistral-x", inputs="hello")
    ) as items:
        data = [item.data async for item in _each(items)]
    said = [one.content for one in data if one.type == "message.output.delta"]
    arguments = "".join(one.arguments for one in data if one.type == "function.call.delta")
    return "".join(one for one in said if isinstance(one, str)), arguments, data[-1].usage.total_tokens


async def _each(items):
    if hasattr(items, "__aiter__"):
        async for item in items:
            yield item
    else:
        for item in items:
            yield item


@pytest.mark.parametrize(("say", "serve"), [(start, say_whole), (start_in_pieces, say_in_pieces)])
def test_a_turn_is_a_model_call_and_is_given_again(way, wire, seen, again, say, serve):
    serve(wire)
    first = way.talk(at(wire), say)
    (span,) = seen.spans
    assert (span.name, span.kind, span.status) == ("chat mistral-x", "llm", "ok")
    assert span.input["input"] == "hello"
    assert span.output == {"messages": KEPT}
    known = span.attributes
    assert known["flightlog.response.conversation_id"] == "conv_1"
    assert (known["gen_ai.usage.input_tokens"], known["gen_ai.usage.output_tokens"]) == (188 + 7112, 55)
    assert known["flightlog.response.connector_tokens"] == 7112
    assert known["flightlog.response.connectors"] == {"web_search": 1}
    again.begin()
    assert way.talk(NOWHERE, say) == first


def test_what_a_new_conversation_is_told_is_recorded(way, wire, seen):
    say_whole(wire)
    way.talk(at(wire), start)
    (span,) = seen.spans
    assert span.input == {"input": "hello", "instructions": "Be kind."}
    assert span.attributes["gen_ai.request.temperature"] == 0.2


def test_going_on_names_the_conversation(way, wire, seen):
    say_whole(wire)

    async def say(ask):
        await ask("beta.conversations.append", conversation_id="conv_1", inputs="more")

    way.talk(at(wire), say)
    (span,) = seen.spans
    assert span.attributes["gen_ai.conversation.id"] == "conv_1"
    assert span.input["input"] == "more"


def test_a_failure_that_is_told_within_a_stream_is_the_call_s_error(way, wire, seen, again):
    wire.will_say(
        told("conversation.response.started", conversation_id="conv_1"),
        told("conversation.response.error", message="Overloaded", code=503),
    )

    async def say(ask):
        async with inside(await ask("beta.conversations.start_stream", model="m", inputs="x")) as items:
            return [item.data.type async for item in _each(items)]

    assert way.talk(at(wire), say)[-1] == "conversation.response.error"
    (span,) = seen.spans
    assert (span.status, span.error.type, span.error.message) == ("error", "503", "Overloaded")
    again.begin()
    with pytest.raises(Stopped, match="it failed within its stream"):
        way.talk(NOWHERE, say)


def test_reading_what_a_conversation_holds_is_no_call_of_a_model(way, wire, seen):
    async def say(ask):
        await ask("beta.conversations.get_history", conversation_id="conv_1")

    with pytest.raises(Exception, match=r".+"):  # the server answers posts alone
        way.talk(at(wire), say)
    assert seen.spans == []
