"""Agents in steps of flujo, which ask a model: the call stands in its step, counts once, and can be run again."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from importlib import import_module

import pytest
from flujo import Step
from flujo_kit import AGENTS, IS_NEW, alone

import flightlog as fl
from flightlog.configure import load_settings
from flightlog.home import Home

ANSWER = "Hello! How can I help you today?"
USED = (120, 34)


@pytest.fixture
def agent(provider, monkeypatch):
    """An agent of flujo's own that asks the provider."""
    monkeypatch.setenv("OPENAI_BASE_URL", f"{provider.url}/v1")
    monkeypatch.setenv("OPENAI_API_KEY", "nobody")
    return import_module(AGENTS).make_agent_async("openai:gpt-4o-mini", "Be kind.", str)


def test_the_call_of_an_agent_stands_in_its_step_with_the_tokens_that_were_served(
    agent, runner, seen, one, above
):
    with fl.instrument("openai"):
        result = runner(alone(Step(name="say", agent=agent))).run("hello")
    assert result.step_history[-1].output == ANSWER
    call = one("chat gpt-4o-mini")
    assert above() == [("pipe", ""), ("say", "pipe"), ("chat gpt-4o-mini", "say")]
    assert call.kind == "llm"
    assert (
        call.attributes["gen_ai.usage.input_tokens"],
        call.attributes["gen_ai.usage.output_tokens"],
    ) == USED
    assert [span.kind for span in seen.spans].count("llm") == 1


@pytest.mark.skipif(not IS_NEW, reason="before 0.6 flujo tells of no events")
@pytest.mark.parametrize("is_traced", [True, False])
def test_what_an_agent_tells_of_itself_is_on_its_step(agent, runner, seen, events, one, is_traced):
    runner(alone(Step(name="say", agent=agent)), enable_tracing=is_traced).run("hello")
    told = dict(events("say"))
    assert list(told) == ["agent.system", "agent.input", "agent.response", "agent.usage"]
    assert told["agent.system"]["system_prompt_preview"] == "Be kind."
    assert told["agent.input"]["input_preview"] == "hello"
    assert told["agent.response"]["response_preview"] == ANSWER
    assert (told["agent.usage"]["input_tokens"], told["agent.usage"]["output_tokens"]) == USED
    times = [event.time for event in seen.events]
    assert times == sorted(times)
    assert one("say").start < times[0] < times[-1] < one("say").end
    assert one("say").attributes["flightlog.usage.total_tokens"] == sum(USED)


PROGRAM = """
    import logging
    logging.disable(logging.CRITICAL)
    from flujo import Flujo, Pipeline, Step
    from {module} import make_agent_async

    agent = make_agent_async("openai:gpt-4o-mini", "Be kind.", str)
    runner = Flujo(Pipeline.from_step(Step(name="say", agent=agent)), pipeline_name="talk")
    print(runner.run("hello").step_history[-1].output)
"""


def test_a_program_is_recorded_its_call_counts_once_and_its_rerun_asks_nobody(place, provider):
    program = place / "program.py"
    program.write_text(textwrap.dedent(PROGRAM).format(module=AGENTS))
    home = Home(place / "home", load_settings({"home": str(place / "home")}))
    kept = {name: value for name, value in os.environ.items() if not name.startswith("FLIGHTLOG_")}

    def flightlog(url, *command):
        done = subprocess.run(
            [sys.executable, "-W", "ignore", "-m", "flightlog", *command],
            env={
                **kept,
                "FLIGHTLOG_HOME": str(home.path),
                "OPENAI_BASE_URL": f"{url}/v1",
                "OPENAI_API_KEY": "nobody",
            },
            capture_output=True,
            text=True,
            timeout=110,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    assert ANSWER in flightlog(provider.url, "run", str(program))
    home.catch_up(within=60)
    with home.reader() as reader:
        (trace,) = reader.traces(10)
        spans = reader.spans(trace.trace_id)
    named = {span.name: span for span in spans}
    assert named["say"].parent_id == named["talk"].span_id
    assert [span.name for span in spans if span.kind == "llm"] == ["chat gpt-4o-mini"]
    (row,) = json.loads(flightlog(provider.url, "cost", "--json"))["rows"]
    assert (row["calls"], row["input_tokens"], row["output_tokens"]) == (1, *USED)
    assert ANSWER in flightlog("http://127.0.0.1:9", "rerun", trace.trace_id, str(program))
