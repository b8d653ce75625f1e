"""Recording the OpenAI Agents SDK leaves no trace of it behind, and nothing goes to its vendor meanwhile."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import textwrap
import threading

import agents
import pytest
from agents.tracing import get_trace_provider
from agents.tracing.processors import default_processor
from agents.tracing.provider import SynchronousMultiTracingProcessor
from agents.tracing.scope import Scope
from agents_kit import agent, of_kind, ran, run, tokens

import flightlog as fl
from flightlog.configure import load_settings
from flightlog.home import Home


class Own(agents.TracingProcessor):
    """A processor that the program adds."""

    def __init__(self):
        self.heard = []

    def on_trace_start(self, trace):
        self.heard.append("trace begins")

    def on_trace_end(self, trace):
        self.heard.append("trace ends")

    def on_span_start(self, span):
        self.heard.append(f"{span.span_data.type} begins")

    def on_span_end(self, span):
        self.heard.append(f"{span.span_data.type} ends")

    def shutdown(self):
        """Nothing is kept."""

    def force_flush(self):
        """Nothing is kept."""


@pytest.fixture
def own():
    """A processor beside the SDK's, for a test."""
    told = get_trace_provider()._multi_processor
    before = told._processors
    added = Own()
    agents.add_trace_processor(added)
    yield added
    told.set_processors(list(before))


def changed():
    return {
        (kind, name): vars(kind)[name]
        for kind in (
            SynchronousMultiTracingProcessor,
            type(default_processor()),
            Scope,
            agents.run.AgentRunner,
        )
        for name in vars(kind)
        if not name.startswith("__")
    }


def test_nothing_is_left_behind(nobody_listens):
    before, processors = changed(), get_trace_provider()._multi_processor._processors
    with fl.instrument("openai-agents"), fl.instrument("agents"):
        assert changed() != before
        assert get_trace_provider()._multi_processor._processors == processors
    assert changed() == before
    assert get_trace_provider()._multi_processor._processors == processors


def test_processors_that_the_program_adds_hear_everything(nobody_listens, talk, own):
    run(agent(talk), "hello")
    alone, own.heard = own.heard, []
    with fl.instrument("openai_agents"), fl.capture() as seen:
        run(agent(talk), "hello")
    assert own.heard == alone != []
    assert len(of_kind(seen, "llm")) == 1


def test_a_program_that_sets_its_processors_is_recorded_all_the_same(seen, talk, own):
    agents.set_trace_processors([own])
    run(agent(talk), "hello")
    assert own.heard
    assert len(of_kind(seen, "llm")) == 1


def test_without_the_client_below_the_call_counts_all_the_same(nobody_listens, talk):
    with fl.instrument("openai_agents"), fl.capture() as seen:
        run(agent(talk), "hello")
    assert {span.kind for span in seen.spans} == {"workflow", "step", "agent", "llm"}
    assert tokens(seen) == talk.tokens() == (120, 34)
    (model,) = of_kind(seen, "llm")
    assert "hello" in str(model.input)
    assert model.attributes["gen_ai.provider.name"] == "openai"


def test_a_run_without_tracing_leaves_the_request_as_the_call(seen, talk):
    run(agent(talk), "hello", run_config=agents.RunConfig(tracing_disabled=True))
    (model,) = of_kind(seen, "llm")
    assert model.attributes["flightlog.instrumentation"] == "openai"
    assert tokens(seen) == talk.tokens() == (120, 34)


def test_runs_of_a_single_agent_are_recorded_and_no_others(nobody_listens, talk):
    one, other = agent(talk, name="one"), agent(talk, name="other")

    async def several():
        with fl.capture() as seen, fl.instrument(one):
            await ran(one, "hello")
            await asyncio.gather(ran(one, "hello", is_streamed=True), ran(other, "hello"))
        with fl.capture() as later:
            await ran(one, "hello")
        return seen, later

    seen, later = asyncio.run(several())
    assert {span.name for span in of_kind(seen, "agent")} == {"one"}
    assert len(of_kind(seen, "llm")) == 2
    assert tokens(seen) == (240, 68)
    assert later.spans == []


