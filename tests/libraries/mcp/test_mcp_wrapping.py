"""Recording single clients and servers, taking it back, and a package of another shape."""

from __future__ import annotations

import asyncio
import sys

import pytest
from mcp import Client
from mcp.client.session import ClientSession
from mcp.server.runner import ServerRunner
from mcp.shared import jsonrpc_dispatcher
from mcp.shared.direct_dispatcher import DirectDispatcher
from mcp.shared.jsonrpc_dispatcher import JSONRPCDispatcher

import flightlog as fl
from conftest import make_server
from flightlog.integrations.mcp import wrapping
from flightlog.records.errors import BadQuestion

REPLACED = (
    (JSONRPCDispatcher, "send_raw_request"),
    (JSONRPCDispatcher, "_allocate_id"),
    (jsonrpc_dispatcher, "inject_trace_context"),
    (DirectDispatcher, "send_raw_request"),
    (ClientSession, "dispatch_input_request"),
    (ServerRunner, "_on_request"),
)


def _now():
    return [vars(owner)[name] for owner, name in REPLACED]


async def _ask(client):
    async with client:
        await client.call_tool("get_weather", {"city": "Oslo"})


def test_undo_leaves_the_package_as_it_was():
    fl.uninstrument()
    before = _now()
    first = fl.instrument("mcp")
    wrapped = _now()
    assert all(one is not two for one, two in zip(before, wrapped, strict=True))
    second = fl.instrument("mcp")
    assert _now() == wrapped
    assert second.libraries == ()
    first.undo()
    first.undo()
    assert _now() == before


def test_a_single_client_is_recorded_and_others_are_not(mode):
    fl.uninstrument()
    before = _now()
    ours, other = Client(make_server(), mode=mode), Client(make_server(), mode=mode)
    with fl.capture() as seen, fl.instrument(ours):
        asyncio.run(_ask(other))
        assert [span.name for span in seen.spans] == ["look"]
        asyncio.run(_ask(ours))
    (call,) = [span for span in seen.spans if span.name == "tools/call get_weather"]
    assert (call.kind, call.attributes["flightlog.mcp.side"]) == ("tool", "client")
    assert _now() == before


def test_a_single_server_is_recorded_and_others_are_not(mode):
    fl.uninstrument()
    server = make_server()
    with fl.capture() as seen, fl.instrument(server):
        asyncio.run(_ask(Client(make_server(), mode=mode)))
        assert [span.name for span in seen.spans] == ["look"]
        asyncio.run(_ask(Client(server, mode=mode)))
    (call,) = [span for span in seen.spans if span.name == "tools/call get_weather"]
    assert (call.kind, call.attributes["flightlog.mcp.side"]) == ("tool", "server")


def test_a_single_client_twice_and_among_all_is_recorded_once(mode):
    fl.uninstrument()
    client = Client(make_server(), mode=mode)
    with fl.capture() as seen, fl.instrument("mcp"), fl.instrument(client), fl.instrument(client):
        asyncio.run(_ask(client))
    sides = [
        span.attributes["flightlog.mcp.side"] for span in seen.spans if span.name == "tools/call get_weather"
    ]
    assert sorted(sides) == ["client", "server"]


def test_what_is_no_client_is_refused():
    with pytest.raises(BadQuestion):
        fl.instrument(object())


def test_a_package_of_another_shape_is_left_alone_with_one_message(monkeypatch, capsys, mode):
    fl.uninstrument()
    name = "JSONRPCDispatcher" if mode == "legacy" else "DirectDispatcher"
    module = sys.modules[JSONRPCDispatcher.__module__ if mode == "legacy" else DirectDispatcher.__module__]
    monkeypatch.delattr(module, name)
    with fl.capture() as seen, fl.instrument("mcp"):
        asyncio.run(_ask(Client(make_server(), mode="auto" if mode == "legacy" else "legacy")))
    assert any(span.name == "look" for span in seen.spans)
    told = [line for line in capsys.readouterr().err.splitlines() if line.startswith("flightlog: mcp")]
    assert len(told) == 1
    assert f"it has no {module.__name__}.{name}" in told[0]


def test_a_failure_of_ours_is_told_once_and_the_call_goes_on(monkeypatch, capsys, mode):
    def broken(*_args, **_kwargs):
        raise ZeroDivisionError(mode)  # what is said once is not said again

    fl.uninstrument()
    monkeypatch.setattr(wrapping, "Request", broken)
    with fl.capture() as seen, fl.instrument("mcp"):
        asyncio.run(_ask(Client(make_server(), mode=mode)))
    assert [span.name for span in seen.spans] == ["look"]
    assert (
        capsys.readouterr().err.count("a request could not be recorded (ZeroDivisionError") == 1
    )  # of several


def test_a_failure_on_the_way_is_told_and_the_call_goes_on(monkeypatch, capsys, server, mode):
    def broken(*_args, **_kwargs):
        raise ZeroDivisionError(f"on the way {mode}")

    fl.uninstrument()
    monkeypatch.setattr(wrapping.Request, "_answer", broken)
    monkeypatch.setattr("flightlog.integrations.mcp.requests.headers_at", broken)
    with fl.capture() as seen, fl.instrument("mcp"):
        asyncio.run(_ask(Client(server, mode=mode)))
    assert any(span.name == "look" for span in seen.spans)
    assert "ZeroDivisionError" in capsys.readouterr().err
