"""Trace rows as a reader gives them: one, the newest, or page after page of those that are meant."""

# ruff: noqa: S608 - every statement here is put together from constants; values are bound
from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any, Final, NamedTuple

import msgspec

from flightlog.records.attributes import WAITING, WAITING_SINCE
from flightlog.records.traces import Selection, Trace
from flightlog.store.sqlite import layout
from flightlog.store.sqlite.askedtexts import few_spans
from flightlog.store.sqlite.ids import Key, text, trace_key
from flightlog.store.sqlite.pricedcalls import dear_spans, dear_traces
from flightlog.store.sqlite.rareseries import named_series, windows
from flightlog.store.sqlite.restore import read_spans
from flightlog.store.sqlite.selection import JOINS, conditions

TRACES: Final = f"""
SELECT t.id, t.trace_id, coalesce(m.name, n.name), coalesce(m.kind, n.kind), r.status, t.start, t."end",
  t.spans, t.errors, t.llm_calls, t.input_tokens, t.input_known, t.output_tokens, t.output_known,
  t.unknown_usage,
  (SELECT coalesce(b.model, a.model) FROM spans c JOIN series a ON a.id = c.series
    LEFT JOIN span_more b ON b.span = c.id WHERE c.id = t.model_span),
  t.retries, t.interrupted, t.project, coalesce(m.environment, n.environment),
  coalesce(x.session, (SELECT c.session FROM trace_context b JOIN span_context c ON c.span = b.session_span
    WHERE b.trace = t.id)),
  coalesce(x.user, (SELECT c.user FROM trace_context b JOIN span_context c ON c.span = b.user_span
    WHERE b.trace = t.id)),
  (SELECT json_group_array(tag) FROM (SELECT tag FROM trace_tags g WHERE g.trace = t.id ORDER BY position)),
  coalesce(m.service, n.service),
  r.id, r.more & {layout.ATTRIBUTES}, iif(instr(r.attributes, 'flightlog.waiting_'), r.attributes, NULL)
{JOINS}"""
NEWEST: Final = "ORDER BY t.start DESC, t.trace_id DESC, t.id DESC LIMIT ? OFFSET ?"
OLDEST: Final = "ORDER BY t.start, t.trace_id, t.id LIMIT ? OFFSET ?"
ONE: Final = "WHERE t.trace_id = ?1 AND t.start IS NOT NULL ORDER BY t.start, t.project LIMIT 1"
_THESE: Final = "WHERE t.id IN (SELECT value FROM json_each(?)) AND t.start IS NOT NULL"
_OLDER: Final = "AND (t.start, t.trace_id, t.id) < (?, ?, ?)"
_NEWER: Final = "AND (t.start, t.trace_id, t.id) > (?, ?, ?)"
_LARGE: Final = "WHERE s.id IN (SELECT value FROM json_each(?)) ORDER BY s.id"

_Row = tuple[Any, ...]


class Place(NamedTuple):
    """Where a trace stands among all, newest first."""

    start: int
    trace_id: Key
    id: int
    """Of its row."""


def newest(
    connection: sqlite3.Connection,
    selection: Selection,
    limit: int,
    slow_limit_ns: int,
    *,
    after: Place | None = None,
    in_order: bool = True,
    oldest_first: bool = False,
) -> list[tuple[Place, Trace]]:
    """The newest traces that are meant, or those that follow a place, newest first; `in_order` as for `conditions`.

    With `oldest_first` it is the other way round, and all are gone through in order. One that a session was found in is
    told with it, also where it has others and its root has none.
    """
    rows: list[_Row] = []
    for where, values in _ways(connection, selection, in_order=in_order):
        beyond, order = (_NEWER, OLDEST) if oldest_first else (_OLDER, NEWEST)
        place = () if after is None else after
        statement = f"{TRACES} {where} {beyond if place else ''} {order}"
        rows = connection.execute(statement, (*values, *place, max(limit, 0), 0)).fetchall()
        if len(rows) >= limit:
            break
    return [
        (Place(row[5], row[1], row[0]), _trace(row, attributes, slow_limit_ns, selection.session))
        for row, attributes in _with_attributes(connection, rows)
    ]


