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


def test_the_newest_state_of_a_step_is_what_the_store_has(bench):
    done = bench.run("""
        from flightlog.steps import ExecutionTrace, TraceStep
        import flightlog as fl

        trace = ExecutionTrace("turn")
        trace.add_step(TraceStep("Call", "api", 1_000, 5_000, output="before", error="no"))
        for text in ("between", "zebra", "after"):
            trace.save()
            fl.flush()
            trace.steps()[0].output, trace.steps()[0].error = text, None
            trace.steps()[0].duration_ms -= 1_000
        trace.save()
    """)  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    root, api = json.loads(bench.flightlog("spans", "@latest", "--json").stdout)
    assert (api["output"], api["status"], api["duration_ns"]) == ("after", "ok", 2 * 10**9)
    assert (root["status"], root["duration_ns"]) == ("ok", 2 * 10**9)
    verified = bench.flightlog("doctor", "--verify")
    assert verified.returncode == 0, verified.stdout


def test_a_trace_that_went_well_after_a_retry_says_so(bench):
    done = bench.run("""
        from flightlog.steps import ExecutionTrace, TraceStep

        trace = ExecutionTrace("turn")
        trace.add_step(TraceStep("Error", "api", 1_000, 5, error="no"))
        trace.add_step(TraceStep("Call", "api retry", 1_005, 5))
        trace.save()
    """)  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert "ok after 1 retry" in bench.flightlog("trace", "@latest").stdout
    (row,) = json.loads(bench.flightlog("list", "--json").stdout)
    assert (row["status"], row["retries"]) == ("ok", 1)
