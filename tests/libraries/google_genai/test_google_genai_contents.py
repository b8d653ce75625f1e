"""What is asked and answered with `generate_content` is recorded as it was served, sync and async."""

from __future__ import annotations

import json
import sys

import pydantic
import pytest
from gemini_kit import QUICK, at, calls, generate, said, served
from google.genai import errors, types
from provider_kit import now

import flightlog as fl


class Person(pydantic.BaseModel):
    name: str
    age: int


def test_a_call_says_what_was_sent_what_was_answered_and_where_it_was_made(way, talk, seen):
    config = {
        "temperature": 0.2,
        "max_output_tokens": 50,
        "system_instruction": "Be kind.",
        "stop_sequences": ["X"],
    }
    answer = way.talk(at(talk), generate("hello", **config))
    assert answer.text == "Hello! How can I help you today?"
    (span,) = seen.spans
    assert (span.name, span.kind, span.status) == ("generate_content gemini-x", "llm", "ok")
    assert span.input == {
        "messages": [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "hello"}]
    }
    assert span.output == {"messages": [{"role": "assistant", "content": "Hello! How can I help you today?"}]}
    told = dict(span.attributes)
    assert told.pop("code.file.path").endswith("_kit.py")  # where the tests make their calls, or await them
    assert told.pop("code.function.name").endswith(("say", "now"))
    assert told.pop("code.line.number") > 0
    assert told == {
        "flightlog.instrumentation": "google_genai",
        "gen_ai.operation.name": "generate_content",
        "gen_ai.provider.name": "gcp.gemini",
        "gen_ai.request.max_tokens": 50,
        "gen_ai.request.model": "gemini-x",
        "gen_ai.request.stop_sequences": ["X"],
        "gen_ai.request.temperature": 0.2,
        "gen_ai.response.finish_reasons": ["stop"],
        "gen_ai.usage.input_tokens": 120,
        "gen_ai.usage.output_tokens": 34,
        "server.address": "127.0.0.1",
        "server.port": int(talk.url.rpartition(":")[2]),
    }
    assert talk.tokens() == (120, 34)


def test_calls_of_functions_and_their_results_are_kept_as_messages(way, talk, seen):
    declared = {"function_declarations": [{"name": "get_weather", "description": "Look it up."}]}

    async def say(client):
        first = await generate("weather", tools=[declared])(client)
        results = [
            types.Part.from_function_response(name=part.function_call.name, response={"sky": "grey"})
            for part in first.candidates[0].content.parts
        ]
        history = [
            types.UserContent("weather"),
            first.candidates[0].content,
            types.Content(role="user", parts=results),
            types.UserContent("hello"),
        ]
        await now(client.models.generate_content(model="models/gemini-x", contents=history))

    way.talk(at(talk), say)
    first, second = seen.spans
    assert first.input["tools"][0]["functionDeclarations"][0]["name"] == "get_weather"
    called = first.output["messages"][0]["tool_calls"]
    assert [
        (one["id"], one["function"]["name"], json.loads(one["function"]["arguments"])) for one in called
    ] == [
        ("call_1", "get_weather", {"city": "Oslo"}),
        ("call_2", "get_time", {"city": "Oslo"}),
    ]
    asked, answered, *results, last = second.input["messages"]
    assert asked == {"role": "user", "content": "weather"}
    assert answered["tool_calls"] == called
    assert [(one["role"], one["tool_call_id"], one["content"]) for one in results] == [
        ("tool", "get_weather", {"sky": "grey"}),
        ("tool", "get_time", {"sky": "grey"}),
    ]
    assert last == {"role": "user", "content": "hello"}
    assert second.attributes["gen_ai.request.model"] == "gemini-x"


def test_thoughts_are_apart_from_what_was_said(way, talk, seen):
    way.talk(at(talk), generate("think", thinking_config={"include_thoughts": True, "thinking_level": "LOW"}))
    (span,) = seen.spans
    (message,) = span.output["messages"]
    assert message == {"role": "assistant", "content": "Deep.", "reasoning_content": "Let me think about it."}
    assert span.attributes["gen_ai.request.reasoning.level"] == "low"


