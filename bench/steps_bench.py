"""What an `ExecutionTrace` costs: a step from start to end, its memory, and a hundred steps as JSON and back.

    taskset -c 1 python bench/steps_bench.py

The floor of a step is two readings of the clock and one append; that of the JSON is msgspec over plain
dictionaries.
"""

from __future__ import annotations

import timeit
import tracemalloc
from collections.abc import Callable
from statistics import median
from time import monotonic_ns

import msgspec

from flightlog.steps import ExecutionTrace, StepType

_STEPS = 100
Row = tuple[str, float, str]


def run(quick: bool) -> list[Row]:
    """Measure each subject and return (name, value, unit) rows."""
    number = 2_000 if quick else 100_000
    trace = _filled(_STEPS, with_data=True)
    bare = _filled(_STEPS, with_data=False)
    text = trace.to_json()
    document = msgspec.json.decode(text)
    calls = 20 if quick else 2_000
    return [
        ("floor: two clock readings and an append", _each(_floor, number), "us"),
        ("a step, start_step to end_step", _each(_one_step, number), "us"),
        ("a step with input and output", _each(_one_step_with_data, number), "us"),
        ("memory of a step without payload", _bytes_a_step(number), "bytes"),
        (
            f"floor: msgspec writes {_STEPS} steps as dictionaries",
            _call(lambda: msgspec.json.encode(document), calls),
            "us",
        ),
        (f"{_STEPS} steps to JSON", _call(trace.to_json, calls), "us"),
        (f"{_STEPS} steps without input and output to JSON", _call(bare.to_json, calls), "us"),
        (f"floor: msgspec reads {_STEPS} steps", _call(lambda: msgspec.json.decode(text), calls), "us"),
        (f"{_STEPS} steps from JSON", _call(lambda: ExecutionTrace.from_json(text), calls), "us"),
    ]


def _filled(count: int, *, with_data: bool) -> ExecutionTrace:
    trace = ExecutionTrace("bench")
    for number in range(count):
        trace.start_step_with_data(
            StepType.RETRIEVAL, "search_documents", {"query": f"question {number}"} if with_data else None
        )
        trace.end_step_with_data({"count": number} if with_data else None)
    return trace


def _floor(number: int) -> None:
    kept: list[int] = []
    for _ in range(number):
        start = monotonic_ns()
        kept.append(monotonic_ns() - start)


def _one_step(number: int) -> None:
    trace = ExecutionTrace("bench")
    for _ in range(number):
        trace.start_step(StepType.RETRIEVAL, "search_documents")
        trace.end_step()


def _one_step_with_data(number: int) -> None:
    trace = ExecutionTrace("bench")
    given, result = {"query": "q"}, {"count": 3}
    for _ in range(number):
        trace.start_step_with_data(StepType.RETRIEVAL, "search_documents", given)
        trace.end_step_with_data(result)


def _each(work: Callable[[int], None], number: int) -> float:
    """Microseconds an iteration: the median of seven runs."""
    runs = [timeit.timeit(lambda: work(number), number=1) for _ in range(7)]
    return median(runs) / number * 1e6


def _call(work: Callable[[], object], number: int) -> float:
    """Microseconds a call: the median of seven runs."""
    return median(timeit.repeat(work, number=number, repeat=7)) / number * 1e6


def _bytes_a_step(number: int) -> float:
    """What the allocator was asked for, by step, the list's share included."""
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    trace = _filled(number, with_data=False)
    after = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    return (after - before) / len(trace)


if __name__ == "__main__":
    for label, value, unit in run(quick=False):
        print(f"{label:60} {value:10.2f} {unit}")
