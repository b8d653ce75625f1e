"""Rows back into records: everything that a line said, from wherever it lies."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final, get_args

import msgspec
from msgspec import UNSET

from flightlog.records.annotation import Annotation
from flightlog.records.event import Event
from flightlog.records.kinds import Level
from flightlog.records.span import Fault, Link, Span
from flightlog.store.payloads import unpack
from flightlog.store.sqlite import layout
from flightlog.store.sqlite.ids import text
from flightlog.store.sqlite.wholes import whole_payloads

_SPANS: Final = """
SELECT s.id, t.trace_id, s.span_id, s.parent_id, coalesce(m.name, n.name), coalesce(m.kind, n.kind), s.level,
  s.start, s."end", s.status, s.input, s.output, s.attributes, s.thread, s.task, s.more,
  q.process_id, q.version, t.project, coalesce(m.environment, n.environment), coalesce(m.service, n.service),
  coalesce(m.revision, 0), m.otel, m.extra
FROM spans s JOIN traces t ON t.id = s.trace JOIN series n ON n.id = s.series JOIN sources q ON q.id = s.source
  LEFT JOIN span_more m ON m.span = s.id
"""
_EVENTS: Final = """
SELECT e.event_id, t.trace_id, e.span_id, e.time, e.name, e.level, e.body, e.attributes,
  q.process_id, e.project, q.version, e.rest
FROM events e LEFT JOIN traces t ON t.id = e.trace JOIN sources q ON q.id = e.source
"""
_ANNOTATIONS: Final = """
SELECT a.annotation_id, t.trace_id, a.span_id, a.time, a.name, a.value, a.label, a.note, a.by, a.attributes,
  q.process_id, a.project, q.version, a.rest
