"""`save`: an execution trace becomes a trace like any other."""

from __future__ import annotations

import flightlog as fl
from flightlog.steps import ExecutionTrace, StepType, TraceStep

GOLDEN_KINDS = [
    "audio_capture",
    "voice_activity",
    "speech_to_text",
    "retrieval",
    "llm",
    "tool",
    "text_to_speech",
    "audio_playback",
    "step",
]


def test_each_step_is_a_span_under_one_root() -> None:
    trace = ExecutionTrace("voice").with_conversation(42, 3)
    trace.metadata["region"] = "eu"
    trace.add_step(
        TraceStep(StepType.RETRIEVAL, "search", 1_000, 42, input={"q": 1}, output=[2], metadata={"k": "v"})
    )
    trace.add_step(TraceStep(StepType.TOOL_EXECUTION, "api", 1_042, 8, error="TimeoutError: too late"))
    with fl.capture() as seen:
        trace_id = trace.save()
    root, search, api = seen.spans
    assert {span.trace_id for span in seen.spans} == {trace_id}
    assert (root.kind, root.start, root.end, root.status) == ("workflow", 10**9, 1_050_000_000, "error")
    assert root.attributes["flightlog.execution_trace.id"] == "voice"
    assert root.attributes["region"] == "eu"
    assert [span.parent_id for span in (search, api)] == [root.span_id] * 2
    assert (search.kind, search.input, search.output, search.status) == ("retrieval", {"q": 1}, [2], "ok")
    assert search.attributes == {"k": "v", "flightlog.step_type": "Retrieval"}
    assert (search.start, search.end) == (10**9, 1_042_000_000)
    assert api.kind == "tool"
    assert api.error is not None
    assert (api.error.type, api.error.message) == ("TimeoutError", "too late")
    assert [span.context for span in seen.spans] == [{"session": "42", "turn": 3}] * 3


def test_saving_again_writes_the_same_lines() -> None:
    trace = ExecutionTrace()
    with trace.step("own", "x"):
        pass
    with fl.capture() as first:
        trace_id = trace.save()
    with fl.capture() as second:
        assert trace.save() == trace_id
    assert first.records == second.records
    assert trace_id == trace.trace_id


def test_every_step_type_has_its_kind() -> None:
    trace = ExecutionTrace()
    for kind in StepType:
        trace.add_step(TraceStep(kind, kind.name, 0, 1))
    with fl.capture() as seen:
        trace.save()
    assert [span.kind for span in seen.spans[1:]] == GOLDEN_KINDS
    assert seen.spans[-1].status == "error"


def test_secrets_in_a_saved_trace_pass_the_gate() -> None:
    trace = ExecutionTrace()
    trace.add_step(TraceStep("t", "call", 0, 1, input={"password": "hunter2"}, metadata={"api_key": "abc"}))
    with fl.capture() as seen:
        trace.save()
    text = repr(seen.records)
    assert "hunter2" not in text
    assert "abc" not in text


def test_an_open_step_is_saved_when_it_has_ended() -> None:
    trace = ExecutionTrace()
    trace.start_step("t", "open")
    with fl.capture() as seen:
        trace.save()
        assert [span.name for span in seen.spans] == ["execution_trace"]
        trace.end_step()
        trace.save()
    assert [span.name for span in seen.spans] == ["execution_trace", "execution_trace", "open"]
