"""What the tests of the Model Context Protocol share: a server with all that one can have, and everything recorded."""

from __future__ import annotations

import pytest
from mcp import types
from mcp.server import MCPServer
from mcp.server.mcpserver import Context

import flightlog as fl


def make_server(name="weather"):
    """A server with tools, a resource and a prompt."""
    server = MCPServer(name)

    @server.tool()
    def get_weather(city: str) -> str:
        """The weather."""
        with fl.span("look"):
            if city == "Nowhere":
                raise ValueError("no such city")
            return f"18 degrees in {city}"

    @server.tool()
    async def climb(steps: int, ctx: Context) -> int:
        """Work that says how far it is."""
        for step in range(steps):
            await ctx.report_progress(step + 1, steps, f"step {step + 1}")
        return steps

    @server.tool()
    async def ask_model(ctx: Context) -> str:
        """Ask the model of the client."""
        said = types.SamplingMessage(role="user", content=types.TextContent(type="text", text="who?"))
        answer = await ctx.session.create_message(messages=[said], max_tokens=9)
        return answer.content.text

    @server.resource("note://one")
    def note() -> str:
        """A note."""
        return "remember"

    @server.prompt()
    def greet(name: str) -> str:
        """A greeting."""
        return f"Greet {name}."

    return server


@pytest.fixture
def server():
    return make_server()


@pytest.fixture(params=["auto", "legacy"])
def mode(request):
    """Without and with streams and a handshake: two ways through the package."""
    return request.param


@pytest.fixture
def seen():
    fl.uninstrument()
    with fl.instrument("mcp"), fl.capture() as captured:
        yield captured
    fl.uninstrument()
