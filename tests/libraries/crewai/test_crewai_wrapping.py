"""The wrapper: whom it leaves alone, how it comes off, and what it does in programs and reruns."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
import types

import pytest
from crewai.agent.core import Agent
from crewai.crew import Crew
from crewai.events import event_bus
from crewai.flow.runtime import Flow
from crewai.llms.base_llm import BaseLLM
from crewai.task import Task
from crewai_kit import Tree

import flightlog as fl
from flightlog.configure import load_settings
from flightlog.home import Home
from flightlog.integrations.crewai import wrapping
from flightlog.integrations.http.methods import Unfit

CLASSES = (event_bus.CrewAIEventsBus, Crew, Agent, Flow, Task, BaseLLM)


@pytest.fixture(autouse=True)
def _nobody_listens():
    fl.uninstrument()
    yield
    fl.uninstrument()


def test_undoing_leaves_the_package_as_it_was():
    before = [dict(vars(kind)) for kind in CLASSES]
    handle = fl.instrument("crewai")
    fl.instrument("crewai")
    assert [dict(vars(kind)) for kind in CLASSES] != before
    handle.undo()
    assert [dict(vars(kind)) for kind in CLASSES] == before


def test_one_crew_is_recorded_and_others_are_left_alone(crews, talk):
    wanted, other = crews.crew(), crews.crew()
    with fl.capture() as seen:
        fl.instrument(wanted)
        other.kickoff()
        assert seen.spans == []
        wanted.kickoff()
        assert sorted(span.kind for span in seen.spans) == ["agent", "llm", "llm", "step", "tool", "workflow"]
        fl.uninstrument(wanted)
        wanted.kickoff()
    assert len(seen.spans) == 6


def test_copies_that_one_crew_makes_of_itself_are_recorded_as_it_is(crews):
    wanted = crews.crew()
    with fl.capture() as seen, fl.instrument(wanted):
        wanted.kickoff_for_each([{"n": 1}, {"n": 2}])
        assert len(Tree(seen).of("workflow")) == 2


def test_one_model_is_recorded_with_nothing_around_it(crews):
    wanted, other = crews.model(), crews.model()
    with fl.capture() as seen, fl.instrument(wanted):
        other.call("Say hello")
        wanted.call("Say hello")
        crews.crew(agent=crews.agent(llm=wanted)).kickoff()
    assert [span.kind for span in seen.spans] == ["llm"] * 3


def test_a_package_of_another_shape_is_left_alone_with_one_message():
    told = []
    made = wrapping._Installed(lambda what, failure: told.append((what, str(failure))))
    made._try(made._listen, types.ModuleType("crewai.events.event_bus"))
    assert told == [("it is not recorded", "it has no crewai.events.event_bus.CrewAIEventsBus")]
    bus = types.SimpleNamespace(CrewAIEventsBus=type("Bus", (), {"emit": lambda *_: None}))
    with pytest.raises(Unfit, match=r"no .*aemit"):
        made._listen(bus)


def test_an_event_of_another_shape_is_told_of_once_and_the_crew_goes_on(crews, capsys, monkeypatch):
    def broken(*_):
        raise TypeError("unheard of")

    monkeypatch.setattr("flightlog.integrations.crewai.told.crew", broken)
    with fl.instrument("crewai"), fl.capture() as seen:
        assert crews.crew().kickoff().raw == "Sunny in Oslo."
        assert crews.crew().kickoff().raw == "Sunny in Oslo."
    assert capsys.readouterr().err.count("an event could not be recorded (TypeError: unheard of)") == 1
    assert len([span for span in seen.spans if span.kind == "llm"]) == 4


PROGRAM = """
    import sys
    places = set()
    sys.addaudithook(lambda name, given: places.add(given[1]) if name == "socket.connect" else None)
    from crewai import LLM, Agent, Crew, Task
    from crewai.tools import tool

    @tool("get_weather")
    def get_weather(city: str) -> str:
        "Say what the weather is like in a city."
        return "sunny"

    model = LLM(model="openai/gpt-4o-mini", base_url=sys.argv[1] + "/v1", api_key="nobody", max_retries=0)
    agent = Agent(role="Forecaster", goal="tell", backstory="old", llm=model, tools=[get_weather])
    task = Task(name="look", description="What is the weather in Oslo?", expected_output="one", agent=agent)
    print(Crew(name="forecast", agents=[agent], tasks=[task]).kickoff().raw)
    places = {place for place in places if not isinstance(place, (str, bytes))}
    print("connected to", len(places))
"""


@pytest.mark.timeout(400)  # CrewAI takes half a minute to import where the machine is busy
def test_a_program_is_recorded_and_run_again_without_asking_and_sends_nothing_else(tmp_path, provider):
    program = tmp_path / "program.py"
    program.write_text(textwrap.dedent(PROGRAM))
    home = Home(tmp_path / "home", load_settings({"home": str(tmp_path / "home")}))
    kept = {name: value for name, value in os.environ.items() if not name.startswith("FLIGHTLOG_")}

    def run(url, *command):
        done = subprocess.run(
            [sys.executable, "-W", "ignore", "-m", "flightlog", *command, str(program), url],
            env={**kept, "FLIGHTLOG_HOME": str(home.path), "CREWAI_DISABLE_TELEMETRY": "true"},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=180,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.splitlines()[-2:]

    def traces():
        home.catch_up(within=60)
        with home.reader() as reader:
            return {trace.trace_id: reader.spans(trace.trace_id) for trace in reader.traces(10)}

    assert run(provider.url, "run") == ["Sunny in Oslo.", "connected to 1"]
    ((first, spans),) = traces().items()
    told = {
        kind: sorted(span.name for span in spans if span.kind == kind)
        for kind in ("workflow", "agent", "tool", "llm")
    }
    assert told == {
        "workflow": ["forecast"],
        "agent": ["Forecaster"],
        "tool": ["get_weather"],
        "llm": ["chat gpt-4o-mini"] * 2,
    }
    used = [span.attributes.get("gen_ai.usage.input_tokens", 0) for span in spans]
    assert sum(used) == 197
    assert run("http://127.0.0.1:9", "rerun", first) == ["Sunny in Oslo.", "connected to 0"]
    assert len(traces()) == 2
