"""Pipelines, agents and their parts: the tree, what was said, tokens as they were served."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import subprocess
import sys

import pytest
from haystack import Document, Pipeline, component, tracing
from haystack.components.agents import Agent
from haystack.components.builders import ChatPromptBuilder
from haystack.components.embedders import OpenAITextEmbedder
from haystack.components.retrievers.in_memory import InMemoryBM25Retriever
from haystack.dataclasses import ChatMessage
from haystack.document_stores.in_memory import InMemoryDocumentStore
from haystack.tools import tool
from haystack.tracing.tracer import NullSpan, ProxyTracer, Tracer
from haystack.utils import Secret
from msgspec import UNSET
from provider_kit import USAGE, event

import flightlog as fl

IN = "gen_ai.usage.input_tokens"
OUT = "gen_ai.usage.output_tokens"

PROGRAM = """
import sys
from haystack import Pipeline
from haystack.components.generators.chat import OpenAIChatGenerator
from haystack.dataclasses import ChatMessage

pipeline = Pipeline()
headers = {"headers": {"X-Test-Id": sys.argv[2]}}
made = OpenAIChatGenerator(model="gpt-4o-mini", api_base_url=sys.argv[1] + "/v1", http_client_kwargs=headers)
pipeline.add_component("llm", made)
print(pipeline.run({"llm": {"messages": [ChatMessage.from_user("hello")]}})["llm"]["replies"][0].text)
"""


@tool
def get_weather(city: str) -> str:
    """Weather of a city."""
    with fl.span("within the tool"):
        return f"sunny in {city}"


@tool
def get_time(city: str) -> str:
    """Time in a city."""
    raise LookupError(f"no clock in {city}")


@component
class Meeting:
    """Waits for the other one of two, so that both must be at work at the same time."""

    def __init__(self, gate):
        self._gate = gate

    @component.output_types(place=str)
    def run(self, value: int):
        return {"place": "alone"}

    @component.output_types(place=str)
    async def run_async(self, value: int):
        await self._gate.wait()
        with fl.span(f"inner {value}"):
            return {"place": str(value)}


def asking(made):
    pipeline = Pipeline()
    pipeline.add_component("llm", made)
    return pipeline


@component
class NumberGenerator:
    """Has the name of a model's component, and is none."""

    @component.output_types(number=int)
    def run(self, start: int):
        return {"number": start + 1}


def say(text):
    return {"llm": {"messages": [ChatMessage.from_user(text)]}}


def of_kind(seen, kind):
    return sorted((span for span in seen.spans if span.kind == kind), key=lambda span: span.start)


def tokens(seen):
    calls = of_kind(seen, "llm")
    return tuple(sum(call.attributes.get(name, 0) for call in calls) for name in (IN, OUT))


@pytest.fixture
def searching(generator):
    """A pipeline that finds, asks and answers."""
    store = InMemoryDocumentStore()
    store.write_documents([Document(content="hello world", meta={"page": 3}), Document(content="bye")])
    pipeline = Pipeline()
    pipeline.add_component("retriever", InMemoryBM25Retriever(store, top_k=1))
    template = [ChatMessage.from_user("{{ documents | length }} times hello")]
    pipeline.add_component("prompt", ChatPromptBuilder(template=template))
    pipeline.add_component("llm", generator())
    pipeline.connect("retriever.documents", "prompt.documents")
    pipeline.connect("prompt", "llm.messages")
    return pipeline


