"""Streamed messages: the program gets every event, the call ends when the stream does, however it ends."""

from __future__ import annotations

import asyncio
import gc
import threading

import anthropic
import pytest
from anthropic_kit import at, begun, block, create, ended, told, user
from provider_kit import each, inside, now, until

import flightlog as fl

ENDED = "flightlog.stream.ended"
TEXT = {"type": "text", "text": ""}


def text(piece):
    return {"type": "text_delta", "text": piece}


def test_a_stream_gives_the_same_events_as_without_us_and_its_call_ends_with_it(way, talk, seen):
    async def say(client):
        events = [item async for item in each(await create("hello", stream=True)(client))]
        with fl.instrument("anthropic") as again:
            assert again.libraries == ()
        fl.uninstrument("anthropic")
        without = [item async for item in each(await create("hello", stream=True)(client))]
        assert [item.type for item in events] == [item.type for item in without]
        return events

    events = way.talk(at(talk), say)
    assert events[-1].type == "message_stop"
    (span,) = seen.spans
    assert (span.status, span.attributes[ENDED]) == ("ok", "complete")
    said = span.output["messages"][0]["content"]
    assert said == [{"type": "text", "text": "Hello! How can I help you today?"}]
    assert span.attributes["gen_ai.request.stream"] is True
    assert span.attributes["gen_ai.usage.input_tokens"] == 120
    assert span.attributes["gen_ai.usage.output_tokens"] == 34
    assert span.attributes["gen_ai.response.finish_reasons"] == ["end_turn"]
    assert span.attributes["gen_ai.response.model"] == "served-model"
    assert span.attributes["flightlog.stream.characters"] == len("Hello! How can I help you today?")
    assert span.attributes["gen_ai.response.time_to_first_chunk"] > 0


def test_the_stream_helper_works_as_without_us_and_is_one_call(way, talk, seen):
    async def say(client):
        async with inside(client.messages.stream(model="m", max_tokens=9, messages=user("hello"))) as stream:
            said = "".join([piece async for piece in each(stream.text_stream)])
            return said, await now(stream.get_final_message())

    said, message = way.talk(at(talk), say)
    assert said == message.content[0].text == "Hello! How can I help you today?"
    (span,) = seen.spans
    assert span.attributes[ENDED] == "complete"
    assert span.output["messages"][0]["content"][0]["text"] == said


def test_tool_calls_thinking_and_citations_are_put_together(way, wire, seen):
    wire.will_say(
        begun(cache_read_input_tokens=100, service_tier="standard"),
        told("ping"),
        *block(
            0,
            {"type": "thinking", "thinking": "", "signature": ""},
            {"type": "thinking_delta", "thinking": "Let me "},
            {"type": "thinking_delta", "thinking": "see."},
            {"type": "signature_delta", "signature": "sig"},
        ),
        *block(
            1,
            {**TEXT, "citations": []},
            {"type": "citations_delta", "citation": {"cited_text": "it"}},
            text("As said."),
        ),
        *block(
            2,
            {"type": "tool_use", "id": "t1", "name": "look", "input": {}},
            {"type": "input_json_delta", "partial_json": ""},
            {"type": "input_json_delta", "partial_json": '{"ci'},
            {"type": "input_json_delta", "partial_json": 'ty": "Oslo"}'},
        ),
        *block(3, {"type": "tool_use", "id": "t2", "name": "now", "input": {}}),
        *ended("tool_use", output_tokens=50, output_tokens_details={"thinking_tokens": 9}),
    )

    async def say(client):
        return [item async for item in each(await create("x", stream=True)(client))]

    way.talk(at(wire), say)
    (span,) = seen.spans
    assert span.output["messages"][0]["content"] == [
        {"type": "thinking", "thinking": "Let me see.", "signature": "sig"},
        {"type": "text", "text": "As said.", "citations": [{"cited_text": "it"}]},
        {"type": "tool_use", "id": "t1", "name": "look", "input": {"city": "Oslo"}},
        {"type": "tool_use", "id": "t2", "name": "now", "input": {}},
    ]
    told_of = {name: value for name, value in span.attributes.items() if "usage" in name}
    assert told_of == {
        "gen_ai.usage.cache_read.input_tokens": 100,
        "gen_ai.usage.input_tokens": 107,
        "gen_ai.usage.output_tokens": 50,
        "gen_ai.usage.reasoning.output_tokens": 9,
    }
    assert span.attributes["flightlog.response.service_tier"] == "standard"
    sizes = [event.attributes["size"] for event in seen.events if event.name == "chunk"]
    assert sizes in ([], [7, 4, 8, 4, 12])  # a level of its own, off unless asked for
    assert span.attributes["flightlog.stream.chunks"] == 5


