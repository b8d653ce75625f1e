"""Whether a difference is more than chance: held against values worked out by hand and by scipy 1.16."""

from __future__ import annotations

from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flightlog.analysis.sets import Side, compare_sets
from flightlog.analysis.significance import MOST_EXACT, adjusted, fisher, mann_whitney, middle
from flightlog.records.span import Fault, Span
from flightlog.records.traces import Trace


@pytest.mark.parametrize(
    ("one", "two", "p"),
    [
        ([1, 2, 3, 4], [5, 6, 7, 8], 2 / 70),
        ([1, 3, 5], [2, 4, 6], 0.7),
        ([19, 22, 16, 29, 24], [20, 11, 17, 12], 0.1111111),
        ([], [1, 2], 1),
        ([3, 3, 3], [3, 3], 1),
    ],
)
def test_mann_and_whitneys_test(one, two, p):
    assert mann_whitney(one, two) == pytest.approx(p)


@settings(max_examples=40)
@given(st.permutations(range(8)), st.integers(1, 7))
def test_small_sets_are_counted_out(order, cut):
    one, two = order[:cut], order[cut:]
    wins = [
        sum(a > b for a in some for b in range(8) if b not in some) for some in combinations(range(8), cut)
    ]
    here = sum(a > b for a in one for b in two)
    here = min(here, len(one) * len(two) - here)
    assert mann_whitney(one, two) == pytest.approx(min(1.0, 2 * sum(w <= here for w in wins) / len(wins)))


def test_large_sets_are_close_to_what_small_ones_would_say():
    size = 21
    assert size * size > MOST_EXACT
    one, two = list(range(0, 2 * size, 2)), [n * 2 + 1 for n in range(size)]
    assert mann_whitney(one, two) > 0.8
    assert mann_whitney(one, [n + 100 for n in two]) < 1e-6


@pytest.mark.parametrize(
    ("counts", "p"),
    [((8, 10, 1, 6), 0.034965), ((0, 0, 1, 2), 1), ((5, 5, 5, 5), 1), ((0, 5, 5, 5), 2 / 252)],
)
def test_fishers_test(counts, p):
    assert fisher(*counts) == pytest.approx(p, rel=1e-4)


def test_of_many_traces_shares_are_compared_by_the_normal_approximation():
    assert fisher(5_000, 10_000, 4_000, 10_000) < 1e-6
    assert fisher(5_000, 10_000, 5_001, 10_000) > 0.9
    assert fisher(10_000, 10_000, 10_000, 10_000) == 1


def test_looking_at_many_measures_makes_each_less_sure():
    assert adjusted({"a": 0.01, "b": 0.04, "c": 0.03}) == pytest.approx({"a": 0.03, "b": 0.06, "c": 0.06})
    assert adjusted({}) == {}


def test_the_median():
    assert [middle([]), middle([3]), middle([1, 9, 2]), middle([1, 2])] == [None, 3, 2, 1.5]


def row(duration: int | None, status: str = "ok") -> Trace:
    return Trace(
        trace_id="1" * 32,
        name="t",
        kind="",
        status=status,
        start=0,
        duration_ns=duration,
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
        project="p",
        environment="e",
        session=None,
        user=None,
        tags=[],
        service=None,
    )


def side(durations, error=""):
    gathered = Side()
    for at, duration in enumerate(durations):
        gathered.add(row(duration), None)
        fault = {"status": "error", "error": Fault(error)} if error and not at else {"status": "ok"}
        span = Span(trace_id="1" * 32, span_id="1" * 16, name="step", start=0, end=duration, **fault)
        gathered.add_steps([span])
    return gathered


def test_two_sets_differ_where_they_do():
    found = compare_sets(side(range(100, 120), "Old"), side(range(200, 220), "New"))
    assert found.measure("duration").is_significant
    assert found.measure("duration").change == pytest.approx(100 / 109.5)
    assert not found.measure("spans").is_significant
    assert not found.measure("cost").is_significant
    assert [step.name for step in found.steps] == ["step"]
    assert (found.new_errors, found.gone_errors) == ([("step", "New", 1)], [("step", "Old", 1)])


def test_two_sets_that_are_alike_do_not():
    found = compare_sets(side(range(100, 120)), side(range(101, 121)))
    assert not any(measure.is_significant for measure in found.measures)
    assert list(found.steps) == []
    assert not found.success.is_significant


def test_a_trace_that_runs_has_no_duration_yet():
    gathered = Side()
    gathered.add(row(None, "running"), None)
    assert (gathered.traces, gathered.over, len(gathered.values["duration"])) == (1, 0, 0)
