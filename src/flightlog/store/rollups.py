"""The arithmetic of rollups: hours, durations, histogram buckets, and percentiles read from a histogram.

A percentile over raw rows costs as much as there are rows; a histogram of log-wide buckets costs as much as
there are buckets, merges by adding, and shrinks by subtracting, so a store keeps one per hour and series.
Every engine uses these functions, so that histograms of two engines can be laid over each other.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from math import ceil, exp, log, tanh
from typing import Final

HOUR_NS: Final = 3_600_000_000_000
"""Nanoseconds in an hour."""

HOURS_A_DAY: Final = 24
"""Hours in a day, which begins at 0:00 UTC."""

LONGEST_NS: Final = 2**55
"""A longer duration (417 days) is a clock gone mad and counts as 0, so that it cannot overflow a sum of 64 bits."""

STEPS: Final = 20
"""Buckets for each factor e: neighbours differ by e^(1/20), which is 5.1 %."""

WORST_ERROR: Final = tanh(0.5 / STEPS)
"""The most by which `percentile` is off, as a share of the true value: 2.4995 %."""


def hour(start_ns: int) -> int:
    """Whole hours since 1970 of a time; anything earlier counts as hour 0."""
    return start_ns // HOUR_NS if start_ns > 0 else 0


def duration(start_ns: int, end_ns: int | None) -> int:
    """Nanoseconds between two times; 0 without an end, and for what cannot be true."""
    took = 0 if end_ns is None else end_ns - start_ns
    return took if 0 < took <= LONGEST_NS else 0


def bucket(duration_ns: int) -> int:
    """The bucket of a duration: bucket b holds [e^(b/20), e^((b+1)/20)) nanoseconds; 0 counts as 1."""
    return int(STEPS * log(duration_ns)) if duration_ns > 1 else 0


def measured(start_ns: int, end_ns: int | None) -> tuple[int, int, int]:
    """(`hour`, `duration`, `bucket`) of a span without a call to each, which is a tenth of an append."""
    hours = start_ns // HOUR_NS if start_ns > 0 else 0
    took = 0 if end_ns is None else end_ns - start_ns
    if 1 < took <= LONGEST_NS:
        return hours, took, int(STEPS * log(took))
    return hours, int(took == 1), 0


def measured_together(
    starts: Sequence[int], ends: Sequence[int | None]
) -> Iterator[tuple[int, int, Mapping[int, int]]]:
    """(`hour`, sum of `duration`, spans by `bucket`) for each hour in which some of these spans began.

    Those of a batch nearly always began in one hour and took a time that can be true; then it is three loops
    in C, a third of what `measured` takes for each.
    """
    hours = hour(min(starts))
    took = [0 if end is None else end - start for start, end in zip(starts, ends, strict=True)]
    if hour(max(starts)) == hours and min(took) > 0 and max(took) <= LONGEST_NS:
        yield hours, sum(took), Counter([int(STEPS * number) for number in map(log, took)])
        return
    each = list(map(measured, starts, ends))
    for hours in {found[0] for found in each}:
        some = [found for found in each if found[0] == hours]
        yield hours, sum(found[1] for found in some), Counter(found[2] for found in some)


def percentile(histogram: Mapping[int, int], share: float) -> float | None:
    """The duration in nanoseconds that `share` of the spans do not exceed, None for an empty histogram.

    Nearest rank: of n spans in order the one at place ceil(share * n), at least the first. Its bucket is
    known, its place within the bucket is not, so the answer is the one that is off by the same share from the
    bucket's shortest and from its longest duration, their harmonic mean: for durations of 1 ns and more by at most
    `WORST_ERROR`. Whoever rounds it to whole nanoseconds adds half a one.
    """
    rank = max(1, ceil(share * sum(histogram.values())))
    for number in sorted(histogram):
        rank -= histogram[number]
        if rank <= 0:
            return _middle(number)
    return None


def _middle(number: int) -> float:
    """The harmonic mean of the shortest and the longest duration of a bucket, which are whole nanoseconds."""
    least, beyond = ceil(exp(number / STEPS)), ceil(exp((number + 1) / STEPS))
    most = max(least, beyond - 1)
    return 2 * least * most / (least + most)


def slow_from(histogram: Mapping[int, int], share: float = 0.95) -> int | None:
    """From how many nanoseconds on a span took longer than `share` of those counted here; None where none did.

    A duration within the bucket of the percentile is not told apart from it: slow begins with the next bucket, so at
    most 5.1 % above the true percentile. Of fewer than 20 spans none is slower than 95 of 100.
    """
    rank = max(1, ceil(share * sum(histogram.values())))
    for number in sorted(histogram):
        rank -= histogram[number]
        if rank <= 0:
            return None if number == max(histogram) else ceil(exp((number + 1) / STEPS))
    return None
