"""A call that the program also records by hand counts once, with everything that is known of it on that one span."""

from __future__ import annotations

import asyncio
import contextvars
import os
import subprocess
import sys
import textwrap
import threading

import openai
import pytest
from openai_kit import chunk
from provider_kit import USAGE, each, now, user

import flightlog as fl
from flightlog.configure import load_settings
from flightlog.home import Home

SAID = "Hello! How can I help you today?"
COUNTED = {"include_usage": True}


def create(client, text="hello", model="m", **more):
    return now(client.chat.completions.create(model=model, messages=user(text), **more))


def one(seen, kind):
    (span,) = [span for span in seen.spans if span.kind == kind]
    return span


def calls(seen):
    """What every total is made of: model calls, their tokens in and out; None is unknown."""
    names = ("gen_ai.usage.input_tokens", "gen_ai.usage.output_tokens")
    return [tuple(span.attributes.get(name) for name in names) for span in seen.spans if span.kind == "llm"]


ONCE = [(USAGE["prompt_tokens"], USAGE["completion_tokens"])]


@pytest.mark.parametrize("model", ["m", ""])
def test_a_call_within_a_call_by_hand_counts_once_and_that_one_knows_everything(way, talk, seen, model):
    async def say(client):
        with fl.llm(model):
            await create(client, temperature=0.5)

    way.talk(talk.options(), say)
    assert calls(seen) == ONCE
    by_hand, served = one(seen, "llm"), one(seen, "http")
    assert served.parent_id == by_hand.span_id
    assert by_hand.input == served.input == {"messages": user("hello")}
    assert by_hand.output == served.output
    assert by_hand.output["messages"][0]["content"] == SAID
    assert by_hand.attributes["gen_ai.request.model"] == "m"
    assert by_hand.attributes["gen_ai.provider.name"] == "openai"
    assert by_hand.attributes["gen_ai.response.model"] == "served-model"
    assert by_hand.attributes["gen_ai.response.id"] == served.attributes["gen_ai.response.id"]
    assert by_hand.attributes["gen_ai.response.finish_reasons"] == ["stop"]


def test_the_request_keeps_how_it_was_served_and_its_tokens_under_a_name_that_nobody_adds_up(way, talk, seen):
    async def say(client):
        with fl.llm("m"):
            await create(client, "flaky", temperature=0.5)

    way.talk(talk.options(), say)
    served = one(seen, "http")
    assert served.name == "chat m"
    assert served.attributes["server.address"] == "127.0.0.1"
    assert served.attributes["gen_ai.request.temperature"] == 0.5
    assert served.attributes["flightlog.instrumentation"] == "openai"
    assert served.attributes["flightlog.served.input_tokens"] == USAGE["prompt_tokens"]
    assert served.attributes["flightlog.served.output_tokens"] == USAGE["completion_tokens"]
    assert not [name for name in served.attributes if name.startswith("gen_ai.usage")]
    retries = [event for event in seen.events if event.name == "retry"]
    assert [event.span_id for event in retries] == [served.span_id] * 2
    assert calls(seen) == ONCE


def test_what_the_program_says_by_hand_stays_whether_it_says_so_before_or_after_the_request(way, talk, seen):
    async def say(client):
        with fl.llm("m", provider="mine", messages="asked") as call:
            call.usage(input=7)
            call.response(model="mine")
            await create(client)
            call.output = "short"
            call.usage(cache_read=3)
            call.finish("mine")

    way.talk(talk.options(), say)
    by_hand, served = one(seen, "llm"), one(seen, "http")
    assert calls(seen) == [(7, USAGE["completion_tokens"])]
    assert (by_hand.input, by_hand.output) == ({"messages": "asked"}, "short")
    assert by_hand.attributes["gen_ai.provider.name"] == "mine"
    assert by_hand.attributes["gen_ai.response.model"] == "mine"
    assert by_hand.attributes["gen_ai.response.finish_reasons"] == ["mine"]
    assert by_hand.attributes["gen_ai.usage.cache_read.input_tokens"] == 3
    assert served.output["messages"][0]["content"] == SAID


def test_of_several_requests_in_one_block_the_tokens_add_up_and_the_last_answer_counts(way, talk, seen):
    async def say(client):
        with fl.llm("m"):
            await create(client, "weather")
            await create(client)
            with pytest.raises(openai.PermissionDeniedError):
                await create(client, "forbidden")

    way.talk(talk.options(), say)
    by_hand = one(seen, "llm")
    assert calls(seen) == [(2 * USAGE["prompt_tokens"], 2 * USAGE["completion_tokens"])]
    assert by_hand.attributes["gen_ai.response.finish_reasons"] == ["stop"]
    assert by_hand.input == {"messages": user("hello")}
    assert by_hand.output["messages"][0]["content"] == SAID
    served = [span for span in seen.spans if span.kind == "http"]
    assert [span.status for span in served] == ["ok", "ok", "error"]
    assert by_hand.status == "ok"


