"""Streams go through untouched, and their calls end when they do: read to the end, closed, dropped or broken."""

from __future__ import annotations

import asyncio
import gc
import gzip
import json
import threading

import openai
import pytest
from openai_kit import DONE, chunk
from provider_kit import TOOLS, USAGE, each, event, inside, now, user

import flightlog as fl

ENDED = "flightlog.stream.ended"
COUNTED = {"include_usage": True}


def create(client, text="hello", **more):
    return now(client.chat.completions.create(model="m", messages=user(text), stream=True, **more))


def without_us(way, options, say):
    """The same, before the recorder is there."""
    fl.uninstrument()
    try:
        return way.talk(options, say)
    finally:
        fl.instrument("openai")


def test_a_stream_gives_the_same_chunks_as_without_us_and_its_call_ends_with_it(way, talk, seen):
    async def say(client):
        stream = await create(client, stream_options=COUNTED)
        assert seen.spans == []
        return type(stream), [item.model_dump(exclude={"id", "created"}) async for item in each(stream)]

    plain = without_us(way, talk.options(), say)
    assert way.talk(talk.options(), say) == plain
    assert plain[0] is (openai.AsyncStream if way.is_async else openai.Stream)
    (span,) = seen.spans
    assert span.status == "ok"
    assert span.output == {"messages": [{"role": "assistant", "content": "Hello! How can I help you today?"}]}
    attributes = span.attributes
    assert attributes["gen_ai.usage.input_tokens"] == USAGE["prompt_tokens"]
    assert attributes["gen_ai.usage.output_tokens"] == USAGE["completion_tokens"]
    assert attributes["gen_ai.response.finish_reasons"] == ["stop"]
    assert attributes["gen_ai.request.stream"] is True
    assert attributes[ENDED] == "complete"


def test_a_stream_without_usage_has_no_tokens_rather_than_none_served(way, talk, seen):
    async def say(client):
        return [item async for item in each(await create(client))]

    assert way.talk(talk.options(), say)
    (span,) = seen.spans
    assert span.output["messages"][0]["content"] == "Hello! How can I help you today?"
    assert not [name for name in span.attributes if name.startswith("gen_ai.usage")]


def test_chunks_are_summed_up_and_listed_without_their_text(way, talk, seen):
    async def say(client):
        async for _ in each(await create(client)):
            pass

    way.talk(talk.options(), say)
    (span,) = seen.spans
    chunks = [event for event in seen.events if event.name == "chunk"]
    assert {event.span_id for event in chunks} == {span.span_id}
    assert {event.level for event in chunks} == {"trace"}
    assert [event.attributes for event in chunks] == [{"size": 20, "index": 0}, {"size": 12, "index": 1}]
    assert span.attributes["flightlog.stream.chunks"] == 2
    assert span.attributes["flightlog.stream.characters"] == 32
    assert span.attributes["gen_ai.response.time_to_first_chunk"] > 0


def test_the_time_to_the_first_piece_is_the_provider_s_and_not_the_whole_stream_s(way, wire, seen):
    more = threading.Event()
    wire.will_say(
        chunk({"role": "assistant", "content": ""}),
        chunk({"content": "a"}),
        more,
        chunk({"content": "b"}),
        DONE,
    )

    async def say(client):
        pieces = []
        async for item in each(await create(client)):
            pieces.append(item.choices[0].delta.content)
            if pieces[-1] == "a":
                assert seen.spans == []
                more.set()
        return pieces

    assert way.talk(wire.options(), say) == ["", "a", "b"]
    (span,) = seen.spans
    first = span.attributes["gen_ai.response.time_to_first_chunk"]
    gap = span.attributes["flightlog.stream.longest_gap_ns"]
    assert first * 1e9 + gap <= span.end - span.start


