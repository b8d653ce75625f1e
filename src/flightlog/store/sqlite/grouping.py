"""What the spans of one group have in common, and what grows while they are counted.

One place for both ways to statistics: sums by the hour (`statistics.py`), and the spans themselves (`eachspan.py`).
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterable, Mapping
from math import ceil
from typing import Any, Final

from flightlog.records.errors import BadQuestion
from flightlog.records.traces import Figures, Slot
from flightlog.store.groupings import FIELDS, Grouping
from flightlog.store.rollups import percentile

OF_SERIES: Final[Mapping[str, tuple[str, ...]]] = {
    "name": ("name", "kind"),
    "kind": ("kind",),
    "model": ("model", "provider"),
    "service": ("service",),
}
"""Fields that all spans of a series share, and what is told of them."""

ATTRIBUTE: Final = "attr."
"""Before the name of an attribute."""

SHARES: Final = (0.5, 0.9, 0.95, 0.99)
"""The percentiles that are told, as shares."""

_MOST: Final = 2
_REQUEST: Final = "http"
_NEEDED: Final = frozenset({"model", "tag"})
"""Fields without which a span is in no group."""


def fields_of(grouping: Grouping) -> tuple[str, ...]:
    """The fields of a grouping.

    Raises:
        BadQuestion: one of them is none, or there are too many.
    """
    fields = tuple(grouping.split(","))
    for field in fields:
        if field not in FIELDS and not (field.startswith(ATTRIBUTE) and field != ATTRIBUTE):
            raise BadQuestion(
                f"spans cannot be grouped by {field!r}; there are {', '.join(FIELDS)} and {ATTRIBUTE}NAME"
            )
    attributes = sum(field.startswith(ATTRIBUTE) for field in fields)
    if len(fields) > _MOST or len(set(fields)) < len(fields) or attributes > 1:
        raise BadQuestion(
            f"spans are grouped by one or two different fields, and one attribute; not by {grouping!r}"
        )
    return fields


def is_of_series(grouping: Grouping) -> bool:
    """Whether sums by the hour can answer it."""
    return all(field in OF_SERIES for field in fields_of(grouping))


class Group:
    """One group while it grows; `sums` are those of a rollup row, in the order of `tally.SUMS` without `ok`."""

    __slots__ = (
        "common",
        "cost_pico_usd",
        "durations",
        "each",
        "first_ns",
        "firsts",
        "llm_ns",
        "priced",
        "self_ns",
        "slots",
        "sums",
        "unknown_cost",
        "unpriced",
    )

    def __init__(self, common: dict[str, str]) -> None:
        self.common = common
        self.sums = [0] * 12
        self.durations: dict[int, int] = {}
        self.each: array[int] | None = None
        """Every duration, where spans are looked at one by one."""
        self.llm_ns = self.self_ns = 0
        self.priced = self.unknown_cost = self.cost_pico_usd = self.unpriced = 0
        self.firsts = self.first_ns = 0
        self.slots: Counter[tuple[int, bool]] = Counter()
        """Spans by when they started, and whether they failed."""

    def figures(self) -> Figures:
        """What came together."""
        (spans, errors, cancelled, interrupted, total_ns, calls, unknown, *tokens) = self.sums
        p50, p90, p95, p99, most = self._percentiles(spans, total_ns)
        starts = sorted({start for start, _ in self.slots})
        return Figures(
            **self.common,
            spans=spans,
            errors=errors,
            cancelled=cancelled,
            interrupted=interrupted,
            total_ns=total_ns,
            p50_ns=p50,
            p90_ns=p90,
            p95_ns=p95,
            p99_ns=p99,
            max_ns=most,
            is_exact=self.each is not None,
            self_ns=None if self.each is None else self.self_ns,
            llm_calls=calls,
            unknown_usage_calls=unknown,
            llm_ns=self.llm_ns,
            input_tokens=tokens[0],
            output_tokens=tokens[1],
            cache_read_tokens=tokens[2],
            cache_write_tokens=tokens[3],
            reasoning_tokens=tokens[4],
            priced_calls=self.priced,
            unknown_cost_calls=self.unknown_cost,
            cost_pico_usd=self.cost_pico_usd,
            unpriced_calls=max(0, self.unpriced),
            first_ns=round(self.first_ns / self.firsts) if self.firsts else None,
            durations=dict(sorted(self.durations.items())),
            slots=[
                Slot(
                    start=start,
                    spans=self.slots[start, False] + self.slots[start, True],
                    errors=self.slots[start, True],
                )
                for start in starts
            ],
        )

    def _percentiles(self, spans: int, total_ns: int) -> list[int | None]:
        if self.each is not None:
            ordered = sorted(self.each)
            return (
                [ordered[max(1, ceil(share * spans)) - 1] for share in (*SHARES, 1.0)]
                if spans
                else [None] * 5
            )
        if spans == 1:  # one span took what its sum says, exactly
            return [total_ns] * 5
        return percentiles(self.durations, (*SHARES, 1.0))


def percentiles(durations: Mapping[int, int], shares: Iterable[float]) -> list[int | None]:
    """Whole nanoseconds that these shares do not exceed."""
    found: list[Any] = [percentile(durations, share) for share in shares]
    return [None if one is None else round(one) for one in found]


class Groups:
    """The groups of one grouping."""

    def __init__(self, grouping: Grouping, *, is_exact: bool = False) -> None:
        self.fields = fields_of(grouping)
        self._is_exact = is_exact
        self._is_blind = "model" in self.fields and not {"name", "kind"} & set(self.fields)
        self._grown: dict[tuple[str, ...], Group] = {}

    def of(self, words: Mapping[str, str]) -> Group:
        """The group of spans that have this in common.

        A request by which a model call was served is no second one of that model, where nothing tells them apart.
        """
        if self._is_blind and words.get("kind") == _REQUEST:
            words = {**words, "model": ""}
        common = {
            part: words[part] for field in self.fields for part in OF_SERIES.get(field, (_part(field),))
        }
        key = tuple(common.values())
        found = self._grown.get(key)
        if found is None:
            found = self._grown[key] = Group(common)
            if self._is_exact:
                found.each = array("q")
        return found

    def every(self) -> Iterable[Group]:
        """All groups there are so far, in no order."""
        return self._grown.values()

    def figures(self) -> list[Figures]:
        """Those with the most time first."""
        needed = [_part(field) for field in self.fields if field in _NEEDED]
        made = [
            group.figures()
            for group in self._grown.values()
            if group.sums[0] and all(group.common[part] for part in needed)
        ]
        return sorted(made, key=_order)


def _part(field: str) -> str:
    """Where in `Figures` a field is told."""
    return "attribute" if field.startswith(ATTRIBUTE) else field


def _order(row: Figures) -> tuple[Any, ...]:
    return (-row.total_ns, -row.spans, *row.common())