def test_a_stream_that_is_closed_early_keeps_what_had_come_and_does_not_know_its_output_tokens(
    way, wire, seen
):
    go_on = threading.Event()
    wire.will_say(
        begun(), told("content_block_start", index=0, content_block=TEXT),
        told("content_block_delta", index=0, delta=text("So far")), go_on, *ended(output_tokens=5),
    )  # fmt: skip

    async def say(client):
        stream = await create("x", stream=True)(client)
        async for item in each(stream):
            if item.type == "content_block_delta":
                break
        await now(stream.close())

    try:
        way.talk(at(wire), say)
    finally:
        go_on.set()
    (span,) = seen.spans
    assert (span.status, span.attributes[ENDED]) == ("ok", "early")
    assert span.output["messages"][0]["content"] == [{"type": "text", "text": "So far"}]
    assert span.attributes["gen_ai.usage.input_tokens"] == 7
    assert "gen_ai.usage.output_tokens" not in span.attributes


def test_a_stream_that_is_never_read_ends_its_call_when_it_is_thrown_away(talk, seen):
    with anthropic.Anthropic(**at(talk)) as client:
        stream = client.messages.create(model="m", max_tokens=9, messages=user("hello"), stream=True)
        assert seen.spans == []
        del stream
        gc.collect()
        (span,) = seen.spans
        assert span.attributes[ENDED] == "abandoned"


def test_an_error_that_the_provider_tells_in_the_stream_is_the_call_s_error(way, wire, seen):
    wire.will_say(
        begun(),
        *block(0, TEXT, text("So far"))[:2],
        told("error", error={"type": "overloaded_error", "message": "Overloaded"}),
    )

    async def say(client):
        with pytest.raises(anthropic.APIStatusError, match="Overloaded"):
            async for _ in each(await create("x", stream=True)(client)):
                pass

    way.talk(at(wire), say)
    (span,) = seen.spans
    assert span.status == "error"
    assert (span.error.type, span.error.message) == ("overloaded_error", "Overloaded")
    assert span.attributes["error.type"] == "overloaded_error"
    assert span.output["messages"][0]["content"] == [{"type": "text", "text": "So far"}]


def test_a_connection_that_breaks_in_the_middle_is_the_call_s_error(way, wire, seen):
    wire.will_say(begun(), *block(0, TEXT, text("This will be "))[:2], None)

    async def say(client):
        with pytest.raises(Exception, match=r"closed|peer|disconnected"):
            async for _ in each(await create("x", stream=True)(client)):
                pass

    way.talk(at(wire), say)
    (span,) = seen.spans
    assert (span.status, span.attributes[ENDED]) == ("error", "broken")
    assert span.output["messages"][0]["content"] == [{"type": "text", "text": "This will be "}]


def test_a_task_that_is_cancelled_while_it_reads_cancels_its_call(wire, seen):
    never = threading.Event()
    wire.will_say(begun(), never)

    async def main():
        async with anthropic.AsyncAnthropic(**at(wire)) as client:
            came = asyncio.Event()

            async def read():
                async for _ in await create("x", stream=True)(client):
                    came.set()

            task = asyncio.create_task(read())
            await came.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

    try:
        asyncio.run(main())
    finally:
        never.set()
    until(lambda: seen.spans, "the span")
    (span,) = seen.spans
    assert span.status == "cancelled"


def test_tasks_that_stream_side_by_side_do_not_mix(talk, seen):
    async def main():
        async with anthropic.AsyncAnthropic(**at(talk)) as client:

            async def read(number):
                with fl.span(f"task {number}"):
                    async for _ in await create("hello", stream=True)(client):
                        await asyncio.sleep(0)

            await asyncio.gather(*(read(number) for number in range(5)))
            assert not fl.current()

    asyncio.run(main())
    tasks = {span.span_id for span in seen.spans if span.name.startswith("task ")}
    calls = [span for span in seen.spans if span.kind == "llm"]
    assert {span.parent_id for span in calls} == tasks
    assert {span.output["messages"][0]["content"][0]["text"] for span in calls} == {
        "Hello! How can I help you today?"
    }
