"""Errors and retries: the program meets them as without us, the record says what the provider said."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

import openai
import pytest
from msgspec import UNSET
from openai_kit import DONE, Way, chunk
from provider_kit import now, until, user

import flightlog as fl
from flightlog.integrations.stainless import exchange as exchanges


def ask(text):
    async def say(client):
        return await now(client.chat.completions.create(model="m", messages=user(text)))

    return say


def test_a_refusal_is_the_program_s_exception_and_the_call_s_error(way, talk, seen):
    with pytest.raises(openai.PermissionDeniedError) as caught:
        way.talk(talk.options(), ask("forbidden"))
    assert caught.value.body["message"] == "You shall not pass"
    (span,) = seen.spans
    assert span.status == "error"
    assert span.error.type == "openai.PermissionDeniedError"
    assert "You shall not pass" in span.error.message
    assert span.attributes["error.type"] == "permission_error"
    assert span.attributes["http.response.status_code"] == 403
    assert span.attributes["flightlog.response.request_id"] == caught.value.request_id
    assert talk.statuses() == [403]


def test_a_call_names_the_line_of_the_program_that_made_it(way, talk, seen):
    """The stack of a refusal begins within the library, and would never say."""
    with pytest.raises(openai.PermissionDeniedError):
        way.talk(talk.options(), ask("forbidden"))
    (span,) = seen.spans
    # What awaits the client for both kinds of client stands in the kit.
    assert span.attributes["code.file.path"].endswith(("test_openai_failures.py", "provider_kit.py"))
    assert span.attributes["code.function.name"] in {"ask.<locals>.say", "now"}
    assert span.attributes["code.line.number"] > 1


def test_a_call_that_an_event_loop_or_a_pool_makes_names_no_line_rather_than_theirs(talk, seen):
    async def gather():
        async with openai.AsyncOpenAI(**talk.options()) as client:
            create = client.chat.completions.create
            await asyncio.gather(*(create(model="m", messages=user("hello")) for _ in range(2)))
            await asyncio.wait_for(create(model="m", messages=user("hello")), 20)

    asyncio.run(gather())
    with ThreadPoolExecutor(1) as pool, openai.OpenAI(**talk.options()) as client:
        pool.submit(client.chat.completions.create, model="m", messages=user("hello")).result()
    assert len(seen.spans) == 4
    told = {span.attributes.get("code.file.path", __file__) for span in seen.spans}
    assert told == {__file__}


def test_our_frames_are_not_in_the_stack_of_the_record(way, talk, seen):
    with pytest.raises(openai.PermissionDeniedError):
        way.talk(talk.options(), ask("forbidden"))
    (span,) = seen.spans
    assert "_base_client.py" in span.error.stack
    assert "flightlog/integrations" not in span.error.stack


def test_the_client_s_own_retries_are_events_of_one_call(way, talk, seen):
    answer = way.talk(talk.options(max_retries=4), ask("flaky"))
    assert answer.choices[0].message.content == "At last."
    assert talk.statuses() == [429, 500, 200]
    (span,) = seen.spans
    assert span.status == "ok"
    retries = [event for event in seen.events if event.name == "retry"]
    assert {event.span_id for event in retries} == {span.span_id}
    assert [(event.attributes["attempt"], event.attributes["reason"]) for event in retries] == [
        (1, "429 Too Many Requests"),
        (2, "500 Internal Server Error"),
    ]
    assert [event.attributes["http.response.status_code"] for event in retries] == [429, 500]
    assert all(event.attributes["delay"] > 0 for event in retries)


def test_a_call_that_fails_after_all_its_retries_is_one_call_with_one_error(way, talk, seen):
    with pytest.raises(openai.RateLimitError):
        way.talk(talk.options(max_retries=1), ask("hopeless"))
    assert talk.statuses() == [429, 429]
    (span,) = seen.spans
    assert span.error.type == "openai.RateLimitError"
    assert span.attributes["error.type"] == "rate_limit_error"
    assert len([event for event in seen.events if event.name == "retry"]) == 1


def test_a_server_that_is_not_there_is_an_error_after_its_retries(way, seen):
    with pytest.raises(openai.APIConnectionError):
        way.talk({"base_url": "http://127.0.0.1:1/v1", "api_key": "nobody", "max_retries": 1}, ask("hello"))
    (span,) = seen.spans
    assert span.error.type == "openai.APIConnectionError"
    assert span.attributes["error.type"] == "openai.APIConnectionError"
    (retry,) = [event for event in seen.events if event.name == "retry"]
    assert retry.attributes["reason"] == "ConnectError"


def test_a_timeout_is_an_error_of_its_own(way, wire, seen):
    never = threading.Event()
    wire.will_say(never, content_type="application/json")
    try:
        with pytest.raises(openai.APITimeoutError):
            way.talk(wire.options(timeout=0.2), ask("hello"))
    finally:
        never.set()
    (span,) = seen.spans
    assert span.error.type == "openai.APITimeoutError"


def test_a_task_that_is_cancelled_cancels_its_call(wire, seen):
    never = threading.Event()
    wire.will_say(never, content_type="application/json")

    async def main():
        async with openai.AsyncOpenAI(**wire.options()) as client:
            call = asyncio.create_task(ask("hello")(client))
            await asyncio.to_thread(until, lambda: wire.requests, "the request")
            call.cancel()
            with pytest.raises(asyncio.CancelledError):
                await call

    try:
        asyncio.run(main())
    finally:
        never.set()
    (span,) = seen.spans
    assert span.status == "cancelled"


def test_a_coroutine_that_is_thrown_away_before_the_answer_cancels_its_call(wire, seen):
    never = threading.Event()
    wire.will_say(never, content_type="application/json")

    async def main():
        async with openai.AsyncOpenAI(**wire.options()) as client:
            call = ask("hello")(client)
            call.send(None)
            call.close()
            assert not fl.current()

    try:
        asyncio.run(main())
    finally:
        never.set()
    (span,) = seen.spans
    assert (span.status, span.output) == ("cancelled", UNSET)


def test_the_server_s_own_word_for_the_delay_is_the_delay_of_the_retry(way, wire, seen):
    refusal = b'{"error": {"message": "later"}}'
    for headers in ({"retry_after_ms": "40"}, {"retry_after": "0.03"}, {"x_should_retry": "false"}):
        wire.will_say(refusal, status=429, content_type="application/json", **headers)
    with pytest.raises(openai.RateLimitError):
        way.talk(wire.options(max_retries=5), ask("hello"))
    retries = [event for event in seen.events if event.name == "retry"]
    assert [event.attributes["delay"] for event in retries] == [0.04, 0.03]
    assert [event.attributes["attempt"] for event in retries] == [1, 2]
    assert len(seen.spans) == 1


def test_an_answer_that_is_no_json_is_the_program_s_trouble_and_leaves_a_record(way, wire, seen):
    wire.will_say(b"<html>", content_type="text/html")
    assert way.talk(wire.options(), ask("hello")) == "<html>"
    (span,) = seen.spans
    assert span.status == "ok"
    assert "gen_ai.response.id" not in span.attributes


def test_an_answer_of_another_shape_leaves_a_record_and_no_complaint(way, wire, seen, capsys):
    wire.will_say(
        b'{"choices": [null, {"message": 3}], "usage": {"prompt_tokens": "many"}, "id": 7, "model": {}}',
        content_type="application/json",
    )
    way.talk(wire.options(), ask("hello"))
    (span,) = seen.spans
    assert span.status == "ok"
    assert "gen_ai.usage.input_tokens" not in span.attributes
    assert capsys.readouterr().err == ""


class Broken(Exception):
    """What our own code dies of here."""


def _break(*_args, **_kwargs):
    raise Broken


@pytest.mark.parametrize("step", ["called_from", "tap", "Answer", "retry"])
@pytest.mark.parametrize("stream", [False, True])
def test_a_failure_of_ours_does_not_reach_the_program(way, wire, seen, monkeypatch, step, stream):
    for _ in range(2):
        wire.will_say(status=500, retry_after="0.01")
        if stream:
            wire.will_say(chunk({"content": "fine"}, "stop"), DONE)
        else:
            body = (
                b'{"id":"1","object":"chat.completion","choices":[{"index":0,"message":{"content":"fine"}}]}'
            )
            wire.will_say(body, content_type="application/json")
    if step == "Answer":
        monkeypatch.setattr("flightlog.integrations.openai.chat._take_head", _break)
    elif step == "retry":
        monkeypatch.setattr(exchanges.Exchange, "retry", _break)
    else:
        monkeypatch.setattr(exchanges, step, _break)

    async def say(client):
        text = ""
        answer = await now(client.chat.completions.create(model="m", messages=user("x"), stream=stream))
        if not stream:
            return answer.choices[0].message.content
        if way.is_async:
            async for item in answer:
                text += item.choices[0].delta.content
        else:
            for item in answer:
                text += item.choices[0].delta.content
        return text

    assert [way.talk(wire.options(max_retries=1), say) for _ in range(2)] == ["fine", "fine"]
    assert all(span.status == "ok" for span in seen.spans)


def test_a_failure_of_ours_is_told_once(wire, seen, monkeypatch, capsys):
    from flightlog.recording import recorder

    monkeypatch.setattr(recorder, "_said", set())
    monkeypatch.setattr(exchanges, "called_from", _break)
    for _ in range(2):
        wire.will_say(b"{}", content_type="application/json")
        Way(is_async=False).talk(wire.options(), ask("hello"))
    lines = capsys.readouterr().err.splitlines()
    assert lines == [f"flightlog: openai {openai.__version__}: a request could not be recorded (Broken: )"]
