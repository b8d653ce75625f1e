"""Steps and pipelines of flujo that its tests run."""

from __future__ import annotations

import asyncio

import flujo
from flujo import Flujo, Step
from flujo.domain.dsl import HumanInTheLoopStep, LoopStep

import flightlog as fl

IS_NEW = hasattr(Flujo, "_run_async_impl")
"""Whether this is 0.6 or later: executors, outcomes and events are others than before."""
AGENTS = "flujo.agents" if IS_NEW else "flujo.infra.agents"
"""Where agents are made."""
PASSWORD = "hunter" + "2"
ROOT = "pipeline_run" if IS_NEW else "pipeline_root"


@flujo.step
async def add(x: int) -> int:
    with fl.span("inside add"):
        return x + 1


@flujo.step
async def double(x: int) -> int:
    return x * 2


@flujo.step
async def shout(x: str) -> str:
    return f"{x}!"


@flujo.step
async def broken(x: int) -> int:
    raise ValueError(f"it broke, password={PASSWORD}")


class Failing:
    """An agent that fails so many times before it answers."""

    def __init__(self, times):
        self.left = times

    async def run(self, data, **_):
        if self.left:
            self.left -= 1
            raise RuntimeError("not yet")
        return data


class Waiting:
    """An agent that says when it is asked, and answers when it may."""

    def __init__(self):
        self.is_asked = asyncio.Event()
        self.may_answer = asyncio.Event()

    async def run(self, data, **_):
        self.is_asked.set()
        await self.may_answer.wait()
        return data


class Streaming:
    """An agent that answers in pieces."""

    async def run(self, data, **_):
        return "abc"

    async def stream(self, data, **_):
        for piece in "abc":
            yield piece


class Costly:
    """An agent that says what its answer cost."""

    class Answer:
        output = "an answer"
        cost_usd = 0.5
        token_counts = 100

    async def run(self, data, **_):
        return self.Answer()


def ask(name="ask", message="may it?"):
    return HumanInTheLoopStep(name=name, message_for_user=message)


def alone(step):
    """A pipeline of one step."""
    return flujo.Pipeline.from_step(step)


def with_agent(name, agent, retries=1, **more):
    step = Step(name=name, agent=agent, **more)
    step.config.max_retries = retries
    return step


def loop(body, until, most=5):
    return LoopStep(
        name="loop",
        loop_body_pipeline=body,
        exit_condition_callable=lambda last, _: until(last),
        max_loops=most,
    )


async def last_of(run):
    """What a run gives last, which is its result."""
    result = None
    async for item in run:
        result = item
    return result


def outputs(result):
    return [step.output for step in result.step_history]
