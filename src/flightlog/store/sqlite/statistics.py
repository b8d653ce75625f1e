"""What many spans or traces add up to: spans from the rollups alone, traces from their rows.

Rollups hold whole hours, so a question that begins within an hour is answered from the beginning of that hour.
"""

# ruff: noqa: S608 - every statement here is put together from constants; values are bound
from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, Final

from flightlog.records.question import Question
from flightlog.records.traces import EVERY_TRACE, Figures, Hour, Selection, TraceFigures
from flightlog.store.groupings import Grouping
from flightlog.store.rollups import HOUR_NS, HOURS_A_DAY, hour
from flightlog.store.sqlite import eachspan, layout
from flightlog.store.sqlite.askedtexts import few_spans
from flightlog.store.sqlite.grouping import Group, Groups, is_of_series, percentiles
from flightlog.store.sqlite.recompute import define_functions
from flightlog.store.sqlite.selection import JOINS, conditions
from flightlog.store.sqlite.tally import LAST_DAY, SUMS
from flightlog.store.sqlite.tracelist import waiting_of

_MOST_BUCKETS: Final = 1024
"""More than a histogram can have; a series and a bucket make one number, which sorts twice as fast as two."""

_PAGE_ROWS: Final = 1000

_READ: Final = SUMS.replace(" ok ", " ")
"""The sums that a question needs: what went well is the rest."""

PART: Final = 10**9
"""Sums of money are added up in two parts, since a sum of 64 bits would end at nine million dollars."""

_SERIES: Final = "SELECT id, name, kind, model, provider, service FROM series WHERE ?1 = '' OR project = ?1"
_COSTS: Final = f"""
SELECT c.series, sum(c.calls), sum(c.unknown), sum(c.cost_pico_usd / {PART}), sum(c.cost_pico_usd % {PART}),
  sum(c.firsts), sum(c.first_ns), n.kind = 'llm'
FROM call_sums c JOIN series n ON n.id = c.series WHERE c.hour >= ? AND c.hour < ? GROUP BY c.series
"""
_TIMES: Final = """SELECT (SELECT min(hour) FROM rollups WHERE hour >= ?1 AND hour < ?2),
  (SELECT max(hour) FROM rollups WHERE hour >= ?1 AND hour < ?2)"""
_HOUR_SLOTS: Final = """
SELECT series, hour / ?3 AS place, sum(spans), sum(error) FROM rollups WHERE hour >= ?1 AND hour < ?2 GROUP BY 1, 2
"""
_DAY_SLOTS: Final = f"""
SELECT series, day * {HOURS_A_DAY} / ?3 AS place, sum(spans), sum(error) FROM (
  SELECT series, day, spans, error FROM day_rollups WHERE day * {HOURS_A_DAY} > ?1 - {HOURS_A_DAY}
    AND day * {HOURS_A_DAY} < ?2 AND day <= ?4
  UNION ALL SELECT series, hour / {HOURS_A_DAY}, spans, error FROM rollups
    WHERE hour >= max(?1, (?4 + 1) * {HOURS_A_DAY}) AND hour < ?2)
GROUP BY 1, 2
"""
_GroupsOf = Mapping[int, list[Group]]
_SUMS: Final = f"""
SELECT series, {", ".join(f"sum({name})" for name in _READ.split())} FROM ({{rows}}) GROUP BY series
"""
_BUCKETS: Final = (
    f"SELECT series * {_MOST_BUCKETS} + bucket AS place, sum(spans) FROM ({{rows}}) GROUP BY place"
)
# Hours and durations as `rollups` has them, without a call to Python for each row; only the bucket is worth one.
_TRACES: Final = f"""
SELECT r.status, max(t.start, 0) / {HOUR_NS} AS hour, bucket(coalesce(t."end" - t.start, 0)) AS bucket,
  t."end" IS NOT NULL AND r.status NOT IN ('running', 'paused') AS over, count(*), sum(t.retries > 0),
  sum(t.retries), sum(t.retries > 0 AND r.status = 'ok'), coalesce(sum(t."end" - t.start >= ?), 0),
  coalesce(min(t."end" - t.start), 0), coalesce(max(t."end" - t.start), 0), total(t."end" - t.start),
  sum(t.spans), sum(t.llm_calls), sum(t.unknown_usage), sum(t.input_tokens), sum(t.output_tokens)
{JOINS} {{where}} GROUP BY 1, 2, 3, 4
"""
_MONEY_OF_ALL: Final = f"""
SELECT coalesce(sum(calls), 0), coalesce(sum(unknown), 0), coalesce(sum(cost_pico_usd / {PART}), 0),
  coalesce(sum(cost_pico_usd % {PART}), 0), (SELECT count(*) FROM unpriced_calls) FROM call_sums
"""
_MONEY: Final = f"""
SELECT count(*), coalesce(sum(k.cost_pico_usd IS NULL OR k.is_least), 0), coalesce(sum(k.cost_pico_usd / {PART}), 0),
  coalesce(sum(k.cost_pico_usd % {PART}), 0),
  (SELECT count(*) FROM unpriced_calls WHERE trace IN (SELECT t.id {JOINS} {{where}}))
FROM priced_calls k WHERE k.trace IN (SELECT t.id {JOINS} {{where}})
"""
_LONG_AND_MAY_HAVE_WAITED: Final = f"""
SELECT t."end" - t.start, r.id, r.more & {layout.ATTRIBUTES}, r.attributes
{JOINS} {{where}} AND t."end" - t.start >= ?
  AND (r.more & {layout.ATTRIBUTES} OR instr(r.attributes, 'flightlog.waiting_ns'))
"""


