"""Percentiles kept within what the sum of the durations allows.

A histogram knows a duration to the width of its bucket, so the middle of a bucket can lie above everything that
was measured. The number of spans and their sum are exact and narrow that down.
"""

from __future__ import annotations

from math import ceil

from msgspec import structs

from flightlog.records.traces import Figures


def possible(row: Figures) -> Figures:
    """The row with percentiles that its spans can have; of a single span they are its duration."""
    if row.spans < 1 or row.total_ns < 0:
        return row
    return structs.replace(
        row,
        p50_ns=_within(row, 0.50, row.p50_ns),
        p90_ns=_within(row, 0.90, row.p90_ns),
        p95_ns=_within(row, 0.95, row.p95_ns),
        p99_ns=_within(row, 0.99, row.p99_ns),
        max_ns=_within(row, 1.00, row.max_ns),
    )


def _within(row: Figures, share: float, told: int | None) -> int | None:
    """Those that follow it in order are no shorter, and the last of all is no shorter than the mean."""
    if told is None:
        return None
    rank = max(1, ceil(share * row.spans))
    most = row.total_ns // (row.spans - rank + 1)
    least = -(-row.total_ns // row.spans) if rank == row.spans else 0
    return min(max(told, least), most)
