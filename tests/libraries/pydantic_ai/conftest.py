"""What the tests of Pydantic AI share: what the provider answers, agents that ask it, and everything recorded."""

from __future__ import annotations

import anthropic
import openai
import pytest
from pydantic_ai import Agent
from pydantic_ai.models.anthropic import AnthropicModel
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.anthropic import AnthropicProvider
from pydantic_ai.providers.openai import OpenAIProvider

import flightlog as fl


def _usage(given, said):
    return {"prompt_tokens": given, "completion_tokens": said}


def _tool(name, /, **arguments):
    return [{"name": name, "arguments": arguments}]


ANSWERS = [
    {
        "match": {"userMessage": "weather", "hasToolResult": True},
        "response": {"content": "Mild, 18 degrees.", "usage": _usage(61, 9)},
    },
    {
        "match": {"userMessage": "weather"},
        "response": {"toolCalls": _tool("get_weather", city="Oslo"), "usage": _usage(43, 12)},
    },
    {
        "match": {"userMessage": "ask around", "hasToolResult": True},
        "response": {"content": "They say hello.", "usage": _usage(31, 7)},
    },
    {
        "match": {"userMessage": "ask around"},
        "response": {"toolCalls": _tool("ask_other", question="hello"), "usage": _usage(23, 6)},
    },
    {
        "match": {"userMessage": "person", "hasToolResult": True},
        "response": {"toolCalls": _tool("final_result", name="Ada", age=36), "usage": _usage(90, 11)},
    },
    {
        "match": {"userMessage": "person"},
        "response": {"toolCalls": _tool("final_result", name="Ada"), "usage": _usage(70, 10)},
    },
    {
        "match": {"userMessage": "forbidden"},
        "response": {"error": {"message": "You shall not pass", "type": "permission_error"}, "status": 403},
    },
    {
        "match": {"userMessage": "flaky", "sequenceIndex": 0},
        "response": {
            "error": {"message": "Slow down", "type": "rate_limit_error"},
            "status": 429,
            "retryAfter": 0.01,
        },
    },
    {"match": {"userMessage": "flaky"}, "response": {"content": "At last.", "usage": _usage(15, 4)}},
    {
        "match": {"userMessage": "hello"},
        "response": {"content": "Hello! How can I help you today?", "usage": _usage(11, 3)},
    },
    {"match": {"inputText": "vector"}, "response": {"embedding": [0.5, -0.25, 0.125]}},
]


@pytest.fixture(scope="session")
def answers():
    return ANSWERS


@pytest.fixture
def model(talk):
    client = openai.AsyncOpenAI(**talk.options(max_retries=1))
    return OpenAIChatModel("gpt-4o-mini", provider=OpenAIProvider(openai_client=client))


@pytest.fixture
def claude(talk):
    options = talk.options(max_retries=1, base_url=talk.url)
    client = anthropic.AsyncAnthropic(**options)
    return AnthropicModel("claude-sonnet-4-5", provider=AnthropicProvider(anthropic_client=client))


def make_agent(model, name="forecaster", **more):
    """An agent with a tool."""
    agent = Agent(model, name=name, instructions="Be brief.", **more)

    @agent.tool_plain
    def get_weather(city: str) -> str:
        """The weather."""
        with fl.span("look"):
            return f"18 degrees in {city}"

    return agent


@pytest.fixture
def agent(model):
    return make_agent(model)


@pytest.fixture
def seen():
    """Everything recorded by the test, by Pydantic AI alone: what counts is settled in the store."""
    fl.uninstrument()
    with fl.instrument("pydantic-ai"), fl.capture() as captured:
        yield captured
    fl.uninstrument()
