"""Deletion: traces leave with everything that only they needed, and the rollups forget that they were there.

A large trace leaves a part at a time, so that nobody waits long for the write lock. What is left in between is a
trace like any other, with fewer spans: its counters change by what went. Those of its spans that its row names (its
root, its first model, whose session and user it shows) go last, so that nothing has to be found anew each time.
"""

# ruff: noqa: S608 - every statement here is put together from constants; values are bound
from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Final

from flightlog.store.clearport import Deleted
from flightlog.store.sqlite import layout, pricedcalls
from flightlog.store.sqlite.ids import trace_key
from flightlog.store.sqlite.payloadrows import PayloadBatch
from flightlog.store.sqlite.recompute import SOME_SPANS, TRACE_ROWS, renew_context, renew_tags, renew_traces
from flightlog.store.sqlite.statements import as_array
from flightlog.store.sqlite.tally import Tally

LEAST: Final = 16
"""So many spans and events go at once at least; more than a trace's row names."""

_THESE: Final = "(SELECT value FROM json_each(?1))"
_SPANS: Final = f"SELECT id FROM spans WHERE trace IN {_THESE}"
_HANGING_ON_IT: Final = ("spans", "events", "annotations", "trace_tags", "trace_context")
_FOUND: Final = """
SELECT t.id, t.spans + (SELECT count(*) FROM events e WHERE e.trace = t.id) FROM traces t
WHERE t.trace_id = ?1 AND (?2 IS NULL OR t.project = ?2)
"""
_SPAN_BYTES: Final = """
SELECT (SELECT coalesce(sum(bytes(input) + bytes(output) + bytes(attributes)), 0) FROM spans WHERE {spans})
  + (SELECT coalesce(sum(bytes(message) + bytes(stack)), 0) FROM span_errors
    WHERE span IN (SELECT id FROM spans WHERE {spans}))
"""
_EVENT_BYTES: Final = """
SELECT count(*), coalesce(sum(bytes(body) + bytes(attributes) + bytes(rest)), 0) FROM events WHERE {events}
"""
_OF_TRACES: Final = f"trace IN {_THESE}"
_OF_IDS: Final = f"id IN {_THESE}"
_ANNOTATIONS: Final = f"SELECT count(*) FROM annotations WHERE {_OF_TRACES}"
_TOTALS: Final = "SELECT name, value FROM totals WHERE name IN ('payloads', 'payload_bytes')"
_SOME_EVENTS: Final = "SELECT id, name = 'retry' FROM events WHERE trace = ? LIMIT ?"
_SOME_SPANS: Final = """
SELECT id FROM spans WHERE trace = ?1 AND id NOT IN (
  SELECT root FROM traces WHERE id = ?1 AND root IS NOT NULL
  UNION SELECT model_span FROM traces WHERE id = ?1 AND model_span IS NOT NULL
  UNION SELECT session_span FROM trace_context WHERE trace = ?1 AND session_span IS NOT NULL
  UNION SELECT user_span FROM trace_context WHERE trace = ?1 AND user_span IS NOT NULL)
LIMIT ?2
"""
_COUNTED: Final = TRACE_ROWS.format(spans=SOME_SPANS, traces="t.id IN (SELECT trace FROM sums)")
"""What a trace row says of some spans alone."""
_SUMS: Final = [
    "spans",
    "errors",
    "interrupted",
    "llm_calls",
    "unknown_usage",
    "input_tokens",
    "input_known",
    "output_tokens",
    "output_known",
]
_FEWER: Final = f"UPDATE traces SET {', '.join(f'{name} = {name} - ?' for name in _SUMS)} WHERE id = ?"
_TIMES: Final = """
UPDATE traces SET start = (SELECT min(start) FROM spans WHERE trace = ?1),
  "end" = (SELECT max("end") FROM spans WHERE trace = ?1)
WHERE id = ?1 AND (start >= ?2 OR "end" <= ?3)
"""


def delete_trace(connection: sqlite3.Connection, trace_id: str, project: str | None) -> Deleted:
    """Remove a trace within the transaction that is open; says what went with it."""
    _define(connection)
    rows = connection.execute(_FOUND, (trace_key(trace_id), project)).fetchall()
    return _remove(connection, [number for number, _ in rows], int(bool(rows)))


def delete_some(
    connection: sqlite3.Connection, trace_ids: Sequence[str], most: int, project: str | None
) -> Deleted:
    """Remove so many spans and events of these traces, the first ones first, within the transaction that is open."""
    _define(connection)
    most = max(most, LEAST)
    room, gone, whole = most, 0, list[int]()
    for trace_id in trace_ids:
        rows = connection.execute(_FOUND, (trace_key(trace_id), project)).fetchall()
        wanted = sum(held for _, held in rows)
        if wanted > room:
            if room < most:
                break
            largest = max(rows, key=lambda row: int(row[1]))
            return _shrink(connection, largest[0], most)
        whole += [number for number, _ in rows]
        room -= wanted + 1
        gone += 1
        if room <= 0:
            break
    return _remove(connection, whole, gone)


