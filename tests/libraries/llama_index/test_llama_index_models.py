"""LlamaIndex's models: each served call is one `llm` span with what was said and the provider's own tokens."""

from __future__ import annotations

import asyncio
import threading

import pytest
from llama_index.core.base.llms.types import CompletionResponse, LLMMetadata
from llama_index.core.llms import ChatMessage, CustomLLM, MockLLM
from llama_index.core.llms.callbacks import llm_completion_callback
from llama_index.core.prompts import PromptTemplate
from provider_kit import TOOLS, now, until

INPUT, OUTPUT = "gen_ai.usage.input_tokens", "gen_ai.usage.output_tokens"
SAID = "Hello! How can I help you today?"


def models(seen):
    return [span for span in seen.spans if span.kind == "llm"]


def tokens(seen):
    return tuple(sum(span.attributes.get(name, 0) for span in models(seen)) for name in (INPUT, OUTPUT))


@pytest.mark.parametrize("method", ["chat", "achat"])
def test_a_chat_is_one_call_with_what_was_said_and_served(seen, talk, model, asked, method):
    asking = getattr(model(), method)
    answer = asking(asked("hello")) if method == "chat" else asyncio.run(asking(asked("hello")))
    assert answer.message.content == SAID
    (span,) = seen.spans
    assert (span.kind, span.name, span.status) == ("llm", "chat gpt-4o-mini", "ok")
    assert span.input == {"messages": [{"role": "user", "content": "hello"}]}
    assert span.output == {"messages": [{"role": "assistant", "content": SAID}]}
    known = span.attributes
    assert known["gen_ai.request.model"] == "gpt-4o-mini"
    assert known["gen_ai.response.model"] == "served-model"
    assert known["gen_ai.response.finish_reasons"] == ["stop"]
    assert known["gen_ai.provider.name"] == "openai"
    assert known["gen_ai.request.temperature"] == 0.1
    assert known["flightlog.instrumentation"] == "llama_index"
    assert known.get("code.file.path", __file__) == __file__
    assert ("code.line.number" in known) is (method == "chat")  # who began a task is not known
    assert tokens(seen) == talk.tokens() == (120, 34)


async def now_of(method, *args, **kwargs):
    return await now(method(*args, **kwargs))


@pytest.mark.parametrize("method", ["complete", "acomplete"])
def test_a_completion_is_a_conversation_of_its_prompt(seen, talk, model, method):
    asyncio.run(now_of(getattr(model(), method), "hello"))
    (span,) = seen.spans
    assert span.input == {"messages": [{"role": "user", "content": "hello"}]}
    assert span.output == {"messages": [{"role": "assistant", "content": SAID}]}
    assert tokens(seen) == talk.tokens() == (120, 34)


def test_a_call_counts_once_where_the_client_is_recorded_as_well(both, talk, model, asked):
    model().chat(asked("hello"))
    asyncio.run(model().achat(asked("hello")))
    assert [span.kind for span in both.spans] == ["http", "llm", "http", "llm"]
    assert tokens(both) == talk.tokens() == (240, 68)
    requests = [span for span in both.spans if span.kind == "http"]
    assert [span.parent_id for span in requests] == [span.span_id for span in models(both)]


def test_tools_that_a_model_may_call_and_did_are_told(seen, talk, model, asked):
    model().chat(asked("weather"), tools=TOOLS)
    (span,) = seen.spans
    assert [tool["function"]["name"] for tool in span.input["tools"]] == ["get_weather", "get_time"]
    (message,) = span.output["messages"]
    assert [call["function"]["name"] for call in message["tool_calls"]] == ["get_weather", "get_time"]
    assert message["tool_calls"][0]["id"] == "call_1"
    assert span.attributes["gen_ai.response.finish_reasons"] == ["tool_calls"]
    assert tokens(seen) == talk.tokens()


