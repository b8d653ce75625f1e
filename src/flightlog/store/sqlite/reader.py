"""The reader: each question is one snapshot of what was committed.

It has a connection that cannot write. While the file does not exist it answers as an empty store would, and
looks again at each question.
"""

# ruff: noqa: S608 - every statement here is put together from constants; values are bound
from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, TypeVar

import msgspec

from flightlog.codecs import lines as codec
from flightlog.records.annotation import Annotation
from flightlog.records.errors import AmbiguousId, UnknownId
from flightlog.records.event import Event
from flightlog.records.span import Span
from flightlog.records.traces import Trace
from flightlog.store.port import Difference, Sizes
from flightlog.store.sqlite import layout, verify
from flightlog.store.sqlite.connect import answering, connect_reader, snapshot
from flightlog.store.sqlite.ids import TRACE_DIGITS, text, trace_key
from flightlog.store.sqlite.migrate import migrate
from flightlog.store.sqlite.restore import read_annotations, read_events, read_spans

_TRACES: Final = """
SELECT t.trace_id, coalesce(m.name, n.name), coalesce(m.kind, n.kind), r.status, t.start, t."end", t.spans,
  t.errors, t.llm_calls, t.input_tokens, t.input_known, t.output_tokens, t.output_known, t.unknown_usage,
  (SELECT coalesce(b.model, a.model) FROM spans c JOIN series a ON a.id = c.series
    LEFT JOIN span_more b ON b.span = c.id WHERE c.id = t.model_span),
  t.retries, t.interrupted, t.project, coalesce(m.environment, n.environment), x.session, x.user,
  (SELECT json_group_array(tag) FROM (SELECT tag FROM trace_tags g WHERE g.trace = t.id ORDER BY position)),
  coalesce(m.service, n.service)
FROM traces t CROSS JOIN spans r ON r.id = t.root CROSS JOIN series n ON n.id = r.series
  LEFT JOIN span_more m ON m.span = r.id LEFT JOIN span_context x ON x.span = r.id
"""
_NEWEST: Final = "WHERE t.start IS NOT NULL ORDER BY t.start DESC, t.trace_id DESC LIMIT ?1 OFFSET ?2"
_ONE: Final = "WHERE t.trace_id = ?1 AND t.start IS NOT NULL ORDER BY t.start, t.project LIMIT 1"
_OF_TRACE: Final = "(SELECT id FROM traces WHERE trace_id = ?1)"
_SPANS_OF: Final = f"WHERE s.trace IN {_OF_TRACE} ORDER BY s.start, s.span_id, s.id"
_EVENTS_OF: Final = f"WHERE e.trace IN {_OF_TRACE} ORDER BY e.time, e.event_id, e.id"
_ANNOTATIONS_OF: Final = f"WHERE a.trace IN {_OF_TRACE} ORDER BY a.time, a.annotation_id, a.id"
_PROCESSES: Final = "SELECT record FROM processes WHERE record IS NOT NULL {only} ORDER BY process_id"
_ONLY_OF_TRACE: Final = f"""AND process_id IN (SELECT process_id FROM sources WHERE id IN (
  SELECT source FROM spans WHERE trace IN {_OF_TRACE}
  UNION SELECT source FROM events WHERE trace IN {_OF_TRACE}
  UNION SELECT source FROM annotations WHERE trace IN {_OF_TRACE}))"""
_SIZES: Final = """
SELECT (SELECT count(*) FROM traces WHERE start IS NOT NULL), (SELECT coalesce(sum(spans), 0) FROM traces),
  (SELECT count(*) FROM events), (SELECT value FROM totals WHERE name = 'payloads'),
  (SELECT value FROM totals WHERE name = 'payload_bytes'), (SELECT count(*) FROM strays),
  (SELECT count(*) FROM series)
"""
_COUNTERS: Final = """
SELECT name, sum(value) FROM process_counters GROUP BY name
UNION ALL SELECT 'store_strays', count(*) FROM strays
UNION ALL SELECT 'store_folded_spans', count(*) FROM span_more WHERE name IS NOT NULL
"""
_COUNTERS_OF: Final = "SELECT name, value FROM process_counters WHERE process_id = ?"
_PREFIX: Final = (
    "SELECT DISTINCT trace_id FROM traces WHERE trace_id BETWEEN ?1 AND ?2 AND start IS NOT NULL"
    " ORDER BY trace_id LIMIT 6"
)
_PREFIX_DIGITS: Final = 4
_PAGE_ROWS: Final = 500

