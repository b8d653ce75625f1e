"""Streams of LiteLLM: read beside their consumer, ended as they end."""

from __future__ import annotations

import asyncio
import gc
import json

import litellm
import pytest
from litellm_kit import CLAUDE, GPT, at, models, tokens
from provider_kit import TOOLS, event, until, user

SAID = "Hello! How can I help you today?"
COUNTED = {"stream_options": {"include_usage": True}}


def piece(text=None, finish=None):
    choice = {"index": 0, "delta": {} if text is None else {"content": text}, "finish_reason": finish}
    return event(
        {"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]}
    )


def by_wire(wire):
    return {"model": GPT, "api_base": f"{wire.url}/v1", "api_key": "nobody", "max_retries": 0, "stream": True}


def ours(seen):
    return [one for one in seen.spans if one.attributes.get("flightlog.instrumentation") == "litellm"]


def text_of(span):
    return span.output["messages"][0]["content"]


@pytest.mark.parametrize("model", [GPT, CLAUDE])
def test_a_stream_that_is_read_to_its_end_is_whole(seen, talk, model):
    pieces = list(litellm.completion(messages=user("hello"), stream=True, **COUNTED, **at(talk, model)))
    assert all(type(one) is litellm.ModelResponseStream for one in pieces)
    (span,) = models(seen)
    assert (span.status, text_of(span), span.attributes["flightlog.stream.ended"]) == ("ok", SAID, "complete")
    assert span.attributes["gen_ai.response.time_to_first_chunk"] > 0
    assert span.attributes["flightlog.stream.characters"] == len(SAID)
    assert tokens(seen) == talk.tokens() == (120, 34)


@pytest.mark.parametrize("model", [GPT, CLAUDE])
def test_a_stream_for_tasks_is_whole(seen, talk, model):
    async def read():
        answer = await litellm.acompletion(messages=user("hello"), stream=True, **COUNTED, **at(talk, model))
        return [one async for one in answer]

    assert len(asyncio.run(read())) > 2
    (span,) = models(seen)
    assert (text_of(span), span.attributes["flightlog.stream.ended"]) == (SAID, "complete")
    assert tokens(seen) == talk.tokens() == (120, 34)


def test_a_stream_without_usage_leaves_its_tokens_unknown_though_litellm_counts_some_itself(seen, talk):
    list(litellm.completion(messages=user("hello"), stream=True, **at(talk)))
    (span,) = models(seen)
    assert text_of(span) == SAID
    assert not any(name.startswith("gen_ai.usage.") for name in span.attributes)


def test_calls_of_tools_are_put_together(seen, talk):
    list(litellm.completion(messages=user("weather"), tools=TOOLS, stream=True, **at(talk)))
    (span,) = models(seen)
    calls = span.output["messages"][0]["tool_calls"]
    assert [(one["id"], one["function"]["name"]) for one in calls] == [
        ("call_1", "get_weather"),
        ("call_2", "get_time"),
    ]
    assert json.loads(calls[0]["function"]["arguments"]) == {"city": "Oslo"}


def test_a_stream_of_responses_is_whole(seen, talk):
    list(litellm.responses(input="respond", stream=True, **at(talk)))
    (span,) = models(seen)
    assert span.output["messages"][0]["content"][0]["text"] == "A response, in pieces of twenty."
    assert tokens(seen) == talk.tokens() == (210, 55)


def test_a_stream_of_texts_is_whole(seen, talk):
    list(litellm.text_completion(prompt="hello", stream=True, **at(talk, CLAUDE)))
    (span,) = models(seen)
    assert text_of(span) == SAID
    assert tokens(seen) == talk.tokens() == (120, 34)


def test_a_stream_that_nobody_reads_on_counts_once_and_says_so(seen, talk):
    stream = litellm.completion(messages=user("hello"), stream=True, **at(talk))
    next(stream)
    next(stream)
    del stream
    until(lambda: gc.collect() >= 0 and ours(seen), "the end of the stream")
    (span,) = ours(seen)
    assert (span.status, span.attributes["flightlog.stream.ended"]) == ("ok", "abandoned")
    assert text_of(span) == "Hello! How can I hel"
    assert len(talk.served()) == 1
    assert len(models(seen)) <= 1


def test_a_stream_that_is_closed_early_says_so(seen, talk):
    async def read():
        stream = await litellm.acompletion(messages=user("hello"), stream=True, **at(talk, CLAUDE))
        await anext(stream)
        await stream.aclose()

    asyncio.run(read())
    (span,) = models(seen)
    assert (span.status, span.attributes["flightlog.stream.ended"]) == ("ok", "early")


def test_a_stream_that_breaks_is_an_error_with_what_was_said(seen, wire):
    wire.will_say(piece("Hel"), piece("lo"), None)
    with pytest.raises(litellm.exceptions.MidStreamFallbackError):
        list(litellm.completion(messages=user("hello"), **by_wire(wire)))
    (span,) = ours(seen)
    assert (span.status, span.attributes["flightlog.stream.ended"]) == ("error", "broken")
    assert text_of(span) == "Hello"


def test_streams_side_by_side_are_kept_apart(seen, talk):
    async def read(text):
        answer = await litellm.acompletion(messages=user(text), stream=True, **COUNTED, **at(talk))
        return [one async for one in answer]

    async def both():
        await asyncio.gather(read("hello"), read("person"))

    asyncio.run(both())
    assert sorted(map(text_of, models(seen))) == [SAID, '{"name": "Ada", "age": 36}']
    assert tokens(seen) == talk.tokens() == (240, 68)