def test_tokens_of_thoughts_tools_and_a_cache_are_part_of_the_sums(way, wire, seen):
    usage = {
        "promptTokenCount": 100,
        "cachedContentTokenCount": 40,
        "toolUsePromptTokenCount": 7,
        "candidatesTokenCount": 20,
        "thoughtsTokenCount": 5,
        "totalTokenCount": 132,
        "promptTokensDetails": [
            {"modality": "TEXT", "tokenCount": 90},
            {"modality": "AUDIO", "tokenCount": 10},
        ],
        "candidatesTokensDetails": [{"modality": "IMAGE", "tokenCount": 3}],
        "trafficType": "ON_DEMAND",
    }
    body = said(
        {"text": "x"}, reason="MAX_TOKENS", usageMetadata=usage, modelVersion="gemini-x-001", responseId="r1"
    )
    wire.will_say(served(body), content_type="application/json")
    way.talk(at(wire), generate("x"))
    (span,) = seen.spans
    told = {name: value for name, value in span.attributes.items() if "usage" in name or "response" in name}
    assert told == {
        "flightlog.response.tool_use_prompt_tokens": 7,
        "flightlog.response.traffic_type": "ON_DEMAND",
        "flightlog.usage.input_audio_tokens": 10,
        "flightlog.usage.output_image_tokens": 3,
        "gen_ai.response.finish_reasons": ["max_tokens"],
        "gen_ai.response.id": "r1",
        "gen_ai.response.model": "gemini-x-001",
        "gen_ai.usage.cache_read.input_tokens": 40,
        "gen_ai.usage.input_tokens": 107,
        "gen_ai.usage.output_tokens": 25,
        "gen_ai.usage.reasoning.output_tokens": 5,
    }


def test_tokens_that_nobody_told_are_unknown(way, wire, seen):
    wire.will_say(served(said({"text": "x"}, reason="STOP")), content_type="application/json")
    way.talk(at(wire), generate("x"))
    assert not [name for name in seen.spans[0].attributes if "usage" in name]


def test_a_picture_is_told_by_its_size_and_never_kept(way, talk, seen):
    picture = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 20
    parts = [types.Part.from_bytes(data=picture, mime_type="image/png"), types.Part.from_text(text="hello")]

    async def say(client):
        return await now(client.models.generate_content(model="gemini-x", contents=parts))

    way.talk(at(talk), say)
    shown, text = seen.spans[0].input["messages"][0]["content"]
    assert shown["type"] == "image_url"
    assert "image/png" in json.dumps(shown)
    assert len(json.dumps(shown)) < 300
    assert text == {"type": "text", "text": "hello"}


