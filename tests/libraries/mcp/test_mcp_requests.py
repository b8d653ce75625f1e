"""What both ends of a connection say of a request: one trace, a span at each end, the tool call counted once."""

from __future__ import annotations

import asyncio

import anyio
import pytest
from mcp import Client, MCPError, types
from mcp.server import MCPServer

import flightlog as fl


def named(seen, name):
    """The client's span and the server's, by the name that they share."""
    sides = {span.attributes["flightlog.mcp.side"]: span for span in seen.spans if span.name == name}
    assert sides["server"].parent_id == sides["client"].span_id
    assert sides["server"].trace_id == sides["client"].trace_id
    return sides["client"], sides["server"]


def talk(server, mode, what, **options):
    """Connect, do something, and disconnect; gives what came of it, which may be an error of the protocol."""

    async def main():
        async with Client(server, mode=mode, **options) as client:
            try:
                return await what(client)
            except MCPError as error:  # which would leave the client's block as a group
                return error

    return asyncio.run(main())


def test_a_tool_call_is_one_trace_and_one_tool(server, mode, seen):
    with fl.span("work"):
        result = talk(server, mode, lambda client: client.call_tool("get_weather", {"city": "Oslo"}))
    assert result.structured_content == {"result": "18 degrees in Oslo"}
    client, served = named(seen, "tools/call get_weather")
    assert (client.kind, served.kind) == ("tool", "function")
    assert client.input == served.input == {"city": "Oslo"}
    assert client.output["content"] == [{"type": "text", "text": "18 degrees in Oslo"}]
    assert (
        client.output["structuredContent"]
        == served.output["structuredContent"]
        == {"result": "18 degrees in Oslo"}
    )
    assert client.attributes["gen_ai.tool.name"] == served.attributes["gen_ai.tool.name"] == "get_weather"
    assert client.attributes["mcp.server.name"] == served.attributes["mcp.server.name"] == "weather"
    assert client.attributes["mcp.protocol.version"] == served.attributes["mcp.protocol.version"]
    (work,) = [span for span in seen.spans if span.name == "work"]
    (look,) = [span for span in seen.spans if span.name == "look"]
    assert client.parent_id == work.span_id
    assert look.parent_id == served.span_id
    assert sum(span.kind == "tool" for span in seen.spans) == 1


def test_the_ids_of_requests_are_those_on_the_wire(server, seen):
    talk(server, "legacy", lambda client: client.list_tools())
    client, served = named(seen, "tools/list")
    assert client.attributes["jsonrpc.request.id"] == served.attributes["jsonrpc.request.id"] == "2"
    assert [tool["name"] for tool in client.output["tools"]] == ["get_weather", "climb", "ask_model"]


def test_a_result_that_says_that_it_failed_is_an_error_at_both_ends(server, mode, seen):
    result = talk(server, mode, lambda client: client.call_tool("get_weather", {"city": "Nowhere"}))
    assert result.is_error
    client, served = named(seen, "tools/call get_weather")
    assert (client.status, client.error.type) == ("error", "tool_error")
    assert client.error.message == "Error executing tool get_weather"
    assert (served.status, served.error.type, served.error.message) == ("error", "ValueError", "no such city")
    assert "get_weather" in served.error.stack
    assert client.attributes["error.type"] == served.attributes["error.type"] == "tool_error"


def test_an_error_of_the_protocol_has_its_code(server, mode, seen):
    error = talk(server, mode, lambda client: client.read_resource("note://two"))
    assert isinstance(error, MCPError)
    for span in named(seen, "resources/read note://two"):
        assert span.status == "error"
        assert span.error.type.endswith("MCPError")
        assert span.error.message == "Unknown resource: note://two"
        assert span.attributes["error.type"] == span.attributes["rpc.response.status_code"] == "-32602"


def test_resources_and_prompts_say_what_was_read(server, mode, seen):
    async def what(client):
        await client.read_resource("note://one")
        await client.get_prompt("greet", {"name": "Ada"})

    talk(server, mode, what)
    client, _ = named(seen, "resources/read note://one")
    assert client.attributes["mcp.resource.uri"] == "note://one"
    assert client.output["contents"][0]["text"] == "remember"
    client, served = named(seen, "prompts/get greet")
    assert served.input == {"name": "greet", "arguments": {"name": "Ada"}}
    assert client.output["messages"][0]["content"]["text"] == "Greet Ada."


def test_progress_is_told_at_both_ends_and_to_the_program(server, mode, seen):
    heard = []

    async def on_progress(progress, total, message):
        heard.append((progress, total, message))

    talk(server, mode, lambda client: client.call_tool("climb", {"steps": 2}, progress_callback=on_progress))
    assert heard == [(1, 2, "step 1"), (2, 2, "step 2")]
    for span in named(seen, "tools/call climb"):
        told = [event.attributes for event in seen.events if event.span_id == span.span_id]
        assert told == [{"progress": n, "total": 2, "message": f"step {n}"} for n in (1, 2)]


