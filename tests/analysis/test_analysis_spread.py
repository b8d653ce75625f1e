"""Percentiles stay within what the number of spans and their sum allow."""

from __future__ import annotations

import pytest
from msgspec import structs

from flightlog.analysis.spread import possible
from flightlog.records.traces import Figures


def figures(spans: int, total: int, p50: int | None, p95: int | None, p99: int | None) -> Figures:
    zeros = dict.fromkeys(Figures.__struct_fields__, 0) | {
        "name": "n",
        "kind": "",
        "model": "",
        "provider": "",
    }
    own = {"spans": spans, "total_ns": total, "p50_ns": p50, "p95_ns": p95, "p99_ns": p99}
    return Figures(**(zeros | own))


@pytest.mark.parametrize(
    ("row", "told"),
    [
        (figures(1, 1000, 1013, 1013, 1013), (1000, 1000, 1000)),
        (figures(1, 1000, 990, 990, 990), (1000, 1000, 1000)),
        (figures(2, 1000, 510, 1020, 1020), (500, 1000, 1000)),
        (figures(2, 1000, 400, 480, 480), (400, 500, 500)),
        (figures(100, 10_000, 90, 110, 150), (90, 110, 150)),
        (figures(0, 0, None, None, None), (None, None, None)),
    ],
)
def test_a_percentile_is_one_that_the_spans_can_have(row, told):
    found = possible(row)
    assert (found.p50_ns, found.p95_ns, found.p99_ns) == told


def test_all_that_is_told_of_a_spread_is_possible():
    row = structs.replace(figures(2, 1000, 510, 1020, 1020), p90_ns=1020, max_ns=1020)
    assert (possible(row).p90_ns, possible(row).max_ns) == (1000, 1000)
    low = structs.replace(row, p90_ns=480, max_ns=480)
    assert (possible(low).p90_ns, possible(low).max_ns) == (500, 500)
