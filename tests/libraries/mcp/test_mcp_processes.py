"""A client and a server in processes of their own, each with its own recorder: one trace in the store."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import textwrap
import time

import pytest

from flightlog.configure import load_settings
from flightlog.home import Home

pytestmark = pytest.mark.timeout(600)
"""The programs import much, and a machine may be busy."""

SERVER = """
    import sys
    from mcp.server import MCPServer

    server = MCPServer("weather")

    @server.tool()
    def get_weather(city: str) -> str:
        if city == "Nowhere":
            raise ValueError("no such city")
        return f"18 degrees in {city}"

    if sys.argv[1:]:
        server.run("streamable-http", port=int(sys.argv[1]))
    else:
        server.run("stdio")
"""
CLIENT = """
    import asyncio, os, sys
    from mcp import Client, StdioServerParameters, stdio_client

    async def main():
        if sys.argv[1].startswith("http"):
            where = sys.argv[1]
        else:
            where = stdio_client(
                StdioServerParameters(command=sys.executable, args=sys.argv[1:], env=dict(os.environ))
            )
        async with Client(where) as client:
            for city in ("Oslo", "Nowhere"):
                result = await client.call_tool("get_weather", {"city": city})
                print(result.content[0].text)

    asyncio.run(main())
"""
SAID = "18 degrees in Oslo\nError executing tool get_weather\n"


@pytest.fixture
def programs(tmp_path):
    for name, text in (("server.py", SERVER), ("client.py", CLIENT)):
        (tmp_path / name).write_text(textwrap.dedent(text))
    kept = {name: value for name, value in os.environ.items() if not name.startswith("FLIGHTLOG_")}
    return tmp_path, {**kept, "FLIGHTLOG_HOME": str(tmp_path / "home")}


def _run(directory, environment, *arguments):
    done = subprocess.run(
        [sys.executable, "-m", "flightlog", "run", "client.py", *arguments],
        cwd=directory,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, SAID), done.stderr


def _spans(directory, within=60):
    home = Home(directory / "home", load_settings({"home": str(directory / "home")}))
    home.catch_up(within=within)
    with home.reader() as reader:
        return [span for trace in reader.traces(100) for span in reader.spans(trace.trace_id)]


def _check(spans):
    by_id = {span.span_id: span for span in spans}
    calls = [span for span in spans if span.name == "tools/call get_weather"]
    asked = [span for span in calls if span.attributes["flightlog.mcp.side"] == "client"]
    served = [span for span in calls if span.attributes["flightlog.mcp.side"] == "server"]
    assert len(asked) == len(served) == 2
    assert len({span.trace_id for span in calls}) == 1
    assert {span.process_id for span in asked}.isdisjoint(span.process_id for span in served)
    for span in served:
        assert by_id[span.parent_id].name == span.name
        assert by_id[span.parent_id].input == span.input
    assert sorted(span.status for span in asked) == sorted(span.status for span in served) == ["error", "ok"]
    assert sum(span.kind == "tool" for span in spans) == 2
    assert not any(span.name.startswith(("MCP send", "notifications/")) for span in spans)


def test_a_server_that_is_a_child_process_joins_the_trace_of_its_client(programs):
    directory, environment = programs
    _run(directory, environment, "-m", "flightlog", "run", "server.py")
    _check(_spans(directory))


def test_a_server_behind_http_joins_the_traces_of_its_clients(programs):
    directory, environment = programs
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    server = subprocess.Popen(
        [sys.executable, "-m", "flightlog", "run", "server.py", str(port)],
        cwd=directory,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        deadline = time.monotonic() + 60
        while server.poll() is None and time.monotonic() < deadline:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError:
                continue
        _run(directory, environment, f"http://127.0.0.1:{port}/mcp")
        spans = _spans(directory)
    finally:
        server.terminate()
        server.wait(30)
    _check(spans)


def test_a_server_that_nobody_recorded_asks_of_has_tools_of_its_own(programs):
    directory, environment = programs
    plain = {**environment, "FLIGHTLOG_INSTRUMENT": "mcp"}
    done = subprocess.run(
        [sys.executable, "client.py", "-m", "flightlog", "run", "server.py"],
        cwd=directory,
        env=plain,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, SAID), done.stderr
    calls = [span for span in _spans(directory) if span.name == "tools/call get_weather"]
    assert [(span.kind, span.attributes["flightlog.mcp.side"]) for span in calls] == [("tool", "server")] * 2


EXPORTING = """
    import asyncio
    import flightlog as fl
    from mcp import Client
    from mcp.server import MCPServer
    from opentelemetry import trace
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    kept = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(kept))
    trace.set_tracer_provider(provider)
    server = MCPServer("weather")

    @server.tool()
    def get_weather(city: str) -> str:
        return f"18 degrees in {city}"

    async def main():
        async with Client(server, mode="legacy") as client:
            await client.call_tool("get_weather", {"city": "Oslo"})

    with fl.instrument("mcp"), fl.capture() as seen:
        asyncio.run(main())
    sent = {span.name: span for span in kept.get_finished_spans()}
    print(sorted(sent))
    asked, served = sent["MCP send tools/call get_weather"], sent["tools/call get_weather"]
    print(served.parent.span_id == asked.context.span_id)
    (ours,) = [
        span
        for span in seen.spans
        if span.name == "tools/call get_weather" and span.attributes["flightlog.mcp.side"] == "server"
    ]
    print(ours.parent_id == f"{asked.context.span_id:016x}")
"""


def test_what_a_program_exports_itself_stays_as_it_was(programs):
    directory, environment = programs
    (directory / "exporting.py").write_text(textwrap.dedent(EXPORTING))
    done = subprocess.run(
        [sys.executable, "exporting.py"],
        cwd=directory,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    names = [
        *("MCP send initialize", "MCP send tools/call get_weather", "MCP send tools/list", "initialize"),
        *("notifications/initialized", "tools/call get_weather", "tools/list"),
    ]
    assert done.stdout.splitlines() == [repr(names), "True", "True"], done.stderr
