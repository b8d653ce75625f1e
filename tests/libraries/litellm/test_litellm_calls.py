"""Calls of LiteLLM's functions: one span each that counts, whoever serves them and by whichever client."""

from __future__ import annotations

import asyncio
import threading

import litellm
import pytest
from litellm_kit import CLAUDE, GPT, at, models, tokens
from provider_kit import TOOLS, user

import flightlog as fl

SAID = "Hello! How can I help you today?"


@pytest.mark.parametrize("model", [GPT, CLAUDE])
def test_a_call_counts_once_and_its_tokens_are_those_that_were_served(seen, talk, model):
    answer = litellm.completion(messages=user("hello"), temperature=0.5, max_tokens=9, **at(talk, model))
    assert type(answer) is litellm.ModelResponse
    (span,) = models(seen)
    assert tokens(seen) == talk.tokens() == (120, 34)
    assert (span.name, span.status) == (f"chat {model.partition('/')[2]}", "ok")
    told = span.attributes
    assert told["gen_ai.provider.name"] == model.partition("/")[0]
    assert told["gen_ai.request.model"] == model.partition("/")[2]
    assert told["gen_ai.response.model"] == "served-model"
    assert told["gen_ai.request.temperature"] == 0.5
    assert told["gen_ai.request.max_tokens"] == 9
    assert told["gen_ai.response.finish_reasons"] == ["stop"]
    assert told["flightlog.instrumentation"] == "litellm"
    assert told["flightlog.response.request_id"].startswith("req-")
    assert told["server.address"] == "127.0.0.1"
    assert (told["code.file.path"], told["code.function.name"]) == (
        __file__,
        "test_a_call_counts_once_and_its_tokens_are_those_that_were_served",
    )
    assert span.input["messages"] == user("hello")
    assert span.output["messages"][0]["content"] == SAID
    assert span.output["messages"][0]["role"] == "assistant"
    assert {one.kind for one in seen.spans} == {"llm", "http"}


@pytest.mark.parametrize("model", [GPT, CLAUDE])
def test_an_awaited_call_is_recorded_whole_though_its_loop_closes_at_once(seen, talk, model):
    asyncio.run(litellm.acompletion(messages=user("hello"), **at(talk, model)))
    (span,) = models(seen)
    assert (span.status, span.output["messages"][0]["content"]) == ("ok", SAID)
    assert tokens(seen) == talk.tokens() == (120, 34)


def test_calls_side_by_side_stand_below_whoever_made_them(seen, talk):
    async def one(name, model):
        with fl.span(name):
            await litellm.acompletion(messages=user("hello"), **at(talk, model))

    async def both():
        await asyncio.gather(one("left", GPT), one("right", CLAUDE))

    asyncio.run(both())
    names = {span.span_id: span.name for span in seen.spans}
    assert {names[span.parent_id]: span.attributes["gen_ai.provider.name"] for span in models(seen)} == {
        "left": "openai",
        "right": "anthropic",
    }
    assert tokens(seen) == talk.tokens() == (240, 68)


