"""Failures: in the provider's words, with what LiteLLM does about them."""

from __future__ import annotations

import asyncio
import threading

import litellm
import pytest
from litellm_kit import CLAUDE, GPT, at, models, tokens
from provider_kit import event, until, user

REFUSED = b'{"type":"error","error":{"type":"overloaded_error","message":"Too much"}}'


def events(seen, *names):
    return [(one.name, one.attributes) for one in seen.events if one.name in names]


@pytest.mark.parametrize("model", [GPT, CLAUDE])
@pytest.mark.parametrize("is_async", [False, True])
def test_a_refusal_keeps_the_providers_word_and_status(seen, talk, model, is_async):
    with pytest.raises(Exception, match="You shall not pass") as raised:
        if is_async:
            asyncio.run(litellm.acompletion(messages=user("forbidden"), **at(talk, model)))
        else:
            litellm.completion(messages=user("forbidden"), **at(talk, model))
    (span,) = models(seen)
    assert (span.status, span.error.type.rpartition(".")[2]) == ("error", type(raised.value).__name__)
    assert span.attributes["error.type"] == "permission_error"
    assert span.attributes["http.response.status_code"] == 403
    assert span.attributes["gen_ai.provider.name"] == model.partition("/")[0]
    assert span.input["messages"] == user("forbidden")


def test_a_server_that_is_not_there_gives_no_status(seen):
    with pytest.raises(litellm.exceptions.InternalServerError):
        litellm.completion(
            model=GPT,
            messages=user("hello"),
            api_base="http://127.0.0.1:9/v1",
            api_key="nobody",
            max_retries=0,
        )
    (span,) = models(seen)
    assert span.status == "error"
    assert "http.response.status_code" not in span.attributes


def test_what_litellm_itself_refuses_is_an_error_of_the_call(seen):
    with pytest.raises(litellm.exceptions.BadRequestError):
        litellm.completion(model="of-nobody", messages=user("hello"))
    (span,) = models(seen)
    assert (span.status, span.attributes["gen_ai.request.model"]) == ("error", "of-nobody")


def test_a_call_that_is_cancelled_is_no_error(seen, wire):
    never = threading.Event()
    wire.will_say(never, b"{}", content_type="application/json")

    async def give_up():
        asked = asyncio.create_task(
            litellm.acompletion(
                model=GPT, messages=user("hello"), api_base=f"{wire.url}/v1", api_key="nobody", max_retries=0
            )
        )
        await asyncio.to_thread(until, lambda: wire.requests, "the request")
        asked.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asked

    asyncio.run(give_up())
    never.set()
    (span,) = [one for one in seen.spans if one.attributes.get("flightlog.instrumentation") == "litellm"]
    assert span.status == "cancelled"


@pytest.mark.parametrize("is_async", [False, True])
def test_what_litellm_tries_again_is_told_on_the_one_call(seen, wire, is_async):
    answer = (
        b'{"id":"m1","type":"message","role":"assistant","model":"claude-sonnet-4-5","stop_reason":"end_turn",'
        b'"content":[{"type":"text","text":"Hi"}],"usage":{"input_tokens":4,"output_tokens":2}}'
    )
    for _ in range(2):
        wire.will_say(REFUSED, status=529, content_type="application/json")
    wire.will_say(answer, content_type="application/json")
    options = {
        "model": CLAUDE,
        "messages": user("hello"),
        "api_base": wire.url,
        "api_key": "nobody",
        "num_retries": 3,
    }
    if is_async:
        asyncio.run(litellm.acompletion(**options))
    else:
        litellm.completion(**options)
    (span,) = models(seen)
    assert (span.status, span.attributes["flightlog.retries"], tokens(seen)) == ("ok", 2, (4, 2))
    told = events(seen, "retry")
    assert [one["attempt"] for _, one in told] == [1, 2]
    assert {one["reason"].partition(" ")[0] for _, one in told} <= {"529", "500", "503"}


def test_retries_of_the_client_below_are_told_where_they_happen(seen, talk):
    litellm.completion(messages=user("flaky"), num_retries=2, **at(talk))
    assert talk.statuses() == [429, 500, 200]
    (span,) = models(seen)
    assert (span.status, tokens(seen)) == ("ok", (120, 34))
    assert len(events(seen, "retry")) == 2


def test_another_model_that_is_asked_instead_is_a_fallback_of_the_one_call(seen, talk):
    other = {name: value for name, value in at(talk, CLAUDE).items() if name != "extra_headers"}
    litellm.completion(
        messages=user("forbidden"), fallbacks=[{**other, "messages": user("hello")}], **at(talk)
    )
    (span,) = models(seen)
    assert span.status == "ok"
    ((_, told),) = events(seen, "fallback")
    assert (told["from"], told["to"]) == (GPT, CLAUDE)
    assert told["error"].startswith("403 ")
    assert tokens(seen) == talk.tokens() == (120, 34)


def test_an_error_within_a_stream_is_the_calls_error(seen, wire):
    refusal = {"error": {"message": "Broken", "type": "server_error", "code": 500}}
    wire.will_say(event(refusal))
    with pytest.raises(litellm.exceptions.MidStreamFallbackError):
        list(
            litellm.completion(
                model=GPT,
                messages=user("hello"),
                api_base=f"{wire.url}/v1",
                api_key="nobody",
                max_retries=0,
                stream=True,
            )
        )
    (span,) = [one for one in seen.spans if one.attributes.get("flightlog.instrumentation") == "litellm"]
    assert span.status == "error"
