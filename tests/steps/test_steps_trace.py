"""`ExecutionTrace` as a program uses it."""

from __future__ import annotations

import threading
import time
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor

import pytest

from flightlog.steps import ExecutionTrace, StepType, TraceStep


def test_a_step_is_timed_between_its_start_and_its_end() -> None:
    trace = ExecutionTrace()
    before = time.time_ns()
    step = trace.start_step(StepType.RETRIEVAL, "search_documents")
    deadline = time.monotonic_ns() + 3_000_000
    while time.monotonic_ns() < deadline:
        pass
    assert step.is_open
    assert trace.end_step() is step
    assert step.duration_ns is not None
    assert step.duration_ns >= 3_000_000
    assert step.duration_ms >= 3
    assert abs(step.start_ns - before) < 60_000_000_000
    assert (step.step_type, step.name, step.error) == ("Retrieval", "search_documents", None)


def test_data_of_a_step_is_kept_with_it() -> None:
    trace = ExecutionTrace()
    trace.start_step_with_data(StepType.RETRIEVAL, "search", {"query": "q"})
    ended = trace.end_step_with_data({"count": 2})
    assert ended is not None
    assert (ended.input, ended.output) == ({"query": "q"}, {"count": 2})
    assert trace.steps() == [ended]


def test_a_step_within_a_step_is_the_current_one_until_it_ends() -> None:
    trace = ExecutionTrace()
    outer = trace.start_step(StepType.TOOL_EXECUTION, "outer")
    inner = trace.start_step(StepType.RETRIEVAL, "inner")
    assert trace.current_step() is inner
    trace.end_step()
    assert trace.current_step() is outer
    trace.end_step()
    assert trace.current_step() is None
    assert [step.name for step in trace.steps()] == ["outer", "inner"]


def test_a_step_in_the_middle_can_be_ended_by_itself() -> None:
    trace = ExecutionTrace()
    outer = trace.start_step("a", "outer")
    inner = trace.start_step("b", "inner")
    assert trace.end_step(outer) is outer
    assert not outer.is_open
    assert trace.current_step() is inner
    assert trace.end_step(outer) is None
    assert trace.end_step() is inner


def test_ending_when_nothing_is_open_answers_none() -> None:
    trace = ExecutionTrace()
    assert trace.end_step() is None
    assert trace.end_step_with_data(1) is None
    assert trace.end_step_with_error("no") is None


def test_a_failed_step_keeps_its_type() -> None:
    trace = ExecutionTrace()
    trace.start_step(StepType.TOOL_EXECUTION, "weather")
    failed = trace.end_step_with_error(TimeoutError("after 1200ms"))
    assert failed is not None
    assert failed.step_type is StepType.TOOL_EXECUTION
    assert failed.error == "TimeoutError: after 1200ms"
    assert failed.failed
    assert TraceStep.new(StepType.RETRIEVAL, "x").with_error("no").step_type is StepType.RETRIEVAL


def test_an_exception_that_leaves_the_block_is_the_error_of_its_step_and_goes_on() -> None:
    trace = ExecutionTrace()
    with pytest.raises(KeyError, match="gone"), trace.step(StepType.TOOL_EXECUTION, "lookup", {"k": 1}):
        raise KeyError("gone")
    (step,) = trace.steps()
    assert step.error == "KeyError: 'gone'"
    assert step.input == {"k": 1}
    assert not step.is_open


def test_a_generator_that_is_closed_within_a_step_is_no_failure() -> None:
    trace = ExecutionTrace()

    def words() -> Generator[str, None, None]:
        with trace.step(StepType.LLM_GENERATION, "stream"):
            yield "a"
            yield "b"

    stream = words()
    assert next(stream) == "a"
    stream.close()
    with pytest.raises(SystemExit), trace.step("x", "exit"):
        raise SystemExit(0)
    with pytest.raises(KeyboardInterrupt), trace.step("x", "interrupted"):
        raise KeyboardInterrupt
    assert [step.error for step in trace.steps()] == [None, None, "KeyboardInterrupt"]
    assert not any(step.is_open for step in trace.steps())


def test_an_exception_that_cannot_be_printed_is_told_by_its_type_and_why() -> None:
    class Mute(Exception):
        def __str__(self) -> str:
            raise RuntimeError

    trace = ExecutionTrace()
    with pytest.raises(Mute), trace.step("x", "y"):
        raise Mute
    error = trace.steps()[0].error
    assert error is not None
    assert error.startswith(
        "test_an_exception_that_cannot_be_printed_is_told_by_its_type_and_why.<locals>.Mute: "
    )
    assert error.endswith("its str raised RuntimeError>")


def test_an_exception_that_says_something_without_end_is_not_waited_for() -> None:
    class Endless(Exception):
        def __str__(self) -> str:
            while self.args is not None:
                pass
            return ""

    trace = ExecutionTrace()
    with pytest.raises(Endless), trace.step("x", "y"):
        raise Endless
    error = trace.steps()[0].error
    assert error is not None
    assert error.endswith("its str did not end>")


