"""Closing: what a dead process left open, as lines that it might have written itself.

They go the way of every other line, so a real one that turns up later wins by its rank. Only unsettled spans
are looked at, which an index knows: a process that leaves nothing open costs nothing, whatever it recorded. A
span that is paused outlives its process: it waits for somebody, and goes on wherever the answer comes in.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from typing import Final

import msgspec

from flightlog.codecs import lines as codec
from flightlog.records.line import Line
from flightlog.records.process import Process
from flightlog.records.span import Span
from flightlog.store.port import Chunk
from flightlog.store.sqlite.ids import span_key, trace_key
from flightlog.store.sqlite.restore import read_spans

NOT_RECORDED: Final = "(not recorded)"
"""Name of the span that stands for a parent whose line was never written."""

REMOTE_FLAG: Final = 0x200
"""OpenTelemetry's mark on a span whose parent is another process's: that parent may be in no store of ours."""

_UNSETTLED: Final = (
    "WHERE s.source IN (SELECT id FROM sources WHERE process_id = ?) AND (s.more & 1024) <> 0 ORDER BY s.id"
)
_IS_PRESENT: Final = (
    "SELECT 1 FROM spans s JOIN traces t ON t.id = s.trace"
    " WHERE t.trace_id = ? AND t.project = ? AND s.span_id = ?"
)


def closing_chunk(connection: sqlite3.Connection, process: Process) -> Chunk:
    """The lines that close a process: its running spans, and the parents that it named and nobody wrote."""
    row = connection.execute(
        "SELECT last_time FROM processes WHERE process_id = ?", (process.process_id,)
    ).fetchone()
    last_time = row[0] if row else 0
    spans = read_spans(connection, _UNSETTLED, (process.process_id,))
    closed = [_interrupted(span, last_time) for span in spans if span.status == "running"]
    orphans = [span for span in spans if _is_orphan(connection, span)]
    lines = [Line(codec.encode(span)) for span in (*closed, *_placeholders(orphans, process, last_time))]
    return Chunk(process, lines)


def _interrupted(span: Span, last_time: int) -> Span:
    return msgspec.structs.replace(span, status="interrupted", end=max(last_time, span.start))


def _is_orphan(connection: sqlite3.Connection, span: Span) -> bool:
    flags = span.otel.get("flags", 0)
    if not span.parent_id or (isinstance(flags, int) and flags & REMOTE_FLAG):
        return False
    place = (trace_key(span.trace_id), span.project, span_key(span.parent_id))
    return connection.execute(_IS_PRESENT, place).fetchone() is None


def _placeholders(orphans: Iterable[Span], process: Process, last_time: int) -> Iterable[Span]:
    """One span for each absent parent, from the earliest start of the children that name it."""
    first: dict[tuple[str, str, str], Span] = {}
    for span in orphans:
        place = (span.project, span.trace_id, span.parent_id)
        found = first.get(place)
        if found is None or span.start < found.start:
            first[place] = span
    for (project, trace_id, parent_id), span in first.items():
        yield Span(
            trace_id=trace_id,
            span_id=parent_id,
            name=NOT_RECORDED,
            start=span.start,
            end=max(last_time, span.start),
            status="interrupted",
            process_id=process.process_id,
            project=project,
            environment=span.environment,
            service=span.service,
            version=span.version,
        )
