"""Responses, against a real provider process: what is recorded is what was served."""

from __future__ import annotations

import json

import openai
import pydantic
import pytest
from openai.types.responses import Response
from provider_kit import RESPONSES_USAGE, TOOLS, each, event, inside, now

ENDED = "flightlog.stream.ended"
FLAT_TOOLS = [{"type": "function", "strict": False, **tool["function"]} for tool in TOOLS]


def ask(text, **more):
    async def say(client):
        return await now(client.responses.create(model="gpt-5", input=text, **more))

    return say


def read(text, **more):
    async def say(client):
        stream = await now(client.responses.create(model="gpt-5", input=text, stream=True, **more))
        return [item async for item in each(stream)]

    return say


def usage_of(span):
    return {
        name.removeprefix("gen_ai.usage."): value
        for name, value in span.attributes.items()
        if ".usage." in name
    }


def test_a_call_is_one_span_with_what_was_asked_and_answered(way, talk, seen):
    answer = way.talk(
        talk.options(),
        ask("respond", instructions="Be brief.", max_output_tokens=99, reasoning={"effort": "low"}),
    )
    assert type(answer) is Response
    (span,) = seen.spans
    assert (span.name, span.kind, span.status) == ("chat gpt-5", "llm", "ok")
    assert span.input == {"input": "respond", "instructions": "Be brief."}
    (message,) = span.output["messages"]
    assert message["content"][0]["text"] == answer.output_text == "A response, in pieces of twenty."
    assert usage_of(span) == {"input_tokens": 210, "output_tokens": 55}
    assert span.attributes["gen_ai.request.max_tokens"] == 99
    assert span.attributes["gen_ai.request.reasoning.level"] == "low"
    assert span.attributes["gen_ai.response.finish_reasons"] == ["completed"]
    assert span.attributes["gen_ai.response.id"] == answer.id
    assert span.attributes["openai.api.type"] == "responses"
    assert talk.tokens() == (RESPONSES_USAGE["input_tokens"], RESPONSES_USAGE["output_tokens"])


def test_a_list_of_input_items_is_recorded_as_it_was_handed_over(way, talk, seen):
    items = [
        {"role": "user", "content": "weather"},
        {"type": "function_call", "call_id": "call_1", "name": "get_weather", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "call_1", "output": "mild"},
        {"role": "user", "content": "respond"},
    ]
    way.talk(talk.options(), ask(items))
    (span,) = seen.spans
    assert span.input == {"input": items}


def test_tool_calls_are_recorded(way, talk, seen):
    way.talk(talk.options(), ask("weather", tools=FLAT_TOOLS))
    (span,) = seen.spans
    assert span.input["tools"] == FLAT_TOOLS
    assert [(item["type"], item["name"]) for item in span.output["messages"]] == [
        ("function_call", "get_weather"),
        ("function_call", "get_time"),
    ]


@pytest.mark.parametrize("text", ["respond", "weather", "think"])
def test_a_stream_records_what_the_whole_answer_would(way, talk, seen, text):
    way.talk(talk.options(), ask(text))
    events = way.talk(talk.options(), read(text))
    assert events[-1].type == "response.completed"
    whole, streamed = seen.spans
    forget = ("id", "call_id", "encrypted_content")

    def said(span):
        return [{k: v for k, v in item.items() if k not in forget} for item in span.output["messages"]]

    assert said(streamed) == said(whole)
    assert usage_of(streamed) == usage_of(whole)
    assert streamed.attributes["gen_ai.response.id"] == events[-1].response.id
    assert streamed.attributes[ENDED] == "complete"
    assert streamed.attributes["flightlog.stream.chunks"] == len(
        [item for item in events if item.type.endswith(".delta")]
    )


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (
            "respond",
            {"type": "message", "content": [{"type": "output_text", "text": "A response, in piece"}]},
        ),
        ("weather", {"type": "function_call", "name": "get_weather", "arguments": '{"city":"Oslo"}'}),
        (
            "think",
            {"type": "reasoning", "summary": [{"type": "summary_text", "text": "Let me think about i"}]},
        ),
    ],
)
def test_a_stream_that_is_closed_early_keeps_what_had_come(way, talk, seen, text, wanted):
    async def say(client):
        stream = await now(client.responses.create(model="gpt-5", input=text, stream=True))
        async for item in each(stream):
            if item.type.endswith(".delta"):
                break
        await now(stream.close())

    way.talk(talk.options(), say)
    (span,) = seen.spans
    assert (span.status, span.attributes[ENDED]) == ("ok", "early")
    (item,) = span.output["messages"]
    assert {key: item[key] for key in wanted} == wanted
    assert "gen_ai.response.finish_reasons" not in span.attributes
    assert usage_of(span) == {}


