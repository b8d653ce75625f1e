"""DSPy's models: each served call is one `llm` span with what was said and the provider's own tokens."""

from __future__ import annotations

import asyncio
import json
import threading
from uuid import uuid4

import dspy
import numpy as np
import pytest
from dspy.utils.dummies import DummyLM
from provider_kit import TOOLS, now, until

import flightlog as fl

INPUT, OUTPUT = "gen_ai.usage.input_tokens", "gen_ai.usage.output_tokens"
SAID = "Hello! How can I help you today?"


def models(seen):
    return [span for span in seen.spans if span.kind == "llm"]


def tokens(seen):
    return tuple(sum(span.attributes.get(name, 0) for span in models(seen)) for name in (INPUT, OUTPUT))


async def ask(asking, prompt):
    return await asking.acall(prompt)


async def now_of(method, *args, **kwargs):
    return await now(method(*args, **kwargs))


@pytest.mark.parametrize("method", ["__call__", "acall"])
@pytest.mark.parametrize("engine", ["auto", "litellm"])
def test_a_call_has_what_was_said_and_served(seen, talk, model, method, engine):
    asking = model(temperature=0.5, engine=engine)
    said = asking("hello") if method == "__call__" else asyncio.run(ask(asking, "hello"))
    assert said == [SAID]
    (span,) = seen.spans
    assert (span.kind, span.name, span.status) == ("llm", "chat gpt-4o-mini", "ok")
    assert span.input == {"messages": [{"role": "user", "content": "hello"}]}
    assert span.output == {"messages": [{"role": "assistant", "content": SAID}]}
    known = span.attributes
    assert (known["gen_ai.provider.name"], known["gen_ai.request.model"]) == ("openai", "gpt-4o-mini")
    assert known["gen_ai.response.model"] == "served-model"
    assert known["gen_ai.response.finish_reasons"] == ["stop"]
    assert known["gen_ai.request.temperature"] == 0.5
    assert known["flightlog.instrumentation"] == "dspy"
    assert known["code.file.path"] == __file__
    assert known["server.address"] == "127.0.0.1"
    assert tokens(seen) == talk.tokens() == (120, 34)


def test_a_request_of_its_own_kind_is_told_as_a_conversation(seen, talk, model):
    request = dspy.lm15.Request(
        model="openai/gpt-4o-mini", system="Be kind.", messages=(dspy.lm15.Message.user("hello"),)
    )
    assert model()(request).text == SAID
    (span,) = seen.spans
    assert span.input["messages"] == [
        {"role": "system", "content": "Be kind."},
        {"role": "user", "content": "hello"},
    ]
    assert span.output["messages"] == [{"role": "assistant", "content": SAID}]
    assert tokens(seen) == talk.tokens()


@pytest.mark.parametrize("others", [("openai",), ("openai", "litellm"), ("litellm",)])
@pytest.mark.parametrize("method", ["__call__", "acall"])
def test_a_call_counts_once_where_what_is_beneath_is_recorded_as_well(seen, talk, model, others, method):
    with fl.instrument(*others):
        asyncio.run(now_of(getattr(model(engine="litellm"), method), "hello"))
    assert [span.attributes["flightlog.instrumentation"] for span in models(seen)] == ["dspy"]
    assert tokens(seen) == talk.tokens() == (120, 34)
    assert len(seen.spans) > 1


def test_tools_that_a_model_may_call_and_did_are_told(seen, talk, model):
    (said,) = model()("weather", tools=TOOLS)
    assert said["tool_calls"]
    (span,) = seen.spans
    assert [tool["function"]["name"] for tool in span.input["tools"]] == ["get_weather", "get_time"]
    (message,) = span.output["messages"]
    assert [call["function"]["name"] for call in message["tool_calls"]] == ["get_weather", "get_time"]
    assert json.loads(message["tool_calls"][0]["function"]["arguments"]) == {"city": "Oslo"}
    assert tokens(seen) == talk.tokens()