def test_a_request_that_fails_is_an_error_of_its_own_and_the_program_decides_about_the_call(way, talk, seen):
    async def say(client):
        with fl.llm("m") as call:
            with pytest.raises(openai.PermissionDeniedError):
                await create(client, "forbidden")
            call.output = "a fallback"
        with pytest.raises(openai.PermissionDeniedError), fl.llm("m"):
            await create(client, "forbidden")

    way.talk(talk.options(), say)
    assert [(span.kind, span.status) for span in seen.spans] == [
        ("http", "error"),
        ("llm", "ok"),
        ("http", "error"),
        ("llm", "error"),
    ]
    assert seen.spans[1].input == {"messages": user("forbidden")}
    assert calls(seen) == [(None, None)] * 2


def test_a_stream_that_is_read_within_the_block_counts_there(way, talk, seen):
    async def say(client):
        with fl.llm("m"):
            async for _ in each(await create(client, stream=True, stream_options=COUNTED)):
                pass

    way.talk(talk.options(), say)
    assert calls(seen) == ONCE
    by_hand, served = one(seen, "llm"), one(seen, "http")
    first = "gen_ai.response.time_to_first_chunk"
    assert by_hand.attributes[first] == served.attributes[first] > 0
    assert served.attributes["flightlog.stream.ended"] == "complete"
    assert by_hand.output["messages"][0]["content"] == SAID


def test_a_stream_that_outlives_the_block_is_the_call_itself_and_the_block_a_step(way, talk, seen):
    async def say(client):
        with fl.llm("m"):
            stream = await create(client, stream=True, stream_options=COUNTED)
        async for _ in each(stream):
            pass

    way.talk(talk.options(), say)
    assert calls(seen) == ONCE
    assert [span.kind for span in seen.spans] == ["step", "llm"]
    assert seen.spans[0].output != seen.spans[1].output
    assert seen.spans[1].output["messages"][0]["content"] == SAID


def test_a_block_that_knows_its_tokens_counts_although_its_stream_outlives_it(way, talk, seen):
    async def say(client):
        with fl.llm("m") as call:
            stream = await create(client, stream=True, stream_options=COUNTED)
            call.usage(input=1, output=2)
        async for _ in each(stream):
            pass

    way.talk(talk.options(), say)
    assert calls(seen) == [(1, 2)]
    served = one(seen, "http")
    assert served.attributes["flightlog.served.output_tokens"] == USAGE["completion_tokens"]


def test_a_call_that_is_detached_takes_in_the_stream_that_it_waits_for(way, talk, seen):
    async def say(client):
        with fl.llm("m") as call:
            stream = await create(client, stream=True, stream_options=COUNTED)
            call.detach()
        async for _ in each(stream):
            pass
        call.end()

    way.talk(talk.options(), say)
    assert calls(seen) == ONCE
    assert [span.kind for span in seen.spans] == ["http", "llm"]


def test_after_a_first_answer_a_stream_that_outlives_the_block_is_a_second_call(way, talk, seen):
    async def say(client):
        with fl.llm("m"):
            await create(client)
            stream = await create(client, stream=True, stream_options=COUNTED)
        async for _ in each(stream):
            pass

    way.talk(talk.options(), say)
    assert calls(seen) == ONCE * 2


@pytest.mark.parametrize("between", [fl.span, fl.llm], ids=["a step", "another call by hand"])
def test_only_the_call_by_hand_directly_around_a_request_takes_it_in(way, talk, seen, between):
    async def say(client):
        with fl.llm("m", name="outer"), between("between"):
            await create(client)

    way.talk(talk.options(), say)
    assert seen.span("chat m").kind == "llm"
    assert seen.span("outer").output is not seen.span("chat m").output
    assert len(calls(seen)) == 2 + (between is fl.llm)


def test_another_model_is_another_call(way, talk, seen):
    async def say(client):
        with fl.llm("judge"):
            await create(client)

    way.talk(talk.options(), say)
    assert calls(seen) == [*ONCE, (None, None)]


def test_embeddings_within_a_model_call_are_left_alone_and_within_their_own_kind_are_one(way, talk, seen):
    async def say(client):
        for operation in ("chat", "embeddings"):
            with fl.llm("", operation=operation):
                await now(client.embeddings.create(model="e", input="vector"))

    way.talk(talk.options(), say)
    assert [span.kind for span in seen.spans] == ["embedding", "llm", "http", "embedding"]
    assert seen.spans[-1].attributes["gen_ai.request.model"] == "e"


def test_requests_of_tasks_and_threads_within_the_block_are_its_own(talk, seen):
    async def main():
        async with openai.AsyncOpenAI(**talk.options()) as client:
            with fl.llm("m"):
                await asyncio.gather(*(asyncio.create_task(create(client)) for _ in range(3)))

    asyncio.run(main())
    with openai.OpenAI(**talk.options()) as client, fl.llm("m"):
        here = contextvars.copy_context()
        body = {"model": "m", "messages": user("hello")}
        thread = threading.Thread(target=lambda: here.run(client.chat.completions.create, **body))
        thread.start()
        thread.join()
    assert calls(seen) == [tuple(3 * count for count in ONCE[0]), *ONCE]
    assert sum(span.kind == "http" for span in seen.spans) == 4


