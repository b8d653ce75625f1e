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
from flightlog.records.traces import Figures, Hour, Selection, TraceFigures
from flightlog.store.port import Grouping
from flightlog.store.rollups import HOUR_NS, HOURS_A_DAY, hour, percentile
from flightlog.store.sqlite import layout
from flightlog.store.sqlite.asked import FROM_SPAN, clause, timed
from flightlog.store.sqlite.recompute import define_functions
from flightlog.store.sqlite.selection import JOINS, conditions
from flightlog.store.sqlite.tally import LAST_DAY, SUMS
from flightlog.store.sqlite.tracelist import waiting_of

_MOST_BUCKETS: Final = 1024
"""More than a histogram can have; a series and a bucket make one number, which sorts twice as fast as two."""

_PAGE_ROWS: Final = 1000

_READ: Final = SUMS.replace(" ok ", " ")
"""The sums that a question needs: what went well is the rest."""

_SERIES: Final = "SELECT id, name, kind, model, provider FROM series WHERE ?1 = '' OR project = ?1"
_SUMS: Final = f"""
SELECT series, {", ".join(f"sum({name})" for name in _READ.split())} FROM ({{rows}}) GROUP BY series
"""
_BUCKETS: Final = (
    f"SELECT series * {_MOST_BUCKETS} + bucket AS place, sum(spans) FROM ({{rows}}) GROUP BY place"
)
_EACH_SPAN: Final = f"""
SELECT s.series, 1 AS spans, s.status = 'error' AS error, s.status = 'cancelled' AS cancelled,
  s.status = 'interrupted' AS interrupted, nanoseconds(s.start, s."end") AS duration_ns,
  n.kind = 'llm' AS llm_calls, n.kind = 'llm' AND u.input_tokens IS NULL AND u.output_tokens IS NULL AS unknown_usage,
  coalesce(u.input_tokens, 0) AS input_tokens, coalesce(u.output_tokens, 0) AS output_tokens,
  coalesce(u.cache_read_tokens, 0) AS cache_read_tokens, coalesce(u.cache_write_tokens, 0) AS cache_write_tokens,
  coalesce(u.reasoning_tokens, 0) AS reasoning_tokens, bucket(nanoseconds(s.start, s."end")) AS bucket
{FROM_SPAN} LEFT JOIN span_usage u ON u.span = s.id
WHERE s.status NOT IN ('running', 'paused') AND s.start >= ?"""
"""What rollups say, of each span by itself."""

_GROUPS: Final[dict[Grouping, tuple[str, ...]]] = {
    "name": ("name", "kind"),
    "kind": ("kind",),
    "model": ("model", "provider"),
}
# Hours and durations as `rollups` has them, without a call to Python for each row; only the bucket is worth one.
_TRACES: Final = f"""
SELECT r.status, max(t.start, 0) / {HOUR_NS} AS hour, bucket(coalesce(t."end" - t.start, 0)) AS bucket,
  t."end" IS NOT NULL AND r.status NOT IN ('running', 'paused') AS over, count(*), sum(t.retries > 0),
  sum(t.retries), sum(t.retries > 0 AND r.status = 'ok'), coalesce(sum(t."end" - t.start >= ?), 0),
  coalesce(min(t."end" - t.start), 0), coalesce(max(t."end" - t.start), 0)
{JOINS} {{where}} GROUP BY 1, 2, 3, 4
"""
_LONG_AND_MAY_HAVE_WAITED: Final = f"""
SELECT t."end" - t.start, r.id, r.more & {layout.ATTRIBUTES}, r.attributes
{JOINS} {{where}} AND t."end" - t.start >= ?
  AND (r.more & {layout.ATTRIBUTES} OR instr(r.attributes, 'flightlog.waiting_ns'))
"""


class _Group:
    """One group while it grows."""

    def __init__(self, common: dict[str, str]) -> None:
        self.common = common
        self.sums = [0] * 12
        self.histogram: dict[int, int] = {}

    def figures(self) -> Figures:
        (spans, errors, cancelled, interrupted, total_ns, calls, unknown, *tokens) = self.sums
        # One span took what its sum says, exactly.
        p50, p95, p99 = [total_ns] * 3 if spans == 1 else _percentiles(self.histogram)
        return Figures(
            **self.common,
            spans=spans,
            errors=errors,
            cancelled=cancelled,
            interrupted=interrupted,
            total_ns=total_ns,
            p50_ns=p50,
            p95_ns=p95,
            p99_ns=p99,
            llm_calls=calls,
            unknown_usage_calls=unknown,
            input_tokens=tokens[0],
            output_tokens=tokens[1],
            cache_read_tokens=tokens[2],
            cache_write_tokens=tokens[3],
            reasoning_tokens=tokens[4],
        )


