"""What spans add up to, counted one by one: for questions and groupings that sums by the hour know nothing of.

It takes about 10 µs a span on one core, and what spans of a time are is found through the index by series and start.
Nothing is kept of a span but its duration, eight bytes for each way of grouping.
"""

# ruff: noqa: S608 - every statement here is put together from constants; values are bound
from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from math import log
from typing import Any, Final

import msgspec

from flightlog.records import genai
from flightlog.records.question import Question
from flightlog.records.traces import Figures
from flightlog.store.groupings import Grouping
from flightlog.store.rollups import HOUR_NS, HOURS_A_DAY, STEPS, duration
from flightlog.store.sqlite import layout
from flightlog.store.sqlite.asked import clause, own_or_inherited, started_from, tags_of_span, timed
from flightlog.store.sqlite.askedtexts import few_spans
from flightlog.store.sqlite.grouping import ATTRIBUTE, Group, Groups, fields_of
from flightlog.store.sqlite.rareseries import rare_series

_PAGE_ROWS: Final = 5000
_MOST_KNOWN: Final = 200_000
"""Groups that are remembered by what leads to them; they are found again where there are more."""
_EARLIEST: Final = -(2**63)
_LATEST: Final = 2**63 - 1
_CHARGED: Final = ", ".join(f"'{kind}'" for kind in genai.CHARGED_KINDS)

_EVERY: Final = "spans s CROSS JOIN traces t ON t.id = s.trace CROSS JOIN series n ON n.id = s.series"
_BY_START: Final = """series n CROSS JOIN spans s INDEXED BY spans_series ON s.series = n.id
  CROSS JOIN traces t ON t.id = s.trace"""
_FEW_SERIES: Final = (
    f"json_each(?) j CROSS JOIN {_BY_START.replace('series n', 'series n ON n.id = j.value')}"
)
_FEW_SPANS: Final = f"json_each(?) j CROSS JOIN {_EVERY.replace('spans s', 'spans s ON s.id = j.value', 1)}"
_SPANS: Final = f"""
SELECT s.trace, s.span_id, s.series, s.start, s."end", s.status, n.kind = 'llm',
  u.input_tokens, u.output_tokens, u.cache_read_tokens, u.cache_write_tokens, u.reasoning_tokens,
  n.kind = 'llm' OR n.model <> '' AND n.kind IN ({_CHARGED}), k.span, k.cost_pico_usd, k.is_least, k.first_ns
  {{extras}}
FROM {{source}} LEFT JOIN span_more m ON m.span = s.id AND s.more & {layout.MORE}
  LEFT JOIN span_usage u ON u.span = s.id AND s.more & {layout.USAGE}
  LEFT JOIN priced_calls k ON k.trace = s.trace AND k.span = s.id AND n.kind IN ({_CHARGED})
WHERE s.start >= ? AND s.start < ? AND (? = '' OR t.project = ?)
  AND s.status NOT IN ('running', 'paused') AND {{condition}}
{{order}}
"""
_FIXED: Final = 17
"""Columns before those that a grouping needs."""

_CHILDREN: Final = """SELECT s.trace, s.parent_id, s.start, s."end"
FROM json_each(?) j CROSS JOIN spans s ON s.trace = j.value
WHERE s.parent_id IS NOT NULL AND s."end" > s.start ORDER BY s.trace, s.start"""
_SERIES: Final = "SELECT id, name, kind, model, provider, service FROM series"

_Times = list[tuple[int, int]]


def figures(
    connection: sqlite3.Connection,
    groupings: Sequence[Grouping],
    *,
    since: int | None,
    until: int | None,
    project: str,
    question: Question | None,
    slots: int,
) -> dict[Grouping, list[Figures]]:
    """What the spans add up to that fit, as `port.Reader.figures` has it."""
    counting = _Counting(connection, groupings)
    asked_since = None if question is None else started_from(timed(question))
    sinces = [one for one in (since, asked_since) if one is not None]
    sql, values = _statement(connection, counting.extras, question, is_bounded=bool(sinces or until))
    first = max(sinces, default=_EARLIEST)
    last = _LATEST if until is None else until
    before, asked = values
    rows = connection.execute(sql, (*counting.names, *before, first, last, project, project, *asked))
    while page := rows.fetchmany(_PAGE_ROWS):
        counting.count(page, _children(connection, page))
    return {grouping: groups.figures() for grouping, groups in counting.finished(slots).items()}


def _statement(
    connection: sqlite3.Connection, extras: Sequence[str], question: Question | None, *, is_bounded: bool
) -> tuple[str, tuple[Sequence[Any], Sequence[Any]]]:
    """The statement, and its values before and after those for the time and the project."""
    few = few_spans(connection, question)
    series = rare_series(connection, question) if few is None else few
    source = (
        _FEW_SPANS
        if few is not None
        else _FEW_SERIES
        if series is not None
        else _BY_START
        if is_bounded
        else _EVERY
    )
    condition, asked = ("true", ()) if question is None else clause(timed(question))
    columns = "".join(f", {extra}" for extra in extras)
    # By trace, since the children of all spans of a page are looked up together; so they lie in the table.
    order = "" if source == _EVERY else "ORDER BY s.trace"
    statement = _SPANS.format(extras=columns, source=source, condition=condition, order=order)
    return statement, (() if series is None else (series,), asked)


def _children(
    connection: sqlite3.Connection, page: Sequence[tuple[Any, ...]]
) -> dict[tuple[int, Any], _Times]:
    """When the children of each span of these traces ran, by start."""
    found: dict[tuple[int, Any], _Times] = {}
    traces = msgspec.json.encode(sorted({row[0] for row in page})).decode()
    for trace, parent, start, end in connection.execute(_CHILDREN, (traces,)):
        found.setdefault((trace, parent), []).append((start, end))
    return found


