"""An execution trace that is saved by a real program, and found by a real command."""

from __future__ import annotations

import json

PROGRAM = """
    from flightlog.steps import ExecutionTrace, StepType
    trace = ExecutionTrace("voice-turn-7").with_conversation("c-1", 3)
    with trace.step(StepType.RETRIEVAL, "search", {"q": "x"}) as step:
        step.output = [1, 2]
    trace.start_step(StepType.TOOL_EXECUTION, "weather")
    trace.end_step_with_error("timeout")
    print(trace.save())
    print(trace.save())
"""


def test_a_saved_trace_is_found_once(bench):
    done = bench.run(PROGRAM)
    assert done.returncode == 0, done.stderr
    first, second = done.stdout.split()
    assert first == second
    (row,) = json.loads(bench.flightlog("list", "--json").stdout)
    assert row["trace_id"] == first
    assert (row["name"], row["kind"], row["status"]) == ("execution_trace", "workflow", "error")
    assert (row["span_count"], row["error_count"], row["session"]) == (3, 2, "c-1")
    verified = bench.flightlog("doctor", "--verify")
    assert verified.returncode == 0, verified.stdout


def test_nothing_is_saved_while_recording_is_off(bench):
    done = bench.run(PROGRAM, env={"OTEL_SDK_DISABLED": "true"})
    assert (done.returncode, done.stdout.split()) == (0, [])
    assert not bench.home_path.exists()