def _remove(connection: sqlite3.Connection, rows: Sequence[int], gone: int) -> Deleted:
    """Remove whole traces."""
    if not rows:
        return Deleted(traces=gone)
    traces = (as_array(rows),)
    (annotations,) = connection.execute(_ANNOTATIONS, traces).fetchone()
    events, held = connection.execute(_EVENT_BYTES.format(events=_OF_TRACES), traces).fetchone()
    held += connection.execute(_SPAN_BYTES.format(spans=_OF_TRACES), traces).fetchone()[0]
    tally = Tally()
    tally.take_back(connection, *traces)
    tally.write(connection)
    pricedcalls.forget_traces(connection, *traces)
    spans = [number for (number,) in connection.execute(_SPANS, traces)]
    payloads = _Payloads(connection, spans)
    for table in layout.SIDE_TABLES.values():
        connection.execute(f"DELETE FROM {table} WHERE span IN ({_SPANS})", traces)
    for table in _HANGING_ON_IT:
        connection.execute(f"DELETE FROM {table} WHERE {_OF_TRACES}", traces)
    connection.execute(f"DELETE FROM traces WHERE {_OF_IDS}", traces)
    count, packed = payloads.drop()
    return Deleted(len(spans), events, annotations, count, held + packed, gone)


def _shrink(connection: sqlite3.Connection, trace: int, most: int) -> Deleted:
    """Take a part out of a trace: its events first."""
    rows = connection.execute(_SOME_EVENTS, (trace, most)).fetchall()
    if rows:
        events = (as_array(number for number, _ in rows),)
        count, held = connection.execute(_EVENT_BYTES.format(events=_OF_IDS), events).fetchone()
        connection.execute(f"DELETE FROM events WHERE {_OF_IDS}", events)
        retries = sum(is_retry for _, is_retry in rows)
        connection.execute("UPDATE traces SET retries = retries - ? WHERE id = ?", (retries, trace))
        return Deleted(events=count, bytes=held)
    return _remove_spans(
        connection, trace, [number for (number,) in connection.execute(_SOME_SPANS, (trace, most))]
    )


def _remove_spans(connection: sqlite3.Connection, trace: int, numbers: Sequence[int]) -> Deleted:
    spans = (as_array(numbers),)
    (held,) = connection.execute(_SPAN_BYTES.format(spans=_OF_IDS), spans).fetchone()
    tally = Tally()
    tally.take_back_spans(connection, *spans)
    tally.write(connection)
    pricedcalls.forget_spans(connection, trace, *spans)
    cursor = connection.execute(_COUNTED, spans)
    names = [column[0] for column in cursor.description]
    counted = dict(zip(names, cursor.fetchone(), strict=True))
    payloads = _Payloads(connection, numbers)
    for table in layout.SIDE_TABLES.values():
        connection.execute(f"DELETE FROM {table} WHERE span IN {_THESE}", spans)
    connection.execute(f"DELETE FROM spans WHERE {_OF_IDS}", spans)
    connection.execute(_FEWER, (*(counted[name] for name in _SUMS), trace))
    connection.execute(_TIMES, (trace, counted["start"], counted["end"]))
    _renew(connection, trace)
    count, packed = payloads.drop()
    return Deleted(len(numbers), payloads=count, bytes=held + packed)


def _renew(connection: sqlite3.Connection, trace: int) -> None:
    """Find anew what a trace shows, where another span may have become its root: only one without a parent stays it."""
    (distance,) = connection.execute("SELECT distance FROM traces WHERE id = ?", (trace,)).fetchone()
    if distance != 0:
        renew_traces(connection, [trace])
        renew_tags(connection, [trace])
        renew_context(connection, [trace])


class _Payloads:
    """The payloads that spans which go refer to."""

    def __init__(self, connection: sqlite3.Connection, spans: Sequence[int]) -> None:
        self._connection = connection
        self._before = self._totals()
        self._batch = PayloadBatch(connection)
        self._batch.release(spans)

    def drop(self) -> tuple[int, int]:
        """Drop those that nothing refers to any more; how many, and their bytes."""
        self._batch.write()
        after = self._totals()
        count, size = (
            self._before.get(name, 0) - after.get(name, 0) for name in ("payloads", "payload_bytes")
        )
        return count, size

    def _totals(self) -> dict[str, int]:
        return dict(self._connection.execute(_TOTALS))


def _define(connection: sqlite3.Connection) -> None:
    connection.create_function("bytes", 1, _bytes, deterministic=True)


def _bytes(value: object) -> int:
    return len(value.encode()) if isinstance(value, str) else 0
