"""Agents, their model calls and their tools: the right tree, in every way in which a run is made."""

from __future__ import annotations

import asyncio
import json

import pytest
from mcp.server import MCPServer
from pydantic import BaseModel
from pydantic_ai import Agent, Embedder, ModelRetry, RunContext
from pydantic_ai.embeddings.openai import OpenAIEmbeddingModel
from pydantic_ai.exceptions import ModelHTTPError, UnexpectedModelBehavior
from pydantic_ai.mcp import MCPToolset
from pydantic_ai.models.test import TestModel as StandIn
from pydantic_ai.providers.openai import OpenAIProvider

import flightlog as fl
from conftest import make_agent


def tree(seen):
    """Each span with the names of those around it, in order of their beginning."""
    by_id = {span.span_id: span for span in seen.spans}

    def path(span):
        above = by_id.get(span.parent_id)
        return f"{path(above)} > {span.name}" if above else span.name

    return [path(span) for span in sorted(seen.spans, key=lambda span: span.start)]


def tokens(seen):
    calls = [span.attributes for span in seen.spans if span.kind == "llm"]
    return tuple(sum(call[f"gen_ai.usage.{end}_tokens"] for call in calls) for end in ("input", "output"))


async def _streamed(agent, text):
    async with agent.run_stream(text) as result:
        return "".join([piece async for piece in result.stream_text(delta=True)])


async def _iterated(agent, text):
    async with agent.iter(text) as run:
        async for _ in run:
            pass
    return run.result.output


WAYS = {
    "run_sync": lambda agent, text: agent.run_sync(text).output,
    "run": lambda agent, text: asyncio.run(agent.run(text)).output,
    "run_stream": lambda agent, text: asyncio.run(_streamed(agent, text)),
    "iter": lambda agent, text: asyncio.run(_iterated(agent, text)),
}


@pytest.mark.parametrize("way", WAYS)
def test_a_run_with_a_tool_is_a_tree(way, agent, talk, seen):
    with fl.span("work"):
        assert WAYS[way](agent, "the weather?") == "Mild, 18 degrees."
    run = "work > invoke_agent forecaster"
    assert tree(seen) == [
        "work",
        run,
        f"{run} > chat gpt-4o-mini",
        f"{run} > execute_tool get_weather",
        f"{run} > execute_tool get_weather > look",
        f"{run} > chat gpt-4o-mini",
    ]
    assert [span.kind for span in sorted(seen.spans, key=lambda span: span.start)] == [
        *("step", "agent", "llm", "tool", "step", "llm")
    ]
    assert {span.status for span in seen.spans} == {"ok"}
    assert tokens(seen) == talk.tokens() == (104, 21)


def test_what_was_said_and_what_a_tool_was_given_is_there(agent, seen):
    agent.run_sync("the weather?")
    first, second = (span.attributes for span in seen.spans if span.kind == "llm")
    assert json.loads(first["gen_ai.input.messages"])[0]["parts"] == [
        {"type": "text", "content": "the weather?"}
    ]
    assert [message["role"] for message in json.loads(second["gen_ai.input.messages"])] == [
        *("user", "assistant", "tool")
    ]
    assert "Be brief." in second["gen_ai.system_instructions"]
    (tool,) = [span.attributes for span in seen.spans if span.kind == "tool"]
    assert json.loads(tool["gen_ai.tool.call.arguments"]) == {"city": "Oslo"}
    assert tool["gen_ai.tool.call.result"] == "18 degrees in Oslo"


def test_a_stream_that_is_left_early_ends(agent, seen):
    async def main():
        async with agent.run_stream("hello") as result:
            async for _ in result.stream_text(delta=True):
                break

    asyncio.run(main())
    run, call = sorted(seen.spans, key=lambda span: span.start)
    assert (run.kind, call.kind) == ("agent", "llm")
    # The library cancels what is still going on then, if anything is.
    assert {run.status, call.status} <= {"ok", "cancelled"}
    assert call.attributes["gen_ai.client.operation.time_to_first_chunk"] > 0


