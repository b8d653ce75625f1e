"""Derived rows from the rows they are derived from: the one definition of what each of them must be.

The writer uses it for trace rows that a difference cannot keep up to date, deletion for what to take back, and
`verify` for everything. `{only}` narrows a statement to some traces by a condition on `s.trace` or `t.id`.
"""

# ruff: noqa: S608 - every statement here is put together from constants; values are bound
from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from typing import Final

from flightlog.store import rollups
from flightlog.store.sqlite.statements import as_array

EVERY: Final = "1"
"""No narrowing."""

SOME: Final = "IN (SELECT value FROM json_each(?1))"
"""Narrowing to a JSON array of trace rows' ids."""

SOME_SPANS: Final = "s.id IN (SELECT value FROM json_each(?1))"
"""Narrowing to a JSON array of spans' ids, in the place of `{spans}`."""

_ENDED: Final = "s.status NOT IN ('running', 'paused')"

TRACE_ROWS: Final = f"""
WITH
facts AS (
  SELECT s.id, s.trace, s.start, s."end", s.span_id, s.status, coalesce(m.kind, n.kind) = 'llm' AS llm,
    coalesce(m.model, n.model) AS model, u.input_tokens AS input, u.output_tokens AS output,
    {_ENDED} AS ended,
    CASE WHEN s.parent_id IS NULL THEN 0
      WHEN NOT EXISTS (SELECT 1 FROM spans p WHERE p.trace = s.trace AND p.span_id = s.parent_id) THEN 1
      ELSE 2 END AS distance
  FROM spans s JOIN series n ON n.id = s.series
    LEFT JOIN span_more m ON m.span = s.id LEFT JOIN span_usage u ON u.span = s.id
  WHERE {{spans}}
),
sums AS (
  SELECT trace, min(start) AS start, max("end") AS "end", count(*) AS spans,
    sum(status = 'error') AS errors, sum(status = 'interrupted') AS interrupted, sum(llm) AS llm_calls,
    sum(llm AND ended AND input IS NULL AND output IS NULL) AS unknown_usage,
    coalesce(sum(input), 0) AS input_tokens, count(input) AS input_known,
    coalesce(sum(output), 0) AS output_tokens, count(output) AS output_known
  FROM facts GROUP BY trace
),
roots AS (
  SELECT trace, id, distance,
    row_number() OVER (PARTITION BY trace ORDER BY distance, start, span_id) AS place
  FROM facts
),
models AS (
  SELECT trace, id, row_number() OVER (PARTITION BY trace ORDER BY start, span_id) AS place
  FROM facts WHERE llm AND model <> ''
)
SELECT t.id AS id, x.start AS start, x."end" AS "end", r.id AS root, r.distance AS distance,
  coalesce(x.spans, 0) AS spans, coalesce(x.errors, 0) AS errors,
  coalesce(x.interrupted, 0) AS interrupted, coalesce(x.llm_calls, 0) AS llm_calls,
  coalesce(x.unknown_usage, 0) AS unknown_usage, coalesce(x.input_tokens, 0) AS input_tokens,
  coalesce(x.input_known, 0) AS input_known, coalesce(x.output_tokens, 0) AS output_tokens,
  coalesce(x.output_known, 0) AS output_known, m.id AS model_span,
  (SELECT count(*) FROM events e WHERE e.trace = t.id AND e.name = 'retry') AS retries
FROM traces t
  LEFT JOIN sums x ON x.trace = t.id
  LEFT JOIN roots r ON r.trace = t.id AND r.place = 1
  LEFT JOIN models m ON m.trace = t.id AND m.place = 1
WHERE {{traces}}
"""
"""Every column of a trace row that is derived."""

TRACE_COLUMNS: Final = (
    "id",
    "start",
    '"end"',
    "root",
    "distance",
    "spans",
    "errors",
    "interrupted",
    "llm_calls",
    "unknown_usage",
    "input_tokens",
    "input_known",
    "output_tokens",
    "output_known",
    "model_span",
    "retries",
)
"""The columns of `TRACE_ROWS`."""

