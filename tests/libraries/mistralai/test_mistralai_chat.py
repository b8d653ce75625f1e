"""What is asked and answered is recorded as it was served, sync and async."""

from __future__ import annotations

import json

import httpx2
import pydantic
import pytest
from mistral_kit import BRIEF, QUICK, THOUGHT, answered, at, calls, complete
from mistralai.client import errors
from provider_kit import TOOLS, user

import flightlog as fl


class Person(pydantic.BaseModel):
    name: str
    age: int


def test_a_call_says_what_was_sent_what_was_answered_and_where_it_was_made(way, talk, seen):
    asked = {"temperature": 0.2, "max_tokens": 50, "random_seed": 7, "safe_prompt": True}
    answer = way.talk(at(talk), complete("hello", **asked))
    assert answer.choices[0].message.content == "Hello! How can I help you today?"
    (span,) = seen.spans
    assert (span.name, span.kind, span.status) == ("chat mistral-x", "llm", "ok")
    assert span.input == {"messages": user("hello")}
    assert span.output == {"messages": [{"role": "assistant", "content": "Hello! How can I help you today?"}]}
    told = dict(span.attributes)
    assert told.pop("code.file.path").endswith("_kit.py")  # where the tests make their calls, or await them
    assert told.pop("code.function.name")
    assert told.pop("code.line.number") > 0
    assert told.pop("gen_ai.response.id") == answer.id
    assert told == {
        "flightlog.instrumentation": "mistralai",
        "flightlog.request.safe_prompt": True,
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "mistral_ai",
        "gen_ai.request.max_tokens": 50,
        "gen_ai.request.model": "mistral-x",
        "gen_ai.request.seed": 7,
        "gen_ai.request.temperature": 0.2,
        "gen_ai.response.finish_reasons": ["stop"],
        "gen_ai.response.model": "served-model",
        "gen_ai.usage.input_tokens": 120,
        "gen_ai.usage.output_tokens": 34,
        "http.response.status_code": 200,
        "server.address": "127.0.0.1",
        "server.port": int(talk.url.rpartition(":")[2]),
    }
    assert talk.tokens() == (120, 34)


def test_tool_calls_and_their_results_are_kept_as_they_were_sent(way, talk, seen):
    async def say(ask):
        first = (
            (await ask("chat.complete", model="m", messages=user("weather"), tools=TOOLS)).choices[0].message
        )
        results = [
            {"role": "tool", "tool_call_id": call.id, "name": call.function.name, "content": "grey"}
            for call in first.tool_calls
        ]
        await ask("chat.complete", model="m", messages=[*user("weather"), first, *results, *user("hello")])

    way.talk(at(talk), say)
    first, second = seen.spans
    assert [tool["function"]["name"] for tool in first.input["tools"]] == ["get_weather", "get_time"]
    called = first.output["messages"][0]["tool_calls"]
    assert [(one["id"], one["function"]["name"], one["function"]["arguments"]) for one in called] == [
        ("call_1", "get_weather", '{"city":"Oslo"}'),
        ("call_2", "get_time", '{"city":"Oslo"}'),
    ]
    assert [one["role"] for one in second.input["messages"]] == ["user", "assistant", "tool", "tool", "user"]
    assert second.input["messages"][1]["tool_calls"][0]["id"] == "call_1"


def test_thoughts_are_apart_from_what_was_said(way, wire, seen):
    wire.will_say(answered({"content": THOUGHT}), content_type="application/json")
    answer = way.talk(at(wire), complete("x"))
    assert answer.choices[0].message.content[0].type == "thinking"
    (span,) = seen.spans
    assert span.output["messages"] == [
        {"role": "assistant", "content": "Deep.", "reasoning_content": "Let me think."}
    ]


def test_a_content_of_other_parts_stays_as_it_is(way, wire, seen):
    parts = [{"type": "text", "text": "See "}, {"type": "reference", "reference_ids": [1]}]
    wire.will_say(answered({"content": parts}), content_type="application/json")
    way.talk(at(wire), complete("x"))
    assert seen.spans[0].output["messages"][0]["content"] == parts


def test_what_else_was_used_is_told(way, wire, seen):
    usage = {
        "prompt_tokens": 100,
        "completion_tokens": 20,
        "total_tokens": 120,
        "num_cached_tokens": 64,
        "prompt_audio_seconds": 3,
        "service_tier": "priority",
    }
    wire.will_say(answered({"content": "x"}, usage=usage), content_type="application/json")
    way.talk(at(wire), complete("x"))
    told = seen.spans[0].attributes
    assert told["gen_ai.usage.input_tokens"] == 100
    assert told["gen_ai.usage.cache_read.input_tokens"] == 64
    assert told["flightlog.usage.audio_seconds"] == 3
    assert told["flightlog.response.service_tier"] == "priority"


def test_an_answer_that_is_parsed_is_recorded_as_it_was_served(way, talk, seen):
    async def say(ask):
        return await ask("chat.parse", model="m", messages=user("person"), response_format=Person)

    assert way.talk(at(talk), say).choices[0].message.parsed == Person(name="Ada", age=36)
    (span,) = seen.spans
    assert span.output["messages"][0]["content"] == '{"name": "Ada", "age": 36}'
    assert span.attributes["gen_ai.output.type"] == "json"