@pytest.mark.parametrize("is_async", [False, True])
def test_a_pipeline_is_a_workflow_of_its_components(seen, searching, talk, above, is_async):
    asked = {"retriever": {"query": "hello"}}
    made = asyncio.run(searching.run_async(asked)) if is_async else searching.run(asked)
    (flow,) = of_kind(seen, "workflow")
    (found,), (prompt,), (call,) = (of_kind(seen, kind) for kind in ("retrieval", "prompt", "llm"))
    assert [above(span) for span in (found, prompt, call)] == ["pipeline"] * 3
    assert [span.name for span in (found, prompt, call)] == ["retriever", "prompt", "llm"]
    assert flow.input == asked
    assert flow.output["llm"]["replies"][0]["content"] == made["llm"]["replies"][0].text
    (document,) = found.output["documents"]
    assert (document["content"], document["metadata"]) == ("hello world", {"page": 3})
    assert call.input["messages"] == [{"role": "user", "content": "1 times hello"}]
    assert call.output["messages"] == [{"role": "assistant", "content": "Hello! How can I help you today?"}]
    assert call.attributes["gen_ai.response.model"] == "served-model"
    assert call.attributes["gen_ai.response.finish_reasons"] == ["stop"]
    assert tokens(seen) == talk.tokens() == (120, 34)


@pytest.mark.parametrize("is_async", [False, True])
def test_an_agent_is_steps_of_models_and_tools(seen, generator, talk, above, is_async):
    agent = Agent(chat_generator=generator(), tools=[get_weather, get_time])
    messages = [ChatMessage.from_user("weather")]
    made = asyncio.run(agent.run_async(messages=messages)) if is_async else agent.run(messages=messages)
    assert made["messages"][-1].text == "It is sunny."
    (acted,) = of_kind(seen, "agent")
    good, failed = sorted(of_kind(seen, "tool"), key=lambda span: span.name, reverse=True)
    assert (good.name, good.status, good.output) == ("get_weather", "ok", "sunny in Oslo")
    assert (failed.name, failed.status) == ("get_time", "error")
    assert "no clock in Oslo" in failed.error.message
    assert good.input == {"city": "Oslo"}
    assert good.parent_id == failed.parent_id
    (inner,) = [span for span in seen.spans if span.name == "within the tool"]
    assert above(inner) == "get_weather"
    first, second = of_kind(seen, "llm")
    assert [one["function"]["name"] for one in first.input["tools"]] == ["get_weather", "get_time"]
    assert [one["function"]["name"] for one in first.output["messages"][0]["tool_calls"]] == [
        "get_weather",
        "get_time",
    ]
    assert [one["role"] for one in second.input["messages"]] == ["user", "assistant", "tool", "tool"]
    assert acted.attributes["haystack.agent.steps_taken"] == 2
    assert tokens(seen) == talk.tokens() == (240, 68)


def test_components_at_the_same_time_keep_their_own(seen, above):
    """Neither goes on before both have begun."""

    class Gate:
        waiting = 0
        both = None

        async def wait(self):
            self.both = self.both or asyncio.Event()
            self.waiting += 1
            if self.waiting == 2:
                self.both.set()
            await asyncio.wait_for(self.both.wait(), 20)

    gate = Gate()
    pipeline = Pipeline()
    pipeline.add_component("left", Meeting(gate))
    pipeline.add_component("right", Meeting(gate))
    asyncio.run(pipeline.run_async({"left": {"value": 1}, "right": {"value": 2}}))
    around = {span.name: above(span) for span in seen.spans}
    assert around == {
        "pipeline": "",
        "left": "pipeline",
        "right": "pipeline",
        "inner 1": "left",
        "inner 2": "right",
    }


def test_between_two_partial_outputs_nothing_of_the_pipeline_is_current(seen, searching, above):
    async def look(stops):
        with fl.span("around"):
            outputs = searching.run_async_generator({"retriever": {"query": "hello"}})
            async with contextlib.aclosing(outputs):
                async for _ in outputs:
                    with fl.span("outside"):
                        pass
                    if stops:
                        break
            with fl.span("after"):
                pass

    async def twice():
        for stops in (False, True):
            await look(stops)

    asyncio.run(twice())
    assert {above(span) for span in seen.spans if span.name in ("outside", "after")} == {"around"}
    flows = of_kind(seen, "workflow")
    assert [above(flow) for flow in flows] == ["around", "around"]
    assert {flow.status for flow in flows} <= {"ok", "cancelled"}