def figures(
    connection: sqlite3.Connection,
    groupings: tuple[Grouping, ...],
    since: int | None,
    project: str,
    question: Question | None = None,
) -> dict[Grouping, list[Figures]]:
    """Ended spans grouped in each of these ways, those with the most time first; spans of no model make no group.

    With a question, those that fit it are looked at one by one.
    """
    define_functions(connection)
    (last,) = connection.execute(LAST_DAY).fetchone()
    first = None if since is None else hour(since)
    parts = _parts(first, last)
    sums_of, buckets_of = _rows("rollups", _READ, parts), _rows("durations", "bucket spans", parts)
    values: tuple[Any, ...] = ()
    if question is not None:
        sql, values = clause(timed(question))
        sums_of = buckets_of = f"{_EACH_SPAN} AND {sql}"
        values = (-(2**63) if first is None else first * HOUR_NS, *values)
    series = {
        number: dict(zip(("name", "kind", "model", "provider"), words, strict=True))
        for number, *words in connection.execute(_SERIES, (project,))
    }
    grown: dict[Grouping, dict[tuple[str, ...], _Group]] = {grouping: {} for grouping in groupings}
    groups_of: dict[int, list[_Group]] = {}
    for number, *sums in connection.execute(_SUMS.format(rows=sums_of), values):
        if number in series:
            groups_of[number] = [_group(series[number], grouping, grown[grouping]) for grouping in groupings]
            for group in groups_of[number]:
                group.sums = [one + other for one, other in zip(group.sums, sums, strict=True)]
    for place, spans in connection.execute(_BUCKETS.format(rows=buckets_of), values):
        number, bucket = divmod(place, _MOST_BUCKETS)
        for group in groups_of.get(number, ()):
            group.histogram[bucket] = group.histogram.get(bucket, 0) + spans
    return {grouping: _ordered(grouping, grown[grouping]) for grouping in groupings}


def trace_figures(connection: sqlite3.Connection, selection: Selection, slow_limit_ns: int) -> TraceFigures:
    """What the traces that are meant add up to."""
    define_functions(connection)
    where, values = conditions(selection)
    statuses: Counter[str] = Counter()
    hours: dict[int, list[int]] = {}
    histogram: Counter[int] = Counter()
    took: list[int] = []
    retried = retries = recovered = slow = 0
    for row in connection.execute(_TRACES.format(where=where), (slow_limit_ns, *values)):
        status, number, bucket, over, traces, *sums, least, most = row
        statuses[status] += traces
        counted = hours.setdefault(number, [0, 0])
        counted[0] += traces
        counted[1] += traces if status == "error" else 0
        if over:
            histogram[bucket] += traces
            took += least, most
        retried, retries, recovered, slow = (
            one + other for one, other in zip((retried, retries, recovered, slow), sums, strict=True)
        )
    slow -= _not_slow_but_waiting(connection, where, values, slow_limit_ns)
    # A bucket's middle may lie beyond the shortest and the longest; the truth does not.
    p50, p95, p99 = (
        None if one is None else max(min(took), min(one, max(took))) for one in _percentiles(histogram)
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


def _parts(first: int | None, last: int) -> list[tuple[str, str]]:
    """Which tables together hold every hour from `first` on once, and which of their rows.

    Args:
        first: in hours since 1970; None for all there ever were.
        last: the last day that is written down.
    """
    first_open = (last + 1) * HOURS_A_DAY
    if first is None:
        return [("past", "true"), ("", f"hour >= {first_open}")]
    if first >= first_open:
        return [("", f"hour >= {first}")]
    first_day = -(-first // HOURS_A_DAY)
    return [
        ("", f"hour >= {first} AND hour < {first_day * HOURS_A_DAY}"),
        ("day", f"day >= {first_day}"),
        ("", f"hour >= {first_open}"),
    ]


def _rows(table: str, columns: str, parts: Iterable[tuple[str, str]]) -> str:
    names = columns.replace(" ", ", ")
    return " UNION ALL ".join(
        f"SELECT series, {names} FROM {span}{'_' if span else ''}{table} WHERE {which}"
        for span, which in parts
    )


def _group(words: dict[str, str], grouping: Grouping, grown: dict[tuple[str, ...], _Group]) -> _Group:
    common = {part: words[part] for part in _GROUPS[grouping]}
    return grown.setdefault(tuple(common.values()), _Group(common))


def _ordered(grouping: Grouping, grown: dict[tuple[str, ...], _Group]) -> list[Figures]:
    made = [group.figures() for key, group in grown.items() if grouping != "model" or key[0]]
    return sorted(made, key=lambda one: (-one.total_ns, -one.spans, one.name, one.kind, one.model))


def _percentiles(histogram: Mapping[int, int]) -> list[int | None]:
    found: list[Any] = [percentile(histogram, share) for share in (0.5, 0.95, 0.99)]
    return [None if one is None else round(one) for one in found]
