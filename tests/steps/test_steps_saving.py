"""`save`: an execution trace becomes a trace like any other."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

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


def test_a_trace_that_several_services_went_on_with_has_the_steps_of_all() -> None:
    here = ExecutionTrace("shared")
    here.add_step(TraceStep(StepType.RETRIEVAL, "search", 1_000.25, 1.5))
    handed = here.to_json()
    with fl.capture() as seen:
        for name in ("left", "right"):
            there = ExecutionTrace.from_json(handed)
            there.add_step(TraceStep(StepType.TOOL_EXECUTION, name, 1_005, 1))
            there.add_step(
                TraceStep(StepType.TOOL_EXECUTION, "same name", 1_006 if name == "left" else 1_007, 1)
            )
            there.save()
        here.add_step(TraceStep(StepType.TOOL_EXECUTION, "last", 1_010, 1))
        here.save()
    steps = {span.span_id: span.name for span in seen.spans if span.parent_id}
    assert sorted(steps.values()) == ["last", "left", "right", "same name", "same name", "search"]
    assert len({span.span_id for span in seen.spans if not span.parent_id}) == 1


def test_a_step_that_is_called_otherwise_after_it_was_saved_replaces_what_was_saved() -> None:
    trace = ExecutionTrace()
    trace.add_step(TraceStep("t", "before", 1, 1))
    with fl.capture() as seen:
        trace.save()
        trace.steps()[0].name = "after"
        trace.save()
    saved = [span for span in seen.spans if span.parent_id]
    assert [span.name for span in saved] == ["before", "after"]
    assert len({span.span_id for span in saved}) == 1
    assert saved[0].revision < saved[1].revision


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
    trace.add_step(
        TraceStep("t", "call", 0, 1, input={"password": "hunter2"}, metadata={"api_key": "the-key"})
    )
    with fl.capture() as seen:
        trace.save()
    text = repr(seen.records)
    assert "hunter2" not in text
    assert "the-key" not in text


def test_an_open_step_is_saved_when_it_has_ended() -> None:
    trace = ExecutionTrace()
    trace.start_step("t", "open")
    with fl.capture() as seen:
        trace.save()
        assert [span.name for span in seen.spans] == ["execution_trace"]
        trace.end_step()
        trace.save()
    assert [span.name for span in seen.spans] == ["execution_trace", "execution_trace", "open"]


def test_steps_that_start_together_keep_their_order() -> None:
    trace = ExecutionTrace("t")
    for number in range(40):
        trace.add_step(TraceStep("a", f"s{number}", 1_000, 40 - number))
    with fl.capture():
        tree = fl.load(trace.save())
    assert [step.name for step in tree.children] == [f"s{number}" for number in range(40)]


def test_a_time_beyond_what_a_store_can_hold_is_the_last_one_that_it_can() -> None:
    trace = ExecutionTrace("t")
    trace.add_step(TraceStep("a", "late", 1e15, 1e15))
    with fl.capture() as seen:
        trace.save()
    assert [(span.start, span.end) for span in seen.spans] == [(2**63 - 1, 2**63 - 1)] * 2


@pytest.mark.parametrize("failed", [StepType.TOOL_EXECUTION, StepType.ERROR])
def test_a_step_that_succeeded_when_it_was_tried_again_does_not_fail_the_whole(failed: StepType) -> None:
    def statuses() -> list[str]:
        with fl.capture() as seen:
            trace.save()
        return [span.status for span in seen.spans]

    trace = ExecutionTrace("t")
    trace.add_step(TraceStep(failed, "api", 0, 1, error="TimeoutError: too late"))
    trace.add_step(TraceStep(StepType.LLM_GENERATION, "api", 1, 1, error="RuntimeError: no"))
    assert statuses() == ["error", "error", "error"]
    trace.add_step(TraceStep(StepType.LLM_GENERATION, "api", 2, 1))
    if failed == StepType.TOOL_EXECUTION:
        assert statuses() == ["error", "error", "error", "ok"]
        trace.add_step(TraceStep(failed, "api", 3, 1, error="TimeoutError: again"))
        trace.start_step(failed, "api")
        assert statuses()[0] == "error"
        trace.end_step()
    assert statuses()[0] == "ok"
    trace.add_step(TraceStep(failed, "api", 4, 1, error="TimeoutError: after all"))
    assert statuses()[0] == "error"


@pytest.mark.parametrize("kind", [asyncio.CancelledError, KeyboardInterrupt])
def test_a_cancelled_step_is_saved_as_cancelled_and_not_as_an_error(kind: type[BaseException]) -> None:
    trace = ExecutionTrace("t")
    with pytest.raises(kind), trace.step("a", "stopped"):
        raise kind
    with pytest.raises(kind), trace.step("a", "stopped too"):
        raise kind("by the user")
    with fl.capture() as seen:
        trace.save()
    assert [(span.status, span.error) for span in seen.spans] == [("cancelled", None)] * 3
    with pytest.raises(ValueError, match="no"), trace.step("a", "failed"):
        raise ValueError("no")
    with fl.capture() as seen:
        trace.save()
    assert [span.status for span in seen.spans] == ["error", "cancelled", "cancelled", "error"]


def test_the_turn_of_the_crate_went_well_after_one_retry() -> None:
    gold = Path(__file__).parents[1] / "gold" / "frame-trace" / "voice-turn.json"
    trace = ExecutionTrace.from_json(gold.read_text())
    with fl.capture() as seen:
        trace.save()
    assert [span.status for span in seen.spans] == ["ok"] * 5 + ["error"] + ["ok"] * 4
    (retry,) = seen.events
    root = seen.spans[0]
    assert (retry.name, retry.trace_id, retry.span_id) == ("retry", root.trace_id, root.span_id)
    again = next(span for span in seen.spans if span.name == 'weather_api "retry"')
    assert retry.time == again.start
    assert retry.attributes == {"attempt": 1, "reason": "timeout after 1200ms", "step": again.name}


def test_each_further_try_is_counted_whether_it_helped_or_not() -> None:
    trace = ExecutionTrace("t")
    for number, name in enumerate(("api", "api (retry 2)", "Retry api", "api")):
        trace.add_step(TraceStep("Call", name, number, 1, error=None if number == 2 else f"no {number}"))
    with fl.capture() as seen:
        trace.save()
    assert seen.spans[0].status == "error"
    assert [(event.attributes["attempt"], event.attributes["reason"]) for event in seen.events] == [
        (1, "no 0"),
        (2, "no 1"),
    ]


@pytest.mark.parametrize(
    ("failed", "succeeded"),
    [("step 1", "step 2"), ("weather_api", "weather_api_v2"), ("retry", "again"), ("load", "reload")],
)
def test_another_step_of_the_same_type_is_no_retry(failed: str, succeeded: str) -> None:
    trace = ExecutionTrace("t")
    trace.add_step(TraceStep("Call", failed, 0, 1, error="no"))
    trace.add_step(TraceStep("Call", succeeded, 1, 1))
    with fl.capture() as seen:
        trace.save()
    assert [span.status for span in seen.spans] == ["error", "error", "ok"]
    assert seen.events == []


def test_a_step_that_was_changed_after_it_was_saved_is_saved_anew() -> None:
    trace = ExecutionTrace("t")
    with trace.step("a", "first") as step:
        step.output = "before"
    trace.add_step(TraceStep("a", "last", step.start_time_ms + 10_000, 1))
    with fl.capture():
        trace.save()
        for text in ("between", "after"):
            step.output = text
            trace.save()
        trace.metadata["k"] = "v"
        tree = fl.load(trace.save())
    assert tree.children[0].output == "after"
    assert tree.attributes["k"] == "v"
    with fl.capture() as seen:
        trace.save()
    assert [span.revision for span in seen.spans] == [1, 2, 0]


def test_what_ends_later_needs_no_revision_to_count() -> None:
    """Another process that goes on with the trace and ends later is not beaten by this one's changes."""
    trace = ExecutionTrace("t")
    trace.add_step(TraceStep("a", "first", 1_000, 1))
    with fl.capture() as seen:
        trace.save()
        trace.add_step(TraceStep("a", "second", 2_000, 1))
        trace.save()
    assert {span.revision for span in seen.spans} == {0}
