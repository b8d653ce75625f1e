"""A model call by hand: what it records, and how it begins, streams and ends."""

from __future__ import annotations

import asyncio
import threading

import msgspec
import pytest

import flightlog as fl
from flightlog.records import genai

MESSAGES = [{"role": "user", "content": "2 + 2?"}]


def test_a_call_is_a_span_named_as_open_telemetry_does(seen):
    with fl.llm("gpt-4.1-mini", provider="openai", messages=MESSAGES, tools=[{"name": "add"}]) as call:
        call.output = {"role": "assistant", "content": "4"}
    span = seen.span("chat gpt-4.1-mini")
    assert (span.kind, span.status) == ("llm", "ok")
    assert span.input == {"messages": MESSAGES, "tools": [{"name": "add"}]}
    assert span.output == {"role": "assistant", "content": "4"}
    assert span.attributes == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "gpt-4.1-mini",
    }


def test_embeddings_are_a_kind_of_their_own_and_their_texts_are_input(seen):
    with fl.llm("e-3", operation="embeddings", input=["a", "b"], dimensions=64, encoding_format="float"):
        pass
    span = seen.span("embeddings e-3")
    assert (span.kind, span.input) == ("embedding", {"input": ["a", "b"]})
    assert span.attributes["gen_ai.embeddings.dimension.count"] == 64
    assert span.attributes["gen_ai.request.encoding_formats"] == ["float"]


def test_a_name_of_one_s_own_replaces_operation_and_model(seen):
    with fl.llm("m", name="judge"):
        pass
    with fl.llm(""):
        pass
    assert [span.name for span in seen.spans] == ["judge", "chat"]


def test_request_parameters_have_open_telemetry_s_names_or_ours(seen):
    with fl.llm(
        "m",
        temperature=0.5,
        n=2,
        stop="END",
        max_completion_tokens=9,
        reasoning_effort="low",
        stream=True,
        seed=None,
        service_tier="flex",
        api_key="abc",
        instructions="be brief",
    ):
        pass
    span = seen.span("chat m")
    assert span.input == {"instructions": "be brief"}
    assert {key: value for key, value in span.attributes.items() if "request" in key} == {
        "gen_ai.request.model": "m",
        "gen_ai.request.temperature": 0.5,
        "gen_ai.request.choice.count": 2,
        "gen_ai.request.stop_sequences": ["END"],
        "gen_ai.request.max_tokens": 9,
        "gen_ai.request.reasoning.level": "low",
        "gen_ai.request.stream": True,
        "flightlog.request.service_tier": "flex",
        "flightlog.request.api_key": "[REDACTED]",
    }


def test_messages_are_captured_when_they_are_handed_over(seen):
    messages = [*MESSAGES]
    with fl.llm("m", messages=messages):
        messages.append("later")
    assert seen.span("chat m").input == {"messages": MESSAGES}


def test_a_call_without_content_has_no_input(seen):
    with fl.llm("m"):
        pass
    assert seen.span("chat m").input is msgspec.UNSET


def test_usage_that_is_unknown_is_left_out_and_what_is_said_later_replaces(seen):
    with fl.llm("m") as call:
        call.usage(input=10, output=1)
        call.usage(output=3, cache_read=4, reasoning=0, total=13)
    attributes = seen.span("chat m").attributes
    assert {key: value for key, value in attributes.items() if "usage" in key} == {
        "gen_ai.usage.input_tokens": 10,
        "gen_ai.usage.output_tokens": 3,
        "gen_ai.usage.cache_read.input_tokens": 4,
        "gen_ai.usage.reasoning.output_tokens": 0,
        "flightlog.usage.total_tokens": 13,
    }


def test_what_the_provider_told_of_its_answer_is_recorded(seen):
    with fl.llm("m") as call:
        call.finish("stop", "length")
        call.finish()
        call.response(id="r-1", model="m-2025", service_tier="flex", system_fingerprint=None)
        call.server("api.example.org", 443)
    attributes = seen.span("chat m").attributes
    assert attributes["gen_ai.response.finish_reasons"] == ["stop", "length"]
    assert (attributes["gen_ai.response.id"], attributes["gen_ai.response.model"]) == ("r-1", "m-2025")
    assert attributes["flightlog.response.service_tier"] == "flex"
    assert "flightlog.response.system_fingerprint" not in attributes
    assert (attributes["server.address"], attributes["server.port"]) == ("api.example.org", 443)


