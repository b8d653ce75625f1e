"""What the tests of smolagents share: what the provider answers, models that ask it, and tools."""

from __future__ import annotations

import json

import pytest
from smolagents import OpenAIModel, tool

import flightlog as fl

MODEL = "gpt-4o-mini"


def used(went_in, came_out):
    return {"prompt_tokens": went_in, "completion_tokens": came_out, "total_tokens": went_in + came_out}


def _calls(*calls):
    return [{"name": name, "arguments": arguments, "id": ident} for ident, name, arguments in calls]


def _asks(word, usage, *calls):
    return {"match": {"userMessage": word}, "response": {"toolCalls": _calls(*calls), "usage": usage}}


def _after(ident, usage, *calls):
    return {"match": {"toolCallId": ident}, "response": {"toolCalls": _calls(*calls), "usage": usage}}


def _code(word, code, usage):
    said = f"Thought: so.\n<code>\n{code}\n</code>"
    return {"match": {"userMessage": word}, "response": {"content": said, "usage": usage}}


ANSWERS = [
    # What was seen of a tool comes back as a message of the user's.
    _asks("zqsunny in Oslo", used(150, 30), ("call_8", "final_answer", {"answer": "It is sunny."})),
    _asks("no clock", used(60, 6), ("call_7", "final_answer", {"answer": "No clock."})),
    _asks("zqreport", used(40, 4), ("call_6", "final_answer", {"answer": "It was asked for."})),
    _code("zqfound", 'final_answer("found it")', used(33, 3)),
    _asks("carry out this plan", used(21, 3), ("call_4", "final_answer", {"answer": "As planned."})),
    _asks(
        "zqweather",
        used(100, 20),
        ("call_1", "get_weather", {"city": "Oslo"}),
        ("call_2", "greet", {"name": "Ada"}),
    ),
    _asks("zqclock", used(50, 5), ("call_3", "get_time", {"city": "Oslo"})),
    _asks("zqdelegate", used(70, 7), ("call_5", "helper", {"task": "zqhelp please"})),
    _asks("zqhelp", used(30, 3), ("call_9", "final_answer", {"answer": "zqreport"})),
    _code("zqcode", 'print("zqfound " + get_weather("Oslo")[2:])', used(80, 8)),
    {
        "match": {"userMessage": "zqforbidden"},
        "response": {"error": {"message": "You shall not", "type": "permission_error"}, "status": 403},
    },
    {"match": {"userMessage": "zqhello"}, "response": {"content": "Hello.", "usage": used(12, 2)}},
    {"match": {"userMessage": "plan"}, "response": {"content": "1. Do it. <end_plan>", "usage": used(11, 1)}},
]


@pytest.fixture(scope="session")
def answers():
    return json.loads(json.dumps(ANSWERS))


@tool
def get_weather(city: str) -> str:
    """Weather of a city.

    Args:
        city: Where.
    """
    with fl.span(f"within {city}"):
        return f"zqsunny in {city}"


@tool
def greet(name: str) -> str:
    """Greet somebody.

    Args:
        name: Whom.
    """
    return f"hello {name}"


@tool
def get_time(city: str) -> str:
    """Time in a city.

    Args:
        city: Where.
    """
    raise LookupError(f"no clock in {city}")


@pytest.fixture
def tools():
    return [get_weather, greet, get_time]


@pytest.fixture
def model(talk):
    """Makes models that ask the provider, or another place."""

    def model(place=None, kind=OpenAIModel, **more):
        asked = talk if place is None else place
        headers = asked.options().get("default_headers", {})
        client = {"default_headers": headers, "max_retries": 0}
        return kind(
            model_id=MODEL,
            api_base=f"{asked.url}/v1",
            api_key="nobody",
            client_kwargs=client,
            retry=False,
            **more,
        )

    return model


@pytest.fixture
def seen():
    fl.uninstrument()
    with fl.instrument("smolagents"), fl.capture() as captured:
        yield captured
    fl.uninstrument()


@pytest.fixture
def above(seen):
    """The name of the span around one."""

    def above(span):
        return next((other.name for other in seen.spans if other.span_id == span.parent_id), "")

    return above
