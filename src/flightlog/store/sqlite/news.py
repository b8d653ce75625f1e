"""For whoever looks again and again: one span, and what came into a store since the last look.

A span's row keeps its number whatever is learned of it later, and a new row gets a greater number than every other.
So what is new lies behind a number, and what may have changed is among those that were open.
"""

from __future__ import annotations

import sqlite3
from typing import Final

from flightlog.records.span import Span
from flightlog.store.following import Mark, News
from flightlog.store.sqlite import layout
from flightlog.store.sqlite.asked import FROM_SPAN
from flightlog.store.sqlite.ids import span_key, trace_key
from flightlog.store.sqlite.matching import Clause
from flightlog.store.sqlite.restore import read_spans
from flightlog.store.sqlite.statements import as_array

MOST_OPEN: Final = 10_000
"""Open spans whose end is waited for; of more the newest."""

_LAST: Final = "SELECT coalesce(max(id), 0) FROM spans"
_OPEN: Final = (
    'SELECT id FROM spans INDEXED BY spans_unsettled WHERE (more & 1024) <> 0 AND "end" IS NULL'
    " ORDER BY id DESC LIMIT ?"
)
_FACTS: Final = 'SELECT s.id, s."end" IS NULL, {condition} ' + FROM_SPAN
_CAME: Final = "WHERE s.id > ? ORDER BY s.id LIMIT ?"
_ENDED: Final = (
    'WHERE s.id IN (SELECT value FROM json_each(?)) AND s."end" IS NOT NULL ORDER BY s."end", s.id LIMIT ?'
)
_ONE: Final = (
    "WHERE s.trace IN (SELECT id FROM traces WHERE trace_id = ?) AND s.span_id = ? ORDER BY s.id LIMIT 1"
)
_THESE: Final = "JOIN json_each(?) j ON s.id = j.value ORDER BY j.key"


def one_span(connection: sqlite3.Connection, trace_id: str, span_id: str) -> Span | None:
    """One span, whole."""
    found = read_spans(connection, _ONE, (trace_key(trace_id), span_key(span_id)))
    return found[0] if found else None


def news(
    connection: sqlite3.Connection, mark: Mark | None, most: int, condition: Clause, *, payloads: bool
) -> News:
    """What came since `mark` was made; without one nothing but a mark."""
    last: int = connection.execute(_LAST).fetchone()[0]
    if mark is None or last < mark.place:  # the store was made anew, or its newest traces were deleted
        still = [number for (number,) in connection.execute(_OPEN, (MOST_OPEN,))]
        return News(spans=[], mark=Mark(last, tuple(still)))
    facts = _FACTS.format(condition=condition.sql)
    waited = as_array(mark.still)
    ended = connection.execute(f"{facts} {_ENDED}", (*condition.values, waited, most)).fetchall()
    came = connection.execute(f"{facts} {_CAME}", (*condition.values, mark.place, most)).fetchall()
    over = {number for number, _, _ in ended}
    still = [number for number in mark.still if number not in over]
    still += [number for number, is_open, _ in came if is_open]
    fitting = [number for number, _, fits in (*ended, *came) if fits]
    parts = layout.PAYLOADS if payloads else layout.PAYLOADS & ~(layout.INPUT | layout.OUTPUT)
    spans = read_spans(connection, _THESE, (as_array(fitting),), parts=parts)
    place = came[-1][0] if came else mark.place
    return News(
        spans=spans,
        mark=Mark(place, tuple(still[-MOST_OPEN:])),
        has_more=len(came) >= most or len(ended) >= most,
    )