FROM annotations a LEFT JOIN traces t ON t.id = a.trace JOIN sources q ON q.id = a.source
"""
_SIDE_ROWS: Final = {
    layout.CONTEXT: "SELECT * FROM span_context WHERE span IN (SELECT value FROM json_each(?1))",
    layout.ERROR: "SELECT * FROM span_errors WHERE span IN (SELECT value FROM json_each(?1))",
    layout.LINKS: "SELECT span, trace_id, span_id, relation, attributes FROM links"
    " WHERE span IN (SELECT value FROM json_each(?1)) ORDER BY span, position",
}
_PAYLOADS: Final = (
    "SELECT r.span, r.part, p.id, p.dictionary, p.z,"
    " EXISTS (SELECT 1 FROM payload_parts x WHERE x.whole = p.id)"
    " FROM payload_refs r JOIN payloads p ON p.id = r.payload"
    " WHERE r.span IN (SELECT value FROM json_each(?1)) AND r.part & ?2"
)
_PART_ROWS: Final = 500
"""Spans whose side rows are fetched together."""

_decode: Final = msgspec.json.Decoder().decode
_LEVELS: Final[dict[str, Level]] = {level: level for level in get_args(Level)}
"""The very objects that the records declare: an encoder leaves out a default only when it is the same object."""

Row = Sequence[Any]


def read_spans(
    connection: sqlite3.Connection, where: str, values: Sequence[Any] = (), *, parts: int = layout.PAYLOADS
) -> list[Span]:
    """The spans that a `WHERE …` with its order selects; payloads of other `parts` stay away."""
    rows = connection.execute(_SPANS + where, values)
    spans: list[Span] = []
    same: dict[str, str] = {}
    while some := rows.fetchmany(_PART_ROWS):
        with _finding_damage():
            aside = _Aside(connection, some, parts)
            spans.extend(_span(row, aside, same.setdefault) for row in some)
    return spans


def read_events(connection: sqlite3.Connection, where: str, values: Sequence[Any] = ()) -> Iterator[Event]:
    """The events that a `WHERE …` with its order selects."""
    rows = connection.execute(_EVENTS + where, values).fetchall()
    with _finding_damage():
        yield from map(_event, rows)


def _event(row: Row) -> Event:
    (
        event_id,
        trace_id,
        span_id,
        time,
        name,
        level,
        body,
        attributes,
        process_id,
        project,
        version,
        rest,
    ) = row
    return Event(
        event_id=text(event_id),
        trace_id=text(trace_id),
        span_id=text(span_id),
        time=time,
        name=name,
        level=_LEVELS[level],
        body=body or "",
        attributes=_value(attributes) if attributes else {},
        process_id=process_id,
        project=project,
        version=version,
        **_rest(rest),
    )


def read_annotations(
    connection: sqlite3.Connection, where: str, values: Sequence[Any] = ()
) -> Iterator[Annotation]:
    """The annotations that a `WHERE …` with its order selects."""
    rows = connection.execute(_ANNOTATIONS + where, values).fetchall()
    with _finding_damage():
        yield from map(_annotation, rows)


def _annotation(row: Row) -> Annotation:
    name_id, trace_id, span_id, time, name, value, label, note, by, attributes = row[:10]
    process_id, project, version, rest = row[10:]
    return Annotation(
        annotation_id=name_id,
        trace_id=text(trace_id),
        span_id=text(span_id),
        time=time,
        name=name,
        value=bool(value) if isinstance(value, int) else value,
        label=label or "",
        note=note or "",
        by=by or "",
        attributes=_value(attributes) if attributes else {},
        process_id=process_id,
        project=project,
        version=version,
        **_rest(rest),
    )


@contextmanager
def _finding_damage() -> Iterator[None]:
    """Tell a row that no Flightlog wrote as SQLite tells a page that it did not write: as a malformed database."""
    try:
        yield
    except (msgspec.DecodeError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise sqlite3.DatabaseError(f"malformed row: {type(error).__name__}: {error}") from error


class _Aside:
    """What lies beside the rows of some spans, fetched with one statement a table."""

    def __init__(self, connection: sqlite3.Connection, rows: Iterable[Row], parts: int) -> None:
        self.contexts: dict[int, dict[str, Any]] = {}
        self.errors: dict[int, Row] = {}
        self.links: dict[int, list[Link]] = {}
        self.payloads: dict[tuple[int, int], bytes] = {}
        self._parts = parts
        spans = [(row[0], row[15]) for row in rows]
        self._contexts(connection, _array(spans, layout.CONTEXT))
        self._errors(connection, _array(spans, layout.ERROR))
        self._links(connection, _array(spans, layout.LINKS))
        if ids := _array(spans, parts):
            self._payloads(connection, ids, parts)

    def _contexts(self, connection: sqlite3.Connection, ids: str) -> None:
        if ids:
            for span, *values, rest in connection.execute(_SIDE_ROWS[layout.CONTEXT], (ids,)):
                bound = {k: v for k, v in zip(layout.CONTEXT_KEYS, values, strict=True) if v is not None}
                self.contexts[span] = {**bound, **_value(rest)} if rest else bound

    def _errors(self, connection: sqlite3.Connection, ids: str) -> None:
        if ids:
            for span, *row in connection.execute(_SIDE_ROWS[layout.ERROR], (ids,)):
                self.errors[span] = row

    def _links(self, connection: sqlite3.Connection, ids: str) -> None:
        if ids:
            for span, trace_id, span_id, relation, attributes in connection.execute(
                _SIDE_ROWS[layout.LINKS], (ids,)
            ):
                found = _value(attributes) if attributes else {}
                link = Link(text(trace_id), text(span_id), relation, found)
                self.links.setdefault(span, []).append(link)

    def _payloads(self, connection: sqlite3.Connection, ids: str, parts: int) -> None:
        divided: dict[tuple[int, int], int] = {}
        rows = connection.execute(_PAYLOADS, (ids, parts))
        for span, part, payload, dictionary, frame, has_parts in rows:
            if has_parts:
                divided[span, part] = payload
            else:
                self.payloads[span, part] = unpack(frame, dictionary)
        if divided:
            wholes = whole_payloads(connection, set(divided.values()))
            self.payloads.update((place, wholes[payload]) for place, payload in divided.items())

    def part(self, row: Row, bit: int, inline: str | None) -> Any:
        """A value from the row or from its payload, UNSET for none."""
        if inline is not None:
            return _value(inline)
        data = self.payloads.get((row[0], bit))
        return UNSET if data is None else _value(data)

    def fault(self, row: Row) -> Fault | None:
        """The error of a span."""
        if not row[15] & layout.ERROR:
            return None
        kind, message, stack = self.errors[row[0]]
        return Fault(kind, self._text(row, layout.MESSAGE, message), self._text(row, layout.STACK, stack))

    def _text(self, row: Row, bit: int, inline: str | None) -> str:
        """A text from its row or from its payload; empty where that part was not asked for."""
        if inline is not None or not self._parts & bit:
            return inline or ""
        return self.payloads[row[0], bit].decode()


def _span(row: Row, aside: _Aside, same: Callable[[str, str], str]) -> Span:
    """One span; texts that repeat are kept once by `same`, which is half of what a large trace takes."""
    (number, trace_id, span_id, parent_id, name, kind, level, start, end, status) = row[:10]
    (given, answer, attributes, thread, task, _, process_id, version, project) = row[10:19]
    (environment, service, revision, otel, extra) = row[19:]
    found = aside.part(row, layout.ATTRIBUTES, attributes)
    trace, above, own = text(trace_id), text(parent_id), text(span_id)
    return Span(
        trace_id=same(trace, trace),
        span_id=own,
        parent_id=same(above, above),
        name=same(name, name),
        kind=same(kind, kind),
        level=_LEVELS[level],
        start=start,
        end=end,
        status=same(status, status),  # type: ignore[arg-type]  # one of the words, as it was written
        input=aside.part(row, layout.INPUT, given),
        output=aside.part(row, layout.OUTPUT, answer),
        error=aside.fault(row),
        attributes={} if found is UNSET else found,
        links=aside.links.get(number, []),
        thread=same(thread, thread) if thread else "",
        task=same(task, task) if task else "",
        context=aside.contexts.get(number, {}),
        otel=_value(otel) if otel else {},
        process_id=same(process_id, process_id),
        project=same(project, project),
        environment=same(environment, environment),
        service=same(service, service),
        version=same(version, version),
        revision=revision,
        extra=_value(extra) if extra else {},
    )


def _value(data: str | bytes) -> Any:
    """Decode a value; one with a number that no machine type holds comes back as the text it is."""
    try:
        return _decode(data)
    except msgspec.ValidationError:
        return data.decode() if isinstance(data, bytes) else data


def _rest(data: str | None) -> dict[str, Any]:
    found: dict[str, Any] = _decode(data) if data else {}
    return found


def _array(spans: Sequence[tuple[int, int]], bits: int) -> str:
    """JSON array of the spans that have one of these bits; empty text for none."""
    ids = [span for span, more in spans if more & bits]
    return msgspec.json.encode(ids).decode() if ids else ""
