"""The arithmetic of rollups."""

from __future__ import annotations

import math
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from flightlog.store.rollups import (
    HOUR_NS,
    LONGEST_NS,
    WORST_ERROR,
    bucket,
    duration,
    hour,
    measured,
    measured_together,
    percentile,
)

_durations = st.one_of(st.integers(0, 100), st.integers(1, LONGEST_NS))
_times = st.integers(-(2**63), 2**63 - 1)


@given(_times, st.one_of(st.none(), _times), st.integers(-2, 3))
def test_measuring_at_once_is_measuring_one_by_one(start: int, end: int | None, took: int) -> None:
    for some_end in (end, start + took):
        expected = duration(start, some_end)
        assert measured(start, some_end) == (hour(start), expected, bucket(expected))


_spans = st.one_of(
    st.lists(st.tuples(_times, st.one_of(st.none(), _times)), min_size=1),
    st.lists(st.tuples(st.integers(HOUR_NS, HOUR_NS + 9), st.integers(HOUR_NS, HOUR_NS + 99)), min_size=1),
    st.lists(st.tuples(st.integers(-9, 9), st.integers(10, 2 * HOUR_NS)), min_size=1),
)


@given(_spans)
def test_measuring_spans_together_is_measuring_each(spans: list[tuple[int, int | None]]) -> None:
    found = {
        hours: (took, dict(histogram))
        for hours, took, histogram in measured_together(*zip(*spans, strict=True))
    }
    each = [measured(start, end) for start, end in spans]
    assert found == {
        hours: (
            sum(took for at, took, _ in each if at == hours),
            dict(Counter(number for at, _, number in each if at == hours)),
        )
        for hours, _, _ in each
    }


@given(st.integers(2, LONGEST_NS))
def test_a_bucket_holds_the_durations_of_a_twentieth_of_a_factor_e(took: int) -> None:
    number = bucket(took)
    assert math.exp(number / 20) * (1 - 1e-9) <= took < math.exp((number + 1) / 20) * (1 + 1e-9)


def test_buckets_never_fall() -> None:
    numbers = [bucket(took) for took in range(100_000)]
    assert numbers == sorted(numbers)


@given(st.lists(_durations, min_size=1, max_size=60), st.floats(0, 1))
def test_a_percentile_is_within_its_error_of_the_nearest_rank(took: list[int], share: float) -> None:
    exact = sorted(took)[max(1, math.ceil(share * len(took))) - 1]
    found = percentile(Counter(map(bucket, took)), share)
    assert found is not None
    assert abs(found - max(exact, 1)) <= WORST_ERROR * max(exact, 1) * (1 + 1e-9)


def test_the_error_is_about_two_and_a_half_percent() -> None:
    assert 0.025 < WORST_ERROR < 0.0254


def test_an_empty_histogram_has_no_percentile() -> None:
    assert percentile({}, 0.5) is None


def test_hours_and_durations_stay_within_bounds() -> None:
    assert (hour(-1), hour(HOUR_NS - 1), hour(HOUR_NS)) == (0, 0, 1)
    assert (duration(5, None), duration(5, 3)) == (0, 0)
    assert (duration(0, LONGEST_NS), duration(0, LONGEST_NS + 1)) == (LONGEST_NS, 0)
