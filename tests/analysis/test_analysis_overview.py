"""What some traces add up to at a glance."""

from __future__ import annotations

from msgspec import structs

from flightlog.analysis.overview import BEATS, MINUTE_NS, Overview, overview
from flightlog.records.traces import Trace

NOW = 1_763_653_000_000_000_000
TRACE = Trace(
    trace_id="a" * 32,
    name="t",
    kind="run",
    status="ok",
    start=NOW,
    duration_ns=10,
    span_count=1,
    error_count=0,
    llm_calls=0,
    input_tokens=None,
    output_tokens=None,
    unknown_usage_calls=0,
    model=None,
    retries=0,
    slow=False,
    interrupted=0,
    project="default",
    environment="default",
    session=None,
    user=None,
    tags=[],
    service=None,
)


def trace(**changes: object) -> Trace:
    return structs.replace(TRACE, **changes)


def test_nothing_adds_up_to_nothing():
    assert overview([], NOW) == Overview()


def test_durations_are_those_of_traces_that_are_over():
    over = [trace(duration_ns=number) for number in range(1, 101)]
    found = overview([*over, trace(status="running", duration_ns=10**9)], NOW)
    assert (found.p50_ns, found.p95_ns, found.p99_ns) == (50, 95, 99)
    assert (found.traces, found.open, found.over) == (101, 1, 100)


def test_one_trace_is_every_percentile():
    found = overview([trace(duration_ns=7)], NOW)
    assert (found.p50_ns, found.p95_ns, found.p99_ns) == (7, 7, 7)


def test_what_is_unknown_is_none_and_no_zero():
    found = overview([trace(status="running", duration_ns=None)], NOW)
    assert (found.p50_ns, found.input_tokens) == (None, None)
    told = overview([trace(), trace(input_tokens=5, output_tokens=0)], NOW)
    assert (told.input_tokens, told.output_tokens) == (5, 0)


def test_only_what_ended_as_error_failed():
    statuses = ("ok", "error", "error", "cancelled", "interrupted", "paused")
    found = overview([trace(status=status) for status in statuses], NOW)
    assert (found.failed, found.open) == (2, 1)


def test_beats_count_each_trace_once_where_it_began():
    starts = [NOW, NOW - MINUTE_NS, NOW - MINUTE_NS // 2, NOW + 10**9]
    found = overview([trace(start=start) for start in starts], NOW)
    assert len(found.starts) == BEATS
    assert sum(found.starts) == 4
    assert found.starts[0] == 1
    assert found.starts[-1] == 2
    assert found.last_minute == 3