PROGRAM = """
    import asyncio, json, sys
    import agents, openai
    from agents.tracing.processors import default_exporter

    options, elsewhere = json.loads(sys.argv[1]), sys.argv[2]
    agents.set_tracing_export_api_key("nobody")
    default_exporter().endpoint = elsewhere

    @agents.function_tool
    def get_weather(city: str) -> str:
        return "sunny"

    @agents.function_tool
    def get_time(city: str) -> str:
        return "noon"

    async def main():
        model = agents.OpenAIChatCompletionsModel("gpt-4o", openai.AsyncOpenAI(**options))
        clerk = agents.Agent(name="clerk", model=model, tools=[get_weather, get_time])
        print((await agents.Runner.run(clerk, "outside")).final_output)
        result = agents.Runner.run_streamed(agents.Agent(name="clerk", model=model), "hello")
        async for _ in result.stream_events():
            pass
        print(result.final_output)

    asyncio.run(main())
    agents.flush_traces()
"""
SAID = "Go.\nHello! How can I help you today?\n"


def python(tmp_path, *command):
    kept = {name: value for name, value in os.environ.items() if not name.startswith("FLIGHTLOG_")}
    done = subprocess.run(
        [sys.executable, *command],
        env={**kept, "FLIGHTLOG_HOME": str(tmp_path / "home")},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done


@pytest.fixture
def program(tmp_path):
    path = tmp_path / "program.py"
    path.write_text(textwrap.dedent(PROGRAM))
    return str(path)


def test_nothing_is_sent_to_the_vendor(tmp_path, talk, wire, program):
    """A server stands where the SDK's exporter sends: it hears of a plain run, and of a recorded one it does not."""
    given = json.dumps(talk.options(max_retries=0)), f"{wire.url}/v1/traces/ingest"
    wire.will_say(b"{}", content_type="application/json")
    assert python(tmp_path, program, *given).stdout == SAID
    assert len(wire.requests) == 1
    wire.will_say(b"{}", content_type="application/json")
    assert python(tmp_path, "-m", "flightlog", "run", program, *given).stdout == SAID
    assert len(wire.requests) == 1


def test_a_program_is_recorded_and_runs_again_without_the_provider(tmp_path, talk, program):
    elsewhere = "http://127.0.0.1:9/v1/traces/ingest"
    options = talk.options(max_retries=0)
    ran = python(tmp_path, "-m", "flightlog", "run", program, json.dumps(options), elsewhere)
    assert (ran.stdout, len(talk.served())) == (SAID, 3)
    home = Home(tmp_path / "home", load_settings({"home": str(tmp_path / "home")}))
    home.catch_up(within=60)
    with home.reader() as reader:
        (trace,) = reader.traces(10)
        spans = reader.spans(trace.trace_id)
    assert sum(span.kind == "llm" for span in spans) == 3
    assert {"workflow", "agent", "tool"} <= {span.kind for span in spans}
    cost = json.loads(python(tmp_path, "-m", "flightlog", "cost", "--json").stdout)
    assert sum(row["calls"] for row in cost["rows"]) == 3
    assert sum(row["input_tokens"] for row in cost["rows"]) == 240  # of the stream nobody told
    gone = json.dumps({**options, "base_url": "http://127.0.0.1:9/v1"})
    again = python(tmp_path, "-m", "flightlog", "rerun", trace.trace_id, program, gone, elsewhere)
    assert again.stdout == SAID, again.stderr
    assert len(talk.served()) == 3


def test_the_exporters_thread_never_starts(seen, talk):
    before = {thread.ident for thread in threading.enumerate()}
    run(agent(talk), "hello")
    assert default_processor()._queue.empty()
    assert default_processor()._worker_thread is None or default_processor()._worker_thread.ident in before


def test_a_package_of_another_shape_is_left_alone_with_one_message(tmp_path):
    other = tmp_path / "agents"
    other.mkdir()
    (other / "__init__.py").write_text("__version__ = '99.0'\nclass Runner: pass\n")
    (tmp_path / "program.py").write_text("import agents\nprint('as ever')\n")
    done = python(tmp_path, "-m", "flightlog", "run", "program.py")
    assert done.stdout == "as ever\n"
    (told,) = [line for line in done.stderr.splitlines() if "openai_agents" in line]
    assert "openai_agents 99.0: it is not recorded (Unfit: it has no agents.tracing.provider" in told


def test_a_package_of_the_programs_own_with_that_name_is_nobodys_business(tmp_path):
    other = tmp_path / "agents"
    other.mkdir()
    (other / "__init__.py").write_text("name = 'mine'\n")
    (tmp_path / "program.py").write_text("import agents\nprint(agents.name)\n")
    done = python(tmp_path, "-m", "flightlog", "run", "program.py")
    assert done.stdout == "mine\n"
    assert "agents" not in done.stderr