def test_several_answers_are_one_call_with_the_tokens_of_all(seen, talk, model):
    assert model()("hello", n=2, temperature=1.0) == [SAID, SAID]
    (span,) = seen.spans
    assert len(span.output["messages"]) == 2
    assert tokens(seen) == talk.tokens() == (240, 68)


def test_what_the_cache_has_is_no_served_call(seen, talk, model):
    prompt = f"hello {uuid4().hex}"
    asking = model(cache=True)
    assert asking(prompt) == asking(prompt) == asyncio.run(asking.acall(prompt)) == [SAID]
    served = len(talk.served())
    assert [span.kind for span in seen.spans].count("llm") == served
    assert tokens(seen) == talk.tokens()
    hits = [event.span_id for event in seen.events if event.name == "cache" and event.attributes["hit"]]
    assert sorted(hits) == sorted(span.span_id for span in seen.spans if span.kind == "step")
    assert len(seen.spans) == 3
    assert seen.spans[1].output == seen.spans[0].output


def test_a_refusal_has_the_providers_word_and_code(seen, model):
    with pytest.raises(dspy.LMError, match="You shall not pass"):
        model()("forbidden")
    (span,) = seen.spans
    assert (span.kind, span.status) == ("llm", "error")
    assert span.error.type.endswith("LMAuthError")
    assert span.attributes["http.response.status_code"] == 403
    assert span.attributes["error.type"] == "no_pass"
    assert INPUT not in span.attributes


def test_tries_are_one_call_with_an_event_for_each(seen, talk, model, monkeypatch):
    monkeypatch.setattr("dspy.clients.execution.time.sleep", lambda _: None)
    assert model(num_retries=3)("flaky") == ["At last."]
    assert talk.statuses() == [429, 500, 200]
    (span,) = seen.spans
    tries = [event.attributes for event in seen.events if event.name == "retry"]
    assert [(one["attempt"], one["reason"]) for one in tries] == [
        (1, "LMRateLimitError"),
        (2, "LMServerError"),
    ]
    assert tokens(seen) == (120, 34)
    assert span.status == "ok"


def test_a_call_that_is_cancelled_is_cancelled(seen, wire):
    goes_on = threading.Event()
    wire.will_say(goes_on, b"{}", content_type="application/json")
    asking = dspy.LM("openai/m", api_base=f"{wire.url}/v1", api_key="nobody", cache=False, num_retries=0)

    async def cancelled():
        task = asyncio.create_task(asking.acall("hello"))
        await asyncio.to_thread(until, lambda: wire.requests, "the request")
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cancelled())
    goes_on.set()
    (span,) = seen.spans
    assert (span.kind, span.status) == ("llm", "cancelled")


def test_a_stand_in_for_a_model_knows_no_tokens(seen):
    DummyLM([{"answer": "yes"}])("hello")
    (span,) = seen.spans
    assert span.kind == "llm"
    assert INPUT not in span.attributes


def test_embeddings_are_one_call_and_what_the_cache_has_is_none(seen, talk):
    where = {"api_base": f"{talk.url}/v1", "api_key": "nobody"}
    embed = dspy.Embedder("openai/text-embedding-3-small", **where)
    prompt = f"vector {uuid4().hex}"
    with fl.instrument("openai"):
        first, second = embed(prompt), asyncio.run(embed.acall([prompt, "vector"]))
        assert np.allclose(first, [0.5, -0.25, 0.125])
        assert second.shape == (2, 3)
        embed(prompt)
    served = [span for span in seen.spans if span.kind == "embedding"]
    assert len(served) == len(talk.served()) == 2
    assert served[0].name == "embeddings text-embedding-3-small"
    assert [span.attributes["flightlog.embedding.count"] for span in served] == [1, 2]
    assert served[0].attributes["gen_ai.embeddings.dimension.count"] == 3
    assert served[0].input == {"input": prompt}
    assert [event.name for event in seen.events if event.name == "cache"] == ["cache"]


def test_an_embedding_that_fails_is_an_error(seen):
    def refuse(texts):
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        dspy.Embedder(refuse, caching=False)("vector")
    (span,) = seen.spans
    assert (span.kind, span.name, span.status) == ("embedding", "embeddings refuse", "error")
