"""Messages of `anthropic`, against a real provider process: what is recorded is what was served."""

from __future__ import annotations

import json

import anthropic
import pydantic
import pytest
from anthropic_kit import at, create, user
from provider_kit import inside, now

import flightlog as fl

TOOLS = [
    {"name": name, "description": "Look it up.", "input_schema": {"type": "object", "properties": {}}}
    for name in ("get_weather", "get_time")
]


def test_a_message_is_one_span_with_what_was_asked_and_answered(way, talk, seen):
    more = {"metadata": {"user_id": "u-1"}, "stop_sequences": ["END"], "extra_body": {"temperature": 0.5}}
    answer = way.talk(at(talk), create("hello", system="Be brief.", **more))
    assert type(answer) is anthropic.types.Message
    assert answer.content[0].text == "Hello! How can I help you today?"
    (span,) = seen.spans
    assert (span.name, span.kind, span.status) == ("chat claude-x", "llm", "ok")
    assert span.input == {"messages": user("hello"), "system": "Be brief."}
    said = {"role": "assistant", "content": [{"type": "text", "text": "Hello! How can I help you today?"}]}
    assert span.output == {"messages": [said]}
    where = {name: span.attributes.pop(name) for name in [*span.attributes] if name.startswith("code.")}
    assert sorted(where) == ["code.file.path", "code.function.name", "code.line.number"]
    assert where["code.file.path"].endswith(("anthropic_kit.py", "provider_kit.py"))
    assert span.attributes == {
        "flightlog.instrumentation": "anthropic",
        "flightlog.request.metadata": {"user_id": "u-1"},
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "anthropic",
        "gen_ai.request.max_tokens": 99,
        "gen_ai.request.model": "claude-x",
        "gen_ai.request.stop_sequences": ["END"],
        "gen_ai.request.temperature": 0.5,
        "gen_ai.response.finish_reasons": ["end_turn"],
        "gen_ai.response.id": answer.id,
        "gen_ai.response.model": "served-model",
        "gen_ai.usage.input_tokens": 120,
        "gen_ai.usage.output_tokens": 34,
        "server.address": "127.0.0.1",
        "server.port": int(talk.url.rpartition(":")[2]),
    }


def test_calls_and_tokens_are_as_many_as_the_provider_served(way, talk, seen):
    async def say(client):
        for text in ("hello", "weather", "hello", "person"):
            await create(text)(client)

    way.talk(at(talk), say)
    assert len(talk.served()) == len(seen.spans) == 4
    totals = tuple(
        sum(span.attributes[f"gen_ai.usage.{end}_tokens"] for span in seen.spans)
        for end in ("input", "output")
    )
    assert totals == talk.tokens() == (480, 136)


def test_tools_the_calls_of_them_and_their_results_are_recorded(way, talk, seen):
    async def say(client):
        first = await create("weather", tools=TOOLS, tool_choice={"type": "auto"})(client)
        results = [
            {"type": "tool_result", "tool_use_id": part.id, "content": "rain"}
            for part in first.content
            if part.type == "tool_use"
        ]
        messages = [
            *user("hello"),
            {"role": "assistant", "content": first.content},
            {"role": "user", "content": [*results, {"type": "text", "text": "hello"}]},
        ]
        await create("", messages=messages, tools=TOOLS)(client)

    way.talk(at(talk), say)
    first, second = seen.spans
    assert first.input == {"messages": user("weather"), "tools": TOOLS}
    calls = first.output["messages"][0]["content"]
    assert [(part["type"], part["name"], part["input"]) for part in calls] == [
        ("tool_use", "get_weather", {"city": "Oslo"}),
        ("tool_use", "get_time", {"city": "Oslo"}),
    ]
    assert first.attributes["gen_ai.response.finish_reasons"] == ["tool_use"]
    assert first.attributes["flightlog.request.tool_choice"] == {"type": "auto"}
    # What the program hands back are objects of the package.
    repeated = second.input["messages"][1]["content"]
    assert [(part["name"], part["input"]) for part in repeated] == [
        (part["name"], part["input"]) for part in calls
    ]
    assert [part.get("content") for part in second.input["messages"][2]["content"]] == ["rain", "rain", None]


def test_thinking_is_recorded_as_it_was_served(way, talk, seen):
    way.talk(at(talk), create("think", thinking={"type": "enabled", "budget_tokens": 1024}))
    (span,) = seen.spans
    thought, said = span.output["messages"][0]["content"]
    assert (thought["type"], thought["thinking"]) == ("thinking", "Let me think about it.")
    assert said["text"] == "Deep."
    assert span.attributes["flightlog.request.thinking"] == {"type": "enabled", "budget_tokens": 1024}


def test_tokens_of_a_cache_are_part_of_the_input(way, wire, seen):
    usage = {
        "input_tokens": 10,
        "output_tokens": 20,
        "cache_read_input_tokens": 300,
        "cache_creation_input_tokens": 4000,
        "cache_creation": {"ephemeral_5m_input_tokens": 3000, "ephemeral_1h_input_tokens": 1000},
        "output_tokens_details": {"thinking_tokens": 5},
        "server_tool_use": {"web_search_requests": 2},
        "service_tier": "priority",
    }
    body = {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "served",
        "content": [{"type": "text", "text": "x"}],
        "stop_reason": "stop_sequence",
        "stop_sequence": "END",
        "usage": usage,
    }
    wire.will_say(json.dumps(body).encode(), content_type="application/json", request_id="req_1")
    way.talk(at(wire), create("x"))
    (span,) = seen.spans
    told = {name: value for name, value in span.attributes.items() if "usage" in name or "response" in name}
    assert told == {
        "flightlog.response.request_id": "req_1",
        "flightlog.response.service_tier": "priority",
        "flightlog.response.stop_sequence": "END",
        "flightlog.usage.cache_write_1h_tokens": 1000,
        "flightlog.usage.web_searches": 2,
        "gen_ai.response.finish_reasons": ["stop_sequence"],
        "gen_ai.response.id": "msg_1",
        "gen_ai.response.model": "served",
        "gen_ai.usage.cache_read.input_tokens": 300,
        "gen_ai.usage.cache_write.input_tokens": 4000,
        "gen_ai.usage.input_tokens": 4310,
        "gen_ai.usage.output_tokens": 20,
        "gen_ai.usage.reasoning.output_tokens": 5,
    }


