"""Events that no trace leads to: those outside any span, and those of a trace of which no span came.

They are few where programs are recorded as traces, so no index is kept for them: a question walks over the events
(measured at 0.11 s for a million, in a file of 300 MB that is in memory).
"""

from __future__ import annotations

import sqlite3
from typing import Final

import msgspec

from flightlog.records.event import Event
from flightlog.store.sqlite.restore import read_events

NEWEST: Final = """
SELECT id FROM events WHERE (trace IS NULL OR trace IN (SELECT id FROM traces WHERE start IS NULL))
  AND (?1 IS NULL OR time >= ?1) AND (?2 = '' OR project = ?2)
ORDER BY time DESC, event_id DESC, id DESC LIMIT ?3
"""
_THESE: Final = "JOIN json_each(?) j ON e.id = j.value ORDER BY e.time, e.event_id, e.id"


def events(connection: sqlite3.Connection, most: int, since: int | None, project: str) -> list[Event]:
    """The newest of them, oldest first."""
    found = [number for (number,) in connection.execute(NEWEST, (since, project, most))]
    return list(read_events(connection, _THESE, (msgspec.json.encode(found).decode(),)))
