"""What a client sends and an application says is redacted before it is cut: no half secret is on a request's span."""

from __future__ import annotations

import asyncio

import pytest

import flightlog as fl
from flightlog.middleware import ASGIMiddleware, WSGIMiddleware

TOKEN = "ghp" + "_" + "a1B2c3D4" * 5
AT = (8, 20, 39)
"""Characters of the token that stand before the limit."""


def across(limit: int, before: int) -> str:
    return "w" * (limit - before - 1) + " " + TOKEN + " z" * 3000


@pytest.fixture
def seen():
    with fl.capture() as captured:
        yield captured


async def _application(scope, receive, send):
    if scope["type"] == "websocket":
        await send({"type": "websocket.accept"})
        await send({"type": "websocket.close", "code": 1000, "reason": scope["reason"]})
    else:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})


def _ask(scope):
    async def receive():
        return {"type": "http.request", "body": b""}

    async def send(message):
        pass

    asyncio.run(ASGIMiddleware(_application)(scope, receive, send))


@pytest.mark.parametrize("before", AT)
def test_a_user_agent(seen, before):
    agent = across(512, before)
    _ask({"type": "http", "method": "GET", "path": "/", "headers": [(b"user-agent", agent.encode())]})
    environ = {"REQUEST_METHOD": "GET", "PATH_INFO": "/", "HTTP_USER_AGENT": agent, "wsgi.url_scheme": "http"}

    def application(_environ, start_response):
        start_response("200 OK", [])
        return [b""]

    list(WSGIMiddleware(application)(environ, lambda *_: None))
    assert len(seen.spans) == 2
    for span in seen.spans:
        assert len(span.attributes["user_agent.original"]) <= 512
        assert TOKEN[:8] not in str(span.attributes)


@pytest.mark.parametrize("before", AT)
def test_the_reason_of_a_close(seen, before):
    _ask({"type": "websocket", "path": "/", "headers": [], "reason": across(256, before)})
    (span,) = seen.spans
    assert len(span.attributes["flightlog.websocket.close_reason"]) <= 256
    assert TOKEN[:8] not in str(span.attributes)
