"""Streamed answers are put together as they are read, and say how they ended."""

from __future__ import annotations

import asyncio
import gc
import sys
import threading

import pytest
from gemini_kit import at, calls, chunk, generate, said, stream
from google import genai
from google.genai import errors
from provider_kit import each, event

import flightlog as fl

USED = {"promptTokenCount": 9, "candidatesTokenCount": 2, "thoughtsTokenCount": 1}


def read(text):
    async def say(client):
        return [item async for item in each(await stream(text)(client))]

    return say


def test_a_stream_read_to_its_end_has_all_that_was_said_and_used(way, talk, seen):
    items = way.talk(at(talk), read("hello"))
    assert len(items) > 1
    (span,) = seen.spans
    assert span.status == "ok"
    assert span.output == {"messages": [{"role": "assistant", "content": "Hello! How can I help you today?"}]}
    told = span.attributes
    assert (
        (told["gen_ai.usage.input_tokens"], told["gen_ai.usage.output_tokens"]) == talk.tokens() == (120, 34)
    )
    assert told["flightlog.stream.ended"] == "complete"
    assert told["flightlog.stream.characters"] == len("Hello! How can I help you today?")
    assert told["flightlog.stream.chunks"] == len(items)
    assert told["gen_ai.response.time_to_first_chunk"] > 0
    assert told["gen_ai.request.stream"] is True


def test_thoughts_and_calls_are_put_together_from_their_pieces(way, wire, seen):
    called = {"functionCall": {"name": "get_weather", "args": {"city": "Oslo"}, "id": "c1"}}
    wire.will_say(
        chunk({"text": "Let me ", "thought": True}),
        chunk({"text": "think.", "thought": True, "thoughtSignature": "c2ln"}),
        chunk({"text": "It "}, usageMetadata={"promptTokenCount": 9}),
        chunk(
            {"text": "rains."},
            called,
            reason="STOP",
            usageMetadata=USED,
            modelVersion="served",
            responseId="r1",
        ),
    )
    way.talk(at(wire), read("x"))
    (span,) = seen.spans
    (message,) = span.output["messages"]
    assert message["reasoning_content"] == "Let me think."
    assert message["content"] == "It rains."
    assert [(one["id"], one["function"]["name"]) for one in message["tool_calls"]] == [("c1", "get_weather")]
    told = span.attributes
    assert (told["gen_ai.response.model"], told["gen_ai.response.id"]) == ("served", "r1")
    assert (told["gen_ai.usage.input_tokens"], told["gen_ai.usage.output_tokens"]) == (9, 3)


def test_a_stream_that_is_left_early_knows_what_went_in_and_not_what_came_out(way, wire, seen):
    hold = threading.Event()
    wire.will_say(chunk({"text": "One"}, usageMetadata=USED), hold, chunk({"text": "Two"}, reason="STOP"))

    async def say(client):
        items = await stream("x")(client)
        async for _ in each(items):
            break
        await (items.aclose() if way.is_async else _closed(items))

    way.talk(at(wire), say)
    hold.set()
    (span,) = seen.spans
    assert (span.status, span.attributes["flightlog.stream.ended"]) == ("ok", "early")
    assert span.output["messages"][0]["content"] == "One"
    assert span.attributes["gen_ai.usage.input_tokens"] == 9
    assert "gen_ai.usage.output_tokens" not in span.attributes


async def _closed(items):
    items.close()


def test_a_stream_that_breaks_is_an_error_with_what_had_come(way, wire, seen):
    wire.will_say(chunk({"text": "One"}), None)
    with pytest.raises(sys.modules["httpx2"].RemoteProtocolError):
        way.talk(at(wire), read("x"))
    (span,) = seen.spans
    assert (span.status, span.attributes["flightlog.stream.ended"]) == ("error", "broken")
    assert span.error.type == "httpx2.RemoteProtocolError"
    assert span.output["messages"][0]["content"] == "One"


def test_a_failure_that_is_told_within_a_stream_is_the_call_s_error(way, wire, seen):
    failure = {"error": {"code": 503, "message": "Overloaded", "status": "UNAVAILABLE"}}
    wire.will_say(chunk({"text": "One"}), event(failure))
    with pytest.raises(errors.ServerError):
        way.talk(at(wire), read("x"))
    (span,) = seen.spans
    assert (span.status, span.attributes["error.type"]) == ("error", "UNAVAILABLE")
    assert span.attributes["http.response.status_code"] == 503