def test_a_streamed_tool_call_is_put_together(way, talk, seen):
    async def say(client):
        return [item async for item in each(await create(client, "weather", tools=TOOLS))]

    way.talk(talk.options(), say)
    (span,) = seen.spans
    (message,) = span.output["messages"]
    calls = message["tool_calls"]
    assert [call["id"] for call in calls] == ["call_1", "call_2"]
    assert [call["function"]["name"] for call in calls] == ["get_weather", "get_time"]
    assert [json.loads(call["function"]["arguments"]) for call in calls] == [{"city": "Oslo"}] * 2
    assert span.attributes["gen_ai.response.finish_reasons"] == ["tool_calls"]


def test_choices_are_told_apart(way, wire, seen):
    def of(index, delta, finish=None):
        return chunk(None, choices=[{"index": index, "delta": delta, "finish_reason": finish}])

    wire.will_say(
        of(1, {"content": "b1"}),
        of(0, {"content": "a1"}),
        of(1, {"content": "b2"}, "length"),
        of(0, {"content": "a2"}, "stop"),
        DONE,
    )

    async def say(client):
        return [item async for item in each(await create(client, n=2))]

    assert len(way.talk(wire.options(), say)) == 4
    (span,) = seen.spans
    assert [message["content"] for message in span.output["messages"]] == ["a1a2", "b1b2"]
    assert span.attributes["gen_ai.response.finish_reasons"] == ["stop", "length"]
    assert span.attributes["gen_ai.request.choice.count"] == 2


@pytest.mark.parametrize("how", ["close", "block", "response"])
def test_a_stream_that_is_closed_early_ends_its_call_with_what_had_come(way, talk, seen, how):
    async def say(client):
        stream = await create(client)
        if how == "block":
            async with inside(stream):
                await anext(each(stream))
        else:
            async for item in each(stream):
                if item.choices[0].delta.content:
                    break
            if how == "close":
                await now(stream.close())
            else:
                await now(stream.response.aclose() if way.is_async else stream.response.close())

    way.talk(talk.options(), say)
    (span,) = seen.spans
    assert (span.status, span.attributes[ENDED]) == ("ok", "early")
    assert "gen_ai.response.finish_reasons" not in span.attributes
    assert "gen_ai.usage.output_tokens" not in span.attributes
    content = "" if how == "block" else "Hello! How can I hel"
    assert span.output == {"messages": [{"role": "assistant", "content": content}]}


def test_a_stream_that_is_never_read_ends_its_call_when_it_is_thrown_away(talk, seen):
    with openai.OpenAI(**talk.options()) as client:
        stream = client.chat.completions.create(model="m", messages=user("hello"), stream=True)
        assert seen.spans == []
        del stream
        gc.collect()
        (span,) = seen.spans
        assert (span.status, span.attributes[ENDED]) == ("ok", "abandoned")


def test_a_stream_that_is_left_in_the_middle_ends_its_call(way, talk, seen):
    async def say(client):
        async for _ in each(await create(client)):
            break
        gc.collect()

    way.talk(talk.options(), say)
    gc.collect()
    (span,) = seen.spans
    assert span.attributes[ENDED] in {"early", "abandoned"}
    assert span.status == "ok"


def test_a_connection_that_breaks_in_the_middle_is_the_call_s_error(way, wire, seen):
    wire.will_say(chunk({"content": "This will be "}), None)

    async def say(client):
        with pytest.raises(openai.APIConnectionError):
            async for _ in each(await create(client)):
                pass

    way.talk(wire.options(), say)
    (span,) = seen.spans
    assert (span.status, span.attributes[ENDED]) == ("error", "broken")
    assert span.error.type == "httpx2.RemoteProtocolError"
    assert span.output["messages"][0]["content"] == "This will be "


def test_an_error_that_the_provider_tells_in_the_stream_is_the_call_s_error(way, wire, seen):
    told = {"error": {"message": "The server had an error", "type": "server_error", "code": None}}
    wire.will_say(chunk({"content": "So far"}), event(told), DONE)

    async def say(client):
        with pytest.raises(openai.APIError, match="The server had an error"):
            async for _ in each(await create(client)):
                pass

    way.talk(wire.options(), say)
    (span,) = seen.spans
    assert span.status == "error"
    assert (span.error.type, span.error.message) == ("server_error", "The server had an error")
    assert span.attributes["error.type"] == "server_error"
    assert span.output["messages"][0]["content"] == "So far"