def test_an_error_of_the_provider_is_one_of_the_call_and_of_the_run(agent, seen):
    with pytest.raises(ModelHTTPError):
        agent.run_sync("forbidden")
    run, call = sorted(seen.spans, key=lambda span: span.start)
    assert (run.status, call.status) == ("error", "error")
    assert call.error.type.startswith("pydantic_ai.exceptions.Model")
    assert "You shall not pass" in call.error.message
    assert "gen_ai.usage.input_tokens" not in call.attributes


def test_an_output_that_does_not_fit_is_asked_for_again(model, talk, seen):
    class Person(BaseModel):
        name: str
        age: int

    agent = Agent(model, output_type=Person, name="finder")
    assert agent.run_sync("a person").output == Person(name="Ada", age=36)
    assert [span.name for span in seen.spans if span.kind == "llm"] == ["chat gpt-4o-mini"] * 2
    assert tokens(seen) == talk.tokens() == (160, 21)
    (run,) = [span for span in seen.spans if span.kind == "agent"]
    assert json.loads(run.attributes["final_result"]) == {"name": "Ada", "age": 36}
    assert run.attributes["gen_ai.aggregated_usage.input_tokens"] == 160
    assert "gen_ai.usage.input_tokens" not in run.attributes


def test_an_output_that_never_fits_is_an_error(model, seen):
    class Person(BaseModel):
        shoe_size: int

    with pytest.raises(UnexpectedModelBehavior):
        Agent(model, output_type=Person, name="finder", retries=1).run_sync("a person")
    (run,) = [span for span in seen.spans if span.kind == "agent"]
    assert run.status == "error"


def test_a_tool_that_asks_for_another_try_says_why(model, seen):
    agent = Agent(model, name="forecaster")
    tried = []

    @agent.tool_plain(retries=2)
    def get_weather(city: str) -> str:
        """The weather."""
        tried.append(city)
        raise ModelRetry("which Oslo?")

    agent.run_sync("the weather?")
    assert tried == ["Oslo"]
    (tool,) = [span for span in seen.spans if span.kind == "tool"]
    assert tool.status == "error"
    assert "which Oslo?" in repr(tool)


def test_an_agent_within_a_tool_of_another_stands_below_it(model, talk, seen):
    other = Agent(model, name="other")
    agent = Agent(model, name="asker")

    @agent.tool
    async def ask_other(ctx: RunContext, question: str) -> str:
        """Ask another agent."""
        return (await other.run(question, usage=ctx.usage)).output

    assert agent.run_sync("ask around").output == "They say hello."
    run = "invoke_agent asker"
    assert tree(seen) == [
        run,
        f"{run} > chat gpt-4o-mini",
        f"{run} > execute_tool ask_other",
        f"{run} > execute_tool ask_other > invoke_agent other",
        f"{run} > execute_tool ask_other > invoke_agent other > chat gpt-4o-mini",
        f"{run} > chat gpt-4o-mini",
    ]
    assert tokens(seen) == talk.tokens() == (65, 16)


def test_runs_at_the_same_time_keep_apart(agent, talk, seen):
    async def one(n):
        with fl.span(f"work {n}"):
            await agent.run("the weather?")

    async def main():
        await asyncio.gather(*(one(n) for n in range(5)))

    asyncio.run(main())
    paths = tree(seen)
    for n in range(5):
        assert sum(path.startswith(f"work {n} > ") for path in paths) == 5
    assert tokens(seen) == talk.tokens() == (520, 105)


def test_a_run_that_is_cancelled_says_so(model, seen):
    agent = Agent(model, name="forecaster")
    begun = asyncio.Event()

    @agent.tool_plain
    async def get_weather(city: str) -> str:
        """The weather."""
        begun.set()
        await asyncio.Event().wait()
        return city

    async def main():
        task = asyncio.create_task(agent.run("the weather?"))
        await begun.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    by_kind = {span.kind: span.status for span in seen.spans}
    assert by_kind == {"agent": "cancelled", "llm": "ok", "tool": "cancelled"}


