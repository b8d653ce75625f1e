"""Streamed answers are put together as they are read, and say how they ended."""

from __future__ import annotations

import asyncio
import gc
import threading

import httpx2
import pytest
from mistral_kit import DONE, THOUGHT, Asking, at, calls, chunk, complete, stream
from mistralai import client as package
from mistralai.client import errors
from provider_kit import user

import flightlog as fl

USED = {"prompt_tokens": 9, "completion_tokens": 4, "total_tokens": 13}


def test_a_stream_read_to_its_end_has_all_that_was_said(way, talk, seen):
    items = way.talk(at(talk), stream("hello"))
    assert len(items) > 1
    (span,) = seen.spans
    assert span.status == "ok"
    assert span.output == {"messages": [{"role": "assistant", "content": "Hello! How can I help you today?"}]}
    told = span.attributes
    assert told["flightlog.stream.ended"] == "complete"
    assert told["flightlog.stream.characters"] == len("Hello! How can I help you today?")
    assert told["gen_ai.response.time_to_first_chunk"] > 0
    assert told["gen_ai.response.finish_reasons"] == ["stop"]
    assert told["gen_ai.request.stream"] is True
    assert not [name for name in told if "usage" in name], "this provider tells no usage in a stream"


def test_thoughts_tools_and_tokens_are_put_together_from_their_pieces(way, wire, seen):
    call = {
        "id": "t1",
        "type": "function",
        "index": 0,
        "function": {"name": "get_weather", "arguments": '{"city": '},
    }
    rest = {"index": 0, "function": {"name": "", "arguments": '"Oslo"}'}}
    wire.will_say(
        chunk({"role": "assistant", "content": THOUGHT[:1]}),
        chunk({"content": "It "}),
        chunk({"content": "rains."}),
        chunk({"tool_calls": [call]}),
        chunk({"tool_calls": [rest]}),
        chunk({"content": ""}, "tool_calls", usage=USED),
        DONE,
    )
    way.talk(at(wire), stream("x"))
    (span,) = seen.spans
    (message,) = span.output["messages"]
    assert message["reasoning_content"] == "Let me think."
    assert message["content"] == "It rains."
    (called,) = message["tool_calls"]
    assert (called["id"], called["function"]["arguments"]) == ("t1", '{"city": "Oslo"}')
    assert span.attributes["gen_ai.usage.input_tokens"] == 9
    assert span.attributes["gen_ai.usage.output_tokens"] == 4


def test_parts_that_are_no_text_are_kept(way, wire, seen):
    reference = {"type": "reference", "reference_ids": [1]}
    wire.will_say(
        chunk({"role": "assistant", "content": [{"type": "text", "text": "See"}, reference]}),
        chunk({"content": " it."}, "stop", usage=USED),
        DONE,
    )
    way.talk(at(wire), stream("x"))
    assert seen.spans[0].output["messages"][0]["content"] == [{"type": "text", "text": "See it."}, reference]


def first_of(text):
    async def say(ask):
        items = await ask("chat.stream", model="m", messages=user(text))
        if hasattr(items, "__aiter__"):
            async with items:
                return (await anext(items)).data
        with items:
            return next(items).data

    return say


def test_a_stream_that_is_left_early_says_so(way, wire, seen):
    hold = threading.Event()
    wire.will_say(chunk({"content": "One"}), hold, chunk({"content": "Two"}, "stop"), DONE)
    way.talk(at(wire), first_of("x"))
    hold.set()
    (span,) = seen.spans
    assert (span.status, span.attributes["flightlog.stream.ended"]) == ("ok", "early")
    assert span.output["messages"][0]["content"] == "One"
    assert "gen_ai.usage.output_tokens" not in span.attributes


def test_a_stream_that_breaks_is_an_error_with_what_had_come(way, wire, seen):
    wire.will_say(chunk({"content": "One"}), None)
    with pytest.raises(httpx2.RemoteProtocolError):
        way.talk(at(wire), stream("x"))
    (span,) = seen.spans
    assert (span.status, span.attributes["flightlog.stream.ended"]) == ("error", "broken")
    assert span.output["messages"][0]["content"] == "One"


def test_a_refusal_of_a_stream_is_the_call_s_error(way, talk, seen):
    with pytest.raises(errors.SDKError):
        way.talk(at(talk), stream("forbidden"))
    (span,) = seen.spans
    assert (span.status, span.attributes["error.type"]) == ("error", "permission_error")
    assert span.attributes["http.response.status_code"] == 403


def test_a_stream_that_nobody_reads_ends_when_it_is_dropped(way, talk, seen):
    async def say(ask):
        items = await ask("chat.stream", model="m", messages=user("hello"))
        del items
        gc.collect()

    way.talk(at(talk), say)
    gc.collect()
    (span,) = seen.spans
    assert (span.status, span.attributes["flightlog.stream.ended"]) == ("ok", "abandoned")


def test_calls_side_by_side_stand_below_whoever_made_them(talk, seen):
    async def main():
        async with package.Mistral(api_key="nobody", server_url=talk.url) as client:
            ask = Asking(client, is_async=True)

            async def one(name, say):
                with fl.span(name):
                    await say("hello")(ask)

            await asyncio.gather(*(one(f"task {n}", stream if n % 2 else complete) for n in range(6)))

    asyncio.run(main())
    owners = {span.span_id: span.name for span in seen.spans if span.kind == "step"}
    assert sorted(owners[call.parent_id] for call in calls(seen)) == [f"task {n}" for n in range(6)]


def test_calls_in_threads_stand_below_whoever_made_them(talk, seen):
    with package.Mistral(api_key="nobody", server_url=talk.url) as client:

        def one(name):
            with fl.span(name), client.chat.stream(model="m", messages=user("hello")) as items:
                for _ in items:
                    pass

        threads = [threading.Thread(target=one, args=(f"thread {n}",)) for n in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    owners = {span.span_id: span.name for span in seen.spans if span.kind == "step"}
    assert sorted(owners[call.parent_id] for call in calls(seen)) == [f"thread {n}" for n in range(4)]


def test_a_task_that_is_cancelled_leaves_a_cancelled_call(wire, seen):
    hold = threading.Event()
    wire.will_say(chunk({"content": "One"}), hold)

    async def main():
        async with package.Mistral(api_key="nobody", server_url=wire.url) as client:
            begun = asyncio.Event()

            async def reading():
                async for _ in await client.chat.stream_async(model="m", messages=user("x")):
                    begun.set()

            task = asyncio.create_task(reading())
            await begun.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            hold.set()

    asyncio.run(main())
    (span,) = seen.spans
    assert span.status == "cancelled"


def test_the_line_that_called_is_the_program_s(talk, seen):
    with package.Mistral(api_key="nobody", server_url=talk.url) as client:
        client.chat.complete(model="m", messages=user("hello"))
    told = seen.spans[0].attributes
    assert (told["code.file.path"], told["code.function.name"]) == (
        __file__,
        "test_the_line_that_called_is_the_program_s",
    )