def figures(
    connection: sqlite3.Connection,
    groupings: tuple[Grouping, ...],
    since: int | None = None,
    project: str = "",
    question: Question | None = None,
    *,
    until: int | None = None,
    exact: bool = False,
    slots: int = 0,
) -> dict[Grouping, list[Figures]]:
    """What ended spans add up to, as `port.Reader.figures` has it."""
    if exact or question is not None or not all(map(is_of_series, groupings)):
        return eachspan.figures(
            connection, groupings, since=since, until=until, project=project, question=question, slots=slots
        )
    (last,) = connection.execute(LAST_DAY).fetchone()
    first = None if since is None else hour(since)
    end = None if until is None else hour(until - 1) + 1
    parts = _parts(first, end, last)
    series = {
        number: dict(zip(("name", "kind", "model", "provider", "service"), words, strict=True))
        for number, *words in connection.execute(_SERIES, (project,))
    }
    grown = {grouping: Groups(grouping) for grouping in groupings}
    groups_of = {number: [groups.of(words) for groups in grown.values()] for number, words in series.items()}
    for number, *sums in connection.execute(_SUMS.format(rows=_rows("rollups", _READ, parts))):
        for group in groups_of.get(number, ()):
            group.sums = [one + other for one, other in zip(group.sums, sums, strict=True)]
            group.llm_ns += sums[4] if sums[5] else 0
            group.unpriced += sums[5]
    for place, spans in connection.execute(_BUCKETS.format(rows=_rows("durations", "bucket spans", parts))):
        number, bucket = divmod(place, _MOST_BUCKETS)
        for group in groups_of.get(number, ()):
            group.durations[bucket] = group.durations.get(bucket, 0) + spans
    within = (-(2**62) if first is None else first, 2**62 if end is None else end)
    _add_costs(connection, groups_of, within)
    if slots:
        _add_slots(connection, groups_of, within, last, slots)
    return {grouping: groups.figures() for grouping, groups in grown.items()}


def _add_costs(connection: sqlite3.Connection, groups_of: _GroupsOf, within: tuple[int, int]) -> None:
    for number, calls, unknown, whole, rest, firsts, first_ns, is_llm in connection.execute(_COSTS, within):
        for group in groups_of.get(number, ()):
            group.priced += calls
            group.unpriced -= calls if is_llm else 0
            group.unknown_cost += unknown
            group.cost_pico_usd += whole * PART + rest
            group.firsts += firsts
            group.first_ns += first_ns


def _add_slots(
    connection: sqlite3.Connection, groups_of: _GroupsOf, within: tuple[int, int], last: int, slots: int
) -> None:
    """When spans started, in whole hours, or in whole days where that is fine enough."""
    (begun, over) = connection.execute(_TIMES, within).fetchone()
    if begun is None:
        return
    step = eachspan.slot_hours(begun, over, slots)
    if step % HOURS_A_DAY == 0:
        rows = connection.execute(_DAY_SLOTS, (*within, step, last))
    else:
        rows = connection.execute(_HOUR_SLOTS, (*within, step))
    for number, place, spans, errors in rows:
        for group in groups_of.get(number, ()):
            group.slots[place * step * HOUR_NS, True] += errors
            group.slots[place * step * HOUR_NS, False] += spans - errors


