"""Everything that a SQLite store holds, named by what it is about and not by the numbers that rows happen to have.

All but what days add up to: which days are written down depends on the order in which lines came, and what they
must be then follows from the hours, which `verify` recomputes.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

_SPAN = "hex(t.trace_id) || t.project || hex(s.span_id)"
_SERIES = "n.project, n.environment, n.service, n.name, n.kind, n.provider, n.model"
_OF_SPAN = "JOIN spans s ON s.id = x.span JOIN traces t ON t.id = s.trace"

_TABLES = {
    "traces": """SELECT hex(t.trace_id), t.project, t.start, t."end", hex(r.span_id), t.distance, t.spans, t.errors,
        t.interrupted, t.llm_calls, t.unknown_usage, t.input_tokens, t.input_known, t.output_tokens, t.output_known,
        hex(m.span_id), t.retries
        FROM traces t LEFT JOIN spans r ON r.id = t.root LEFT JOIN spans m ON m.id = t.model_span""",
    "tags": "SELECT hex(t.trace_id), t.project, g.position, g.tag FROM trace_tags g JOIN traces t ON t.id = g.trace",
    "trace_context": """SELECT hex(t.trace_id), t.project, hex(a.span_id), hex(b.span_id) FROM trace_context x
        JOIN traces t ON t.id = x.trace LEFT JOIN spans a ON a.id = x.session_span
        LEFT JOIN spans b ON b.id = x.user_span""",
    "spans": f"""SELECT {_SPAN}, hex(s.parent_id), {_SERIES}, q.process_id, q.version, s.thread, s.task, s.level,
        s.start, s."end", s.status, hex(s.line_hash), s.input, s.output, s.attributes, s.more & 1023
        FROM spans s JOIN traces t ON t.id = s.trace JOIN series n ON n.id = s.series
        JOIN sources q ON q.id = s.source""",
    "more": f"SELECT {_SPAN}, x.revision, x.otel, x.extra, x.name FROM span_more x {_OF_SPAN}",
    "context": f"SELECT {_SPAN}, session, turn, user, job, rest FROM span_context x {_OF_SPAN}",
    "usage": f"""SELECT {_SPAN}, x.input_tokens, x.output_tokens, cache_read_tokens, cache_write_tokens,
        reasoning_tokens FROM span_usage x {_OF_SPAN}""",
    "errors": f"SELECT {_SPAN}, x.type, x.message, x.stack FROM span_errors x {_OF_SPAN}",
    "links": f"""SELECT {_SPAN}, x.position, hex(x.trace_id), hex(x.span_id), x.relation, x.attributes
        FROM links x {_OF_SPAN}""",
    "unpriced_calls": f"SELECT {_SPAN} FROM unpriced_calls x {_OF_SPAN}",
    "payloads": "SELECT project, hex(hash), size FROM payloads",
    "payload_refs": f"""SELECT {_SPAN}, x.part, hex(p.hash) FROM payload_refs x {_OF_SPAN}
        JOIN payloads p ON p.id = x.payload""",
    "totals": "SELECT name, value FROM totals",
    "events": """SELECT hex(e.event_id), e.project, hex(t.trace_id), hex(e.span_id), e.time, e.name, e.attributes,
        e.rest, hex(e.line_hash) FROM events e LEFT JOIN traces t ON t.id = e.trace""",
    "annotations": """SELECT a.annotation_id, a.project, hex(t.trace_id), a.value, a.label, a.rest, hex(a.line_hash)
        FROM annotations a JOIN traces t ON t.id = a.trace""",
    "strays": "SELECT hex(hash), hex(line) FROM strays",
    "processes": "SELECT process_id, record, last_time FROM processes",
    "counters": "SELECT process_id, name, value FROM process_counters",
    "cursors": "SELECT process_id, segment, offset FROM cursors",
    "rollups": f"""SELECT x.hour, {_SERIES}, x.spans, ok, error, cancelled, interrupted, duration_ns, llm_calls,
        unknown_usage, input_tokens, output_tokens, cache_read_tokens, cache_write_tokens, reasoning_tokens
        FROM rollups x JOIN series n ON n.id = x.series""",
    "durations": f"SELECT x.hour, {_SERIES}, x.bucket, x.spans FROM durations x JOIN series n ON n.id = x.series",
}


def dump(path: Path) -> dict[str, list[Any]]:
    """Every logical row of every table, sorted."""
    with closing(sqlite3.connect(path)) as connection:
        return {
            table: sorted(connection.execute(statement).fetchall(), key=repr)
            for table, statement in _TABLES.items()
        }