def test_a_thread_never_ends_what_a_thread_before_it_left_open() -> None:
    trace = ExecutionTrace()
    idents: list[int] = []
    found: list[TraceStep | None] = []

    def leave() -> None:
        idents.append(threading.get_ident())
        trace.start_step("a", "left open")

    def look() -> None:
        idents.append(threading.get_ident())
        found.extend([trace.current_step(), trace.end_step()])

    for _ in range(20):  # an ident is mostly, and not always, given to the next thread
        for target in (leave, look):
            thread = threading.Thread(target=target)
            thread.start()
            thread.join()
    assert len(set(idents)) < len(idents)
    assert found == [None] * 40
    assert all(step.is_open for step in trace.steps())


def test_the_total_is_from_the_first_start_to_the_last_end_however_steps_overlap() -> None:
    trace = ExecutionTrace("t")
    trace.add_step(TraceStep("a", "long", 1_000, 10_000))
    trace.add_step(TraceStep("b", "short", 1_005, 10))
    assert trace.total_duration_ms() == 10_000
    assert trace.start_time_ms == 1_000
    trace.add_step(TraceStep("c", "earlier", 900, 1))
    assert trace.total_duration_ms() == 10_100
    assert trace.total_duration_ns() == 10_100_000_000
    assert ExecutionTrace().total_duration_ms() == 0


def test_an_open_step_counts_until_now() -> None:
    trace = ExecutionTrace()
    trace.start_step("a", "open")
    first = trace.total_duration_ns()
    deadline = time.monotonic_ns() + 2_000_000
    while time.monotonic_ns() < deadline:
        pass
    assert trace.total_duration_ns() >= first + 1_000_000


def test_finalize_ends_what_is_open() -> None:
    trace = ExecutionTrace()
    trace.start_step("a", "outer")
    trace.start_step("b", "inner")
    assert trace.finalize() is trace
    assert [step.is_open for step in trace.steps()] == [False, False]
    assert trace.current_step() is None


def test_time_by_type_and_the_slowest_step_are_answers() -> None:
    trace = ExecutionTrace("t")
    for name, took in (("first", 20), ("second", 1500), ("third", 400)):
        trace.add_step(TraceStep(StepType.RETRIEVAL, name, 0, took))
    trace.add_step(TraceStep("Reranking", "own", 0, 700))
    assert trace.time_by_type() == {"Retrieval": 1920, "Reranking": 700}
    slowest = trace.slowest_step()
    assert slowest is not None
    assert slowest.name == "second"
    assert [step.name for step in trace.slow_steps()] == ["second"]
    assert [step.name for step in trace.slow_steps(500)] == ["second", "own"]
    assert ExecutionTrace().slowest_step() is None


def test_a_summary_tells_counts_durations_and_errors() -> None:
    trace = ExecutionTrace("t")
    trace.add_step(TraceStep(StepType.TOOL_EXECUTION, "weather", 0, 1204, error="timeout"))
    trace.add_step(TraceStep(StepType.TOOL_EXECUTION, "weather", 1204, 310))
    found = trace.summary()
    assert (found.total_steps, found.total_duration_ms) == (2, 1514)
    assert found.step_durations == {"ToolExecution": 1514}
    assert found.step_counts == {"ToolExecution": 2}
    assert found.errors == ["weather: timeout"]
    assert found.slowest == "weather"


def test_threads_that_share_a_trace_end_their_own_steps() -> None:
    trace = ExecutionTrace()
    gate = threading.Barrier(4)

    def work(number: int) -> bool:
        started = trace.start_step("work", f"w{number}")
        gate.wait(10)
        with trace.step("inner", f"i{number}"):
            gate.wait(10)
        return trace.end_step() is started

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(work, range(4)))
    assert len(trace) == 8
    assert not any(step.is_open for step in trace.steps())


def test_conversation_and_turn_are_kept() -> None:
    trace = ExecutionTrace.new("t").with_conversation(42, 3)
    assert (trace.trace_id, trace.conversation_id, trace.turn_number) == ("t", 42, 3)


def test_traces_without_an_id_get_ids_of_their_own() -> None:
    assert len({ExecutionTrace().trace_id for _ in range(100)}) == 100


def test_the_current_step_can_be_changed() -> None:
    trace = ExecutionTrace()
    trace.start_step("a", "b")
    step = trace.current_step_mut()
    assert step is not None
    step.metadata["model"] = "m"
    trace.end_step()
    assert trace.steps()[0].metadata == {"model": "m"}


def test_an_indentation_that_is_no_number_is_refused_in_words() -> None:
    with pytest.raises(TypeError, match="indent is a number of spaces, and not 'q'"):
        ExecutionTrace().to_json(indent="q")  # type: ignore[arg-type]  # what programs get wrong