def test_a_consumer_that_raises_gets_its_own_exception_and_the_call_no_error(way, talk, seen):
    async def say(client):
        with pytest.raises(ZeroDivisionError):
            async with inside(await create(client)) as stream:
                async for _ in each(stream):
                    raise ZeroDivisionError

    way.talk(talk.options(), say)
    (span,) = seen.spans
    assert (span.status, span.attributes[ENDED]) == ("ok", "early")


def test_cached_and_reasoning_tokens_of_a_stream_are_recorded(way, wire, seen):
    usage = {
        "prompt_tokens": 100,
        "completion_tokens": 50,
        "total_tokens": 150,
        "prompt_tokens_details": {"cached_tokens": 64, "cache_write_tokens": 16},
        "completion_tokens_details": {"reasoning_tokens": 40},
    }
    wire.will_say(chunk({"content": "x"}, "stop"), chunk(usage=usage), DONE)

    async def say(client):
        return [item async for item in each(await create(client, stream_options=COUNTED))]

    way.talk(wire.options(), say)
    (span,) = seen.spans
    counts = {
        name.removeprefix("gen_ai.usage."): value
        for name, value in span.attributes.items()
        if ".usage." in name
    }
    assert counts == {
        "input_tokens": 100,
        "output_tokens": 50,
        "cache_read.input_tokens": 64,
        "cache_write.input_tokens": 16,
        "reasoning.output_tokens": 40,
    }


def test_a_compressed_stream_is_read_as_well(way, wire, seen):
    body = gzip.compress(chunk({"content": "packed"}) + DONE)
    wire.will_say(body[:20], body[20:], Content_Encoding="gzip")

    async def say(client):
        return [item.choices[0].delta.content async for item in each(await create(client))]

    assert way.talk(wire.options(), say) == ["packed"]
    (span,) = seen.spans
    assert span.output["messages"][0]["content"] == "packed"


def test_events_that_are_cut_anywhere_are_read_as_the_client_reads_them(way, wire, seen):
    body = (
        chunk({"content": "ä"})
        + b": a remark\r\n\r\n"
        + chunk({"content": "é"}).replace(b"\n", b"\r\n")
        + DONE
    )
    wire.will_say(*(bytes([byte]) for byte in body))

    async def say(client):
        return [item.choices[0].delta.content async for item in each(await create(client))]

    assert way.talk(wire.options(), say) == ["ä", "é"]
    (span,) = seen.spans
    assert span.output["messages"][0]["content"] == "äé"


def test_the_stream_helper_works_as_without_us_and_is_one_call(way, talk, seen):
    async def say(client):
        manager = client.chat.completions.stream(model="m", messages=user("hello"), stream_options=COUNTED)
        async with inside(manager) as stream:
            kinds = [item.type async for item in each(stream)]
            final = await now(stream.get_final_completion())
            return type(stream), kinds, final.choices[0].message.content

    plain = without_us(way, talk.options(), say)
    assert way.talk(talk.options(), say) == plain
    (span,) = seen.spans
    assert span.output["messages"][0]["content"] == plain[2]
    assert span.attributes["gen_ai.usage.output_tokens"] == USAGE["completion_tokens"]
    assert span.attributes[ENDED] == "complete"


def test_lines_of_a_streaming_response_are_recorded_as_a_stream(way, talk, seen):
    async def say(client):
        make = client.chat.completions.with_streaming_response.create
        async with inside(make(model="m", messages=user("hello"), stream=True)) as response:
            return [line async for line in each(response.iter_lines())]

    assert "data: [DONE]" in way.talk(talk.options(), say)
    (span,) = seen.spans
    assert span.output["messages"][0]["content"] == "Hello! How can I help you today?"
    assert span.attributes[ENDED] == "complete"


