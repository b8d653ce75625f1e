"""The arithmetic of rollups."""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flightlog.analysis.spread import possible
from flightlog.codecs.lines import encode
from flightlog.records.cursor import Cursor
from flightlog.records.line import Line
from flightlog.records.process import Process
from flightlog.records.span import Span
from flightlog.store.open import open_reader, open_writer
from flightlog.store.port import Chunk
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


def test_the_error_is_under_two_and_a_half_percent() -> None:
    assert 0.0249 < WORST_ERROR < 0.025


def test_no_duration_is_further_than_that_from_what_its_bucket_tells() -> None:
    """The shortest and the longest of each bucket are the worst."""
    number = 0
    while (first := math.ceil(math.exp(number / 20))) < LONGEST_NS:
        last = max(first, math.ceil(math.exp((number + 1) / 20)) - 1)
        told = percentile({number: 1}, 1.0)
        assert told is not None
        assert max(told - first, 0) / first < 0.025
        assert max(last - told, 0) / last < 0.025
        number += 1


_SPREADS: dict[str, Callable[[random.Random], float]] = {
    "uniform": lambda chance: chance.uniform(1e6, 1e9),
    "narrow": lambda chance: chance.uniform(1.00e8, 1.01e8),
    "lognormal": lambda chance: chance.lognormvariate(math.log(9e8), 0.8),
    "long tail": lambda chance: 1e6 * chance.paretovariate(1.1),
    "bimodal": lambda chance: chance.gauss(2e6, 2e5) if chance.random() < 0.6 else chance.gauss(3e9, 1e8),
    "constant": lambda chance: 123_456_789,
    "edge": lambda chance: math.exp(20) if chance.random() < 0.5 else math.exp(20.05) - 1,
    "short": lambda chance: chance.expovariate(1 / 400),
}


@pytest.mark.parametrize("count", [1, 2, 3, 7, 100, 3000])
@pytest.mark.parametrize("spread", _SPREADS)
def test_percentiles_from_sums_are_within_two_and_a_half_percent_of_the_exact_ones(
    tmp_path: Path, spread: str, count: int
) -> None:
    chance = random.Random(f"{spread} {count}")
    took = [max(1, int(_SPREADS[spread](chance))) for _ in range(count)]
    lines = [
        Line(
            encode(
                Span(trace_id="a" * 32, span_id=f"{at + 1:016x}", name="n", start=5, end=5 + ns, status="ok")
            )
        )
        for at, ns in enumerate(took)
    ]
    with closing(open_writer(tmp_path / "store.db")) as writer:
        writer.append([Chunk(Process(process_id="b" * 32, started=1), lines, Cursor(0, 1))])
    with closing(open_reader(tmp_path / "store.db")) as reader:
        (told,) = reader.figures(("name",))["name"]
        (exact,) = reader.figures(("name",), exact=True)["name"]
    assert (told.is_exact, exact.is_exact) == (False, True)
    for row in (told, possible(told)):
        for name in ("p50_ns", "p90_ns", "p95_ns", "p99_ns", "max_ns"):
            true = getattr(exact, name)
            assert abs(getattr(row, name) - true) < 0.025 * true + 0.5, name


def test_an_empty_histogram_has_no_percentile() -> None:
    assert percentile({}, 0.5) is None


def test_hours_and_durations_stay_within_bounds() -> None:
    assert (hour(-1), hour(HOUR_NS - 1), hour(HOUR_NS)) == (0, 0, 1)
    assert (duration(5, None), duration(5, 3)) == (0, 0)
    assert (duration(0, LONGEST_NS), duration(0, LONGEST_NS + 1)) == (LONGEST_NS, 0)