def _ways(
    connection: sqlite3.Connection, selection: Selection, *, in_order: bool
) -> Iterator[tuple[str, list[Any]]]:
    """Conditions for the traces that are meant: where that is short, for the newest of them alone, then for all."""
    question = selection.question
    spans = few_spans(connection, question) or dear_spans(connection, question)
    named = None if in_order or spans is not None else named_series(connection, question)
    if named is not None and not named.is_few:
        for window in windows(connection, named):
            yield conditions(selection, in_order=in_order, series=named.series, window=window)
            if window is None:
                return
        named = None
    elif spans is None and not in_order and (dear := dear_traces(connection, question)) is not None:
        yield conditions(selection, in_order=False, window=dear.window)
        where, values = conditions(selection, in_order=False)
        yield f"{where} AND {dear.sql}", [*values, *dear.values]
        return
    series = None if named is None else named.series
    yield conditions(selection, in_order=in_order, series=series, spans=spans)


def traces_of(
    connection: sqlite3.Connection, ids: str, slow_limit_ns: int, asked_session: str = ""
) -> list[Trace]:
    """The rows of some traces, in the order of a JSON array of their numbers; a session as for `newest`."""
    rows = connection.execute(TRACES + _THESE, (ids,)).fetchall()
    found = {row[0]: row for row in rows}
    ordered = [found[number] for number in msgspec.json.decode(ids) if number in found]
    both = _with_attributes(connection, ordered)
    return [_trace(row, attributes, slow_limit_ns, asked_session) for row, attributes in both]


def one(connection: sqlite3.Connection, trace_id: str, slow_limit_ns: int) -> Trace | None:
    """One trace's row; of a trace that several projects share, the row that starts first."""
    rows = connection.execute(TRACES + ONE, (trace_key(trace_id),)).fetchall()
    found = (_trace(*both, slow_limit_ns) for both in _with_attributes(connection, rows))
    return next(found, None)


def waiting_of(connection: sqlite3.Connection, spans: Sequence[_Row]) -> Iterator[int]:
    """How many nanoseconds each span waited.

    Args:
        connection: the store.
        spans: of each its number, whether its attributes lie elsewhere, and those that do not.
    """
    return (_ns(attributes.get(WAITING)) for attributes in _attributes(connection, spans))


def _with_attributes(
    connection: sqlite3.Connection, rows: Sequence[_Row]
) -> Iterator[tuple[_Row, dict[str, Any]]]:
    """Each row with its root's attributes as far as they may tell of waiting."""
    return zip(rows, _attributes(connection, [row[24:27] for row in rows]), strict=True)


def _attributes(connection: sqlite3.Connection, spans: Sequence[_Row]) -> Iterator[dict[str, Any]]:
    """The attributes of some spans; large ones lie elsewhere."""
    large = sorted(span[0] for span in spans if span[1])
    found = read_spans(connection, _LARGE, (str(large),), parts=layout.ATTRIBUTES) if large else []
    fetched = {number: span.attributes for number, span in zip(large, found, strict=True)}
    return (fetched.get(number) or _decoded(small) for number, _, small in spans)


def _trace(row: _Row, attributes: dict[str, Any], slow_limit_ns: int, asked_session: str = "") -> Trace:
    (_, trace_id, name, kind, status, start, end, spans, errors, llm_calls) = row[:10]
    (input_tokens, input_known, output_tokens, output_known, unknown_usage, model) = row[10:16]
    (retries, interrupted, project, environment, session, user, tags, service) = row[16:24]
    duration_ns = None if end is None else end - start
    waiting_ns, since = (_ns(attributes.get(name)) for name in (WAITING, WAITING_SINCE))
    return Trace(
        trace_id=text(trace_id),
        name=name,
        kind=kind,
        status=status,
        start=start,
        duration_ns=duration_ns,
        span_count=spans,
        error_count=errors,
        llm_calls=llm_calls,
        input_tokens=input_tokens if input_known else None,
        output_tokens=output_tokens if output_known else None,
        unknown_usage_calls=unknown_usage,
        model=model,
        retries=retries,
        slow=duration_ns is not None and duration_ns - waiting_ns >= slow_limit_ns,
        interrupted=interrupted,
        project=project,
        environment=environment,
        session=asked_session or (None if session is None else str(session)),
        user=None if user is None else str(user),
        tags=msgspec.json.decode(tags),
        service=service or None,
        waiting_ns=waiting_ns,
        waiting_since=(since or None) if status == "paused" else None,
    )


def _decoded(attributes: str | None) -> dict[str, Any]:
    """Attributes of a row; none for those with a number that no machine type holds."""
    with suppress(msgspec.MsgspecError):
        return msgspec.json.decode(attributes or "{}", type=dict[str, Any])
    return {}


def _ns(value: object) -> int:
    """Nanoseconds that an attribute says; 0 for one that says none, since a program may set anything."""
    return value if type(value) is int and value > 0 else 0
