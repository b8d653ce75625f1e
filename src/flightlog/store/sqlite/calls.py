"""Model calls as they are charged: found by their series and start, or by their trace, without inputs and outputs."""

# ruff: noqa: S608 - every statement here is put together from constants; values are bound
from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any, Final

import msgspec

from flightlog.records import genai
from flightlog.records.callfacts import CallFacts, tags_of, text_of
from flightlog.store.sqlite import layout
from flightlog.store.sqlite.asked import EVERY_SPAN
from flightlog.store.sqlite.ids import text, trace_key
from flightlog.store.sqlite.matching import Clause
from flightlog.store.sqlite.restore import read_spans

PAGE_TRACES: Final = 500
"""Traces whose calls are read in one snapshot."""
PAGE: Final = 2000
"""Calls that are read in one snapshot."""

_EARLIEST: Final = -(2**63)
_OPEN: Final = "('running', 'paused')"
_KINDS: Final = msgspec.json.encode(genai.CHARGED_KINDS).decode()
_IS_CHARGED: Final = f"""(n.kind = 'llm' OR n.kind IN (SELECT value FROM json_each('{_KINDS}'))
  AND coalesce(m.model, n.model) <> '')"""
_COLUMNS: Final = f"""
SELECT s.id, s.start, t.trace_id, s.span_id, s.status, coalesce(m.name, n.name), n.kind, t.project,
  coalesce(c.session, x.session, (SELECT y.session FROM trace_context b JOIN span_context y
    ON y.span = b.session_span WHERE b.trace = t.id)),
  coalesce(c.user, x.user, (SELECT y.user FROM trace_context b JOIN span_context y
    ON y.span = b.user_span WHERE b.trace = t.id)),
  c.rest,
  (SELECT json_group_array(tag) FROM (SELECT tag FROM trace_tags g WHERE g.trace = t.id ORDER BY position)),
  s.more & {layout.ATTRIBUTES}, s.attributes
"""
_JOINS: Final = """
JOIN traces t ON t.id = s.trace LEFT JOIN span_more m ON m.span = s.id
LEFT JOIN span_context c ON c.span = s.id LEFT JOIN span_context x ON x.span = t.root
"""
_SERIES: Final = f"""
SELECT id FROM series WHERE kind IN (SELECT value FROM json_each('{_KINDS}')) AND (?1 = '' OR project = ?1)
ORDER BY id
"""
_OF_SERIES: Final = f"""{_COLUMNS}
FROM spans s JOIN series n ON n.id = s.series {_JOINS}
WHERE s.series = ?1 AND s.start >= ?2 AND (s.start, s.id) > (?2, ?3) AND s.status NOT IN {_OPEN} AND {_IS_CHARGED}
ORDER BY s.start, s.id LIMIT {PAGE}
"""
_OF_TRACES: Final = f"""{_COLUMNS}
FROM json_each(?1) j CROSS JOIN spans s ON s.trace = j.value JOIN series n ON n.id = s.series {_JOINS}
WHERE s.start >= ?2 AND s.status NOT IN {_OPEN} AND {_IS_CHARGED} AND {{condition}}
ORDER BY j.key, s.start, s.id
"""
_ROWS: Final = "SELECT id FROM traces WHERE trace_id = ?"
_LARGE: Final = "WHERE s.id IN (SELECT value FROM json_each(?)) ORDER BY s.id"

Snapshot = Callable[[], AbstractContextManager[sqlite3.Connection]]
_Row = Sequence[Any]


def of_series(snapshot: Snapshot, since: int | None, project: str) -> Iterator[CallFacts]:
    """Every call that started then or later, by series, in each by start; a page at a time."""
    with snapshot() as connection:
        series = [number for (number,) in connection.execute(_SERIES, (project,))]
    for number in series:
        start, last = (_EARLIEST if since is None else since), -1
        while True:
            with snapshot() as connection:
                rows = connection.execute(_OF_SERIES, (number, start, last)).fetchall()
                page = _calls(connection, rows)
            yield from page
            if len(rows) < PAGE:
                break
            last, start = rows[-1][:2]


def of_rows(
    connection: sqlite3.Connection, traces: Sequence[int], since: int | None, condition: Clause = EVERY_SPAN
) -> list[CallFacts]:
    """The calls of some trace rows that started then or later and fit, in the order of these."""
    values = (msgspec.json.encode(traces).decode(), _EARLIEST if since is None else since, *condition.values)
    rows = connection.execute(_OF_TRACES.format(condition=condition.sql), values).fetchall()
    return _calls(connection, rows)


def of_traces(snapshot: Snapshot, trace_ids: Sequence[str], since: int | None) -> Iterator[CallFacts]:
    """The calls of some traces that started then or later, in the order of these, each once; a page at a time."""
    each = list(dict.fromkeys(trace_ids))
    for place in range(0, len(each), PAGE_TRACES):
        with snapshot() as connection:
            found = of_rows(connection, rows_of(connection, each[place : place + PAGE_TRACES]), since)
        yield from found


def of_pages(
    snapshot: Snapshot, pages: Iterable[Sequence[int]], since: int | None, condition: Clause
) -> Iterator[CallFacts]:
    """The calls of pages of trace rows that started then or later and fit."""
    for rows in pages:
        with snapshot() as connection:
            found = of_rows(connection, rows, since, condition)
        yield from found


def rows_of(connection: sqlite3.Connection, trace_ids: Sequence[str]) -> list[int]:
    """The rows of some traces; a trace that several projects share has several."""
    return [
        number
        for trace_id in trace_ids
        for (number,) in connection.execute(_ROWS, (trace_key(trace_id),)).fetchall()
    ]


def _calls(connection: sqlite3.Connection, rows: Sequence[_Row]) -> list[CallFacts]:
    large = sorted(row[0] for row in rows if row[12])
    found = read_spans(connection, _LARGE, (str(large),), parts=layout.ATTRIBUTES) if large else []
    fetched = {number: span.attributes for number, span in zip(large, found, strict=True)}
    return [_call(row, fetched) for row in rows]


def _call(row: _Row, fetched: dict[int, dict[str, Any]]) -> CallFacts:
    (number, start, trace_id, span_id, status, name, kind, project, session, user, rest, tags, _, small) = row
    own = _object(rest).get("tags") if rest else None
    return CallFacts(
        trace_id=text(trace_id),
        span_id=text(span_id),
        start=start,
        status=status,
        name=name,
        kind=kind,
        project=project,
        session=text_of(session),
        user=text_of(user),
        tags=tags_of(own) or tuple(msgspec.json.decode(tags)),
        attributes=fetched.get(number) or _object(small),
    )


def _object(data: str | None) -> dict[str, Any]:
    """A JSON object of a row; empty for one with a number that no machine type holds."""
    try:
        return msgspec.json.decode(data or "{}", type=dict[str, Any])
    except msgspec.MsgspecError:
        return {}