def test_an_item_that_had_ended_before_the_stream_was_closed_is_kept_whole(way, talk, seen):
    async def say(client):
        stream = await now(client.responses.create(model="gpt-5", input="think", stream=True))
        async for item in each(stream):
            if item.type == "response.output_item.added" and item.output_index == 1:
                break
        await now(stream.close())

    way.talk(talk.options(), say)
    (span,) = seen.spans
    first, second = span.output["messages"]
    assert first["summary"] == [{"type": "summary_text", "text": "Let me think about it."}]
    assert second["content"] == []


def test_the_stream_helper_works_and_is_one_call(way, talk, seen):
    async def say(client):
        async with inside(client.responses.stream(model="gpt-5", input="respond")) as stream:
            kinds = [item.type async for item in each(stream)]
            final = await now(stream.get_final_response())
            return kinds[-1], final.output_text

    assert way.talk(talk.options(), say) == ("response.completed", "A response, in pieces of twenty.")
    (span,) = seen.spans
    assert usage_of(span) == {"input_tokens": 210, "output_tokens": 55}


def test_a_structured_output_is_parsed_as_without_us_and_recorded_as_it_was_served(way, talk, seen):
    class Person(pydantic.BaseModel):
        name: str
        age: int

    async def say(client):
        return await now(client.responses.parse(model="gpt-5", input="person", text_format=Person))

    assert way.talk(talk.options(), say).output_parsed == Person(name="Ada", age=36)
    (span,) = seen.spans
    (message,) = span.output["messages"]
    (part,) = message["content"]
    assert json.loads(part["text"]) == {"name": "Ada", "age": 36}
    assert "parsed" not in part
    assert span.attributes["gen_ai.output.type"] == "json"


def test_a_raw_response_is_recorded_all_the_same(way, talk, seen):
    async def say(client):
        raw = await now(client.responses.with_raw_response.create(model="gpt-5", input="respond"))
        return raw.parse().id

    response_id = way.talk(talk.options(), say)
    (span,) = seen.spans
    assert span.attributes["gen_ai.response.id"] == response_id
    assert usage_of(span) == {"input_tokens": 210, "output_tokens": 55}


def test_cached_and_reasoning_tokens_are_recorded(way, wire, seen):
    usage = {
        "input_tokens": 100,
        "input_tokens_details": {"cached_tokens": 64, "cache_write_tokens": 16},
        "output_tokens": 50,
        "output_tokens_details": {"reasoning_tokens": 40},
        "total_tokens": 150,
    }
    body = {
        "id": "resp_1",
        "object": "response",
        "model": "m",
        "status": "completed",
        "output": [],
        "usage": usage,
    }
    wire.will_say(json.dumps(body).encode(), content_type="application/json")
    way.talk(wire.options(), ask("hello"))
    (span,) = seen.spans
    assert usage_of(span) == {
        "input_tokens": 100,
        "output_tokens": 50,
        "cache_read.input_tokens": 64,
        "cache_write.input_tokens": 16,
        "reasoning.output_tokens": 40,
    }


def test_an_answer_that_is_incomplete_says_why(way, wire, seen):
    body = {
        "id": "resp_1",
        "object": "response",
        "status": "incomplete",
        "incomplete_details": {"reason": "max_output_tokens"},
        "output": [],
    }
    wire.will_say(event({"type": "response.incomplete", "response": body}, "response.incomplete"))
    way.talk(wire.options(), read("hello"))
    (span,) = seen.spans
    assert (span.status, span.attributes[ENDED]) == ("ok", "complete")
    assert span.attributes["gen_ai.response.finish_reasons"] == ["max_output_tokens"]


def test_an_answer_that_failed_is_the_call_s_error_though_nothing_is_raised(way, wire, seen):
    error = {"code": "server_error", "message": "The model produced nothing"}
    body = {"id": "resp_1", "object": "response", "status": "failed", "error": error, "output": []}
    wire.will_say(event({"type": "response.failed", "response": body}, "response.failed"))
    way.talk(wire.options(), read("hello"))
    (span,) = seen.spans
    assert (span.status, span.error.type) == ("error", "server_error")
    assert span.error.message == "The model produced nothing"


def test_an_error_event_is_the_call_s_error(way, wire, seen):
    told = {"type": "error", "code": "rate_limit_exceeded", "message": "Too fast", "sequence_number": 1}
    wire.will_say(event(told, "error"))
    way.talk(wire.options(), read("hello"))
    (span,) = seen.spans
    assert (span.status, span.error.type) == ("error", "rate_limit_exceeded")


def test_what_is_no_model_call_is_not_recorded(way, talk, seen):
    async def say(client):
        with pytest.raises(openai.APIStatusError):
            await now(client.responses.retrieve("resp_unknown"))
        return await now(client.models.list())

    way.talk(talk.options(), say)
    assert seen.spans == []
