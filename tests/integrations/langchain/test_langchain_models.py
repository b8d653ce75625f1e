"""Models that make their calls with a client that is recorded as well, against a real provider: each counts once."""

from __future__ import annotations

import asyncio

import openai
import pytest
from langchain_core.language_models.chat_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult

import flightlog as fl


def _usage(told):
    return {
        "input_tokens": told.prompt_tokens,
        "output_tokens": told.completion_tokens,
        "total_tokens": told.total_tokens,
    }


class Client(BaseChatModel):
    """Asks a provider as LangChain's own packages do."""

    options: dict

    @property
    def _llm_type(self):
        return "client"

    @property
    def _identifying_params(self):
        return {"model": "m"}

    def _get_ls_params(self, stop=None, **kwargs):
        return {"ls_provider": "openai", "ls_model_name": "m", "ls_model_type": "chat"}

    def _asked(self, messages, **more):
        told = [{"role": "user", "content": message.content} for message in messages]
        return {"model": "m", "messages": told, **more}

    def _generate(self, messages, stop=None, run_manager=None, **kwargs):
        with openai.OpenAI(**self.options) as client:
            return _result(client.chat.completions.create(**self._asked(messages)))

    async def _agenerate(self, messages, stop=None, run_manager=None, **kwargs):
        async with openai.AsyncOpenAI(**self.options) as client:
            return _result(await client.chat.completions.create(**self._asked(messages)))

    def _stream(self, messages, stop=None, run_manager=None, **kwargs):
        with openai.OpenAI(**self.options) as client:
            for item in client.chat.completions.create(**self._asked(messages, **STREAMED)):
                yield _piece(item)

    async def _astream(self, messages, stop=None, run_manager=None, **kwargs):
        async with openai.AsyncOpenAI(**self.options) as client:
            async for item in await client.chat.completions.create(**self._asked(messages, **STREAMED)):
                yield _piece(item)


STREAMED = {"stream": True, "stream_options": {"include_usage": True}}
SAID = "Hello! How can I help you today?"


def _result(answer):
    choice = answer.choices[0]
    facts = {"model_name": answer.model, "finish_reason": choice.finish_reason, "id": answer.id}
    message = AIMessage(choice.message.content, usage_metadata=_usage(answer.usage), response_metadata=facts)
    return ChatResult(generations=[ChatGeneration(message=message)])


def _piece(item):
    text = item.choices[0].delta.content or "" if item.choices else ""
    usage = _usage(item.usage) if item.usage else None
    return ChatGenerationChunk(message=AIMessageChunk(text, usage_metadata=usage))


async def _pieces(model):
    return [piece.content async for piece in model.astream("hello")]


WAYS = {
    "invoke": lambda model: model.invoke("hello").content,
    "ainvoke": lambda model: asyncio.run(model.ainvoke("hello")).content,
    "batch": lambda model: model.batch(["hello"])[0].content,
    "stream": lambda model: "".join(piece.content for piece in model.stream("hello")),
    "astream": lambda model: "".join(asyncio.run(_pieces(model))),
}


@pytest.mark.parametrize("way", WAYS)
def test_a_call_and_the_request_within_it_count_once(talk, seen, way):
    with fl.instrument("openai"), fl.span("outer"):
        assert WAYS[way](Client(options=talk.options())) == SAID
    assert len(talk.served()) == 1
    (call,) = [span for span in seen.spans if span.kind == "llm"]
    (request,) = [span for span in seen.spans if span.kind == "http"]
    assert (request.parent_id, call.parent_id) == (call.span_id, seen.span("outer").span_id)
    assert (call.name, call.status) == ("chat m", "ok")
    assert call.attributes["flightlog.instrumentation"] == "langchain"
    assert call.attributes["gen_ai.provider.name"] == "openai"
    assert call.attributes["gen_ai.usage.input_tokens"] == 120
    assert call.attributes["gen_ai.usage.output_tokens"] == 34
    assert call.output["messages"][0]["content"] == SAID
    assert not fl.current()


def test_between_two_pieces_of_a_stream_nothing_is_current(talk, seen):
    with fl.instrument("openai"):
        for number, _ in enumerate(Client(options=talk.options()).stream("hello")):
            with fl.span(f"piece {number}"):
                pass
    assert {span.parent_id for span in seen.spans if span.name.startswith("piece")} == {""}
    assert [span.kind for span in seen.spans if span.kind in {"llm", "http"}].count("llm") == 1


def test_what_langchain_itself_tells_of_an_answer_is_enough(talk, seen):
    assert Client(options=talk.options()).invoke("hello").content == SAID
    (call,) = seen.spans
    told = {name: value for name, value in call.attributes.items() if name.startswith("gen_ai.response")}
    assert told.pop("gen_ai.response.id").startswith("chatcmpl")
    assert told == {
        "gen_ai.response.finish_reasons": ["stop"],
        "gen_ai.response.model": "served-model",
    }
    assert call.attributes["gen_ai.usage.input_tokens"] == 120


def test_tokens_that_langchain_does_not_know_are_those_that_were_served(talk, seen):
    class Forgets(Client):
        def _generate(self, messages, stop=None, run_manager=None, **kwargs):
            made = super()._generate(messages)
            made.generations[0].message.usage_metadata["input_tokens"] = 0
            return made

    with fl.instrument("openai"):
        Forgets(options=talk.options()).invoke("hello")
    (call,) = [span for span in seen.spans if span.kind == "llm"]
    assert call.attributes["gen_ai.usage.input_tokens"] == 120
    assert call.attributes["gen_ai.usage.output_tokens"] == 34


def test_a_refusal_is_the_call_s_error(talk, seen):
    with fl.instrument("openai"), pytest.raises(openai.PermissionDeniedError):
        Client(options=talk.options()).invoke("forbidden")
    (call,) = [span for span in seen.spans if span.kind == "llm"]
    assert (call.status, call.error.type) == ("error", "openai.PermissionDeniedError")
    assert not fl.current()


def test_tokens_of_a_cache_and_of_thinking_are_told(seen):
    usage = {
        "input_tokens": 100,
        "output_tokens": 20,
        "total_tokens": 120,
        "input_token_details": {"cache_read": 60, "cache_creation": 30},
        "output_token_details": {"reasoning": 5},
    }

    class Told(Client):
        def _generate(self, messages, stop=None, run_manager=None, **kwargs):
            calls = [{"name": "look", "args": {"city": "Oslo"}, "id": "c1", "type": "tool_call"}]
            message = AIMessage("", usage_metadata=usage, tool_calls=calls)
            return ChatResult(generations=[ChatGeneration(message=message)])

    Told(options={}).invoke("x")
    (call,) = seen.spans
    counts = {name: value for name, value in call.attributes.items() if name.startswith("gen_ai.usage")}
    assert counts == {
        "gen_ai.usage.cache_read.input_tokens": 60,
        "gen_ai.usage.cache_write.input_tokens": 30,
        "gen_ai.usage.input_tokens": 100,
        "gen_ai.usage.output_tokens": 20,
        "gen_ai.usage.reasoning.output_tokens": 5,
    }
    function = {"name": "look", "arguments": '{"city":"Oslo"}'}
    assert call.output["messages"][0]["tool_calls"] == [
        {"id": "c1", "type": "function", "function": function}
    ]