def test_a_streamed_answer_knows_when_it_began(seen, generator, wire):
    pieces = [{"delta": {"role": "assistant", "content": text}, "index": 0} for text in ("Hi", " there")]
    last = {"delta": {}, "index": 0, "finish_reason": "stop"}
    chunks = [_chunk(choices=[piece]) for piece in (*pieces, last)]
    wire.will_say(*chunks, _chunk(choices=[], usage=USAGE), event("[DONE]"))
    heard = []
    options = {"generation_kwargs": {"stream_options": {"include_usage": True}}}
    made = generator(wire, streaming_callback=heard.append, **options)
    asking(made).run(say("hello"))
    (call,) = of_kind(seen, "llm")
    assert heard
    assert call.output["messages"][0]["content"] == "Hi there"
    assert (call.attributes[IN], call.attributes[OUT]) == (120, 34)
    assert call.attributes["gen_ai.response.time_to_first_chunk"] >= 0


def test_a_stream_without_usage_has_no_tokens_and_one_that_breaks_is_an_error(seen, generator, wire):
    piece = {"delta": {"role": "assistant", "content": "Hi"}, "index": 0}
    last = {"delta": {}, "index": 0, "finish_reason": "stop"}
    wire.will_say(_chunk(choices=[piece]), _chunk(choices=[last]), event("[DONE]"))
    wire.will_say(_chunk(choices=[piece]), None)
    pipeline = asking(generator(wire, streaming_callback=lambda chunk: None))
    pipeline.run(say("hello"))
    with pytest.raises(Exception):  # noqa: B017 - whose it is, is the business of the HTTP client
        pipeline.run(say("hello"))
    good, broken = of_kind(seen, "llm")
    assert IN not in good.attributes
    assert good.status == "ok"
    assert broken.status == "error"
    assert [flow.status for flow in of_kind(seen, "workflow")] == ["ok", "error"]