Record = TypeVar("Record", Span, Event, Annotation)


class Reader:
    """Answers from one SQLite file; the contract is `store.port.Reader`."""

    def __init__(self, path: str, slow_limit_ns: int) -> None:
        self._path = path
        self._slow_limit_ns = slow_limit_ns
        self._empty: sqlite3.Connection | None = None
        self._connection = connect_reader(path)

    def resolve(self, ref: str) -> str:
        """Turn a full trace id, a unique prefix, `@latest` or `@-2` into a trace id."""
        with self._snapshot() as connection:
            if ref.startswith("@"):
                return _by_age(connection, ref)
            if connection.execute(f"SELECT 1 FROM traces t {_ONE}", (trace_key(ref),)).fetchone():
                return ref
            return _by_prefix(connection, ref)

    def traces(self, limit: int) -> list[Trace]:
        """The newest traces by start, newest first."""
        with self._snapshot() as connection:
            rows = connection.execute(_TRACES + _NEWEST, (max(limit, 0), 0)).fetchall()
        return [self._trace(row) for row in rows]

    def trace(self, trace_id: str) -> Trace | None:
        """One trace's row; of a trace that several projects share, the row that starts first."""
        with self._snapshot() as connection:
            row = connection.execute(_TRACES + _ONE, (trace_key(trace_id),)).fetchone()
        return self._trace(row) if row else None

    def spans(self, trace_id: str, *, payloads: bool = True) -> list[Span]:
        """Every span of a trace as it stands now, by start, then id."""
        parts = layout.PAYLOADS if payloads else layout.PAYLOADS & ~(layout.INPUT | layout.OUTPUT)
        with self._snapshot() as connection:
            return read_spans(connection, _SPANS_OF, (trace_key(trace_id),), parts=parts)

    def events(self, trace_id: str) -> list[Event]:
        """Every event of a trace, by time, then id."""
        with self._snapshot() as connection:
            return list(read_events(connection, _EVENTS_OF, (trace_key(trace_id),)))

    def lines(self, trace_id: str | None = None) -> Iterator[bytes]:
        """One trace, or everything, as JSON lines; a long answer is many snapshots, so it holds up no writer."""
        if trace_id is not None:
            return self._lines_of(trace_id)
        return self._all_lines()

    def counters(self, newer: Mapping[str, Mapping[str, int]] | None = None) -> dict[str, int]:
        """Losses of every process, summed by name, and the store's own, which begin with `store_`."""
        with self._snapshot() as connection:
            total: dict[str, int] = dict(connection.execute(_COUNTERS).fetchall())
            for process_id, counted in (newer or {}).items():
                known = dict(connection.execute(_COUNTERS_OF, (process_id,)).fetchall())
                for name, number in counted.items():
                    total[name] = total.get(name, 0) + max(0, number - known.get(name, 0))
        return total

    def sizes(self) -> Sizes:
        """How much there is; the write-ahead log counts as part of the store."""
        with self._snapshot() as connection:
            row = connection.execute(_SIZES).fetchone()
        files = (Path(self._path + suffix) for suffix in ("", "-wal"))
        return Sizes(sum(file.stat().st_size for file in files if file.exists()), *row)

    def verify(self) -> list[Difference]:
        """Recompute everything that is derived; empty means all is right."""
        with self._snapshot() as connection:
            return verify.differences(connection)

    def close(self) -> None:
        """Give back every handle; closing twice is harmless."""
        for connection in (self._connection, self._empty):
            if connection is not None:
                connection.close()

    @contextmanager
    def _snapshot(self) -> Iterator[sqlite3.Connection]:
        with answering(self._path):
            connection = self._opened()
            with snapshot(connection):
                yield connection

    def _opened(self) -> sqlite3.Connection:
        """The store's connection, or that of an empty stand-in while there is no store."""
        if self._connection is None:
            self._connection = connect_reader(self._path)
        if self._connection is not None:
            return self._connection
        if self._empty is None:
            self._empty = sqlite3.connect(":memory:", isolation_level=None)
            migrate(self._empty, 0)
        return self._empty

    def _trace(self, row: tuple[Any, ...]) -> Trace:
        (trace_id, name, kind, status, start, end, spans, errors, llm_calls) = row[:9]
        (input_tokens, input_known, output_tokens, output_known, unknown_usage, model) = row[9:15]
        (retries, interrupted, project, environment, session, user, tags, service) = row[15:]
        duration_ns = None if end is None else end - start
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
            slow=duration_ns is not None and duration_ns >= self._slow_limit_ns,
            interrupted=interrupted,
            project=project,
            environment=environment,
            session=None if session is None else str(session),
            user=None if user is None else str(user),
            tags=msgspec.json.decode(tags),
            service=service or None,
        )

    def _lines_of(self, trace_id: str) -> Iterator[bytes]:
        key = (trace_key(trace_id),)
        with self._snapshot() as connection:
            found = connection.execute(_PROCESSES.format(only=_ONLY_OF_TRACE), key).fetchall()
            annotations = list(read_annotations(connection, _ANNOTATIONS_OF, key))
        yield from (record.encode() for (record,) in found)
        yield from map(codec.encode, self.spans(trace_id))
        yield from map(codec.encode, self.events(trace_id))
        yield from map(codec.encode, annotations)

    def _all_lines(self) -> Iterator[bytes]:
        with self._snapshot() as connection:
            found = connection.execute(_PROCESSES.format(only="")).fetchall()
        yield from (record.encode() for (record,) in found)
        yield from self._pages("spans s", read_spans)
        yield from self._pages("events e", read_events)
        yield from self._pages("annotations a", read_annotations)
        for low, high in self._ranges("strays"):
            with self._snapshot() as connection:
                strays = connection.execute(
                    "SELECT line FROM strays WHERE id BETWEEN ? AND ? ORDER BY id", (low, high)
                ).fetchall()
            yield from (line for (line,) in strays)

    def _pages(
        self,
        table: str,
        read: Callable[[sqlite3.Connection, str, tuple[int, int]], Iterable[Record]],
    ) -> Iterator[bytes]:
        """Every record of a table, given with its alias, in the order in which it first came."""
        name, alias = table.split()
        for place in self._ranges(name):
            with self._snapshot() as connection:
                where = f"WHERE {alias}.id BETWEEN ? AND ? ORDER BY {alias}.id"
                records = list(read(connection, where, place))
            yield from map(codec.encode, records)

    def _ranges(self, table: str) -> Iterator[tuple[int, int]]:
        """Ranges of ids that cover a table as it is when asked."""
        with self._snapshot() as connection:
            low, high = connection.execute(
                f"SELECT coalesce(min(id), 1), coalesce(max(id), 0) FROM {table}"
            ).fetchone()
        for place in range(low, high + 1, _PAGE_ROWS):
            yield place, min(place + _PAGE_ROWS - 1, high)


