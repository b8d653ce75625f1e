"""Rows of everything that is no span: events, annotations, lines not understood, and what is known of processes."""

# ruff: noqa: S608 - every statement here is put together from constants; values are bound
from __future__ import annotations

import sqlite3
from typing import Any, Final

import msgspec

from flightlog.store.sqlite.ids import as_text, optional_span_key, span_key
from flightlog.store.sqlite.intake import Intake, NewRecord, encoded_process, stamped
from flightlog.store.sqlite.lean import LeanAnnotation, LeanEvent, content
from flightlog.store.sqlite.names import SourceNames
from flightlog.store.sqlite.statements import Many, insert, lookup
from flightlog.store.sqlite.tracerows import TraceRow

RETRY: Final = "retry"
"""Name of the event that makes a trace `retried`."""

_EVENT_COLUMNS: Final = (
    "id event_id project trace span_id time name level body attributes source rest line_hash"
)
_ANNOTATION_COLUMNS: Final = (
    "id annotation_id project trace span_id time name value label note by attributes source rest line_hash"
)


def _replacing(columns: str) -> str:
    changes = ", ".join(f'"{name}" = excluded."{name}"' for name in columns.split()[3:])
    return f"ON CONFLICT (id) DO UPDATE SET {changes}"


_put_events: Final = insert("events", _EVENT_COLUMNS, _replacing(_EVENT_COLUMNS))
_put_annotations: Final = insert("annotations", _ANNOTATION_COLUMNS, _replacing(_ANNOTATION_COLUMNS))
_find_events: Final = lookup(
    f"r.project, {as_text('r.event_id')}, r.id, lower(hex(r.line_hash)), r.trace, r.name",
    "events r ON r.event_id = k.column1 AND r.project = k.column2",
    2,
)
_find_annotations: Final = lookup(
    "r.project, r.annotation_id, r.id, lower(hex(r.line_hash)), r.trace, r.name",
    "annotations r ON r.annotation_id = k.column1 AND r.project = k.column2",
    2,
)
_put_strays: Final = insert("strays", "hash line", "ON CONFLICT (hash) DO NOTHING")
_put_processes: Final = insert(
    "processes",
    "process_id record last_time",
    "ON CONFLICT (process_id) DO UPDATE SET last_time = max(last_time, excluded.last_time),"
    " record = CASE WHEN record IS NULL OR (length(excluded.record), excluded.record) >"
    " (length(record), record) THEN excluded.record ELSE record END"
    " WHERE excluded.last_time > last_time OR excluded.record IS NOT record",
)
_put_counters: Final = insert(
    "process_counters",
    "process_id name value",
    "ON CONFLICT (process_id, name) DO UPDATE SET value = max(value, excluded.value)",
)
_put_cursors: Final = insert(
    "cursors",
    "process_id segment offset",
    "ON CONFLICT (process_id) DO UPDATE SET segment = excluded.segment, offset = excluded.offset"
    " WHERE (excluded.segment, excluded.offset) > (segment, offset)",
)
_encode: Final = msgspec.json.Encoder().encode

Rows = dict[tuple[str, str], TraceRow]
"""Trace rows by (project, trace id)."""


def put_events(
    connection: sqlite3.Connection, intake: Intake, rows: Rows, sources: SourceNames, stale: set[int]
) -> int:
    """Write events and count retries; returns how many lines were there already.

    A retry that is overwritten may have counted for another trace: that trace's id is added to `stale`.
    """
    if not intake.events:
        return 0
    found = _found(connection, _find_events, [(span_key(event), project) for project, event in intake.events])
    number, repeated, written = _next(connection, "events"), 0, []
    for place, new in intake.events.items():
        line, old = new.line, found.get(place)
        assert isinstance(line, LeanEvent)
        if old is not None and new.line_hash <= old[1]:
            repeated += 1
            continue
        if old is not None and old[3] == RETRY and old[2] is not None:
            stale.add(old[2])
        row = rows[new.project, line.trace_id] if line.trace_id else None
        if row is not None and line.name == RETRY:
            row.retries += 1
        written.append(_event(number if old is None else old[0], new, line, row, sources))
        number += old is None
    _put_events.run(connection, written)
    return repeated


