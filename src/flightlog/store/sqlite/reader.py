"""The reader: each question is one snapshot of what was committed.

It has a connection that cannot write. While the file does not exist it answers as an empty store would, and
looks again at each question.
"""

# ruff: noqa: S608 - every statement here is put together from constants; values are bound
from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final, TypeVar

import msgspec
from msgspec import structs

from flightlog.codecs import lines as codec
from flightlog.records.annotation import Annotation
from flightlog.records.callfacts import CallFacts
from flightlog.records.errors import AmbiguousId, StoreCorrupt, UnknownId
from flightlog.records.event import Event
from flightlog.records.question import Question
from flightlog.records.span import Span
from flightlog.records.traces import EVERY_TRACE, Figures, Flow, Selection, Trace, TraceFigures
from flightlog.store.port import Difference, Grouping, Price, Sizes
from flightlog.store.sqlite import calls, failed, flows, layout, loose, statistics, verify
from flightlog.store.sqlite.asked import EVERY_SPAN, FROM_SPAN, Clause, clause, timed
from flightlog.store.sqlite.askedfunctions import AskedFunctions
from flightlog.store.sqlite.connect import answering, connect_reader, snapshot
from flightlog.store.sqlite.ids import TRACE_DIGITS, text, trace_key
from flightlog.store.sqlite.migrate import migrate
from flightlog.store.sqlite.numbered import CONNECTION
from flightlog.store.sqlite.restore import read_annotations, read_events, read_spans
from flightlog.store.sqlite.statements import as_array
from flightlog.store.sqlite.tracelist import NEWEST, ONE, Place, newest, one