def test_agents_and_code_between_two_texts_are_model_calls(way, wire, seen):
    for _ in range(2):
        wire.will_say(answered({"content": "x"}), content_type="application/json")

    async def say(ask):
        await ask("agents.complete", agent_id="ag-1", messages=user("x"))
        await ask("fim.complete", model="codestral-x", prompt="def f(", suffix="return 1")

    way.talk(at(wire), say)
    agent, code = seen.spans
    assert (agent.name, agent.kind, agent.attributes["gen_ai.agent.id"]) == ("chat ag-1", "llm", "ag-1")
    assert (code.name, code.kind) == ("text_completion codestral-x", "llm")
    assert code.input == {"prompt": "def f(", "suffix": "return 1"}
    assert {span.attributes["gen_ai.usage.input_tokens"] for span in seen.spans} == {9}


def test_embeddings_say_how_many_and_how_long_and_are_not_kept(way, wire, seen):
    vectors = [{"object": "embedding", "index": n, "embedding": [0.5, 0.25]} for n in range(2)]
    usage = {"prompt_tokens": 6, "total_tokens": 6}
    body = {"id": "e1", "object": "list", "model": "mistral-embed", "data": vectors, "usage": usage}
    wire.will_say(json.dumps(body).encode(), content_type="application/json")

    async def say(ask):
        return await ask("embeddings.create", model="mistral-embed", inputs=["one", "two"])

    assert len(way.talk(at(wire), say).data) == 2
    (span,) = seen.spans
    assert (span.name, span.kind) == ("embeddings mistral-embed", "embedding")
    assert span.input == {"input": ["one", "two"]}
    told = span.attributes
    assert (told["flightlog.embedding.count"], told["gen_ai.embeddings.dimension.count"]) == (2, 2)
    assert told["gen_ai.usage.input_tokens"] == 6
    assert "gen_ai.usage.output_tokens" not in told


def test_a_refusal_is_the_program_s_exception_and_the_call_s_error(way, talk, seen):
    with pytest.raises(errors.SDKError) as caught:
        way.talk(at(talk), complete("forbidden"))
    assert caught.value.status_code == 403
    (span,) = seen.spans
    assert span.status == "error"
    assert span.error.type.endswith("SDKError")
    assert "You shall not pass" in span.error.message
    assert span.attributes["error.type"] == "permission_error"
    assert span.attributes["http.response.status_code"] == 403
    assert "flightlog/integrations" not in span.error.stack


def test_an_answer_that_the_package_refuses_is_an_error_with_what_was_used(way, wire, seen):
    body = json.loads(answered({"content": "x"}))
    del body["id"]
    wire.will_say(json.dumps(body).encode(), content_type="application/json")
    with pytest.raises(errors.ResponseValidationError):
        way.talk(at(wire), complete("x"))
    (span,) = seen.spans
    assert span.status == "error"
    assert span.error.type.endswith("ResponseValidationError")
    assert span.output == {"messages": [{"role": "assistant", "content": "x"}]}
    assert span.attributes["gen_ai.usage.input_tokens"] == 9


def test_the_client_s_own_retries_are_events_of_one_call(way, talk, seen):
    answer = way.talk(at(talk, retry_config=QUICK), complete("flaky"))
    assert answer.choices[0].message.content == "At last."
    assert talk.statuses() == [429, 500, 200]
    (span,) = seen.spans
    assert span.status == "ok"
    told = [event.attributes for event in seen.events if event.name == "retry"]
    assert [(one["attempt"], one["reason"], one["http.response.status_code"]) for one in told] == [
        (1, "429 Too Many Requests", 429),
        (2, "500 Internal Server Error", 500),
    ]
    assert all(one["delay"] > 0 for one in told)


def test_a_server_that_is_not_there_is_an_error_after_its_retries(way, seen):
    with pytest.raises(httpx2.ConnectError):
        way.talk({"server_url": "http://127.0.0.1:1", "retry_config": BRIEF}, complete("hello"))
    (span,) = seen.spans
    assert (span.status, span.error.type) == ("error", "httpx2.ConnectError")
    retries = [event for event in seen.events if event.name == "retry"]
    assert {event.attributes["reason"] for event in retries} <= {"ConnectError"}


def test_a_call_within_a_block_made_by_hand_counts_once(way, talk, seen):
    async def say(ask):
        with fl.llm("mistral-x"):
            await complete("hello")(ask)

    way.talk(at(talk), say)
    assert sorted(span.kind for span in seen.spans) == ["http", "llm"]
    (call,) = calls(seen)
    assert call.attributes["gen_ai.usage.input_tokens"] == 120
    assert call.output["messages"][0]["content"] == "Hello! How can I help you today?"


def test_moderation_is_not_recorded(way, wire, seen):
    wire.will_say(b'{"object": "list", "results": []}', content_type="application/json")

    async def say(ask):
        return await ask("classifiers.moderate", model="m", inputs=["x"])

    with pytest.raises(errors.MistralError):
        way.talk(at(wire), say)
    assert seen.spans == []
