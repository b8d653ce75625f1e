"""What the tests of LlamaIndex share: what the provider answers, models that ask it, all that is recorded."""

from __future__ import annotations

import pytest
from llama_index.core.llms import ChatMessage
from llama_index.llms.openai import OpenAI
from provider_kit import FIXTURES, USAGE

import flightlog as fl

DONE = {
    "match": {"userMessage": "weather", "hasToolResult": True},
    "response": {"content": "It is sunny.", "usage": {**USAGE, "prompt_tokens": 140, "completion_tokens": 5}},
}


@pytest.fixture(scope="session")
def answers():
    return [DONE, *FIXTURES]


@pytest.fixture
def model(talk):
    """Makes a model that asks the provider."""

    def model(**more):
        given = talk.options()
        given["api_base"] = given.pop("base_url")
        return OpenAI(model="gpt-4o-mini", **{**given, "max_retries": 0, **more})

    return model


@pytest.fixture
def broken(wire):
    """Makes a model that asks a server which says byte for byte what a test wants."""

    def broken(**more):
        given = wire.options()
        given["api_base"] = given.pop("base_url")
        return OpenAI(model="gpt-4o-mini", **given, **more)

    return broken


@pytest.fixture
def seen():
    """Everything recorded by the test, with the library recorded and no other."""
    fl.uninstrument()
    with fl.instrument("llama_index"), fl.capture() as captured:
        yield captured
    fl.uninstrument()


@pytest.fixture
def both(seen):
    """The same, with the client beneath it recorded as well."""
    with fl.instrument("openai"):
        yield seen


@pytest.fixture
def above(seen):
    """Each span's name to the name of the one around it."""

    def above():
        names = {span.span_id: span.name for span in seen.spans}
        return {span.name: names.get(span.parent_id, "") for span in seen.spans}

    return above


def user(text):
    return [ChatMessage(role="user", content=text)]


@pytest.fixture
def asked():
    """Makes a conversation of one message."""
    return user
