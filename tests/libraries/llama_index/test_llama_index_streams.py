"""Streams: the call goes on while the program reads, ends as the stream does, and is current between no two pieces."""

from __future__ import annotations

import asyncio
import gc
import threading

import openai
import pytest
from provider_kit import each, event, now

import flightlog as fl

INPUT, OUTPUT = "gen_ai.usage.input_tokens", "gen_ai.usage.output_tokens"
SAID = "Hello! How can I help you today?"
ENDED = "flightlog.stream.ended"
USED = {"stream_options": {"include_usage": True}}


def chunk(text):
    choice = {"index": 0, "delta": {"role": "assistant", "content": text}, "finish_reason": None}
    return event(
        {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]}
    )


async def read(method, *args, **kwargs):
    return [piece async for piece in each(await now(method(*args, **kwargs)))]


@pytest.mark.parametrize("method", ["stream_chat", "astream_chat", "stream_complete", "astream_complete"])
def test_a_stream_that_is_read_is_one_call_with_its_tokens(seen, talk, model, asked, method):
    given = asked("hello") if "chat" in method else "hello"
    pieces = asyncio.run(read(getattr(model(), method), given, **USED))
    assert "".join(piece.delta or "" for piece in pieces) == SAID
    (span,) = seen.spans
    known = span.attributes
    assert (span.kind, span.status, known[ENDED]) == ("llm", "ok", "complete")
    assert (known[INPUT], known[OUTPUT]) == talk.tokens() == (120, 34)
    assert span.output == {"messages": [{"role": "assistant", "content": SAID}]}
    assert known["gen_ai.response.finish_reasons"] == ["stop"]
    assert known["flightlog.stream.characters"] == len(SAID)
    assert known["gen_ai.response.time_to_first_chunk"] > 0
    assert known["gen_ai.request.stream"] is True


@pytest.mark.parametrize("method", ["stream_chat", "astream_chat"])
def test_a_stream_without_usage_knows_no_tokens(both, model, asked, method):
    asyncio.run(read(getattr(model(), method), asked("hello")))
    assert [span.kind for span in both.spans] == ["http", "llm"]
    assert not any(INPUT in span.attributes for span in both.spans)


@pytest.mark.parametrize("method", ["stream_chat", "astream_chat"])
def test_a_streamed_call_counts_once_where_the_client_is_recorded_as_well(both, talk, model, asked, method):
    asyncio.run(read(getattr(model(), method), asked("hello"), **USED))
    request, call = both.spans
    assert (request.kind, call.kind, request.parent_id) == ("http", "llm", call.span_id)
    assert (call.attributes[INPUT], call.attributes[OUTPUT]) == talk.tokens()
    assert INPUT not in request.attributes


def test_between_two_pieces_the_call_is_not_current(seen, model, asked):
    with fl.span("reader"):
        for _ in model().stream_chat(asked("hello")):
            with fl.span("piece"):
                pass
    names = {span.span_id: span.name for span in seen.spans}
    assert {names[span.parent_id] for span in seen.spans if span.name == "piece"} == {"reader"}


def test_two_streams_read_in_turns_are_two_calls(both, talk, model, asked):
    one, two = (model().stream_chat(asked("hello"), **USED) for _ in range(2))
    for _ in zip(one, two, strict=True):
        pass
    next(two, None)
    calls = [span for span in both.spans if span.kind == "llm"]
    assert [span.attributes[ENDED] for span in calls] == ["complete", "complete"]
    assert sum(span.attributes[INPUT] for span in calls) == talk.tokens()[0] == 240


def test_a_stream_that_is_closed_early_says_so(seen, model, asked):
    stream = model().stream_chat(asked("hello"))
    next(stream)
    stream.close()
    (span,) = seen.spans
    assert (span.status, span.attributes[ENDED]) == ("ok", "early")
    assert INPUT not in span.attributes


def test_a_stream_that_is_closed_early_counts_once(both, talk, model, asked):
    stream = model().stream_chat(asked("hello"))
    next(stream)
    stream.close()
    gc.collect()  # the client's own stream is not closed by the library, only collected
    assert [span.kind for span in both.spans].count("llm") == len(talk.served()) == 1


async def closed_early(model, asked):
    stream = await model().astream_chat(asked("hello"))
    await anext(stream)
    await stream.aclose()


def test_a_stream_for_tasks_that_is_closed_early_says_so(seen, model, asked):
    asyncio.run(closed_early(model, asked))
    (span,) = seen.spans
    assert (span.status, span.attributes[ENDED]) == ("ok", "early")


def test_a_stream_that_nobody_reads_is_abandoned(seen, model, asked):
    stream = model().stream_chat(asked("hello"))
    assert seen.spans == []
    del stream
    gc.collect()
    (span,) = seen.spans
    assert span.attributes[ENDED] == "abandoned"


def test_a_stream_that_breaks_is_an_error_with_what_came(seen, wire, broken, asked):
    wire.will_say(chunk("Hel"), chunk("lo"), None)
    with pytest.raises((openai.APIError, Exception)):
        list(broken().stream_chat(asked("hello")))
    (span,) = seen.spans
    assert (span.status, span.attributes[ENDED]) == ("error", "broken")
    assert span.output["messages"][0]["content"] == "Hello"


def test_a_stream_whose_task_is_cancelled_is_cancelled(seen, wire, broken, asked):
    async def ask():
        async def read():
            async for _ in await broken().astream_chat(asked("hello")):
                began.set()

        began = asyncio.Event()
        task = asyncio.create_task(read())
        await began.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    goes_on = threading.Event()
    wire.will_say(chunk("Hel"), goes_on, None)
    asyncio.run(ask())
    goes_on.set()
    (span,) = seen.spans
    assert (span.status, span.attributes[ENDED]) == ("cancelled", "broken")


def test_a_stream_that_is_refused_is_an_error(both, model, asked):
    with pytest.raises(openai.PermissionDeniedError):
        list(model().stream_chat(asked("forbidden")))
    request, call = both.spans
    assert (call.kind, call.status, request.kind) == ("llm", "error", "http")
    assert call.attributes["error.type"] == "permission_error"
