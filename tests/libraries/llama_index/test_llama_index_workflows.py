"""Workflows and agents: the run is a tree of its steps, with tools and model calls in the steps that made them."""

from __future__ import annotations

import asyncio

import pytest
from llama_index.core.agent.workflow import AgentStream, FunctionAgent, ReActAgent
from llama_index.core.tools import FunctionTool
from llama_index.core.workflow import Context, Event, StartEvent, StopEvent, Workflow, step
from workflows.errors import WorkflowCancelledByUser

import flightlog as fl


class Half(Event):
    part: int


class Sum(Workflow):
    """Two halves side by side, and their sum."""

    @step
    async def split(self, ctx: Context, ev: StartEvent) -> Half | None:
        for part in (1, 2):
            ctx.send_event(Half(part=part))

    @step(num_workers=2)
    async def work(self, ev: Half) -> StopEvent | None:
        with fl.span(f"inside {ev.part}"):
            await asyncio.sleep(0)
        return StopEvent(result=ev.part) if ev.part == 2 else None


def of(seen, name):
    (span,) = [span for span in seen.spans if span.name == name]
    return span


def test_a_workflow_is_a_run_with_its_steps(seen, above):
    async def run():
        return await Sum().run(text="go")

    assert asyncio.run(run()) == 2
    run = of(seen, "Sum")
    assert (run.kind, run.parent_id, run.output) == ("workflow", "", 2)
    assert run.input["start_event"]["text"] == "go"
    assert {above()[name] for name in ("split", "work")} == {"Sum"}
    assert {above()[f"inside {part}"] for part in (1, 2)} == {"work"}
    inside = {span.name: span.parent_id for span in seen.spans if span.name.startswith("inside")}
    assert len(set(inside.values())) == 2
    assert next(span.input for span in seen.spans if span.name == "work") == {"ev": {"part": 1}}


def test_workflows_side_by_side_do_not_mix(seen):
    async def run():
        with fl.span("caller"):
            first, second = Sum().run(), Sum().run()
            return await first + await second

    assert asyncio.run(run()) == 4
    caller = of(seen, "caller").span_id
    runs = [span for span in seen.spans if span.name == "Sum"]
    assert [span.parent_id for span in runs] == [caller, caller]
    for run in runs:
        assert len([span for span in seen.spans if span.parent_id == run.span_id]) == 3


class Failing(Workflow):
    @step
    async def fail(self, ev: StartEvent) -> StopEvent:
        raise ValueError("no")


class Waiting(Workflow):
    @step
    async def wait(self, ctx: Context, ev: StartEvent) -> StopEvent:
        ctx.write_event_to_stream(Half(part=1))
        await asyncio.Event().wait()
        return StopEvent()


def test_a_step_that_fails_fails_its_run(seen):
    async def run():
        await Failing().run()

    with pytest.raises(ValueError, match="no"):
        asyncio.run(run())
    assert {span.name: (span.status, span.error.type) for span in seen.spans} == {
        "fail": ("error", "ValueError"),
        "Failing": ("error", "ValueError"),
    }


def test_a_run_that_the_program_cancels_is_cancelled(seen):
    async def run():
        handler = Waiting().run()
        async for _ in handler.stream_events():
            await handler.cancel_run()
        with pytest.raises(WorkflowCancelledByUser):
            await handler

    asyncio.run(run())
    assert of(seen, "Waiting").status == "cancelled"


class Asked(Event):
    question: str


class Told(Event):
    answer: str


class Asking(Workflow):
    """Asks somebody, and goes on when it is told."""

    @step
    async def ask(self, ctx: Context, ev: StartEvent) -> StopEvent:
        told = await ctx.wait_for_event(Told, waiter_event=Asked(question="which?"))
        return StopEvent(result=told.answer)


def test_a_step_that_waits_for_somebody_is_no_error(seen):
    async def run():
        handler = Asking().run()
        async for event in handler.stream_events():
            if isinstance(event, Asked):
                handler.ctx.send_event(Told(answer="this"))
        return await handler

    assert asyncio.run(run()) == "this"
    assert [(span.name, span.status) for span in seen.spans] == [
        ("ask", "ok"),
        ("ask", "ok"),
        ("Asking", "ok"),
    ]
    assert of(seen, "Asking").output == "this"


def get_weather(city: str) -> str:
    """Look it up."""
    with fl.span("looking"):
        return f"sunny in {city}"


async def get_time(city: str) -> str:
    """Look it up."""
    raise ValueError(f"no clock in {city}")


@pytest.mark.parametrize("streaming", [False, True])
def test_an_agent_is_a_run_with_its_model_calls_and_tools(both, talk, model, above, streaming):
    async def run():
        options = {"additional_kwargs": {"stream_options": {"include_usage": True}}} if streaming else {}
        agent = FunctionAgent(tools=[get_weather, get_time], llm=model(**options), streaming=streaming)
        handler = agent.run("weather")
        pieces = [event async for event in handler.stream_events() if isinstance(event, AgentStream)]
        assert bool(pieces) is streaming
        return await handler

    assert str(asyncio.run(run())) == "It is sunny."
    run = of(both, "FunctionAgent")
    assert (run.kind, run.parent_id) == ("agent", "")
    assert {span.trace_id for span in both.spans} == {run.trace_id}
    weather, clock = of(both, "get_weather"), of(both, "get_time")
    assert (weather.kind, weather.status, weather.output) == ("tool", "ok", "sunny in Oslo")
    assert weather.input == {"city": "Oslo"}
    assert (clock.status, clock.error.type) == ("error", "ValueError")
    around = above()
    assert around["looking"] == "get_weather"
    assert around["get_weather"] == "call_tool"
    calls = [span for span in both.spans if span.kind == "llm"]
    assert len(calls) == len(talk.served()) == 2
    assert sum(span.attributes["gen_ai.usage.input_tokens"] for span in calls) == talk.tokens()[0] == 260
    assert sum(span.attributes["gen_ai.usage.output_tokens"] for span in calls) == talk.tokens()[1]
    names = {span.span_id: span.name for span in both.spans}
    assert {names[call.parent_id] for call in calls} == {"run_agent_step"}


def test_an_agent_that_reasons_in_text_is_one_as_well(seen, model):
    async def run():
        return await ReActAgent(tools=[get_weather], llm=model()).run("hello")

    asyncio.run(run())
    assert of(seen, "ReActAgent").kind == "agent"


def test_a_tool_that_is_called_by_hand_is_one_span(seen):
    tool = FunctionTool.from_defaults(get_weather)
    assert str(tool(city="Oslo")) == "sunny in Oslo"
    assert str(asyncio.run(tool.acall(city="Oslo"))) == "sunny in Oslo"
    assert [span.kind for span in seen.spans if span.name == "get_weather"] == ["tool", "tool"]
