"""How the tests of the OpenAI Agents SDK ask: by either of OpenAI's interfaces, and as a stream or not."""

from __future__ import annotations

import asyncio

import openai
from agents import Agent, ModelSettings, OpenAIChatCompletionsModel, OpenAIResponsesModel, Runner

CHAT, RESPONSES = OpenAIChatCompletionsModel, OpenAIResponsesModel
"""The two interfaces."""


def agent(talk, kind=CHAT, name="clerk", **more):
    """An agent whose model is the provider."""
    client = openai.AsyncOpenAI(**talk.options(max_retries=0))
    settings = ModelSettings(include_usage=True, temperature=0.5)
    return Agent(name=name, model=kind("gpt-4o", client), **{"model_settings": settings, **more})


async def ran(agent, text, *, is_streamed=False, **more):
    """What a run gives in the end, whichever way it goes."""
    if not is_streamed:
        return (await Runner.run(agent, text, **more)).final_output
    result = Runner.run_streamed(agent, text, **more)
    async for _ in result.stream_events():
        pass
    return result.final_output


def run(agent, text, **more):
    """The same from outside of any loop."""
    return asyncio.run(ran(agent, text, **more))


def of_kind(seen, kind):
    """The spans of a kind, in the order in which they began."""
    return sorted((span for span in seen.spans if span.kind == kind), key=lambda span: span.start)


def tokens(seen):
    """All the tokens that count, in and out."""
    told = [span.attributes for span in seen.spans]
    names = ("gen_ai.usage.input_tokens", "gen_ai.usage.output_tokens")
    return tuple(sum(one.get(name, 0) for one in told) for name in names)


def path(seen, span):
    """The names of the spans from the outermost to this one."""
    known = {one.span_id: one for one in seen.spans}
    names = []
    while span is not None:
        names.insert(0, span.name)
        span = known.get(span.parent_id)
    return names