def test_calls_of_threads_are_recorded_each(seen, talk):
    def ask():
        litellm.completion(messages=user("hello"), **at(talk))

    threads = [threading.Thread(target=ask) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(models(seen)) == 3
    assert tokens(seen) == talk.tokens() == (360, 102)


def test_tools_and_their_calls_are_kept_as_the_model_says_them(seen, talk):
    litellm.completion(messages=user("weather"), tools=TOOLS, **at(talk))
    (span,) = models(seen)
    assert span.input["tools"] == TOOLS
    first, second = span.output["messages"][0]["tool_calls"]
    assert (first["id"], first["function"]["name"], first["function"]["arguments"]) == (
        "call_1",
        "get_weather",
        '{"city":"Oslo"}',
    )
    assert second["function"]["name"] == "get_time"
    assert span.attributes["gen_ai.response.finish_reasons"] == ["tool_calls"]


@pytest.mark.parametrize("is_async", [False, True])
def test_responses_are_recorded_with_their_items(seen, talk, is_async):
    if is_async:
        asyncio.run(litellm.aresponses(input="respond", **at(talk)))
    else:
        litellm.responses(input="respond", **at(talk))
    (span,) = models(seen)
    assert span.input["input"] == "respond"
    assert span.output["messages"][0]["content"][0]["text"] == "A response, in pieces of twenty."
    assert tokens(seen) == talk.tokens() == (210, 55)


@pytest.mark.parametrize("is_async", [False, True])
def test_embeddings_are_of_their_own_kind(seen, talk, is_async):
    options = at(talk, "openai/text-embedding-3-small")
    if is_async:
        asyncio.run(litellm.aembedding(input=["vector"], **options))
    else:
        litellm.embedding(input=["vector"], **options)
    (span,) = models(seen)
    assert (span.kind, span.name) == ("embedding", "embeddings text-embedding-3-small")
    assert span.input["input"] == ["vector"]
    assert span.attributes["gen_ai.embeddings.dimension.count"] == 3
    assert len(talk.served()) == 1


def test_a_text_completion_is_one_call_though_a_chat_serves_it(seen, talk):
    litellm.text_completion(prompt="hello", **at(talk, CLAUDE))
    (span,) = models(seen)
    assert span.attributes["gen_ai.operation.name"] == "text_completion"
    assert span.input["prompt"] == "hello"
    assert span.output["messages"] == [{"role": "assistant", "content": SAID}]
    assert tokens(seen) == talk.tokens() == (120, 34)


def test_the_cost_that_litellm_reports_is_kept(seen, talk):
    answer = litellm.completion(messages=user("hello"), **at(talk))
    (span,) = models(seen)
    assert span.attributes["gen_ai.usage.cost"] == answer._hidden_params["response_cost"] > 0


def test_tokens_of_a_cache_are_a_part_of_the_input(seen, wire):
    usage = {
        "input_tokens": 10,
        "cache_creation_input_tokens": 7,
        "cache_read_input_tokens": 5,
        "output_tokens": 3,
    }
    wire.will_say(
        b'{"id":"m1","type":"message","role":"assistant","model":"claude-sonnet-4-5",'
        b'"content":[{"type":"text","text":"Hi"}],"stop_reason":"end_turn","usage":'
        + str(usage).replace("'", '"').encode()
        + b"}",
        content_type="application/json",
    )
    litellm.completion(model=CLAUDE, messages=user("hello"), api_base=wire.url, api_key="nobody")
    (span,) = models(seen)
    told = {name: value for name, value in span.attributes.items() if name.startswith("gen_ai.usage.")}
    assert told.pop("gen_ai.usage.cost") > 0
    assert told == {
        "gen_ai.usage.input_tokens": 22,
        "gen_ai.usage.output_tokens": 3,
        "gen_ai.usage.cache_read.input_tokens": 5,
        "gen_ai.usage.cache_write.input_tokens": 7,
    }


def test_a_provider_that_tells_no_tokens_leaves_them_unknown(seen, wire):
    wire.will_say(
        b'{"id":"c1","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"finish_reason":"stop",'
        b'"message":{"role":"assistant","content":"Hi"}}]}',
        content_type="application/json",
    )
    litellm.completion(
        model=GPT, messages=user("hello"), api_base=f"{wire.url}/v1", api_key="nobody", max_retries=0
    )
    (span,) = models(seen)
    assert span.output["messages"][0]["content"] == "Hi"
    assert not any(name.startswith("gen_ai.usage.") for name in span.attributes)


def test_an_answer_that_litellm_makes_up_is_recorded_and_does_not_count(seen):
    litellm.completion(model=GPT, messages=user("hello"), mock_response="made up")
    (span,) = seen.spans
    assert (span.kind, span.name, span.attributes["flightlog.mock"]) == ("step", "chat gpt-4o", True)
    assert span.output["messages"][0]["content"] == "made up"
    assert not any(name.startswith(("gen_ai.usage.", "server.")) for name in span.attributes)


def test_an_answer_from_litellms_cache_is_recorded_and_does_not_count(seen, talk, monkeypatch):
    monkeypatch.setattr(litellm, "cache", litellm.Cache(type="local"))
    for _ in range(2):
        litellm.completion(messages=user("hello"), **at(talk))
    assert len(talk.served()) == len(models(seen)) == 1
    (cached,) = [span for span in seen.spans if span.kind == "step"]
    assert cached.output["messages"][0]["content"] == SAID
    assert [event.attributes for event in seen.events if event.name == "cache"] == [{"hit": True}]
    assert tokens(seen) == talk.tokens() == (120, 34)


@pytest.mark.parametrize("name", ["gpt-4o", GPT, ""])
def test_a_call_by_hand_around_it_is_not_a_second_one(seen, talk, name):
    with fl.llm(name, provider="openai"):
        litellm.completion(messages=user("hello"), **at(talk))
    assert tokens(seen) == talk.tokens() == (120, 34)
    assert len(models(seen)) == 1
