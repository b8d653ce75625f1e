"""Calls that ran at certain times: what another library may have told of already, under other ids."""

from __future__ import annotations

import sqlite3
from collections.abc import Container, Sequence
from itertools import islice
from typing import Final

import msgspec

from flightlog.records.span import Span
from flightlog.store.port import Times
from flightlog.store.sqlite import layout
from flightlog.store.sqlite.ids import text
from flightlog.store.sqlite.restore import read_spans
from flightlog.store.sqlite.statements import as_array

LONGEST_NS: Final = 600_000_000_000
"""A call that began longer before is not found."""
MOST_ROWS: Final = 200_000
"""Of one kind of call at one time, no more are looked at than this."""

_SERIES: Final = "SELECT id FROM series WHERE kind IN (SELECT value FROM json_each(?))"
_NEAR: Final = """
SELECT s.id, t.trace_id, s.span_id FROM spans s JOIN traces t ON t.id = s.trace
WHERE s.series = ?1 AND s.start BETWEEN ?2 AND ?3 AND s."end" >= ?4 LIMIT ?5
"""
_THESE: Final = "JOIN json_each(?) j ON s.id = j.value ORDER BY s.id"


def near(
    connection: sqlite3.Connection,
    kinds: Sequence[str],
    times: Times,
    but: Container[tuple[str, str]],
    most: int,
) -> list[Span]:
    """Ended spans of these kinds that ran at one of these times, without inputs and outputs."""
    series = connection.execute(_SERIES, (msgspec.json.encode(kinds).decode(),)).fetchall()
    found = dict.fromkeys(
        number
        for (one,) in series
        for begin, end in times
        for number, trace_id, span_id in connection.execute(
            _NEAR, (one, begin - LONGEST_NS, end, begin, MOST_ROWS)
        )
        if (text(trace_id), text(span_id)) not in but
    )
    parts = layout.PAYLOADS & ~(layout.INPUT | layout.OUTPUT)
    return read_spans(connection, _THESE, (as_array(islice(found, most)),), parts=parts)