def put_annotations(connection: sqlite3.Connection, intake: Intake, rows: Rows, sources: SourceNames) -> int:
    """Write annotations; returns how many lines were there already."""
    if not intake.annotations:
        return 0
    found = _found(connection, _find_annotations, [(name, project) for project, name in intake.annotations])
    number, repeated, written = _next(connection, "annotations"), 0, []
    for place, new in intake.annotations.items():
        line, old = new.line, found.get(place)
        assert isinstance(line, LeanAnnotation)
        if old is not None and new.line_hash <= old[1]:
            repeated += 1
            continue
        row = rows[new.project, line.trace_id] if line.trace_id else None
        written.append(_annotation(number if old is None else old[0], new, line, row, sources))
        number += old is None
    _put_annotations.run(connection, written)
    return repeated


def put_strays(connection: sqlite3.Connection, intake: Intake) -> int:
    """Keep lines that are not understood; returns how many are new."""
    before = connection.total_changes
    _put_strays.run(connection, list(intake.strays.items()))
    return connection.total_changes - before


def put_processes(connection: sqlite3.Connection, intake: Intake) -> int:
    """Keep the fullest description of each process, the latest time seen of it, its counters, its cursor.

    Returns how many process lines said nothing new.
    """
    before = _process_records(connection, intake)
    rows = [
        (name, encoded_process(intake.processes[name]) if name in intake.processes else None, last_time)
        for name, last_time in intake.last_times.items()
    ]
    _put_processes.run(connection, rows)
    _put_counters.run(connection, [(*place, value) for place, value in intake.counters.items()])
    _put_cursors.run(connection, [(name, at.segment, at.offset) for name, at in intake.cursors.items()])
    after = _process_records(connection, intake)
    return sum(count - (after[name] != before.get(name)) for name, count in intake.process_lines.items())


def sources_of(intake: Intake) -> set[tuple[str, str]]:
    """Every source that an event or annotation comes from."""
    records = (*intake.events.values(), *intake.annotations.values())
    return {stamped(record.line, record.process) for record in records}


def _process_records(connection: sqlite3.Connection, intake: Intake) -> dict[str, str]:
    """The records of those processes that a line of this batch describes."""
    return {
        name: record
        for name in intake.process_lines
        for (record,) in connection.execute("SELECT record FROM processes WHERE process_id = ?", (name,))
    }


def _found(
    connection: sqlite3.Connection, find: Many, keys: list[tuple[Any, ...]]
) -> dict[tuple[str, str], tuple[int, bytes, int | None, str]]:
    return {
        (project, record_id): (number, bytes.fromhex(line_hash), trace, name)
        for project, record_id, number, line_hash, trace, name in find.ask(connection, keys)
    }


def _next(connection: sqlite3.Connection, table: str) -> int:
    (number,) = connection.execute(f"SELECT coalesce(max(id), 0) + 1 FROM {table}").fetchone()
    return int(number)


def _event(
    number: int, new: NewRecord, line: LeanEvent, row: TraceRow | None, sources: SourceNames
) -> tuple[Any, ...]:
    rest = _rest(line, new, context=line.context, otel=line.otel)
    return (
        number,
        span_key(line.event_id),
        new.project,
        None if row is None else row.id,
        optional_span_key(line.span_id),
        line.time,
        line.name,
        line.level,
        line.body or None,
        content(line.attributes),
        sources.id(stamped(line, new.process)),
        rest,
        new.line_hash,
    )


def _annotation(
    number: int, new: NewRecord, line: LeanAnnotation, row: TraceRow | None, sources: SourceNames
) -> tuple[Any, ...]:
    return (
        number,
        line.annotation_id,
        new.project,
        None if row is None else row.id,
        optional_span_key(line.span_id),
        line.time,
        line.name,
        line.value,
        line.label or None,
        line.note or None,
        line.by or None,
        content(line.attributes),
        sources.id(stamped(line, new.process)),
        _rest(line, new),
        new.line_hash,
    )


def _rest(line: LeanEvent | LeanAnnotation, new: NewRecord, **others: dict[str, Any]) -> str | None:
    """JSON of the fields without a column; their names are those of the record."""
    fields: dict[str, Any] = {
        "environment": line.environment or new.process.environment,
        "service": line.service or new.process.service,
        "extra": line.extra,
        **others,
    }
    kept = {name: value for name, value in fields.items() if value}
    return _encode(kept).decode() if kept else None
