"""OpenLLMetry tells of a crew, its task and its agent under one operation; they are read as what they are."""

from __future__ import annotations

from pathlib import Path

from flightlog.configure import load_settings
from flightlog.home import Home
from flightlog.importing import import_documents

RECORDING = Path(__file__).parent / "data" / "crewai_openllmetry.jsonl.gz"


def test_a_crew_is_a_workflow_a_task_a_step_and_an_agent_an_agent(tmp_path):
    home = Home.find(load_settings({"home": str(tmp_path / "home")}))
    import_documents(home, [str(RECORDING)], bad=lambda *told: (_ for _ in ()).throw(AssertionError(told)))
    with home.reader() as reader:
        spans = sorted(reader.each_span(), key=lambda span: span.start)
    assert [(span.name, span.kind) for span in spans] == [
        ("crewai.workflow", "workflow"),
        ("hello.task", "step"),
        ("forecaster.agent", "agent"),
    ]
    crew, task, agent = spans
    assert crew.output == task.output == "Hello yourself."
    assert task.input == {"description": "hello", "expected_output": "a greeting"}
    assert agent.attributes["gen_ai.agent.name"] == "forecaster"