def test_an_mcp_server_s_tools_are_tools_of_the_agent_and_join_its_trace(model, seen):
    server = MCPServer("weather")

    @server.tool()
    def get_weather(city: str) -> str:
        """The weather."""
        with fl.span("look"):
            return f"18 degrees in {city}"

    agent = Agent(model, name="forecaster", toolsets=[MCPToolset(server)])
    with fl.instrument("mcp"):
        agent.run_sync("the weather?")
    run = "invoke_agent forecaster"
    call = f"{run} > execute_tool get_weather > tools/call get_weather"
    assert f"{call} > tools/call get_weather > look" in tree(seen)
    assert [span.name for span in seen.spans if span.kind == "tool"] == ["execute_tool get_weather"]


def test_embeddings_are_calls_of_their_own(model, talk, seen):
    embedder = Embedder(
        OpenAIEmbeddingModel("text-embedding-3-small", provider=OpenAIProvider(openai_client=model.client))
    )
    asyncio.run(embedder.embed_query("vector"))
    (call,) = seen.spans
    assert call.kind == "embedding"
    assert len(talk.served()) == 1


def test_one_agent_is_recorded_and_others_are_not(model):
    fl.uninstrument()
    ours, other = make_agent(model, "ours"), make_agent(model, "other")
    with fl.capture() as seen:
        handle = fl.instrument(ours)
        other.run_sync("hello")
        assert not seen.spans
        ours.run_sync("hello")
        handle.undo()
        ours.run_sync("hello")
    assert [span.name for span in seen.spans] == ["chat gpt-4o-mini", "invoke_agent ours"]
    assert ours.instrument is None


def test_one_agent_among_all_is_recorded_once(agent, seen):
    with fl.instrument(agent), fl.instrument(agent):
        agent.run_sync("hello")
    assert len(seen.spans) == 2


def test_undo_leaves_the_library_as_it_was():
    fl.uninstrument()
    owners = (Agent, Embedder)
    before = [owner._instrument_default for owner in owners]
    first = fl.instrument("pydantic-ai")
    settings = Agent._instrument_default
    assert settings
    assert fl.instrument("pydantic_ai").libraries == ()
    assert Agent._instrument_default is settings
    first.undo()
    assert [owner._instrument_default for owner in owners] == before == [False, False]


def test_what_the_program_asked_for_stays(agent):
    fl.uninstrument()
    Agent.instrument_all(True)
    try:
        with fl.instrument("pydantic-ai"):
            assert Agent._instrument_default is True
            Agent.instrument_all(False)
        assert Agent._instrument_default is False
        with fl.instrument("pydantic-ai"):
            Agent.instrument_all(True)
        assert Agent._instrument_default is True
    finally:
        Agent.instrument_all(False)


def test_what_the_program_asks_for_itself_is_recorded_by_the_provider_of_all(agent):
    fl.uninstrument()
    Agent.instrument_all(True)
    try:
        with fl.instrument("pydantic-ai", "opentelemetry"), fl.capture() as seen:
            agent.run_sync("hello")
    finally:
        Agent.instrument_all(False)
        fl.uninstrument()
    assert [span.kind for span in seen.spans] == ["llm", "agent"]


def test_a_run_that_began_before_it_was_taken_back_does_no_harm(model):
    fl.uninstrument()
    agent = Agent(model, name="forecaster")

    @agent.tool_plain
    def get_weather(city: str) -> str:
        """The weather."""
        fl.uninstrument()
        return city

    with fl.capture() as seen, fl.instrument("pydantic-ai"):
        assert agent.run_sync("the weather?").output == "Mild, 18 degrees."
    assert {span.status for span in seen.spans} == {"ok"}


def test_a_package_of_another_shape_is_left_alone_with_one_message(monkeypatch, capsys):
    import pydantic_ai

    fl.uninstrument()
    monkeypatch.delattr(pydantic_ai, "InstrumentationSettings")
    with fl.capture() as seen, fl.instrument("pydantic-ai"):
        Agent(StandIn(), name="tester").run_sync("hello")
    assert not seen.spans
    told = [line for line in capsys.readouterr().err.splitlines() if "pydantic_ai" in line]
    assert len(told) == 1
    assert "it has no InstrumentationSettings" in told[0]
