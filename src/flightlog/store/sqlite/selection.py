"""Which traces a question means, as SQL: conditions on a trace's row and on its most root-like span.

Every value is bound. The conditions name the tables as `JOINS` does; a walk over `traces_newest` that checks
them costs a microsecond a trace, so fifty thousand traces are looked through in as many milliseconds.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from flightlog.records.question import Question
from flightlog.records.traces import Selection
from flightlog.store.sqlite.asked import clause, started_from, timed

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

_SPAN_OF_TRACE: Final = """FROM spans s CROSS JOIN series n ON n.id = s.series
  LEFT JOIN span_more m ON m.span = s.id WHERE s.trace = t.id"""
_LATE_SPAN: Final = """FROM series n CROSS JOIN spans s INDEXED BY spans_series ON s.series = n.id
  CROSS JOIN traces t ON t.id = s.trace LEFT JOIN span_more m ON m.span = s.id WHERE s.start >= ?"""

_SPAN_OF_SERIES: Final = _LATE_SPAN.replace(
    "FROM series n CROSS JOIN", "FROM json_each(?) j CROSS JOIN series n ON n.id = j.value CROSS JOIN"
)

_SPAN_OF_FEW: Final = """FROM json_each(?) j CROSS JOIN spans s ON s.id = j.value CROSS JOIN series n ON n.id = s.series
  CROSS JOIN traces t ON t.id = s.trace LEFT JOIN span_more m ON m.span = s.id WHERE true"""

_SIGNS: Final = frozenset("*?[")
"""What makes a name a pattern."""


def conditions(
    selection: Selection,
    *,
    in_order: bool = True,
    series: str | None = None,
    spans: str | None = None,
    window: int | None = None,
) -> tuple[str, list[Any]]:
    """What must hold, beginning with `WHERE`, and the values for its question marks.

    Args:
        selection: which traces.
        in_order: every trace is looked at, one after the other. Else those may be found first that have a span which
            started late enough for the question, where it says since when.
        series: a JSON array of those that alone can have a span which fits; their spans are looked at first.
        spans: a JSON array of those that alone can fit, which are looked at first.
        window: Unix nanoseconds; only traces that started then or later, and of those series only such spans.
    """
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
    if selection.until is not None:
        parts.append("t.start < ?")
        values.append(selection.until)
    if window is not None:
        parts.append("t.start >= ?")
        values.append(window)
    if selection.question is not None:
        sql, bound = _with_a_span(selection.question, series, spans, window, in_order=in_order)
        parts.append(sql)
        values += bound
    return "WHERE " + " AND ".join(parts), values


def _with_a_span(
    question: Question, series: str | None, spans: str | None, window: int | None, *, in_order: bool
) -> tuple[str, list[Any]]:
    """That a trace has a span which fits."""
    asked = timed(question)
    sql, values = clause(asked)
    since = started_from(asked)
    if spans is not None:
        return f"t.id IN (SELECT s.trace {_SPAN_OF_FEW} AND {sql})", [spans, *values]
    if series is not None:
        earliest = max((one for one in (since, window) if one is not None), default=-(2**63))
        return f"t.id IN (SELECT s.trace {_SPAN_OF_SERIES} AND {sql})", [series, earliest, *values]
    if since is None or in_order:
        return f"EXISTS (SELECT 1 {_SPAN_OF_TRACE} AND {sql})", list(values)
    return f"t.id IN (SELECT s.trace {_LATE_SPAN} AND {sql})", [since, *values]


def name_condition(name: str) -> tuple[str, str]:
    """How a name is compared, and with what: a pattern is for the whole of it, anything else for a part."""
    if _SIGNS.intersection(name):
        return "GLOB ?", name
    escaped = name.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return "LIKE ? ESCAPE '\\'", f"%{escaped}%"


def _array(words: tuple[str, ...]) -> str:
    return msgspec.json.encode(words).decode()
