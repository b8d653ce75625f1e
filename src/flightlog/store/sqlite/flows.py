"""What belongs to one correlation id, across traces, by time.

An event belongs to it that says so in its attributes, as each narration does, or one that says nothing there and
was recorded while the id was bound; a span that was recorded while it was bound; and where the id is a trace's,
all of that trace. The indexes are on what the JSON says, so a question costs what it answers.
"""

# ruff: noqa: S608 - every statement here is put together from constants; values are bound
from __future__ import annotations

import sqlite3
from typing import Final

import msgspec

from flightlog.records.traces import Flow
from flightlog.store.sqlite import layout
from flightlog.store.sqlite.ids import trace_key
from flightlog.store.sqlite.restore import read_events, read_spans

_SAID: Final = """instr(e.attributes, '"correlation_id"') > 0"""
_BOUND: Final = """instr(e.rest, '"correlation_id"') > 0"""
_OF_TRACE: Final = "IN (SELECT id FROM traces WHERE trace_id = ?2)"
EVENTS: Final = f"""
SELECT id FROM (
  SELECT * FROM (SELECT e.id, e.time, e.event_id FROM events e WHERE {_SAID}
    AND CASE WHEN json_valid(attributes) THEN CAST(json_extract(attributes, '$.correlation_id') AS TEXT) END = ?1
    ORDER BY e.time LIMIT ?3)
  UNION SELECT * FROM (SELECT e.id, e.time, e.event_id FROM events e WHERE {_BOUND}
    AND CASE WHEN json_valid(rest) THEN CAST(json_extract(rest, '$.context.correlation_id') AS TEXT) END = ?1
    AND NOT coalesce({_SAID}, 0) ORDER BY e.time LIMIT ?3)
  UNION SELECT * FROM (SELECT e.id, e.time, e.event_id FROM events e
    WHERE e.trace IS NOT NULL AND e.trace {_OF_TRACE} ORDER BY e.time LIMIT ?3)
) ORDER BY time, event_id, id LIMIT ?3
"""
SPANS: Final = f"""
SELECT id FROM (
  SELECT s.id, s.start, s.span_id FROM span_context c CROSS JOIN spans s ON s.id = c.span
    WHERE c.correlation_id IS NOT NULL AND CAST(c.correlation_id AS TEXT) = ?1
  UNION SELECT s.id, s.start, s.span_id FROM spans s WHERE s.trace {_OF_TRACE}
) ORDER BY start, span_id, id LIMIT ?3
"""
_PARTS: Final = layout.PAYLOADS & ~(layout.INPUT | layout.OUTPUT)
_THESE_EVENTS: Final = "JOIN json_each(?) j ON e.id = j.value ORDER BY j.key"
_THESE_SPANS: Final = "JOIN json_each(?) j ON s.id = j.value ORDER BY j.key"


def flow(connection: sqlite3.Connection, correlation_id: str, most: int) -> Flow:
    """The spans, without large inputs and outputs, and the events of an id, the first `most` of each."""
    values = (correlation_id, trace_key(correlation_id), most + 1)
    found_events = [number for (number,) in connection.execute(EVENTS, values)]
    found_spans = [number for (number,) in connection.execute(SPANS, values)]
    return Flow(
        spans=read_spans(connection, _THESE_SPANS, (_array(found_spans[:most]),), parts=_PARTS),
        events=list(read_events(connection, _THESE_EVENTS, (_array(found_events[:most]),))),
        has_more=max(len(found_events), len(found_spans)) > most,
    )


def _array(numbers: list[int]) -> str:
    return msgspec.json.encode(numbers).decode()