def test_a_refusal_has_the_providers_word_and_code(seen, model, asked):
    with pytest.raises(Exception, match="You shall not pass"):
        model().chat(asked("forbidden"))
    (span,) = seen.spans
    assert (span.kind, span.status, span.error.type) == ("llm", "error", "openai.PermissionDeniedError")
    assert span.attributes["error.type"] == "permission_error"
    assert span.attributes["http.response.status_code"] == 403
    assert INPUT not in span.attributes


def test_tries_of_the_client_are_one_call(both, talk, model, asked):
    model(max_retries=3).chat(asked("flaky"))
    assert talk.statuses() == [429, 500, 200]
    assert len(models(both)) == 1
    assert tokens(both) == (120, 34)


def test_calls_side_by_side_each_have_their_own_answer(both, talk, model, asked):
    async def ask():
        asking = model()
        return await asyncio.gather(*(asking.achat(asked("hello")) for _ in range(5)))

    asyncio.run(ask())
    assert [span.kind for span in both.spans].count("llm") == 5
    by_id = {span.span_id: span for span in both.spans}
    requests = [span for span in both.spans if span.kind == "http"]
    ids = {
        (span.attributes["gen_ai.response.id"], by_id[span.parent_id].attributes["gen_ai.response.id"])
        for span in requests
    }
    assert len(ids) == 5
    assert all(own == around for own, around in ids)
    assert tokens(both) == talk.tokens() == (600, 170)


def test_a_call_that_is_cancelled_is_cancelled(seen, wire, broken, asked):
    async def ask():
        task = asyncio.create_task(broken().achat(asked("hello")))
        await asyncio.to_thread(until, lambda: wire.requests, "the request")
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    goes_on = threading.Event()
    wire.will_say(goes_on, b"{}", content_type="application/json")
    asyncio.run(ask())
    goes_on.set()
    (span,) = seen.spans
    assert (span.kind, span.status) == ("llm", "cancelled")


def test_a_prompt_that_is_predicted_is_a_step_around_the_call(seen, talk, model, above):
    assert model().predict(PromptTemplate("{word}"), word="hello") == SAID
    assert [(span.kind, span.name) for span in seen.spans] == [
        ("llm", "chat gpt-4o-mini"),
        ("step", "OpenAI.predict"),
    ]
    assert above()["chat gpt-4o-mini"] == "OpenAI.predict"
    assert tokens(seen) == talk.tokens()


def test_a_model_without_a_provider_knows_no_tokens(seen):
    MockLLM().complete("hello")
    (span,) = seen.spans
    assert (span.kind, span.output["messages"][0]["content"]) == ("llm", "hello")
    assert INPUT not in span.attributes


class Echo(CustomLLM):
    """A model that answers itself; its `chat` is made of its `complete`."""

    @property
    def metadata(self):
        return LLMMetadata(model_name="echo")

    @llm_completion_callback()
    def complete(self, prompt, formatted=False, **kwargs):
        return CompletionResponse(text=prompt.upper(), raw={"usage": {"input_tokens": 3, "output_tokens": 1}})

    @llm_completion_callback()
    def stream_complete(self, prompt, formatted=False, **kwargs):
        yield CompletionResponse(text=prompt.upper(), delta=prompt.upper())


def test_a_model_whose_chat_is_made_of_its_completion_is_called_once(seen):
    answer = Echo().chat([ChatMessage(role="user", content="hello")])
    assert "HELLO" in answer.message.content
    (span,) = seen.spans
    assert (span.kind, span.attributes[INPUT], span.attributes[OUTPUT]) == ("llm", 3, 1)


def test_a_stream_of_a_model_that_is_defined_later_is_one_call(seen):
    pieces = [piece.delta for piece in Echo().stream_chat([ChatMessage(role="user", content="hello")])]
    assert "HELLO" in pieces[0]
    (span,) = seen.spans
    assert (span.kind, span.attributes["flightlog.stream.ended"]) == ("llm", "complete")
