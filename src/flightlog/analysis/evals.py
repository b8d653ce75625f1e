"""What judgements add up to: how many, their mean and spread, how many passed, which labels."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from math import sqrt
from statistics import fmean, median
from typing import Final, Literal, get_args

from msgspec import Struct, field

from flightlog.records.annotation import Judgement

By = Literal["score", "name", "kind", "model", "trace", "service", "judge", "label"]
BYS: Final[tuple[By, ...]] = get_args(By)
"""What the judgements of one row can have in common, beside the name of the score."""

BARS: Final = 10
"""Parts that the numbers from the least to the greatest are counted in; from 0 to 1, where all lie there."""

_SAFE: Final = 1e100
"""Up to here the squares of numbers can be added up."""

_KEYS: Final[Mapping[By, Callable[[Judgement], str]]] = {
    "score": lambda _: "",
    "name": lambda one: one.about,
    "kind": lambda one: one.kind,
    "model": lambda one: one.model,
    "trace": lambda one: one.trace_name,
    "service": lambda one: one.service,
    "judge": lambda one: one.by,
    "label": lambda one: one.label,
}


class Row(Struct, kw_only=True):
    """The judgements of one score that have something in common."""

    score: str
    group: str = ""
    """What they have in common; empty for all."""
    count: int = 0
    traces: int = 0
    notes: int = 0
    mean: float | None = None
    """Of the numbers, a truth value counting 0 or 1; None without any, and so are the next four."""
    deviation: float | None = None
    """Standard deviation, of a sample."""
    least: float | None = None
    median: float | None = None
    most: float | None = None
    passed: int | None = None
    """Truth values that are true, and numbers from the threshold up; None where nothing can pass."""
    failed: int | None = None
    labels: dict[str, int] = field(default_factory=dict)
    """The commonest first."""
    bars: list[int] = field(default_factory=list)
    """How many numbers lie in each tenth from the first edge to the last."""
    edges: tuple[float, float] | None = None

    @property
    def pass_rate(self) -> float | None:
        """Share of those that passed among those that can."""
        if self.passed is None or self.failed is None:
            return None
        return self.passed / max(1, self.passed + self.failed)


def rows(judgements: Iterable[Judgement], by: By = "score", threshold: float | None = None) -> list[Row]:
    """What judgements add up to, by score and by what else is asked for, the most judged first in each score.

    Args:
        judgements: what each judge said last.
        by: what those of one row have in common.
        threshold: from where on a number passes; without it only truth values do or do not.
    """
    found: dict[tuple[str, str], list[Judgement]] = {}
    for one in judgements:
        found.setdefault((one.name, _KEYS[by](one)), []).append(one)
    made = [_row(score, group, some, threshold) for (score, group), some in found.items()]
    return sorted(made, key=lambda row: (row.score, -row.count, row.group))


def _row(score: str, group: str, some: list[Judgement], threshold: float | None) -> Row:
    row = Row(score=score, group=group, count=len(some), traces=len({one.trace_id for one in some}))
    row.notes = sum(bool(one.note) for one in some)
    row.labels = dict(Counter(one.label for one in some if one.label).most_common())
    truths = [one.value for one in some if isinstance(one.value, bool)]
    numbers = sorted(float(one.value) for one in some if one.value is not None)
    passes = [bool(truth) for truth in truths]
    if threshold is not None:
        passes += [
            one.value >= threshold
            for one in some
            if type(one.value) in (int, float) and one.value is not None
        ]
    if passes:
        row.passed, row.failed = sum(passes), len(passes) - sum(passes)
    if numbers:
        _spread(row, numbers)
    return row


def _spread(row: Row, numbers: list[float]) -> None:
    row.least, row.most = numbers[0], numbers[-1]
    # Sums, squares and differences of such numbers as 1e308 are beyond what a float holds.
    greatest = max(abs(row.least), abs(row.most))
    scale = greatest if greatest > _SAFE else 1.0
    small = [one / scale for one in numbers]
    row.mean = fmean(small) * scale
    row.median = median(small) * scale
    if len(numbers) > 1:
        row.deviation = sqrt(sum((one - row.mean / scale) ** 2 for one in small) / (len(small) - 1)) * scale
    first, last = (0.0, 1.0) if row.least >= 0 and row.most <= 1 else (row.least, row.most)
    row.edges = (first, last)
    row.bars = [0] * BARS
    width = last / scale - first / scale
    for one in small:
        place = int((one - first / scale) / width * BARS) if width > 0 else 0
        row.bars[min(BARS - 1, place)] += 1