def test_a_request_that_a_task_makes_after_the_block_has_ended_is_a_call_of_its_own(talk, seen):
    async def main():
        async with openai.AsyncOpenAI(**talk.options()) as client:
            with fl.llm("m"):
                task = asyncio.create_task(create(client))
            await task

    asyncio.run(main())
    assert calls(seen) == [(None, None), *ONCE]


def test_a_request_that_a_hook_makes_within_a_request_is_a_call_of_its_own(wire, seen):
    """The span around it is a wrapper's, which is nobody's by hand."""
    import httpx2

    def hook(_request):
        client.event_hooks["request"] = []
        second.chat.completions.create(model="m", messages=user("second"))

    client = httpx2.Client(event_hooks={"request": [hook]})
    for _ in range(2):
        wire.will_say(
            b'{"id": "1", "usage": {"prompt_tokens": 1, "completion_tokens": 2}}',
            content_type="application/json",
        )
    with (
        openai.OpenAI(**wire.options(http_client=client)) as first,
        openai.OpenAI(**wire.options()) as second,
    ):
        first.chat.completions.create(model="m", messages=user("first"))
    assert calls(seen) == [(1, 2), (1, 2)]


def test_texts_that_were_cut_are_told_where_they_went(way, wire, seen):
    wire.will_say(chunk({"content": "x" * 400_000}, "stop"))

    async def say(client):
        with fl.llm("m"):
            async for _ in each(await create(client, stream=True)):
                pass

    way.talk(wire.options(), say)
    by_hand, served = one(seen, "llm"), one(seen, "http")
    (cut,) = by_hand.attributes["flightlog.cut"]
    assert cut == served.attributes["flightlog.cut"][0]
    assert cut["path"].startswith("output")
    assert len(by_hand.output["messages"][0]["content"]) == cut["kept"] < cut["length"]


PROGRAM = """
    import os, signal, sys
    import flightlog as fl
    from flightlog.core.engine import announce_open
    from openai import OpenAI

    def ask(client, **more):
        return client.chat.completions.create(
            model="m", messages=[{"role": "user", "content": "hello"}], **more)

    fl.instrument("openai")
    with OpenAI(base_url=sys.argv[1] + "/v1", api_key="nobody") as client:
        if sys.argv[2] == "content":
            with fl.llm("m"):
                ask(client)
        if sys.argv[2] == "twice":
            with fl.span("agent"):
                with fl.llm("m") as call:
                    call.usage(input=1, output=2)
                    ask(client)
                with fl.llm("m"):
                    stream = ask(client, stream=True, stream_options={"include_usage": True})
                list(stream)
        if sys.argv[2] == "changed":
            with fl.llm("m"):
                stream = ask(client, stream=True, stream_options={"include_usage": True})
                announce_open()
                assert fl.flush(20)
            list(stream)
        if sys.argv[2] == "killed":
            with fl.llm("m"):
                for chunk in ask(client, stream=True):
                    announce_open()
                    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def home(tmp_path, talk):
    """A home, and what runs a program that records into it."""
    made = Home(tmp_path / "home", load_settings({"home": str(tmp_path / "home")}))
    program = tmp_path / "program.py"
    program.write_text(textwrap.dedent(PROGRAM))

    def run(what, **env):
        kept = {name: value for name, value in os.environ.items() if not name.startswith("FLIGHTLOG_")}
        subprocess.run(
            [sys.executable, str(program), talk.url, what],
            env={**kept, "FLIGHTLOG_HOME": str(made.path), **env},
            cwd=tmp_path,
            timeout=100,
            check=what != "killed",
        )
        made.catch_up(within=60)
        with made.reader() as reader:
            (trace,) = reader.traces(10)
            return trace, reader.spans(trace.trace_id)

    return run


def test_the_store_s_totals_count_each_call_once(home):
    trace, spans = home("twice")
    assert (trace.llm_calls, trace.input_tokens, trace.output_tokens) == (
        2,
        1 + USAGE["prompt_tokens"],
        2 + USAGE["completion_tokens"],
    )
    assert sorted(span.kind for span in spans) == ["http", "llm", "llm", "step", "step"]


def test_totals_are_right_although_both_spans_were_seen_as_something_else_while_they_ran(home):
    trace, spans = home("changed")
    assert (trace.llm_calls, trace.unknown_usage_calls) == (1, 0)
    assert (trace.input_tokens, trace.output_tokens) == ONCE[0]
    assert sorted(span.kind for span in spans) == ["llm", "step"]


def test_a_program_that_is_killed_within_a_request_made_one_call(home):
    trace, spans = home("killed")
    assert trace.llm_calls == 1
    assert sorted((span.kind, span.status) for span in spans) == [
        ("http", "interrupted"),
        ("llm", "interrupted"),
    ]


def test_the_content_policy_of_model_calls_holds_for_the_request_as_well(home):
    _, spans = home("content", FLIGHTLOG_CONTENT="all,llm=metadata")
    assert len(spans) == 2
    for span in spans:
        assert not span.input
        assert not span.output
        assert span.attributes["flightlog.content"] == "metadata"