def trace_figures(connection: sqlite3.Connection, selection: Selection, slow_limit_ns: int) -> TraceFigures:
    """What the traces that are meant add up to."""
    define_functions(connection)
    where, values = conditions(selection, spans=few_spans(connection, selection.question))
    statuses: Counter[str] = Counter()
    hours: dict[int, list[int]] = {}
    histogram: Counter[int] = Counter()
    took: list[int] = []
    retried = retries = recovered = slow = 0
    lasted, held = 0.0, [0] * 5
    for row in connection.execute(_TRACES.format(where=where), (slow_limit_ns, *values)):
        status, number, bucket, over, traces, *sums, least, most, total_ns = row[:12]
        held = [one + other for one, other in zip(held, row[12:], strict=True)]
        statuses[status] += traces
        counted = hours.setdefault(number, [0, 0])
        counted[0] += traces
        counted[1] += traces if status == "error" else 0
        if over:
            histogram[bucket] += traces
            took += least, most
            lasted += total_ns
        retried, retries, recovered, slow = (
            one + other for one, other in zip((retried, retries, recovered, slow), sums, strict=True)
        )
    slow -= _not_slow_but_waiting(connection, where, values, slow_limit_ns)
    money = _MONEY_OF_ALL if selection == EVERY_TRACE else _MONEY.format(where=where)
    priced, unknown, whole, rest, unpriced = connection.execute(
        money, () if selection == EVERY_TRACE else (*values, *values)
    ).fetchone()
    over = histogram.total()
    # A bucket's middle may lie beyond the shortest and the longest; the truth does not.
    p50, p95, p99 = (
        None if one is None else max(min(took), min(one, max(took)))
        for one in percentiles(histogram, (0.5, 0.95, 0.99))
    )
    return TraceFigures(
        traces=statuses.total(),
        statuses=dict(statuses.most_common()),
        retried=retried,
        retries=retries,
        recovered=recovered,
        slow=slow,
        p50_ns=p50,
        p95_ns=p95,
        p99_ns=p99,
        hours=[
            Hour(start=number * HOUR_NS, traces=traces, errors=errors)
            for number, (traces, errors) in sorted(hours.items())
        ],
        mean_ns=round(lasted / over) if over else None,
        max_ns=max(took, default=None),
        spans=held[0],
        llm_calls=held[1],
        unknown_usage_calls=held[2],
        input_tokens=held[3],
        output_tokens=held[4],
        priced_calls=priced,
        unknown_cost_calls=unknown,
        cost_pico_usd=whole * PART + rest,
        unpriced_calls=unpriced,
    )


def _not_slow_but_waiting(
    connection: sqlite3.Connection, where: str, values: list[Any], slow_limit_ns: int
) -> int:
    """How many traces took so long only because their root waited for somebody."""
    rows = connection.execute(_LONG_AND_MAY_HAVE_WAITED.format(where=where), (*values, slow_limit_ns))
    number = 0
    while page := rows.fetchmany(_PAGE_ROWS):
        waited = waiting_of(connection, [row[1:] for row in page])
        number += sum(row[0] - ns < slow_limit_ns for row, ns in zip(page, waited, strict=True))
    return number


def _parts(first: int | None, end: int | None, last: int) -> list[tuple[str, str]]:
    """Which tables together hold every hour from `first` on and before `end` once, and which of their rows.

    Args:
        first: in hours since 1970; None for all there ever were.
        end: likewise.
        last: the last day that is written down.
    """
    first_open = (last + 1) * HOURS_A_DAY
    if first is None and end is None:
        return [("past", "true"), ("", f"hour >= {first_open}")]
    first = 0 if first is None else first
    first_day = -(-first // HOURS_A_DAY)
    last_day = last if end is None else min(last, end // HOURS_A_DAY - 1)
    before = "" if end is None else f" AND hour < {end}"
    if last_day < first_day:
        return [("", f"hour >= {first}{before}")]
    return [
        ("", f"hour >= {first} AND hour < {first_day * HOURS_A_DAY}"),
        ("day", f"day >= {first_day} AND day <= {last_day}"),
        ("", f"hour >= {(last_day + 1) * HOURS_A_DAY}{before}"),
    ]


def _rows(table: str, columns: str, parts: Iterable[tuple[str, str]]) -> str:
    names = columns.replace(" ", ", ")
    return " UNION ALL ".join(
        f"SELECT series, {names} FROM {span}{'_' if span else ''}{table} WHERE {which}"
        for span, which in parts
    )