def test_of_endless_progress_the_beginning_is_kept(server, seen):
    async def on_progress(*_):
        """Listen."""

    talk(
        server,
        "legacy",
        lambda client: client.call_tool("climb", {"steps": 300}, progress_callback=on_progress),
    )
    for span in named(seen, "tools/call climb"):
        assert sum(event.span_id == span.span_id for event in seen.events) == 200


def test_sampling_goes_the_other_way_in_the_same_trace(server, seen):
    async def sample(_context, params):
        with fl.span("answer"):
            text = types.TextContent(type="text", text=params.messages[0].content.text)
            return types.CreateMessageResult(role="assistant", model="m", content=text)

    result = talk(
        server, "legacy", lambda client: client.call_tool("ask_model", {}), sampling_callback=sample
    )
    assert result.content[0].text == "who?"
    _, tool = named(seen, "tools/call ask_model")
    asking, asked = named(seen, "sampling/createMessage")  # the server is the client here
    assert asking.parent_id == tool.span_id
    assert asking.input["messages"] == [{"role": "user", "content": {"type": "text", "text": "who?"}}]
    assert asking.output["content"] == asked.output["content"] == {"type": "text", "text": "who?"}
    assert asking.kind == asked.kind == "function"  # whoever asks a model for the answer tells of that
    (answer,) = [span for span in seen.spans if span.name == "answer"]
    assert answer.parent_id == asked.span_id


def test_a_client_that_answers_with_an_error_says_so(server, seen):
    assert isinstance(talk(server, "legacy", lambda client: client.call_tool("ask_model", {})), MCPError)
    asking, asked = named(seen, "sampling/createMessage")
    assert asking.status == asked.status == "error"
    assert asked.error.message == "Sampling not supported"
    assert asking.attributes["error.type"] == asked.attributes["error.type"] == "-32600"


def test_requests_at_the_same_time_have_each_their_own_parent(server, mode, seen):
    async def what(client):
        async def one(city):
            with fl.span(city):
                return await client.call_tool("get_weather", {"city": city})

        await asyncio.gather(*(one(f"city {n}") for n in range(8)))

    talk(server, mode, what)
    spans = {span.span_id: span for span in seen.spans}
    looks = [span for span in seen.spans if span.name == "look"]
    assert len(looks) == 8
    above = [spans[spans[spans[look.parent_id].parent_id].parent_id].name for look in looks]
    told = [spans[look.parent_id].input["city"] for look in looks]
    assert sorted(above) == sorted(told) == [f"city {n}" for n in range(8)]
    assert above == told


def test_a_request_that_is_given_up_is_cancelled_and_one_that_takes_too_long_is_an_error(mode, seen):
    server = MCPServer("slow")
    begun = asyncio.Event()

    @server.tool()
    async def sleep() -> str:
        """Never come back."""
        begun.set()
        await anyio.sleep_forever()
        return ""

    async def give_up(client):
        task = asyncio.create_task(client.call_tool("sleep", {}))
        await begun.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    talk(server, mode, give_up)
    client, served = named(seen, "tools/call sleep")
    assert (client.status, served.status) == ("cancelled", "cancelled")
    with fl.capture() as late:
        error = talk(server, mode, lambda client: client.call_tool("sleep", {}, read_timeout_seconds=0.05))
    assert isinstance(error, MCPError)
    (client,) = [
        one for one in late.spans if one.attributes["flightlog.mcp.side"] == "client" and "call" in one.name
    ]
    assert client.status == "error"
    assert client.attributes["error.type"] == str(types.REQUEST_TIMEOUT)


def test_a_proxy_of_a_tool_counts_it_once(server, mode, seen):
    """A tool of a framework that asks a server for the tool of the same name is one tool."""

    async def what(client):
        with fl.span("execute_tool get_weather", kind="tool"):
            await client.call_tool("get_weather", {"city": "Oslo"})

    talk(server, mode, what)
    assert [span.name for span in seen.spans if span.kind == "tool"] == ["execute_tool get_weather"]


@pytest.mark.parametrize("also", [(), ("opentelemetry",)])
def test_the_package_s_own_spans_are_no_second_ones(server, mode, also):
    fl.uninstrument()
    with fl.instrument("mcp", *also), fl.capture() as seen:
        talk(server, mode, lambda client: client.call_tool("get_weather", {"city": "Oslo"}))
        talk(server, mode, lambda client: client.call_tool("get_weather", {"city": "Nowhere"}))
    fl.uninstrument()
    names = [span.name for span in seen.spans]
    assert names.count("tools/call get_weather") == 4
    assert not any(name.startswith(("MCP send", "notifications/")) for name in names)
    failed = [span.error.type for span in seen.spans if span.name.startswith("tools") and span.error]
    assert sorted(failed) == ["ValueError", "tool_error"]


def test_secrets_in_arguments_pass_the_gate(server, mode, seen):
    secret = "sk-" + "a1B2" * 10
    talk(server, mode, lambda client: client.call_tool("get_weather", {"city": secret}))
    assert secret not in repr(seen.records)