def test_raw_and_streaming_responses_and_the_beta_resource_are_calls_too(way, talk, seen):
    asked = {"model": "m", "max_tokens": 9, "messages": user("hello")}

    async def say(client):
        raw = await now(client.messages.with_raw_response.create(**asked))
        assert raw.headers["content-type"].startswith("application/json")
        assert (await now(raw.parse())).usage.input_tokens == 120
        async with inside(client.messages.with_streaming_response.create(**asked)) as later:
            assert json.loads(await now(later.read()))["usage"]["input_tokens"] == 120
        await now(client.beta.messages.create(**asked, betas=["some-beta"]))
        await now(client.messages.create(**asked, extra_body={"more": 1}))

    way.talk(at(talk), say)
    assert len(seen.spans) == len(talk.served()) == 4
    assert {span.attributes["gen_ai.usage.input_tokens"] for span in seen.spans} == {120}
    assert {span.output["messages"][0]["content"][0]["text"] for span in seen.spans} == {
        "Hello! How can I help you today?"
    }
    assert seen.spans[-1].attributes["flightlog.request.more"] == 1


def test_an_answer_that_is_parsed_is_recorded_as_it_was_served(way, talk, seen):
    class Person(pydantic.BaseModel):
        name: str
        age: int

    async def say(client):
        return await now(
            client.messages.parse(model="m", max_tokens=9, messages=user("person"), output_format=Person)
        )

    answer = way.talk(at(talk), say)
    assert answer.parsed_output == Person(name="Ada", age=36)
    (span,) = seen.spans
    assert span.output["messages"][0]["content"] == [{"type": "text", "text": '{"name": "Ada", "age": 36}'}]
    assert span.attributes["gen_ai.output.type"] == "json"


def test_counting_tokens_is_no_call_of_a_model(way, wire, seen):
    wire.will_say(b'{"input_tokens": 5}', content_type="application/json")

    async def say(client):
        return await now(client.messages.count_tokens(model="m", messages=user("x")))

    assert way.talk(at(wire), say).input_tokens == 5
    assert seen.spans == []


def test_a_refusal_is_the_program_s_exception_and_the_call_s_error(way, talk, seen):
    with pytest.raises(anthropic.PermissionDeniedError) as caught:
        way.talk(at(talk), create("forbidden"))
    assert "You shall not pass" in str(caught.value)
    (span,) = seen.spans
    assert (span.status, span.error.type) == ("error", "anthropic.PermissionDeniedError")
    assert "You shall not pass" in span.error.message
    assert span.attributes["error.type"] == "permission_error"
    assert span.attributes["http.response.status_code"] == 403
    assert "flightlog/integrations" not in span.error.stack


def test_the_client_s_own_retries_are_events_of_one_call(way, talk, seen):
    answer = way.talk(at(talk, max_retries=4), create("flaky"))
    assert answer.content[0].text == "At last."
    assert talk.statuses() == [429, 500, 200]
    (span,) = seen.spans
    assert span.status == "ok"
    retries = [event.attributes for event in seen.events if event.name == "retry"]
    assert [(told["attempt"], told["reason"], told["http.response.status_code"]) for told in retries] == [
        (1, "429 Too Many Requests", 429),
        (2, "500 Internal Server Error", 500),
    ]
    assert all(told["delay"] > 0 for told in retries)


def test_a_server_that_is_not_there_is_an_error_after_its_retries(way, seen):
    gone = {"base_url": "http://127.0.0.1:1", "api_key": "nobody", "max_retries": 1}
    with pytest.raises(anthropic.APIConnectionError):
        way.talk(gone, create("hello"))
    (span,) = seen.spans
    assert span.error.type == "anthropic.APIConnectionError"
    (retry,) = [event for event in seen.events if event.name == "retry"]
    assert retry.attributes["reason"] == "APIConnectionError"


def test_a_call_within_a_block_made_by_hand_counts_once(way, talk, seen):
    async def say(client):
        with fl.llm("claude-x") as call:
            await create("hello")(client)
        return call

    way.talk(at(talk), say)
    assert sorted(span.kind for span in seen.spans) == ["http", "llm"]
    (call,) = [span for span in seen.spans if span.kind == "llm"]
    assert call.attributes["gen_ai.usage.input_tokens"] == 120
    assert call.output["messages"][0]["content"][0]["text"] == "Hello! How can I help you today?"


def test_an_answer_of_another_shape_leaves_a_record_and_no_complaint(way, wire, seen, capsys):
    body = (
        b'{"content": [null, 3], "usage": {"input_tokens": "many"}, "id": 7, "model": {}, "stop_reason": []}'
    )
    wire.will_say(body, content_type="application/json")
    way.talk(at(wire), create("x"))
    (span,) = seen.spans
    assert span.status == "ok"
    assert not [name for name in span.attributes if "usage" in name]
    assert capsys.readouterr().err == ""