_OF_TRACE: Final = "(SELECT id FROM traces WHERE trace_id = ?1)"
_SPANS_OF: Final = f"WHERE s.trace IN {_OF_TRACE} ORDER BY s.start, s.span_id, s.id"
_EVENTS_OF: Final = f"WHERE e.trace IN {_OF_TRACE} ORDER BY e.time, e.event_id, e.id"
_SPAN_IDS: Final = (
    "SELECT s.id FROM json_each(?) j CROSS JOIN spans s ON s.trace = j.value"
    " ORDER BY j.key, s.start, s.span_id, s.id"
)
_FITTING_IDS: Final = """SELECT s.id FROM json_each(?) j CROSS JOIN spans s ON s.trace = j.value
  CROSS JOIN traces t ON t.id = s.trace CROSS JOIN series n ON n.id = s.series
  LEFT JOIN span_more m ON m.span = s.id
WHERE {condition} ORDER BY j.key, s.start, s.span_id, s.id"""
_FITTING_OF: Final = f"SELECT s.id {FROM_SPAN} WHERE s.trace IN {_OF_TRACE}"
_THESE_SPANS: Final = "JOIN json_each(?) j ON s.id = j.value ORDER BY j.key"
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
  (SELECT count(*) FROM series),
  (SELECT count(*) FROM events) - (SELECT count(*) FROM events WHERE trace IS NOT NULL)
    + (SELECT count(*) FROM events WHERE trace IN (SELECT id FROM traces WHERE start IS NULL))
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

    def __init__(self, path: str, slow_limit_ns: int, price: Price | None = None) -> None:
        self._path = path
        self._slow_limit_ns = slow_limit_ns
        self._price = price
        self._functions: tuple[sqlite3.Connection, AskedFunctions] | None = None
        self._empty: sqlite3.Connection | None = None
        self._connection = connect_reader(path)

    def resolve(self, ref: str) -> str:
        """Turn a full trace id, a unique prefix, `@latest` or `@-2` into a trace id."""
        with self._snapshot() as connection:
            if ref.startswith("@"):
                return _by_age(connection, ref)
            if connection.execute(f"SELECT 1 FROM traces t {ONE}", (trace_key(ref),)).fetchone():
                return ref
            return _by_prefix(connection, ref)

    def traces(self, limit: int, selection: Selection = EVERY_TRACE) -> list[Trace]:
        """The newest traces that are meant, newest first."""
        with self._snapshot() as connection:
            found = newest(connection, selection, limit, self._slow_limit_ns, in_order=False)
        return [trace for _, trace in found]

    def each_trace(self, selection: Selection = EVERY_TRACE) -> Iterator[Trace]:
        """Every trace that is meant, newest first, a page at a time."""
        return (trace for page in self._trace_pages(selection) for _, trace in page)

    def each_span(self, selection: Selection = EVERY_TRACE) -> Iterator[Span]:
        """Every span of the traces that are meant, newest trace first, in a trace by start, then id."""
        selection = _timed(selection)
        condition = _condition(selection.question)
        for page in self._trace_pages(selection):
            yield from self._spans_of_rows([place.id for place, _ in page], condition)

    def newest_spans(
        self, limit: int, selection: Selection = EVERY_TRACE, *, payloads: bool = True
    ) -> list[Span]:
        """No more than so many spans of the newest traces that are meant."""
        selection = _timed(selection)
        with self._snapshot() as connection:
            traces = newest(connection, selection, limit, self._slow_limit_ns, in_order=False)
            ids = _fitting(connection, [place.id for place, _ in traces], _condition(selection.question))
            parts = layout.PAYLOADS if payloads else layout.PAYLOADS & ~(layout.INPUT | layout.OUTPUT)
            return read_spans(connection, _THESE_SPANS, (as_array(ids[: max(limit, 0)]),), parts=parts)

    def trace(self, trace_id: str) -> Trace | None:
        """One trace's row; of a trace that several projects share, the row that starts first."""
        with self._snapshot() as connection:
            return one(connection, trace_id, self._slow_limit_ns)

    def spans(self, trace_id: str, *, payloads: bool = True, question: Question | None = None) -> list[Span]:
        """Every span of a trace as it stands now, or those that fit a question, by start, then id."""
        parts = layout.PAYLOADS if payloads else layout.PAYLOADS & ~(layout.INPUT | layout.OUTPUT)
        with self._snapshot() as connection:
            if question is None:
                return read_spans(connection, _SPANS_OF, (trace_key(trace_id),), parts=parts)
            sql, values = clause(timed(question))
            found = connection.execute(
                f"{_FITTING_OF} AND {sql} ORDER BY s.start, s.span_id, s.id", (trace_key(trace_id), *values)
            ).fetchall()
            ids = as_array(number for (number,) in found)
            return read_spans(connection, _THESE_SPANS, (ids,), parts=parts)

    def events(self, trace_id: str) -> list[Event]:
        """Every event of a trace, by time, then id."""
        with self._snapshot() as connection:
            return list(read_events(connection, _EVENTS_OF, (trace_key(trace_id),)))

    def flow(self, correlation_id: str, most: int) -> Flow:
        """What belongs to a correlation id, across traces; of spans and of events the first `most` each."""
        with self._snapshot() as connection:
            return flows.flow(connection, correlation_id, most)

    def loose_events(self, most: int, *, since: int | None = None, project: str = "") -> list[Event]:
        """The newest events that are in no trace, or in one of which no span is here, by time, then id."""
        with self._snapshot() as connection:
            return loose.events(connection, most, since, project)

    def lines(self, trace_id: str | None = None, selection: Selection = EVERY_TRACE) -> Iterator[bytes]:
        """One trace, those that are meant, or everything, as JSON lines.

        A long answer is many snapshots, so it holds up no writer.
        """
        if trace_id is not None:
            return self._lines_of(trace_id)
        return self._all_lines() if selection == EVERY_TRACE else self._selected_lines(selection)

    def figures(
        self,
        groupings: tuple[Grouping, ...],
        *,
        since: int | None = None,
        project: str = "",
        question: Question | None = None,
    ) -> dict[Grouping, list[Figures]]:
        """What ended spans add up to, grouped in each of these ways; without a question from the rollups alone."""
        with self._snapshot() as connection:
            return statistics.figures(connection, groupings, since, project, question)

    def trace_figures(self, selection: Selection = EVERY_TRACE) -> TraceFigures:
        """What the traces that are meant add up to."""
        with self._snapshot() as connection:
            return statistics.trace_figures(connection, selection, self._slow_limit_ns)

    def failures(
        self, most: int, *, since: int | None = None, project: str = "", question: Question | None = None
    ) -> list[Span]:
        """Failed spans without a failed child, newest first, without inputs and outputs."""
        with self._snapshot() as connection:
            return failed.innermost(connection, since, project, most, question)

    def model_calls(
        self, selection: Selection = EVERY_TRACE, *, traces: Sequence[str] | None = None
    ) -> Iterator[CallFacts]:
        """Every model call that is over of the traces that are meant, a page at a time."""
        if traces is not None:
            for place in range(0, len(traces), _PAGE_ROWS):
                with self._snapshot() as connection:
                    rows = calls.rows_of(connection, traces[place : place + _PAGE_ROWS])
                    found = calls.of_rows(connection, rows, selection.since)
                yield from found
        elif selection == Selection(since=selection.since, project=selection.project):
            yield from calls.of_series(self._snapshot, selection.since, selection.project)
        else:
            selection = _timed(selection)
            condition = _condition(selection.question)
            for page in self._trace_pages(structs.replace(selection, since=None)):
                with self._snapshot() as connection:
                    rows = [place.id for place, _ in page]
                    found = calls.of_rows(connection, rows, selection.since, condition)
                yield from found

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
        """Read everything and recompute what is derived; empty means all is right."""
        with self._snapshot() as connection:
            if damage := verify.damage(connection):
                raise StoreCorrupt(self._path, damage)
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
            functions = self._asked(connection)
            with snapshot(connection):
                try:
                    yield connection
                except sqlite3.OperationalError:
                    if (
                        functions.trouble is not None
                    ):  # SQLite says no more than that a function raised something
                        raise functions.trouble from None
                    raise

    def _asked(self, connection: sqlite3.Connection) -> AskedFunctions:
        """The functions that questions call on this connection, with nothing remembered."""
        if self._functions is None or self._functions[0] is not connection:
            self._functions = (connection, AskedFunctions(connection, self._price))
        self._functions[1].forget()
        return self._functions[1]

    def _opened(self) -> sqlite3.Connection:
        """The store's connection, or that of an empty stand-in while there is no store."""
        if self._connection is None:
            self._connection = connect_reader(self._path)
        if self._connection is not None:
            return self._connection
        if self._empty is None:
            self._empty = sqlite3.connect(":memory:", isolation_level=None, factory=CONNECTION)
            migrate(self._empty, 0)
        return self._empty

    def _trace_pages(self, selection: Selection) -> Iterator[list[tuple[Place, Trace]]]:
        after: Place | None = None
        selection = _timed(selection)
        while True:
            with self._snapshot() as connection:
                page = newest(connection, selection, _PAGE_ROWS, self._slow_limit_ns, after=after)
            if page:
                yield page
            if len(page) < _PAGE_ROWS:
                return
            after = page[-1][0]

    def _spans_of_rows(self, rows: list[int], condition: Clause) -> Iterator[Span]:
        """The spans of some trace rows, in the order of these; what is held at once are their ids alone."""
        with self._snapshot() as connection:
            found = _fitting(connection, rows, condition)
        for place in range(0, len(found), _PAGE_ROWS):
            ids = found[place : place + _PAGE_ROWS]
            with self._snapshot() as connection:
                spans = read_spans(connection, _THESE_SPANS, (msgspec.json.encode(ids).decode(),))
            yield from spans

    def _selected_lines(self, selection: Selection) -> Iterator[bytes]:
        """The lines of some traces, each process said once."""
        said: set[bytes] = set()
        for trace in self.each_trace(selection):
            processes = [line for line in self._processes_of(trace.trace_id) if line not in said]
            said.update(processes)
            yield from processes
            yield from self._records_of(trace.trace_id)

    def _lines_of(self, trace_id: str) -> Iterator[bytes]:
        yield from self._processes_of(trace_id)
        yield from self._records_of(trace_id)

    def _processes_of(self, trace_id: str) -> list[bytes]:
        with self._snapshot() as connection:
            found = connection.execute(
                _PROCESSES.format(only=_ONLY_OF_TRACE), (trace_key(trace_id),)
            ).fetchall()
        return [record.encode() for (record,) in found]

    def _records_of(self, trace_id: str) -> Iterator[bytes]:
        yield from map(codec.encode, self.spans(trace_id))
        yield from map(codec.encode, self.events(trace_id))
        with self._snapshot() as connection:
            annotations = list(read_annotations(connection, _ANNOTATIONS_OF, (trace_key(trace_id),)))
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


def _timed(selection: Selection) -> Selection:
    """The same selection, with every time in its question as it is now."""
    asked = selection.question
    return selection if asked is None else structs.replace(selection, question=timed(asked))


def _condition(question: Question | None) -> Clause:
    return EVERY_SPAN if question is None else clause(question)


def _fitting(connection: sqlite3.Connection, traces: list[int], condition: Clause) -> list[int]:
    """The spans of some trace rows that fit, in the order of these, in each by start."""
    sql = _SPAN_IDS if condition is EVERY_SPAN else _FITTING_IDS.format(condition=condition.sql)
    rows = connection.execute(sql, (as_array(traces), *condition.values)).fetchall()
    return [number for (number,) in rows]


def _by_age(connection: sqlite3.Connection, ref: str) -> str:
    """The newest trace for `@latest` and `@-1`, the one before it for `@-2`, and so on."""
    age = "1" if ref == "@latest" else ref.removeprefix("@-")
    if age.isdecimal() and age.isascii() and 1 <= int(age[:TRACE_DIGITS]) < 2**63:
        row = connection.execute(
            f"SELECT t.trace_id FROM traces t WHERE t.start IS NOT NULL {NEWEST}",
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
