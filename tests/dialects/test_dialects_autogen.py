"""One run of an agent, of which AutoGen itself and OpenInference tell, is one agent; an agent within it is another."""

from __future__ import annotations

from pathlib import Path

import pytest

from flightlog.configure import load_settings
from flightlog.dialects.counting import Place, call_of, verdicts
from flightlog.home import Home
from flightlog.importing import import_documents
from flightlog.records.span import Span

RECORDING = Path(__file__).parent / "data" / "autogen_openinference.jsonl.gz"


def agent(scope, span_id, parent_id, name, start, end):
    return Span(
        trace_id="1" * 32,
        span_id=span_id,
        parent_id=parent_id,
        name=name,
        kind="agent",
        start=start,
        end=end,
        status="ok",
        attributes={"gen_ai.agent.name": name},
        otel={"scope": {"name": scope}},
    )


def found(*spans):
    calls = [call for span in spans if (call := call_of(span)) is not None]
    places = {(span.project, span.trace_id, span.span_id): Place(span.parent_id, span.kind) for span in spans}
    return {key[2]: verdict for key, verdict in verdicts(calls, places).items()}


def test_of_two_spans_of_one_run_one_is_an_agent(tmp_path):
    home = Home.find(load_settings({"home": str(tmp_path / "home")}))
    import_documents(home, [str(RECORDING)], bad=lambda *told: pytest.fail(str(told)))
    with home.reader() as reader:
        told = {span.name: (span.kind, span.parent_id) for span in reader.each_span()}
    assert told["invoke_agent forecaster"] == ("agent", "")
    assert told["forecaster.on_messages_stream"][0] == "step"


def test_the_inner_one_of_another_library_is_the_same_run():
    outer = agent("autogen-core", "a" * 16, "", "one", 1_000, 9_000)
    inner = agent("openinference", "b" * 16, "a" * 16, "one", 2_000, 8_000)
    assert {key: verdict.kind for key, verdict in found(outer, inner).items()} == {"b" * 16: "step"}


@pytest.mark.parametrize(
    ("scope", "name", "parent_id"),
    [
        ("autogen-core", "one", "a" * 16),  # of the same library: it calls itself
        ("openinference", "two", "a" * 16),  # another agent, as a tool
        ("openinference", "one", "c" * 16),  # not directly within
    ],
)
def test_any_other_is_another_run(scope, name, parent_id):
    outer = agent("autogen-core", "a" * 16, "", "one", 1_000, 9_000)
    inner = agent(scope, "b" * 16, parent_id, name, 2_000, 8_000)
    assert found(outer, inner) == {}
