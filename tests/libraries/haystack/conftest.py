"""What the tests of Haystack share: what the provider answers, and generators that ask it."""

from __future__ import annotations

import os

os.environ["HAYSTACK_TELEMETRY_ENABLED"] = "False"
os.environ.setdefault("OPENAI_API_KEY", "nobody")

import pytest
from haystack.components.generators.chat import OpenAIChatGenerator
from provider_kit import FIXTURES, USAGE

import flightlog as fl

MODEL = "gpt-4o-mini"


@pytest.fixture(scope="session")
def answers():
    after = {"match": {"toolCallId": "call_2"}, "response": {"content": "It is sunny.", "usage": USAGE}}
    return [after, *FIXTURES]


@pytest.fixture
def generator(talk):
    """Makes generators that ask the provider, or another place."""

    def generator(place=None, **more):
        asked = talk if place is None else place
        named = asked.options().get("default_headers", {})
        headers = {"http_client_kwargs": {"headers": named}} if named else {}
        given = {"model": MODEL, "api_base_url": f"{asked.url}/v1", "max_retries": 1, **headers, **more}
        return OpenAIChatGenerator(**given)

    return generator


@pytest.fixture
def seen():
    fl.uninstrument()
    with fl.instrument("haystack"), fl.capture() as captured:
        yield captured
    fl.uninstrument()


@pytest.fixture
def above(seen):
    """The name of the span around one."""

    def above(span):
        return next((other.name for other in seen.spans if other.span_id == span.parent_id), "")

    return above
