"""Automatic function calling: each request is a model call, with the functions that were called between them."""

from __future__ import annotations

import asyncio
import gc

import pytest
from gemini_kit import at, calls, generate, stream
from google import genai
from provider_kit import each, now

import flightlog as fl


def get_weather(city: str) -> str:
    """Look it up."""
    with fl.span("lookup"):
        return f"rain in {city}"


async def get_weather_later(city: str) -> str:
    """Look it up."""
    return get_weather(city)


get_weather_later.__name__ = "get_weather"


def broken(city: str) -> str:
    """Look it up."""
    raise LookupError(f"no {city}")


broken.__name__ = "get_weather"


def whole(function):
    async def say(client):
        return (await generate("functions", tools=[function])(client)).text

    return say


def streamed(function):
    async def say(client):
        items = await stream("functions", tools=[function])(client)
        return "".join([item.text or "" async for item in each(items)])

    return say


def chatting_in_pieces(function):
    async def say(client):
        chat = client.chats.create(model="gemini-x", config={"tools": [function]})
        return "".join(
            [item.text or "" async for item in each(await now(chat.send_message_stream("functions")))]
        )

    return say


def chatting(function):
    async def say(client):
        chat = client.chats.create(model="gemini-x", config={"tools": [function]})
        return (await now(chat.send_message("functions"))).text

    return say


@pytest.mark.parametrize("ask", [whole, streamed, chatting, chatting_in_pieces])
def test_each_request_counts_and_the_function_stands_between_them(way, talk, seen, ask):
    with fl.span("program") as program:
        assert way.talk(at(talk), ask(get_weather)) == "It rains."
    (around,) = [span for span in seen.spans if span.name.startswith("automatic")]
    assert (around.kind, around.parent_id) == ("step", program.span_id)
    assert around.name == "automatic_function_calling gemini-x"
    inner = [span for span in seen.spans if span.parent_id == around.span_id]
    inner.sort(key=lambda span: span.start)
    assert [span.kind for span in inner] == ["llm", "tool", "llm"]
    first, tool, second = inner
    assert (tool.name, tool.input, tool.output) == ("get_weather", {"city": "Oslo"}, "rain in Oslo")
    assert tool.attributes["gen_ai.tool.name"] == "get_weather"
    assert [span.parent_id for span in seen.spans if span.name == "lookup"] == [tool.span_id]
    assert first.output["messages"][0]["tool_calls"][0]["function"]["name"] == "get_weather"
    assert second.output["messages"][0]["content"] == "It rains."
    assert second.input["messages"][-1]["content"] == {"result": "rain in Oslo"}
    spent = [
        sum(call.attributes[f"gen_ai.usage.{end}_tokens"] for call in calls(seen))
        for end in ("input", "output")
    ]
    assert tuple(spent) == talk.tokens() == (240, 68)


@pytest.mark.parametrize("way", [True], ids=["async"], indirect=True)  # other clients call functions alone
def test_a_coroutine_function_is_a_tool_as_well(way, talk, seen):
    assert way.talk(at(talk), whole(get_weather_later)) == "It rains."
    (tool,) = calls(seen, "tool")
    assert (tool.name, tool.output) == ("get_weather", "rain in Oslo")


def test_a_function_that_fails_is_a_tool_s_error_and_the_model_is_told(way, talk, seen):
    assert way.talk(at(talk), whole(broken)) == "It rains."
    (tool,) = calls(seen, "tool")
    assert (tool.status, tool.error.type, tool.error.message) == ("error", "LookupError", "no Oslo")
    assert "no Oslo" in str(calls(seen)[-1].input["messages"][-1])


def test_without_functions_to_call_there_is_nothing_around_a_call(way, talk, seen):
    disabled = {"automatic_function_calling": {"disable": True}}
    way.talk(at(talk), generate("functions", tools=[get_weather], **disabled))
    assert [span.kind for span in seen.spans] == ["llm"]


def test_a_refusal_ends_all_of_it(way, talk, seen):
    with pytest.raises(Exception, match="You shall not pass"):
        way.talk(at(talk), generate("forbidden", tools=[get_weather]))
    assert {span.name: span.status for span in seen.spans} == {
        "automatic_function_calling gemini-x": "error",
        "generate_content gemini-x": "error",
    }


def test_a_stream_of_several_requests_that_is_left_early_ends(way, talk, seen):
    async def say(client):
        items = await stream("functions", tools=[get_weather])(client)
        async for _ in each(items):
            break
        if way.is_async:
            await items.aclose()
        else:
            items.close()

    way.talk(at(talk), say)
    (around,) = [span for span in seen.spans if span.name.startswith("automatic")]
    assert around.status == "ok"


def test_a_stream_of_several_requests_that_is_never_begun_ends_as_well(talk, seen):
    async def main():
        client = genai.Client(**at(talk))
        items = await stream("functions", tools=[get_weather])(client.aio)
        del items
        gc.collect()
        await client.aio.aclose()

    asyncio.run(main())
    assert [(span.kind, span.status) for span in seen.spans] == [("step", "ok")]
