"""Routers of LiteLLM: one span around the attempts that they make, each of which is a call of its own."""

from __future__ import annotations

import asyncio
import copy
import gc

import litellm
import pytest
from litellm_kit import CLAUDE, GPT, at, models, tokens
from provider_kit import user

import flightlog as fl
from flightlog.integrations.litellm.calls import Exchange


def deployment(name, talk, model=GPT, **more):
    return {"model_name": name, "litellm_params": at(talk, model, **more)}


def router(talk, **more):
    refusing = {"api_base": "http://127.0.0.1:9/v1", "max_retries": 0}
    return litellm.Router(
        model_list=[
            deployment("good", talk),
            deployment("bad", talk, **refusing),
            deployment("claude", talk, CLAUDE),
        ],
        **{"num_retries": 0, **more},
    )


def route(seen, name):
    (found,) = [span for span in seen.spans if span.name == f"route {name}"]
    return found


@pytest.mark.parametrize("name", ["good", "claude"])
@pytest.mark.parametrize("is_async", [False, True])
def test_a_routers_call_is_one_call_below_the_router(seen, talk, name, is_async):
    if is_async:
        asyncio.run(router(talk).acompletion(name, user("hello")))
    else:
        router(talk).completion(name, user("hello"))
    (span,) = models(seen)
    around = route(seen, name)
    assert (span.parent_id, around.kind, around.status) == (around.span_id, "step", "ok")
    assert around.attributes["flightlog.litellm.model_group"] == name
    assert around.attributes["flightlog.instrumentation"] == "litellm"
    assert tokens(seen) == talk.tokens() == (120, 34)


def test_what_a_router_does_about_a_failure_is_told_in_its_order(seen, talk):
    asked = router(talk, num_retries=1, retry_after=0, fallbacks=[{"bad": ["good"]}])
    asyncio.run(asked.acompletion("bad", user("hello")))
    around = route(seen, "bad")
    told = [event for event in seen.events if event.span_id == around.span_id]
    assert [event.name for event in told if event.name != "log"] == ["retry", "fallback"]
    retry, fallback = (event.attributes for event in told if event.name != "log")
    assert retry["attempt"] == 1
    assert (fallback["from"], fallback["to"]) == ("bad", "good")
    assert (around.status, around.attributes["flightlog.retries"]) == ("ok", 1)
    assert [span.status for span in models(seen)] == ["error", "error", "ok"]
    assert {span.parent_id for span in models(seen)} == {around.span_id}
    assert tokens(seen) == talk.tokens() == (120, 34)


def test_a_router_that_gives_up_fails(seen, talk):
    with pytest.raises(litellm.exceptions.APIError):
        asyncio.run(router(talk).acompletion("good", user("forbidden")))
    assert (route(seen, "good").status, models(seen)[0].status) == ("error", "error")


def test_work_of_one_router_side_by_side_is_kept_apart(seen, talk):
    asked = router(talk, fallbacks=[{"bad": ["claude"]}])

    async def both():
        await asyncio.gather(
            asked.acompletion("bad", user("hello")), asked.acompletion("good", user("hello"))
        )

    asyncio.run(both())
    below = {
        name: [
            span.attributes["gen_ai.provider.name"]
            for span in models(seen)
            if span.parent_id == route(seen, name).span_id
        ]
        for name in ("bad", "good")
    }
    assert below == {"bad": ["openai", "anthropic"], "good": ["openai"]}
    assert tokens(seen) == talk.tokens() == (240, 68)


def test_a_routers_stream_is_whole_and_counts_once(seen, talk):
    async def read():
        stream = await router(talk).acompletion(
            "good", user("hello"), stream=True, stream_options={"include_usage": True}
        )
        return [piece async for piece in stream]

    asyncio.run(read())
    (span,) = models(seen)
    assert span.attributes["flightlog.stream.ended"] == "complete"
    assert span.output["messages"][0]["content"] == "Hello! How can I help you today?"
    assert tokens(seen) == talk.tokens() == (120, 34)


def test_a_single_router_is_recorded_and_nothing_else(nobody_listens, talk):
    one, other = router(talk), router(talk)
    with fl.capture() as seen, fl.instrument(one):
        one.completion("good", user("hello"))
        asyncio.run(one.acompletion("good", user("hello")))
        other.completion("good", user("hello"))
        litellm.completion(messages=user("hello"), **at(talk))
    assert len(talk.served()) == 4
    assert sorted(span.kind for span in seen.spans) == ["llm", "llm", "step", "step"]
    assert tokens(seen) == (240, 68)
    assert not any(name in vars(one) for name in ("completion", "acompletion"))


def test_a_copy_of_a_single_router_is_another_router(nobody_listens, talk):
    one = router(talk)
    with fl.capture() as seen, fl.instrument(one):
        other = copy.copy(one)
        assert other.completion.__self__ is other
        other.completion("good", user("hello"))
    assert len(talk.served()) == 1
    assert seen.spans == []


def test_nothing_is_kept_of_calls_that_are_over(seen, talk):
    def kept():
        gc.collect()
        return [one for one in gc.get_objects() if type(one) is Exchange]

    before = kept()
    router(talk).completion("good", user("hello"))
    assert [span.kind for span in seen.spans].count("llm") == 1
    assert [one for one in kept() if not any(one is other for other in before)] == []


def test_a_single_router_is_recorded_once_beside_everything_else(seen, talk):
    one = router(talk)
    handle = fl.instrument(one)
    one.completion("good", user("hello"))
    assert [span.kind for span in seen.spans].count("step") == 1
    handle.undo()
    one.completion("good", user("hello"))
    assert [span.kind for span in seen.spans].count("step") == 2
    assert tokens(seen) == talk.tokens() == (240, 68)


def test_embeddings_of_a_router_are_calls_below_it(seen, talk):
    asked = litellm.Router(
        model_list=[deployment("vectors", talk, "openai/text-embedding-3-small")], num_retries=0
    )
    asyncio.run(asked.aembedding("vectors", ["vector"]))
    (span,) = models(seen)
    assert (span.kind, span.parent_id) == ("embedding", route(seen, "vectors").span_id)