def _chunk(**members):
    return event({"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "served", **members})


def test_a_refusal_is_an_error_of_the_model_and_of_the_pipeline(seen, generator):
    with pytest.raises(Exception, match="You shall not pass"):
        asking(generator()).run(say("forbidden"))
    (call,) = of_kind(seen, "llm")
    (flow,) = of_kind(seen, "workflow")
    assert (call.status, flow.status) == ("error", "error")
    assert "PermissionDenied" in call.error.type
    assert "PipelineRuntimeError" in flow.error.type
    assert IN not in call.attributes


def test_a_component_that_only_has_the_name_of_a_model_is_a_step(seen):
    pipeline = Pipeline()
    pipeline.add_component("numbers", NumberGenerator())
    pipeline.run({"numbers": {"start": 1}})
    (made,) = [span for span in seen.spans if span.name == "numbers"]
    assert (made.kind, made.input, made.output) == ("step", {"start": 1}, {"number": 2})


def test_an_embedder_is_an_embedding(seen, talk):
    named = {"headers": talk.options()["default_headers"]}
    embedder = OpenAITextEmbedder(
        api_key=Secret.from_token("nobody"),
        model="text-embedding-3-small",
        api_base_url=f"{talk.url}/v1",
        http_client_kwargs=named,
    )
    pipeline = Pipeline()
    pipeline.add_component("embedder", embedder)
    pipeline.run({"embedder": {"text": "a vector"}})
    (made,) = of_kind(seen, "embedding")
    assert made.input["text"] == "a vector"
    assert "text-embedding-3-small" in made.attributes["gen_ai.response.model"]
    assert made.output is UNSET


@pytest.mark.parametrize("word", ["hello", "flaky"])
def test_with_the_clients_own_wrapper_a_call_counts_once(seen, generator, talk, above, word):
    with fl.instrument("openai", "httpx2"):
        asking(generator(max_retries=2)).run(say(word))
    (call,) = of_kind(seen, "llm")
    requests = [
        span for span in of_kind(seen, "http") if span.attributes["flightlog.instrumentation"] == "openai"
    ]
    (request,) = requests
    assert above(request) == "llm"
    assert IN not in request.attributes
    assert tokens(seen) == (120, 34)
    assert call.attributes["gen_ai.provider.name"] == "openai"
    assert talk.statuses()[-1] == 200


def test_a_tracer_of_the_program_hears_what_it_heard_before(seen, searching):
    heard = []

    class Own(Tracer):
        @contextlib.contextmanager
        def trace(self, operation_name, tags=None, parent_span=None):
            heard.append((operation_name, parent_span))
            yield Noted()

        def current_span(self):
            return None

    class Noted(NullSpan):
        def set_content_tag(self, key, value):
            heard.append((key, None))

    tracing.enable_tracing(Own())
    try:
        searching.run({"retriever": {"query": "hello"}})
    finally:
        tracing.disable_tracing()
    assert [name for name, _ in heard].count("haystack.component.run") == 3
    assert all(parent is None or isinstance(parent, Noted) for _, parent in heard)
    assert len(of_kind(seen, "workflow")) == 1


def test_one_pipeline_is_recorded_and_others_are_left_alone(generator, talk):
    fl.uninstrument()
    mine, other = asking(generator()), asking(generator())
    with fl.capture() as captured, fl.instrument(mine):
        mine.run(say("hello"))
        other.run(say("hello"))
        asyncio.run(mine.run_async(say("hello")))
    assert len(of_kind(captured, "workflow")) == 2
    assert tokens(captured) == (240, 68)
    assert len(talk.served()) == 3


def test_undo_restores_what_was_there(searching):
    fl.uninstrument()
    places = [(ProxyTracer, "trace"), (Pipeline, "run"), (Agent, "run"), (Pipeline, "run_async_generator")]
    before = [getattr(owner, name) for owner, name in places]
    fl.instrument("haystack")
    fl.instrument("haystack")
    assert all(getattr(owner, name) is not was for (owner, name), was in zip(places, before, strict=True))
    fl.uninstrument("haystack")
    assert [getattr(owner, name) for owner, name in places] == before


def test_a_package_of_another_shape_is_left_alone_with_one_message(capfd, monkeypatch):
    fl.uninstrument()
    original = Pipeline.run
    monkeypatch.delattr(ProxyTracer, "trace")
    monkeypatch.setattr(ProxyTracer, "__abstractmethods__", frozenset())
    monkeypatch.delattr(Tracer, "trace")
    fl.instrument("haystack")
    assert Pipeline.run is original
    fl.uninstrument("haystack")
    assert capfd.readouterr().err.count("haystack") == 1


def test_a_failure_of_ours_is_told_and_the_pipeline_goes_on(seen, searching, capfd, monkeypatch):
    from flightlog.integrations.haystack import traced

    def broken(*args, **kwargs):
        raise LookupError("of ours")

    monkeypatch.setattr(traced.told, "plain", broken)
    made = searching.run({"retriever": {"query": "hello"}})
    assert made["llm"]["replies"]
    assert "of ours" in capfd.readouterr().err


def _flightlog(home, *arguments):
    command = [sys.executable, "-m", "flightlog", *arguments]
    environment = {**os.environ, "FLIGHTLOG_HOME": str(home)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.timeout(400)  # three programs one after another, each with all that it imports
def test_a_program_is_recorded_by_flightlog_run_and_run_again_without_the_provider(talk, tmp_path):
    """With the clients of openai and of HTTP recorded as well: one call, counted once; the rerun asks nobody."""
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    home = tmp_path / "home"
    assert "Hello!" in _flightlog(home, "run", str(program), talk.url, talk._name)
    total = json.loads(_flightlog(home, "cost", "--json"))["total"]
    assert (total["calls"], total["input_tokens"], total["output_tokens"]) == (1, 120, 34)
    assert len(talk.served()) == 1
    again = _flightlog(home, "rerun", "@latest", str(program), "http://127.0.0.1:9", "none")
    assert "Hello!" in again
    assert len(talk.served()) == 1