class _Counting:
    """Groups of every way of grouping, while spans come in."""

    def __init__(self, connection: sqlite3.Connection, groupings: Sequence[Grouping]) -> None:
        self._groups = {grouping: Groups(grouping, is_exact=True) for grouping in groupings}
        fields = dict.fromkeys(field for grouping in groupings for field in fields_of(grouping))
        self._own = [field for field in fields if field in _COLUMNS or field.startswith(ATTRIBUTE)]
        self.extras = [_COLUMNS.get(field, _ATTRIBUTE_COLUMN) for field in self._own]
        self.names = [field[len(ATTRIBUTE) :] for field in self._own if field not in _COLUMNS]
        """Values of the columns that groupings need, in their order."""
        self._series = {
            number: dict(zip(("name", "kind", "model", "provider", "service"), words, strict=True))
            for number, *words in connection.execute(_SERIES)
        }
        self._known: dict[tuple[Any, ...], list[Group]] = {}

    def count(self, page: Sequence[tuple[Any, ...]], children: dict[tuple[int, Any], _Times]) -> None:
        """Count some spans."""
        for row in page:
            place = (row[2], *row[_FIXED:])
            groups = self._known.get(place)
            if groups is None:
                groups = self._learn(place)
            (trace, span_id, _, start, end, status, is_llm, *usage) = row[:12]
            is_charged, is_priced, pico_usd, is_least, first_ns = row[12:_FIXED]
            took = duration(start, end)
            bucket = int(STEPS * log(took)) if took > 1 else 0
            below = children.get((trace, span_id))
            self_ns = took - _covered(below, start, start + took) if below else took
            for group in groups:
                sums = group.sums
                sums[0] += 1
                if status != "ok":
                    sums[_PLACE[status]] += 1
                sums[4] += took
                group.self_ns += self_ns
                group.durations[bucket] = group.durations.get(bucket, 0) + 1
                group.each.append(took)  # type: ignore[union-attr]  # those that look at each span have it
                group.slots[start // HOUR_NS, status == "error"] += 1
                if is_llm:
                    _add_usage(group, took, usage)
                if is_charged:
                    _add_cost(group, is_priced, pico_usd, is_least, first_ns)

    def finished(self, slots: int) -> dict[Grouping, Groups]:
        """Everything that was counted, with its hours put together to slots."""
        every = [group for groups in self._groups.values() for group in groups.every()]
        if slots:
            put_together(every, slots)
        else:
            for group in every:
                group.slots.clear()
        return self._groups

    def _learn(self, place: tuple[Any, ...]) -> list[Group]:
        """The groups that a span with this series and these values is in."""
        if len(self._known) >= _MOST_KNOWN:
            self._known.clear()
        words = dict(self._series[place[0]])
        several: Sequence[str] = ()
        for field, value in zip(self._own, place[1:], strict=True):
            if field == "tag":
                several = list(dict.fromkeys(msgspec.json.decode(value or "[]", type=list[str])))
            else:
                words["attribute" if field.startswith(ATTRIBUTE) else field] = (
                    "" if value is None else str(value)
                )
        found: list[Group] = []
        for groups in self._groups.values():
            if "tag" in groups.fields:
                found += [groups.of({**words, "tag": tag}) for tag in several]
            else:
                found.append(groups.of(words))
        self._known[place] = found
        return found


_PLACE: Final = {"error": 1, "cancelled": 2, "interrupted": 3}
_COLUMNS: Final = {
    "status": "s.status",
    "user": own_or_inherited("user"),
    "session": own_or_inherited("session"),
    "tag": f"(SELECT json_group_array(tag) FROM ({tags_of_span()}))",
}
_ATTRIBUTE_COLUMN: Final = f"asked_value(?, s.id, s.attributes, s.more & {layout.ATTRIBUTES})"


def _add_usage(group: Group, took: int, usage: Sequence[int | None]) -> None:
    sums = group.sums
    group.llm_ns += took
    sums[5] += 1
    sums[6] += usage[0] is None and usage[1] is None
    for place, tokens in enumerate(usage, 7):
        sums[place] += tokens or 0


def _add_cost(
    group: Group, is_priced: Any, pico_usd: int | None, is_least: Any, first_ns: int | None
) -> None:
    if is_priced is None:
        group.unpriced += 1
        return
    group.priced += 1
    group.unknown_cost += pico_usd is None or bool(is_least)
    group.cost_pico_usd += pico_usd or 0
    if first_ns is not None:
        group.firsts += 1
        group.first_ns += first_ns


def _covered(times: Iterable[tuple[int, int]], start: int, end: int) -> int:
    """Nanoseconds between two times in which one of these runs, which are in the order of their starts."""
    covered, reached = 0, start
    for begun, over in times:
        if over > reached and begun < end:
            last = min(over, end)
            covered += last - max(begun, reached)
            reached = last
    return covered


def put_together(groups: Sequence[Group], slots: int) -> None:
    """Make slots of the hours of these groups: at most so many, of whole hours or whole days."""
    hours = [number for group in groups for number, _ in group.slots]
    if not hours:
        return
    step = slot_hours(min(hours), max(hours), slots)
    for group in groups:
        together = list(group.slots.items())
        group.slots.clear()
        for (number, failed), spans in together:
            group.slots[number // step * step * HOUR_NS, failed] += spans


def slot_hours(first: int, last: int, slots: int) -> int:
    """How many hours a slot has, so that about `slots` of them hold these two hours and what is between."""
    needed = -(-(last - first + 1) // max(1, slots))
    for hours in (1, 2, 3, 6, 12, HOURS_A_DAY):
        if needed <= hours:
            return hours
    return -(-needed // HOURS_A_DAY) * HOURS_A_DAY
