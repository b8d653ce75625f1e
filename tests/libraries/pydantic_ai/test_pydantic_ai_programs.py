"""Programs that have never heard of Flightlog, run and run again: what the store says is what was served."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap

import pytest

from flightlog.configure import load_settings
from flightlog.home import Home

pytestmark = pytest.mark.timeout(600)
"""The programs import much, and a machine may be busy."""

HEAD = """
    import asyncio, sys
    import anthropic, openai
    from pydantic_ai import Agent
    from pydantic_ai.models.anthropic import AnthropicModel
    from pydantic_ai.models.openai import OpenAIChatModel, OpenAIResponsesModel
    from pydantic_ai.models.test import TestModel
    from pydantic_ai.models.function import FunctionModel
    from pydantic_ai.providers.anthropic import AnthropicProvider
    from pydantic_ai.providers.openai import OpenAIProvider

    url, name = sys.argv[1:]
    options = {"api_key": "nobody", "max_retries": 1, "default_headers": {"X-Test-Id": name}}
    asks = OpenAIProvider(openai_client=openai.AsyncOpenAI(base_url=url + "/v1", **options))
    asks_claude = AnthropicProvider(anthropic_client=anthropic.AsyncAnthropic(base_url=url, **options))
    MODELS = {
        "chat": OpenAIChatModel("gpt-4o-mini", provider=asks),
        "responses": OpenAIResponsesModel("gpt-4o-mini", provider=asks),
        "claude": AnthropicModel("claude-sonnet-4-5", provider=asks_claude),
    }

    def make(model):
        agent = Agent(model, name="forecaster", instructions="Be brief.")

        @agent.tool_plain
        def get_weather(city: str) -> str:
            return f"18 degrees in {city}"

        return agent

    async def stream(agent, text):
        async with agent.run_stream(text) as result:
            return "".join([piece async for piece in result.stream_text(delta=True)])

"""
ASKS = """
    async def main():
        agent = make(MODELS[{model!r}])
        print((await agent.run("the weather?")).output)
        print(await stream(agent, "hello"))

    asyncio.run(main())
"""
SAID = "Mild, 18 degrees.\nHello! How can I help you today?\n"


@pytest.fixture
def run(tmp_path, talk):
    kept = {name: value for name, value in os.environ.items() if not name.startswith("FLIGHTLOG_")}
    program = tmp_path / "program.py"

    def run(body, *command, url=talk.url, **environment):
        if body:
            program.write_text(textwrap.dedent(HEAD + body))
        done = subprocess.run(
            [sys.executable, "-m", "flightlog", *command, str(program), url, talk._name],
            env={**kept, "FLIGHTLOG_HOME": str(tmp_path / "home"), **environment},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


@pytest.fixture
def home(tmp_path):
    return Home(tmp_path / "home", load_settings({"home": str(tmp_path / "home")}))


@pytest.fixture
def spans(home):
    def spans():
        home.catch_up(within=60)
        with home.reader() as reader:
            assert reader.verify() == []
            return [span for trace in reader.traces(100) for span in reader.spans(trace.trace_id)]

    return spans


def _counted(home):
    with home.reader() as reader:
        rows = {row.kind: row for row in reader.figures(("kind",))["kind"]}
        traces = reader.traces(100)
    sums = sum(trace.input_tokens or 0 for trace in traces), sum(trace.output_tokens or 0 for trace in traces)
    return rows["llm"].spans, rows["llm"].input_tokens, rows["llm"].output_tokens, sums


@pytest.mark.parametrize("model", ["chat", "responses", "claude"])
def test_each_call_counts_once_whoever_else_tells_of_it(model, run, spans, home, talk, tmp_path):
    """The client's wrapper, the client's own spans and the HTTP client's stand below Pydantic AI's."""
    assert run(ASKS.format(model=model), "run") == SAID
    told = spans()
    served = talk.served()
    assert len(served) == 3
    assert _counted(home) == (3, 115, 24, (115, 24))
    by_id = {span.span_id: span for span in told}
    calls = [span for span in told if span.kind == "llm"]
    assert {by_id[call.parent_id].kind for call in calls} == {"agent"}
    below = [
        span for span in told if span.attributes.get("flightlog.instrumentation") in {"openai", "anthropic"}
    ]
    assert [span.kind for span in below] == ["http"] * 3
    assert [span.kind for span in told].count("tool") == 1
    cost = subprocess.run(
        [sys.executable, "-m", "flightlog", "cost", "--json"],
        env={**os.environ, "FLIGHTLOG_HOME": str(tmp_path / "home")},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    ).stdout
    assert '"calls": 3' in json.dumps(json.loads(cost))


def test_a_call_reads_like_one_of_ours(run, spans):
    run(ASKS.format(model="chat"), "run")
    calls = sorted((span for span in spans() if span.kind == "llm"), key=lambda span: span.start)
    assert [message["role"] for message in calls[1].input["messages"]] == [
        "system",
        "user",
        "assistant",
        "tool",
    ]
    assert calls[0].output["messages"][0]["tool_calls"][0]["function"]["name"] == "get_weather"
    assert [tool["function"]["name"] for tool in calls[0].input["tools"]] == ["get_weather"]
    (said,) = calls[1].output["messages"]
    assert (said["role"], said["content"]) == ("assistant", "Mild, 18 degrees.")
    assert calls[2].attributes["gen_ai.response.time_to_first_chunk"] > 0
    assert calls[0].attributes["gen_ai.provider.name"] == "openai"
    (tool,) = [span for span in spans() if span.kind == "tool"]
    assert (tool.input, tool.output) == ({"city": "Oslo"}, "18 degrees in Oslo")
    run_of = [span for span in spans() if span.kind == "agent"]
    assert {span.attributes["gen_ai.agent.name"] for span in run_of} == {"forecaster"}
    run_of.sort(key=lambda span: span.start)
    assert [
        [(message["role"], message["content"]) for message in span.input["messages"]] for span in run_of
    ] == [[("system", "Be brief."), ("user", "the weather?")], [("system", "Be brief."), ("user", "hello")]]
    assert [span.output for span in run_of] == SAID.splitlines()


FLAKY = """
    print(make(MODELS["chat"]).run_sync("flaky").output)