def test_a_refusal_of_a_stream_is_the_call_s_error(way, talk, seen):
    with pytest.raises(errors.ClientError):
        way.talk(at(talk), read("forbidden"))
    (span,) = seen.spans
    assert (span.status, span.attributes["error.type"]) == ("error", "permission_error")


def test_a_stream_that_is_never_begun_makes_no_request_and_no_record(talk, seen):
    async def main():
        client = genai.Client(**at(talk))
        client.models.generate_content_stream(model="gemini-x", contents="hello")
        await stream("hello")(client.aio)
        await client.aio.aclose()

    asyncio.run(main())
    gc.collect()
    assert talk.served() == []
    assert seen.spans == []


def test_a_task_that_is_cancelled_while_it_waits_leaves_a_cancelled_call(wire, seen):
    hold = threading.Event()
    wire.will_say(chunk({"text": "One"}), hold)

    async def main():
        client = genai.Client(**at(wire))
        begun = asyncio.Event()

        async def reading():
            async for _ in await stream("x")(client.aio):
                begun.set()

        task = asyncio.create_task(reading())
        await begun.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        hold.set()
        await client.aio.aclose()

    asyncio.run(main())
    (span,) = seen.spans
    assert span.status == "cancelled"


def test_calls_side_by_side_stand_below_whoever_made_them(talk, seen):
    async def main():
        client = genai.Client(**at(talk))

        async def one(name, ask):
            with fl.span(name):
                if ask is stream:
                    async for _ in await stream("hello")(client.aio):
                        pass
                else:
                    await ask("hello")(client.aio)

        await asyncio.gather(*(one(f"task {n}", stream if n % 2 else generate) for n in range(6)))
        await client.aio.aclose()

    asyncio.run(main())
    owners = {span.span_id: span.name for span in seen.spans if span.kind == "step"}
    assert sorted(owners[call.parent_id] for call in calls(seen)) == [f"task {n}" for n in range(6)]


def test_streams_in_threads_stand_below_whoever_made_them(talk, seen):
    client = genai.Client(**at(talk))

    def one(name):
        with fl.span(name):
            for _ in client.models.generate_content_stream(model="gemini-x", contents="hello"):
                pass

    threads = [threading.Thread(target=one, args=(f"thread {n}",)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    owners = {span.span_id: span.name for span in seen.spans if span.kind == "step"}
    assert sorted(owners[call.parent_id] for call in calls(seen)) == [f"thread {n}" for n in range(4)]


def test_between_two_pieces_the_call_is_not_the_current_span(way, talk, seen):
    async def say(client):
        with fl.span("reader"):
            async for _ in each(await stream("hello")(client)):
                with fl.span("piece"):
                    pass

    way.talk(at(talk), say)
    (reader,) = [span for span in seen.spans if span.name == "reader"]
    assert {span.parent_id for span in seen.spans if span.name == "piece"} == {reader.span_id}
    assert {span.parent_id for span in calls(seen)} == {reader.span_id}


def test_the_line_that_called_is_the_program_s(talk, seen):
    client = genai.Client(**at(talk))
    for _ in client.models.generate_content_stream(model="gemini-x", contents="hello"):
        pass
    told = seen.spans[0].attributes
    assert (told["code.file.path"], told["code.function.name"]) == (
        __file__,
        "test_the_line_that_called_is_the_program_s",
    )


def test_several_candidates_are_kept_apart(way, wire, seen):
    second = {"content": {"role": "model", "parts": [{"text": "B"}]}, "index": 1}
    wire.will_say(
        event({"candidates": [*said({"text": "A"})["candidates"], second]}),
        event(
            {
                "candidates": [
                    *said({"text": "a"}, reason="STOP")["candidates"],
                    {**second, "finishReason": "STOP"},
                ]
            }
        ),
    )
    way.talk(at(wire), read("x"))
    assert [one["content"] for one in seen.spans[0].output["messages"]] == ["Aa", "BB"]