ROLLUP_ROWS: Final = f"""
SELECT hours(s.start) AS hour, s.series AS series, count(*) AS spans,
  sum(s.status = 'ok') AS ok, sum(s.status = 'error') AS error, sum(s.status = 'cancelled') AS cancelled,
  sum(s.status = 'interrupted') AS interrupted, sum(nanoseconds(s.start, s."end")) AS duration_ns,
  sum(n.kind = 'llm') AS llm_calls,
  sum(n.kind = 'llm' AND u.input_tokens IS NULL AND u.output_tokens IS NULL) AS unknown_usage,
  coalesce(sum(u.input_tokens), 0) AS input_tokens, coalesce(sum(u.output_tokens), 0) AS output_tokens,
  coalesce(sum(u.cache_read_tokens), 0) AS cache_read_tokens,
  coalesce(sum(u.cache_write_tokens), 0) AS cache_write_tokens,
  coalesce(sum(u.reasoning_tokens), 0) AS reasoning_tokens
FROM spans s JOIN series n ON n.id = s.series LEFT JOIN span_usage u ON u.span = s.id
WHERE {_ENDED} AND {{spans}}
GROUP BY 1, 2
"""
"""The rollup rows that spans add up to."""

DURATION_ROWS: Final = f"""
SELECT hours(s.start) AS hour, s.series AS series, bucket(nanoseconds(s.start, s."end")) AS bucket,
  count(*) AS spans
FROM spans s WHERE {_ENDED} AND {{spans}}
GROUP BY 1, 2, 3
"""
"""The histogram rows that spans add up to."""

TAG_ROWS: Final = """
SELECT t.id AS trace, coalesce(j.key, 0) AS position, j.value AS tag
FROM traces t JOIN span_context c ON c.span = t.root, json_each(c.rest, '$.tags') j
WHERE json_type(c.rest, '$.tags') IN ('array', 'text') AND j.type = 'text' AND {traces}
"""
"""The tags of traces: those of their root's context; a single text counts as a list of one."""

CONTEXT_ROWS: Final = """
WITH
bound AS (
  SELECT s.trace, s.id, s.start, s.span_id, c.session, c.user
  FROM spans s JOIN span_context c ON c.span = s.id
  WHERE (c.session IS NOT NULL OR c.user IS NOT NULL) AND {spans}
),
sessions AS (
  SELECT trace, id, row_number() OVER (PARTITION BY trace ORDER BY start, span_id) AS place
  FROM bound WHERE session IS NOT NULL
),
users AS (
  SELECT trace, id, row_number() OVER (PARTITION BY trace ORDER BY start, span_id) AS place
  FROM bound WHERE user IS NOT NULL
)
SELECT trace, max(session_span) AS session_span, max(user_span) AS user_span FROM (
  SELECT trace, id AS session_span, NULL AS user_span FROM sessions WHERE place = 1
  UNION ALL SELECT trace, NULL, id FROM users WHERE place = 1
) GROUP BY trace
"""
"""Of each trace the earliest span that has a session, and the earliest one that has a user."""


def narrowed(statement: str, only: str = EVERY) -> str:
    """A statement over all traces, or over some."""
    if only == EVERY:
        return statement.format(spans="1", traces="1")
    return statement.format(spans=f"s.trace {only}", traces=f"t.id {only}")


def define_functions(connection: sqlite3.Connection) -> None:
    """Give SQL the functions that `rollups` defines, so that there is one definition of each."""
    connection.create_function("hours", 1, rollups.hour, deterministic=True)
    connection.create_function("nanoseconds", 2, rollups.duration, deterministic=True)
    connection.create_function("bucket", 1, rollups.bucket, deterministic=True)


def renew_traces(connection: sqlite3.Connection, traces: Iterable[int]) -> None:
    """Recompute these trace rows."""
    ids = as_array(traces)
    changes = ", ".join(f"{name} = f.{name}" for name in TRACE_COLUMNS[1:])
    connection.execute(
        f"UPDATE traces SET {changes} FROM ({narrowed(TRACE_ROWS, SOME)}) AS f WHERE f.id = traces.id",
        (ids,),
    )


def renew_tags(connection: sqlite3.Connection, traces: Iterable[int]) -> None:
    """Recompute the tags of these traces."""
    ids = as_array(traces)
    connection.execute("DELETE FROM trace_tags WHERE trace IN (SELECT value FROM json_each(?1))", (ids,))
    connection.execute(f"INSERT INTO trace_tags {narrowed(TAG_ROWS, SOME)}", (ids,))


def renew_context(connection: sqlite3.Connection, traces: Iterable[int]) -> None:
    """Find anew whose sessions and users these traces show."""
    ids = as_array(traces)
    connection.execute("DELETE FROM trace_context WHERE trace IN (SELECT value FROM json_each(?1))", (ids,))
    connection.execute(f"INSERT INTO trace_context {narrowed(CONTEXT_ROWS, SOME)}", (ids,))