def test_a_raw_response_of_a_stream_is_recorded_when_it_is_read(way, talk, seen):
    async def say(client):
        raw = await now(
            client.chat.completions.with_raw_response.create(model="m", messages=user("hello"), stream=True)
        )
        assert seen.spans == []
        return [item async for item in each(raw.parse())]

    assert way.talk(talk.options(), say)
    (span,) = seen.spans
    assert span.output["messages"][0]["content"] == "Hello! How can I help you today?"


def test_what_is_done_between_two_pieces_does_not_belong_to_the_call(way, talk, seen):
    async def say(client):
        with fl.span("around"):
            stream = await create(client)
            async for _ in each(stream):
                with fl.span("between"):
                    pass

    way.talk(talk.options(), say)
    around, call = seen.span("around"), seen.span("chat m")
    assert call.parent_id == around.span_id
    between = [span for span in seen.spans if span.name == "between"]
    assert len(between) > 2
    assert {span.parent_id for span in between} == {around.span_id}


def test_a_response_that_has_been_read_holds_nothing_of_ours(way, talk, seen):
    async def say(client):
        stream = await create(client)
        assert [item async for item in each(stream)]
        return vars(stream.response)

    assert not {"iter_bytes", "aiter_bytes", "close", "aclose"} & set(way.talk(talk.options(), say))


def test_a_stream_that_is_read_in_another_thread_ends_its_call_there(talk, seen):
    with openai.OpenAI(**talk.options()) as client:
        with fl.span("around"):
            stream = client.chat.completions.create(model="m", messages=user("hello"), stream=True)
        reader = threading.Thread(target=lambda: list(stream))
        reader.start()
        reader.join()
    call = seen.span("chat m")
    assert call.parent_id == seen.span("around").span_id
    assert call.attributes[ENDED] == "complete"


def test_a_task_that_is_cancelled_while_it_reads_cancels_its_call(wire, seen):
    never = threading.Event()
    wire.will_say(chunk({"content": "a"}), never)

    async def main():
        arrived = asyncio.Event()

        async def read(client):
            async for _ in await create(client):
                arrived.set()

        async with openai.AsyncOpenAI(**wire.options()) as client:
            reading = asyncio.create_task(read(client))
            await arrived.wait()
            reading.cancel()
            with pytest.raises(asyncio.CancelledError):
                await reading

    try:
        asyncio.run(main())
    finally:
        never.set()
    (span,) = seen.spans
    assert (span.status, span.attributes[ENDED]) == ("cancelled", "broken")
    assert span.output["messages"][0]["content"] == "a"


def test_an_event_that_never_ends_counts_as_little_as_for_the_client(way, wire, seen):
    wire.will_say(chunk({"content": "a"}), chunk({"content": "b"}).strip())

    async def say(client):
        return len([item async for item in each(await create(client))])

    assert way.talk(wire.options(), say) == 1
    (span,) = seen.spans
    assert (span.status, span.attributes[ENDED]) == ("ok", "complete")
    assert span.output["messages"][0]["content"] == "a"


def test_tasks_that_stream_side_by_side_do_not_mix(wire, seen):
    gates = [threading.Event() for _ in range(3)]
    for number, gate in enumerate(gates):
        wire.will_say(chunk({"content": f"{number}a"}), gate, chunk({"content": f"{number}b"}), DONE)

    async def one(client, number):
        with fl.span(f"task {number}"):
            text = ""
            async for item in await create(client, f"number {number}"):
                text += item.choices[0].delta.content
                gates[int(text[0])].set()
            return text

    async def main():
        async with openai.AsyncOpenAI(**wire.options()) as client:
            return await asyncio.gather(*(one(client, number) for number in range(3)))

    texts = asyncio.run(main())
    assert sorted(texts) == ["0a0b", "1a1b", "2a2b"]
    tasks = {span.span_id: span for span in seen.spans if span.name.startswith("task")}
    for call in (span for span in seen.spans if span.name == "chat m"):
        number = call.input["messages"][0]["content"].removeprefix("number ")
        assert tasks[call.parent_id].name == f"task {number}"
        assert call.output["messages"][0]["content"] == texts[int(number)]