def test_a_prompt_that_is_refused_is_an_answer_without_a_message(way, wire, seen):
    body = {"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}, "usageMetadata": {"promptTokenCount": 4}}
    wire.will_say(served(body), content_type="application/json")
    assert way.talk(at(wire), generate("x")).candidates is None
    (span,) = seen.spans
    assert (span.status, span.output) == ("ok", {"messages": []})
    assert span.attributes["flightlog.response.block_reason"] == "PROHIBITED_CONTENT"
    assert span.attributes["gen_ai.response.finish_reasons"] == ["prohibited_content"]
    assert span.attributes["gen_ai.usage.input_tokens"] == 4


def test_an_answer_that_was_stopped_for_safety_says_so(way, wire, seen):
    body = {"candidates": [{"finishReason": "SAFETY", "index": 0, "safetyRatings": []}]}
    wire.will_say(served(body), content_type="application/json")
    way.talk(at(wire), generate("x"))
    (span,) = seen.spans
    assert span.attributes["gen_ai.response.finish_reasons"] == ["safety"]
    assert span.output == {"messages": [{"role": "assistant", "content": None}]}


def test_an_answer_that_is_to_be_parsed_is_recorded_as_it_was_served(way, talk, seen):
    config = {"response_mime_type": "application/json", "response_schema": Person}
    assert way.talk(at(talk), generate("person", **config)).parsed == Person(name="Ada", age=36)
    (span,) = seen.spans
    assert span.output["messages"][0]["content"] == '{"name": "Ada", "age": 36}'
    assert span.attributes["gen_ai.output.type"] == "json"
    assert span.attributes["flightlog.request.response_schema"]["required"] == ["name", "age"]


def test_a_chat_s_calls_are_model_calls_with_all_that_was_said_before(way, talk, seen):
    async def say(client):
        chat = client.chats.create(model="gemini-x")
        await now(chat.send_message("hello"))
        await now(chat.send_message("hello"))

    way.talk(at(talk), say)
    _, second = seen.spans
    assert [one["role"] for one in second.input["messages"]] == ["user", "assistant", "user"]
    assert talk.tokens() == (240, 68)


def test_a_refusal_is_the_program_s_exception_and_the_call_s_error(way, talk, seen):
    with pytest.raises(errors.ClientError) as caught:
        way.talk(at(talk), generate("forbidden"))
    assert caught.value.code == 403
    (span,) = seen.spans
    assert (span.status, span.error.type) == ("error", "google.genai.errors.ClientError")
    assert "You shall not pass" in span.error.message
    assert span.attributes["error.type"] == "permission_error"
    assert span.attributes["http.response.status_code"] == 403
    assert "flightlog/integrations" not in span.error.stack


def test_the_client_s_own_retries_are_events_of_one_call(way, talk, seen):
    answer = way.talk(at(talk, retry_options=QUICK), generate("flaky"))
    assert answer.text == "At last."
    assert talk.statuses() == [429, 500, 200]
    (span,) = seen.spans
    assert span.status == "ok"
    told = [event.attributes for event in seen.events if event.name == "retry"]
    assert [(one["attempt"], one["reason"], one["http.response.status_code"]) for one in told] == [
        (1, "429 rate_limit_error", 429),
        (2, "500 server_error", 500),
    ]
    assert all(one["delay"] > 0 for one in told)


def test_retries_for_one_call_alone_are_told_as_well(way, talk, seen):
    async def say(client):
        config = {"http_options": {"retry_options": {**QUICK, "attempts": 2}}}
        return await generate("hopeless", **config)(client)

    with pytest.raises(errors.ClientError):
        way.talk(at(talk), say)
    (span,) = seen.spans
    assert span.status == "error"
    assert len([event for event in seen.events if event.name == "retry"]) == 1


def test_a_server_that_is_not_there_is_an_error_of_the_call(way, seen):
    gone = {"api_key": "nobody", "http_options": {"base_url": "http://127.0.0.1:1"}}
    with pytest.raises(sys.modules["httpx2"].ConnectError):
        way.talk(gone, generate("hello"))
    (span,) = seen.spans
    assert (span.status, span.error.type) == ("error", "httpx2.ConnectError")
    assert span.attributes["error.type"] == "httpx2.ConnectError"


def test_vertex_is_told_by_its_provider_and_the_name_of_its_model(way, wire, seen):
    wire.will_say(served(said({"text": "x"}, reason="STOP")), content_type="application/json")
    options = {
        "vertexai": True,
        "api_key": "nobody",
        "http_options": {"base_url": wire.url, "api_version": "v1"},
    }
    way.talk(options, generate("x"))
    (span,) = seen.spans
    assert span.attributes["gen_ai.provider.name"] == "gcp.vertex_ai"
    assert span.attributes["gen_ai.request.model"] == "gemini-x"


@pytest.mark.parametrize(
    ("model", "body", "said_of_it"),
    [
        (
            "embedder",
            {
                "embeddings": [{"values": [0.5, 0.25]}, {"values": [1, 0]}],
                "usageMetadata": {"promptTokenCount": 6},
            },
            (2, 2, 6),
        ),
        ("embedder", {"embeddings": [{"values": [0.5, 0.25]}, {"values": [1, 0]}]}, (2, 2, None)),
    ],
)
def test_embeddings_say_how_many_and_how_long_and_are_not_kept(way, wire, seen, model, body, said_of_it):
    wire.will_say(served(body), content_type="application/json")

    async def say(client):
        config = {"output_dimensionality": 2}
        return await now(client.models.embed_content(model=model, contents=["one", "two"], config=config))

    assert len(way.talk(at(wire), say).embeddings) == 2
    (span,) = seen.spans
    assert (span.name, span.kind) == ("embeddings embedder", "embedding")
    assert span.input == {"input": ["one", "two"]}
    told = span.attributes
    assert (
        told["flightlog.embedding.count"],
        told["gen_ai.embeddings.dimension.count"],
        told.get("gen_ai.usage.input_tokens"),
    ) == said_of_it
    assert "values" not in str(span.output)


def test_embeddings_of_vertex_are_predictions(way, wire, seen):
    predicted = [
        {"embeddings": {"values": [0.5, 0.25], "statistics": {"token_count": n}}} for n in (3.0, 4.0)
    ]
    wire.will_say(served({"predictions": predicted}), content_type="application/json")

    async def say(client):
        return await now(client.models.embed_content(model="text-embedding-005", contents=["one", "two"]))

    options = {"vertexai": True, "api_key": "nobody", "http_options": {"base_url": wire.url}}
    assert len(way.talk(options, say).embeddings) == 2
    (span,) = seen.spans
    assert span.kind == "embedding"
    assert span.input == {"input": ["one", "two"]}
    assert span.attributes["gen_ai.usage.input_tokens"] == 7


def test_counting_tokens_is_no_call_of_a_model(way, wire, seen):
    wire.will_say(b'{"totalTokens": 5}', content_type="application/json")

    async def say(client):
        return await now(client.models.count_tokens(model="gemini-x", contents="x"))

    assert way.talk(at(wire), say).total_tokens == 5
    assert seen.spans == []


def test_a_call_within_a_block_made_by_hand_counts_once(way, talk, seen):
    async def say(client):
        with fl.llm("gemini-x"):
            await generate("hello")(client)

    way.talk(at(talk), say)
    assert sorted(span.kind for span in seen.spans) == ["http", "llm"]
    (call,) = calls(seen)
    assert call.attributes["gen_ai.usage.input_tokens"] == 120
    assert call.output["messages"][0]["content"] == "Hello! How can I help you today?"


def test_an_answer_of_another_shape_leaves_a_record_and_no_complaint(way, wire, seen, capsys):
    body = b'{"candidates": [], "usageMetadata": {}, "modelVersion": null}'
    wire.will_say(body, content_type="application/json")
    way.talk(at(wire), generate("x"))
    (span,) = seen.spans
    assert span.status == "ok"
    assert not [name for name in span.attributes if "usage" in name]
    assert capsys.readouterr().err == ""
