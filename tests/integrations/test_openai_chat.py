"""Chat Completions, against a real provider process: what is recorded is what was served."""

from __future__ import annotations

import json

import pydantic
from openai.types.chat import ChatCompletion
from provider_kit import TOOLS, USAGE, inside, now, user


def ask(text, **more):
    async def say(client):
        return await now(client.chat.completions.create(model="gpt-4.1-mini", messages=user(text), **more))

    return say


def test_a_call_is_one_span_with_what_was_asked_and_answered(way, talk, seen):
    answer = way.talk(talk.options(), ask("hello", temperature=0.5, max_completion_tokens=99, seed=7))
    assert type(answer) is ChatCompletion
    assert answer.choices[0].message.content == "Hello! How can I help you today?"
    (span,) = seen.spans
    assert (span.name, span.kind, span.status) == ("chat gpt-4.1-mini", "llm", "ok")
    assert span.input == {"messages": user("hello")}
    assert span.output == {"messages": [{"role": "assistant", "content": "Hello! How can I help you today?"}]}
    port = int(talk.url.rpartition(":")[2])
    (served,) = talk.served()
    where = {name: span.attributes.pop(name) for name in [*span.attributes] if name.startswith("code.")}
    assert sorted(where) == ["code.file.path", "code.function.name", "code.line.number"]
    assert span.attributes == {
        "flightlog.instrumentation": "openai",
        "flightlog.response.request_id": served["headers"]["x-request-id"],
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.max_tokens": 99,
        "gen_ai.request.model": "gpt-4.1-mini",
        "gen_ai.request.seed": 7,
        "gen_ai.request.temperature": 0.5,
        "gen_ai.response.finish_reasons": ["stop"],
        "gen_ai.response.id": answer.id,
        "gen_ai.response.model": "served-model",
        "gen_ai.usage.input_tokens": 120,
        "gen_ai.usage.output_tokens": 34,
        "openai.api.type": "chat_completions",
        "server.address": "127.0.0.1",
        "server.port": port,
    }


def test_calls_and_tokens_are_as_many_as_the_provider_served(way, talk, seen):
    async def say(client):
        for text in ("hello", "weather", "hello", "person"):
            await ask(text)(client)

    way.talk(talk.options(), say)
    assert len(talk.served()) == len(seen.spans) == 4
    totals = tuple(
        sum(span.attributes[f"gen_ai.usage.{end}_tokens"] for span in seen.spans)
        for end in ("input", "output")
    )
    assert totals == talk.tokens() == (4 * USAGE["prompt_tokens"], 4 * USAGE["completion_tokens"])


def test_tools_and_the_calls_of_them_are_recorded(way, talk, seen):
    way.talk(talk.options(), ask("weather", tools=TOOLS, tool_choice="auto", parallel_tool_calls=True))
    (span,) = seen.spans
    assert span.input == {"messages": user("weather"), "tools": TOOLS}
    (message,) = span.output["messages"]
    assert [call["function"]["name"] for call in message["tool_calls"]] == ["get_weather", "get_time"]
    assert [json.loads(call["function"]["arguments"]) for call in message["tool_calls"]] == [
        {"city": "Oslo"}
    ] * 2
    assert span.attributes["gen_ai.response.finish_reasons"] == ["tool_calls"]
    assert span.attributes["flightlog.request.tool_choice"] == "auto"
    assert span.attributes["flightlog.request.parallel_tool_calls"] is True


def test_a_conversation_that_goes_on_is_recorded_as_it_was_handed_over(way, talk, seen):
    async def say(client):
        messages = user("weather")
        first = await now(client.chat.completions.create(model="m", messages=messages))
        messages.append(first.choices[0].message)
        messages.append({"role": "tool", "tool_call_id": "call_1", "content": "mild"})
        messages.extend(user("hello"))
        await now(client.chat.completions.create(model="m", messages=messages))
        messages.clear()

    way.talk(talk.options(), say)
    first, second = seen.spans
    assert [message["role"] for message in second.input["messages"]] == ["user", "assistant", "tool", "user"]
    assert second.input["messages"][1]["tool_calls"] == first.output["messages"][0]["tool_calls"]


def test_a_structured_output_is_parsed_as_without_us_and_recorded_as_it_was_served(way, talk, seen):
    class Person(pydantic.BaseModel):
        name: str
        age: int

    async def say(client):
        return await now(
            client.chat.completions.parse(model="m", messages=user("person"), response_format=Person)
        )

    answer = way.talk(talk.options(), say)
    assert answer.choices[0].message.parsed == Person(name="Ada", age=36)
    (span,) = seen.spans
    assert span.output["messages"] == [{"role": "assistant", "content": '{"name": "Ada", "age": 36}'}]
    assert span.attributes["gen_ai.output.type"] == "json"
    assert span.attributes["flightlog.request.response_format"]["json_schema"]["name"] == "Person"


def test_reasoning_that_is_served_beside_the_text_is_recorded(way, talk, seen):
    way.talk(talk.options(), ask("think", reasoning_effort="high"))
    (span,) = seen.spans
    assert span.output["messages"][0]["reasoning_content"] == "Let me think about it."
    assert span.attributes["gen_ai.request.reasoning.level"] == "high"


def test_a_raw_response_is_what_it_is_without_us_and_recorded_all_the_same(way, talk, seen):
    async def say(client):
        raw = await now(client.chat.completions.with_raw_response.create(model="m", messages=user("hello")))
        return type(raw).__name__, raw.headers["x-request-id"], raw.parse(), raw.http_response.content

    kind, request_id, answer, content = way.talk(talk.options(), say)
    assert kind == "LegacyAPIResponse"
    assert json.loads(content)["id"] == answer.id
    (span,) = seen.spans
    assert span.attributes["flightlog.response.request_id"] == request_id
    assert span.attributes["gen_ai.response.id"] == answer.id
    assert span.attributes["gen_ai.usage.output_tokens"] == USAGE["completion_tokens"]


def test_a_streaming_response_is_recorded_when_the_program_has_read_it(way, talk, seen):
    async def say(client):
        create = client.chat.completions.with_streaming_response.create
        async with inside(create(model="m", messages=user("hello"))) as response:
            assert seen.spans == []
            text = await now(response.text())
            assert len(seen.spans) == 1
            return json.loads(text), await now(response.parse())

    served, answer = way.talk(talk.options(), say)
    assert served["id"] == answer.id
    (span,) = seen.spans
    assert span.attributes["gen_ai.response.id"] == answer.id
    assert span.output["messages"][0]["content"] == answer.choices[0].message.content


def test_a_streaming_response_that_is_not_read_says_so_and_guesses_nothing(way, talk, seen):
    async def say(client):
        create = client.chat.completions.with_streaming_response.create
        async with inside(create(model="m", messages=user("hello"))) as response:
            return response.status_code

    assert way.talk(talk.options(), say) == 200
    (span,) = seen.spans
    assert span.attributes["flightlog.stream.ended"] == "early"
    assert not [name for name in span.attributes if name.startswith("gen_ai.usage")]


def test_what_goes_in_the_extra_body_is_recorded_too(way, talk, seen):
    way.talk(talk.options(), ask("hello", extra_body={"top_k": 5, "provider": {"order": ["x"]}, "level": 3}))
    (span,) = seen.spans
    assert span.attributes["gen_ai.request.top_k"] == 5
    assert span.attributes["flightlog.request.provider"] == {"order": ["x"]}
    assert span.attributes["flightlog.request.level"] == 3
    assert span.attributes["gen_ai.provider.name"] == "openai"