def _by_age(connection: sqlite3.Connection, ref: str) -> str:
    """The newest trace for `@latest` and `@-1`, the one before it for `@-2`, and so on."""
    age = "1" if ref == "@latest" else ref.removeprefix("@-")
    if age.isdecimal() and age.isascii() and 1 <= int(age[:TRACE_DIGITS]) < 2**63:
        row = connection.execute(
            f"SELECT t.trace_id FROM traces t {_NEWEST}",
            (1, int(age) - 1),
        ).fetchone()
        if row:
            return text(row[0])
    raise UnknownId(ref)


def _by_prefix(connection: sqlite3.Connection, ref: str) -> str:
    if len(ref) < _PREFIX_DIGITS:
        raise UnknownId(ref)
    found = connection.execute(_PREFIX, (ref, ref + "\U0010ffff")).fetchall()
    try:
        low, high = (bytes.fromhex(ref.ljust(TRACE_DIGITS, digit)) for digit in "0f")
        found += connection.execute(_PREFIX, (low, high)).fetchall()
    except ValueError:
        pass  # not hexadecimal: only an id that is a text can begin like that
    if not found:
        raise UnknownId(ref)
    if len(found) > 1:
        raise AmbiguousId(ref, [text(row[0]) for row in found])
    return text(found[0][0])