"""


def test_retries_of_the_client_are_one_call(run, spans, home, talk):
    assert run(FLAKY, "run") == "At last.\n"
    assert talk.statuses() == [429, 200]
    told = spans()
    assert _counted(home)[:3] == (1, 15, 4)
    (request,) = [span for span in told if span.attributes.get("flightlog.instrumentation") == "openai"]
    with home.reader() as reader:
        events = reader.events(request.trace_id)
    assert [event.name for event in events if event.span_id == request.span_id].count("retry") == 1


STAND_INS = """
    print(make(TestModel()).run_sync("hello").output)
    from pydantic_ai.messages import ModelResponse, TextPart
    own = FunctionModel(lambda messages, info: ModelResponse(parts=[TextPart("made up")]))
    print(make(own).run_sync("hello").output)
"""


def test_models_that_stand_in_for_one_are_no_served_calls(run, spans, home):
    assert run(STAND_INS, "run") == '{"get_weather":"18 degrees in a"}\nmade up\n'
    told = spans()
    asked = [span for span in told if span.name.startswith("chat ")]
    assert [span.kind for span in asked] == ["step"] * 3
    assert [span.attributes["flightlog.served"] for span in asked] == [False] * 3
    with home.reader() as reader:
        rows = {row.kind: row for row in reader.figures(("kind",))["kind"]}
        assert "llm" not in rows
        assert [trace.input_tokens or 0 for trace in reader.traces(10)] == [0] * len(reader.traces(10))


@pytest.mark.parametrize("model", ["chat", "responses", "claude"])
def test_a_rerun_gives_what_was_recorded_and_asks_nobody(model, run, spans):
    assert run(ASKS.format(model=model), "run") == SAID
    (first,) = {span.trace_id for span in spans()}
    before = sum(span.kind == "llm" for span in spans())
    program = run("", "rerun", first, url="http://127.0.0.1:9")
    assert program == SAID
    calls = [span for span in spans() if span.kind == "llm"]
    assert (before, len(calls)) == (3, 6)
    assert {call.status for call in calls} == {"ok"}


def test_content_that_is_withheld_is_not_there(run, spans):
    run(ASKS.format(model="chat"), "run", FLIGHTLOG_CONTENT="metadata")
    told = spans()
    assert sum(span.kind == "llm" for span in told) == 3
    assert "18 degrees" not in repr(told)
    assert "How can I help" not in repr(told)


def test_a_program_s_own_settings_are_recorded_as_well(run, spans, home):
    assert run("    Agent.instrument_all()\n" + ASKS.format(model="chat"), "run") == SAID
    spans()
    assert _counted(home)[:3] == (3, 115, 24)


def test_where_it_is_left_out_the_clients_tell(run, spans, home):
    assert run(ASKS.format(model="chat"), "run", FLIGHTLOG_INSTRUMENT_WITHOUT="pydantic_ai") == SAID
    assert not any(span.kind == "agent" for span in spans())
    assert _counted(home)[:3] == (3, 115, 24)
