"""Which traces a question means, as SQL: conditions on a trace's row and on its most root-like span.

Every value is bound. The conditions name the tables as `JOINS` does; a walk over `traces_newest` that checks
them costs a microsecond a trace, so fifty thousand traces are looked through in as many milliseconds.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from flightlog.records.traces import Selection

JOINS: Final = """
FROM traces t CROSS JOIN spans r ON r.id = t.root CROSS JOIN series n ON n.id = r.series
  LEFT JOIN span_more m ON m.span = r.id LEFT JOIN span_context x ON x.span = r.id
"""
"""t the trace, r its root, n the root's series, m its true names where the series is folded, x its context."""

_OF_SESSION: Final = """CASE WHEN x.session IS NOT NULL THEN CAST(x.session AS TEXT) = ?
  ELSE EXISTS (SELECT 1 FROM spans s JOIN span_context c ON c.span = s.id
    WHERE s.trace = t.id AND CAST(c.session AS TEXT) = ?) END"""
"""A session that was bound as a number is shown, and therefore asked for, as the text it makes. The root of a
program under `flightlog run` has none; the spans below it have."""

_SIGNS: Final = frozenset("*?[")
"""What makes a name a pattern."""


def conditions(selection: Selection) -> tuple[str, list[Any]]:
    """What must hold, beginning with `WHERE`, and the values for its question marks."""
    parts = ["t.start IS NOT NULL"]
    values: list[Any] = []
    if selection.statuses:
        parts.append("r.status IN (SELECT value FROM json_each(?))")
        values.append(_array(selection.statuses))
    if selection.kinds:
        parts.append("coalesce(m.kind, n.kind) IN (SELECT value FROM json_each(?))")
        values.append(_array(selection.kinds))
    if selection.name:
        operator, pattern = name_condition(selection.name)
        parts.append(f"coalesce(m.name, n.name) {operator}")
        values.append(pattern)
    if selection.session:
        parts.append(_OF_SESSION)
        values += [selection.session] * 2
    if selection.project:
        parts.append("t.project = ?")
        values.append(selection.project)
    if selection.since is not None:
        parts.append("t.start >= ?")
        values.append(selection.since)
    return "WHERE " + " AND ".join(parts), values


def name_condition(name: str) -> tuple[str, str]:
    """How a name is compared, and with what: a pattern is for the whole of it, anything else for a part."""
    if _SIGNS.intersection(name):
        return "GLOB ?", name
    escaped = name.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return "LIKE ? ESCAPE '\\'", f"%{escaped}%"


def _array(words: tuple[str, ...]) -> str:
    return msgspec.json.encode(words).decode()