def test_a_failure_names_its_type_also_as_open_telemetry_does(seen):
    with pytest.raises(TimeoutError), fl.llm("raised"):
        raise TimeoutError("slow")
    with fl.llm("said") as call:
        call.fail("no choices", type="empty_answer")
    with pytest.raises(OSError, match="reset"), fl.llm("known") as call:
        call.set_attributes({genai.ERROR_TYPE: "503"})
        raise OSError("reset")
    found = {span.name: (span.status, span.attributes["error.type"]) for span in seen.spans}
    assert found == {
        "chat raised": ("error", "TimeoutError"),
        "chat said": ("error", "empty_answer"),
        "chat known": ("error", "503"),
    }


def test_a_cancelled_call_has_no_error_type(seen):
    with pytest.raises(asyncio.CancelledError), fl.llm("m"):
        raise asyncio.CancelledError
    assert seen.span("chat m").status == "cancelled"
    assert genai.ERROR_TYPE not in seen.span("chat m").attributes


# -- streams ------------------------------------------------------------------------------------------------------


def test_a_stream_is_counted_timed_and_never_quoted(seen):
    with fl.llm("m") as call:
        for size in (5, 0, 7):
            call.chunk(size)
    span = seen.span("chat m")
    assert (span.attributes["flightlog.stream.chunks"], span.attributes["flightlog.stream.characters"]) == (
        3,
        12,
    )
    assert 0 <= span.attributes["flightlog.stream.longest_gap_ns"] <= span.duration_ns
    assert 0 < span.attributes["gen_ai.response.time_to_first_chunk"] <= span.duration_ns / 1e9
    chunks = [(event.name, event.level, event.span_id, event.attributes) for event in seen.events]
    assert chunks == [
        ("chunk", "trace", span.span_id, {"size": size, "index": index})
        for index, size in enumerate((5, 0, 7))
    ]


def test_chunks_are_summed_up_also_where_their_events_are_off():
    with fl.capture(level="info") as captured, fl.llm("m") as call:
        call.chunk(5, index=40)
    assert captured.events == []
    attributes = captured.span("chat m").attributes
    assert (attributes["flightlog.stream.chunks"], attributes["flightlog.stream.characters"]) == (1, 5)
    assert "flightlog.stream.longest_gap_ns" not in attributes


def test_only_the_first_token_counts(seen):
    with fl.llm("m") as call:
        call.first_token()
        with fl.span("between"):
            pass
        call.first_token()
        call.chunk(1)
    span = seen.span("chat m")
    told = span.attributes["gen_ai.response.time_to_first_chunk"] * 1e9
    assert told <= seen.span("between").start - span.start + 1_000_000


def test_an_answer_in_one_piece_says_nothing_of_a_stream(seen):
    with fl.llm("m"):
        pass
    assert not [key for key in seen.span("chat m").attributes if "stream" in key or "chunk" in key]


# -- without a block ----------------------------------------------------------------------------------------------


def test_a_call_that_was_started_is_a_child_of_its_place_and_current_nowhere(seen):
    with fl.span("agent") as agent:
        call = fl.llm("m").start()
        assert fl.current() is agent
        with fl.span("meanwhile"):
            pass
    assert not call.ended
    call.usage(output=1)
    call.end()
    assert call.ended
    spans = {span.name: span for span in seen.spans}
    assert spans["chat m"].parent_id == spans["meanwhile"].parent_id == agent.span_id
    assert spans["chat m"].attributes["gen_ai.usage.output_tokens"] == 1
    assert spans["chat m"].end > spans["agent"].end


def test_a_call_ends_in_another_thread_and_only_once(seen):
    call = fl.llm("m").start()

    def finish():
        call.chunk(3)
        call.end(ConnectionError("reset"))
        call.end()
        call.usage(output=1)

    thread = threading.Thread(target=finish)
    thread.start()
    thread.join()
    (span,) = seen.spans
    assert (span.status, span.error.type) == ("error", "ConnectionError")
    assert span.attributes["flightlog.stream.chunks"] == 1
    assert "gen_ai.usage.output_tokens" not in span.attributes


def test_what_begins_in_a_current_block_is_recorded_under_the_call(seen):
    with fl.span("agent") as agent:
        call = fl.llm("m").start()
        with call.current() as current:
            assert fl.current() is current is call.span
            with fl.span("http"):
                pass
        assert fl.current() is agent
        call.end()
    assert seen.span("http").parent_id == seen.span("chat m").span_id


def test_a_call_that_ends_within_its_current_block_leaves_the_place_as_it_was(seen):
    call = fl.llm("m").start()
    with fl.span("consumer") as consumer:
        with call.current():
            call.end()
            with fl.span("after"):
                pass
        assert fl.current() is consumer
    assert {span.name: span.parent_id for span in seen.spans}["after"] != call.span_id


