"""Deletion: a trace leaves with everything that only it needed, and the rollups forget that it was there."""

# ruff: noqa: S608 - every statement here is put together from constants; values are bound
from __future__ import annotations

import sqlite3
from typing import Final

from flightlog.store.port import Deleted
from flightlog.store.sqlite import layout
from flightlog.store.sqlite.ids import trace_key
from flightlog.store.sqlite.payloadrows import PayloadBatch
from flightlog.store.sqlite.statements import as_array
from flightlog.store.sqlite.tally import Tally

_SPANS: Final = "SELECT id FROM spans WHERE trace IN (SELECT value FROM json_each(?1))"
_HANGING_ON_IT: Final = ("spans", "events", "annotations", "trace_tags", "trace_context")
_HELD: Final = """
SELECT (SELECT count(*) FROM events WHERE trace IN (SELECT value FROM json_each(?1))),
  (SELECT count(*) FROM annotations WHERE trace IN (SELECT value FROM json_each(?1))),
  (SELECT coalesce(sum(bytes(input) + bytes(output) + bytes(attributes)), 0) FROM spans
    WHERE trace IN (SELECT value FROM json_each(?1)))
  + (SELECT coalesce(sum(bytes(body) + bytes(attributes) + bytes(rest)), 0) FROM events
    WHERE trace IN (SELECT value FROM json_each(?1)))
  + (SELECT coalesce(sum(bytes(message) + bytes(stack)), 0) FROM span_errors
    WHERE span IN (SELECT id FROM spans WHERE trace IN (SELECT value FROM json_each(?1))))
"""
_TOTALS: Final = "SELECT name, value FROM totals WHERE name IN ('payloads', 'payload_bytes')"


def delete_trace(connection: sqlite3.Connection, trace_id: str, project: str | None) -> Deleted:
    """Remove a trace within the transaction that is open; says what went with it."""
    found = connection.execute(
        "SELECT id FROM traces WHERE trace_id = ?1 AND (?2 IS NULL OR project = ?2)",
        (trace_key(trace_id), project),
    ).fetchall()
    traces = (as_array(number for (number,) in found),)
    connection.create_function("bytes", 1, _bytes, deterministic=True)
    events, annotations, held = connection.execute(_HELD, traces).fetchone()
    before = dict(connection.execute(_TOTALS))
    spans = _remove(connection, traces)
    after = dict(connection.execute(_TOTALS))
    payloads, packed = (before.get(name, 0) - after.get(name, 0) for name in ("payloads", "payload_bytes"))
    return Deleted(spans, events, annotations, payloads, held + packed)


def _remove(connection: sqlite3.Connection, traces: tuple[str]) -> int:
    tally = Tally()
    tally.take_back(connection, *traces)
    tally.write(connection)
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


def _bytes(value: object) -> int:
    return len(value.encode()) if isinstance(value, str) else 0
