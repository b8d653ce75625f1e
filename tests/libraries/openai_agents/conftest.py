"""What the tests of the OpenAI Agents SDK share: what the provider says, and everything recorded by the test."""

from __future__ import annotations

import pytest
from provider_kit import FIXTURES, USAGE

import flightlog as fl


@pytest.fixture(scope="session")
def answers():
    """Beside what it says to others: calls of tools, of each a first one, and what comes after them."""
    call = {"name": "get_weather", "arguments": {"city": "Oslo"}, "id": "call_1"}
    clock = {"name": "get_time", "arguments": {"city": "Oslo"}, "id": "call_2"}
    over = {"name": "transfer_to_poet", "arguments": {}, "id": "call_3"}
    ask = {"name": "ask_helper", "arguments": {"input": "hello"}, "id": "call_4"}
    return [
        {
            "match": {"hasToolResult": True, "userMessage": "deleg"},
            "response": {"content": "Done.", "usage": USAGE},
        },
        {"match": {"userMessage": "deleg"}, "response": {"toolCalls": [ask], "usage": USAGE}},
        {
            "match": {"hasToolResult": True, "userMessage": "outside"},
            "response": {"content": "Go.", "usage": USAGE},
        },
        {"match": {"userMessage": "outside"}, "response": {"toolCalls": [call, clock], "usage": USAGE}},
        {
            "match": {"hasToolResult": True, "userMessage": "verse"},
            "response": {"content": "Ode.", "usage": USAGE},
        },
        {"match": {"userMessage": "verse"}, "response": {"toolCalls": [over], "usage": USAGE}},
        *FIXTURES,
    ]


@pytest.fixture
def seen():
    fl.uninstrument()
    with fl.instrument(), fl.capture() as captured:
        yield captured
    fl.uninstrument()


@pytest.fixture
def nobody_listens():
    """The package as it is without us, whatever other tests did."""
    fl.uninstrument()
    yield
    fl.uninstrument()