def test_a_call_that_ends_within_its_own_block_leaves_the_place_as_it_was(seen):
    with fl.span("agent") as agent:
        with fl.llm("m") as call:
            call.end()
            assert fl.current() is agent
        assert fl.current() is agent
    assert [span.name for span in seen.spans] == ["chat m", "agent"]


def test_a_block_that_is_detached_leaves_the_call_open_for_whoever_consumes_the_stream(seen):
    def ask():
        with fl.llm("m") as call:
            with fl.span("http"):
                pass
            call.detach()
            assert fl.current().span_id != call.span_id
            return call

    with fl.span("agent") as agent:
        call = ask()
        assert fl.current() is agent
        assert not call.ended
        call.end()
    assert seen.span("http").parent_id == call.span_id
    assert seen.span("chat m").parent_id == agent.span_id


def test_a_stream_consumed_by_other_tasks_ends_in_the_last_of_them(seen):
    async def consume(call, number):
        call.chunk(number)
        await asyncio.sleep(0)
        return fl.current().span_id

    async def main():
        with fl.span("agent") as agent:
            call = fl.llm("m").start()
        found = await asyncio.gather(*(asyncio.create_task(consume(call, n)) for n in range(3)))
        await asyncio.create_task(_ended(call))
        assert call.span_id not in found
        return agent

    async def _ended(call):
        call.end()

    agent = asyncio.run(main())
    span = seen.span("chat m")
    assert span.parent_id == agent.span_id
    assert span.attributes["flightlog.stream.characters"] == 3


def test_a_call_opened_in_an_async_generator_is_the_parent_of_what_its_body_begins(seen):
    """Each step is awaited by another task, whose context never saw the call begin."""

    async def answers():
        with fl.llm("m"):
            for number in range(2):
                with fl.span(f"step{number}"):
                    yield number

    async def main():
        generator = answers()
        for _ in range(2):
            await asyncio.create_task(anext(generator))
        await generator.aclose()

    asyncio.run(main())
    call = seen.span("chat m")
    assert {seen.span(f"step{number}").parent_id for number in range(2)} == {call.span_id}
    assert call.status == "ok"


def test_calls_before_the_start_and_after_the_end_do_nothing(seen):
    call = fl.llm("m")
    call.first_token()
    call.end()
    call.detach()
    assert (call.trace_id, call.span_id, call.recorded, call.ended) == ("", "", True, False)
    with call.current() as span:
        assert span.span_id == ""
        with fl.span("free"):
            pass
    with call:
        pass
    call.chunk(1)
    call.event("late")
    call.output = "late"
    assert [span.name for span in seen.spans] == ["free", "chat m"]
    assert seen.spans[0].parent_id == ""
    assert seen.span("chat m").output is msgspec.UNSET
    assert seen.events == []


def test_a_call_whose_level_is_off_leaves_nothing_and_is_nobody_s_parent():
    with fl.capture(level="info") as captured:
        with fl.llm("m", level="debug", messages=MESSAGES) as call:
            _use(call)
            assert (call.recorded, call.span_id, call.input) == (False, "", None)
            with fl.span("inner"):
                pass
        detached = fl.llm("m", level="debug").start()
        with detached.current():
            pass
        detached.end()
    assert [(record.name, record.parent_id) for record in captured.records] == [("inner", "")]


def _use(call):
    call.set(a=1)
    call.usage(input=1)
    call.chunk(1)
    call.finish("stop")
    call.response(id="r")
    call.fail("x")
    call.link(call)
    call.event("e")
    call.output = 1
    call.input = 2


def test_a_call_can_be_linked_to_and_relates_to_others(seen):
    with fl.llm("first") as first:
        pass
    with fl.llm("second") as second:
        second.link(first, "retry_of")
    (link,) = seen.span("chat second").links
    assert (link.trace_id, link.span_id, link.relation) == (first.trace_id, first.span_id, "retry_of")


def test_whatever_it_is_given_a_call_never_raises(seen):
    class Hostile:
        def __str__(self):
            raise ValueError("no text")

    with fl.llm(Hostile(), provider=Hostile(), operation=Hostile(), stop=Hostile()) as call:
        call.usage(input=Hostile())
        call.chunk(Hostile())
        call.finish(Hostile())
        call.response(id=Hostile())
    (span,) = seen.spans
    assert span.kind == "llm"
    assert span.attributes["flightlog.stream.characters"] == 0
