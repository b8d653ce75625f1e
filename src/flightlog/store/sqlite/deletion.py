"""Deletion: a trace leaves with everything that only it needed, and the rollups forget that it was there."""

# ruff: noqa: S608 - every statement here is put together from constants; values are bound
from __future__ import annotations

import sqlite3
from typing import Final

from flightlog.store.sqlite import layout
from flightlog.store.sqlite.ids import trace_key
from flightlog.store.sqlite.payloadrows import PayloadBatch
from flightlog.store.sqlite.recompute import DURATION_ROWS, ROLLUP_ROWS, SOME, narrowed
from flightlog.store.sqlite.statements import as_array
from flightlog.store.sqlite.tally import SUMS

_SUMS: Final = SUMS.split()
_TAKE_BACK: Final = f"""
INSERT INTO rollups SELECT hour, series, {", ".join(f"-{name}" for name in _SUMS)}
FROM ({narrowed(ROLLUP_ROWS, SOME)}) WHERE 1
ON CONFLICT (hour, series) DO UPDATE SET {", ".join(f"{name} = {name} + excluded.{name}" for name in _SUMS)}
"""
_TAKE_BACK_DURATIONS: Final = f"""
INSERT INTO durations SELECT hour, series, bucket, -spans
FROM ({narrowed(DURATION_ROWS, SOME)}) WHERE 1
ON CONFLICT (hour, series, bucket) DO UPDATE SET spans = spans + excluded.spans
"""
_DROP_EMPTY: Final = """
DELETE FROM {table} WHERE spans = 0 AND (hour, series) IN
  (SELECT DISTINCT hours(start), series FROM spans WHERE trace IN (SELECT value FROM json_each(?1)))
"""
_SPANS: Final = "SELECT id FROM spans WHERE trace IN (SELECT value FROM json_each(?1))"
_HANGING_ON_IT: Final = ("spans", "events", "annotations", "trace_tags")


def delete_trace(connection: sqlite3.Connection, trace_id: str, project: str | None) -> int:
    """Remove a trace within the transaction that is open; returns the number of its spans."""
    found = connection.execute(
        "SELECT id FROM traces WHERE trace_id = ?1 AND (?2 IS NULL OR project = ?2)",
        (trace_key(trace_id), project),
    ).fetchall()
    traces = (as_array(number for (number,) in found),)
    connection.execute(_TAKE_BACK, traces)
    connection.execute(_TAKE_BACK_DURATIONS, traces)
    for table in ("rollups", "durations"):
        connection.execute(_DROP_EMPTY.format(table=table), traces)
    spans = [number for (number,) in connection.execute(_SPANS, traces)]
    payloads = PayloadBatch(connection)
    payloads.release(spans)
    for table in layout.SIDE_TABLES.values():
        connection.execute(f"DELETE FROM {table} WHERE span IN ({_SPANS})", traces)
    for table in _HANGING_ON_IT:
        connection.execute(
            f"DELETE FROM {table} WHERE trace IN (SELECT value FROM json_each(?1))",
            traces,
        )
    connection.execute("DELETE FROM traces WHERE id IN (SELECT value FROM json_each(?1))", traces)
    payloads.write()
    return len(spans)
