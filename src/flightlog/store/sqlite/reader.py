"""The reader: each question is one snapshot of what was committed.

It has a connection that cannot write. While the file does not exist it answers as an empty store would, and
looks again at each question.
"""

# ruff: noqa: S608 - every statement here is put together from constants; values are bound
from __future__ import annotations

import sqlite3
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Final, TypeVar

import msgspec
from msgspec import structs

from flightlog.codecs import lines as codec
from flightlog.records.annotation import Annotation, Judgement
from flightlog.records.callfacts import CallFacts
from flightlog.records.errors import StoreCorrupt
from flightlog.records.event import Event
from flightlog.records.question import Question
from flightlog.records.span import Span
from flightlog.records.traces import EVERY_TRACE, Figures, Flow, Order, Selection, Trace, TraceFigures
from flightlog.store.clearport import Room
from flightlog.store.following import Mark, News
from flightlog.store.groupings import Grouping
from flightlog.store.port import Difference, Sizes, Times
from flightlog.store.prices import Price
from flightlog.store.sqlite import (
    amounts,
    calls,
    failed,
    flows,
    judged,
    layout,
    loose,
    nearcalls,
    pricedcalls,
    refs,
    space,
    statistics,
    textsearch,
    verify,
)
from flightlog.store.sqlite import news as since
from flightlog.store.sqlite.asked import EVERY_SPAN, FROM_SPAN, clause, timed
from flightlog.store.sqlite.askedfunctions import AskedFunctions
from flightlog.store.sqlite.askedtexts import AskedTexts
from flightlog.store.sqlite.connect import answering, connect_reader, snapshot
from flightlog.store.sqlite.ids import trace_key
from flightlog.store.sqlite.known import known_values
from flightlog.store.sqlite.matching import Clause
from flightlog.store.sqlite.migrate import migrate
from flightlog.store.sqlite.numbered import CONNECTION
from flightlog.store.sqlite.ordered import first_by
from flightlog.store.sqlite.restore import read_annotations, read_events, read_spans
from flightlog.store.sqlite.statements import as_array
from flightlog.store.sqlite.textsought import Sought
from flightlog.store.sqlite.tracelist import ONE, Place, newest, one
from flightlog.store.textport import Found, Search, TextState

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
_PAGE_ROWS: Final = 500

Record = TypeVar("Record", Span, Event, Annotation)


class Reader:
    """Answers from one SQLite file; the contract is `store.port.Reader`."""

    def __init__(
        self,
        path: str,
        slow_limit_ns: int,
        price: Price | None = None,
        price_version: Callable[[], int] | None = None,
    ) -> None:
        self._path = path
        self._slow_limit_ns = slow_limit_ns
        self._price = price
        self._price_version = price_version
        self._functions: tuple[sqlite3.Connection, AskedFunctions] | None = None
        self._empty: sqlite3.Connection | None = None
        self._sought = Sought(path)
        self._connection = connect_reader(path)

    def resolve(self, ref: str) -> str:
        """Turn a full trace id, a unique prefix, `@latest` or `@-2` into a trace id."""
        with self._snapshot() as connection:
            if ref.startswith("@"):
                return refs.by_age(connection, ref)
            if connection.execute(f"SELECT 1 FROM traces t {ONE}", (trace_key(ref),)).fetchone():
                return ref
            return refs.by_prefix(connection, ref)

    def traces(self, limit: int, selection: Selection = EVERY_TRACE, *, by: Order = "newest") -> list[Trace]:
        """The newest traces that are meant, newest first, or those with most of something."""
        with self._snapshot() as connection:
            return first_by(connection, selection, limit, self._slow_limit_ns, by)

    def each_trace(
        self, selection: Selection = EVERY_TRACE, *, oldest_first: bool = False
    ) -> Iterator[Trace]:
        """Every trace that is meant, newest first or oldest first, a page at a time."""
        return (trace for page in self._trace_pages(selection, oldest_first) for _, trace in page)

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

    def span(self, trace_id: str, span_id: str) -> Span | None:
        """One span, whole."""
        with self._snapshot() as connection:
            return since.one_span(connection, trace_id, span_id)

    def news(
        self, mark: Mark | None, most: int, *, question: Question | None = None, payloads: bool = False
    ) -> News:
        """What came since `mark` was made."""
        with self._snapshot() as connection:
            return since.news(connection, mark, most, _condition(question), payloads=payloads)

    def events(self, trace_id: str) -> list[Event]:
        """Every event of a trace, by time, then id."""
        with self._snapshot() as connection:
            return list(read_events(connection, _EVENTS_OF, (trace_key(trace_id),)))

    def annotations(self, trace_id: str) -> list[Annotation]:
        """Every annotation of a trace, by time, then id."""
        with self._snapshot() as connection:
            return list(read_annotations(connection, _ANNOTATIONS_OF, (trace_key(trace_id),)))

    def judgements(self, selection: Selection = EVERY_TRACE) -> Iterator[Judgement]:
        """What judges said last of the traces that are meant, oldest first."""
        with self._snapshot() as connection:
            yield from judged.judgements(connection, _timed(selection))

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
        until: int | None = None,
        project: str = "",
        question: Question | None = None,
        exact: bool = False,
        slots: int = 0,
    ) -> dict[Grouping, list[Figures]]:
        """What ended spans add up to, grouped in each of these ways; from the rollups where they can answer."""
        with self._snapshot() as connection:
            return statistics.figures(
                connection, groupings, since, project, question, until=until, exact=exact, slots=slots
            )

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
            yield from calls.of_traces(self._snapshot, traces, selection.since)
        elif selection == Selection(since=selection.since, project=selection.project):
            yield from calls.of_series(self._snapshot, selection.since, selection.project)
        else:
            selection = _timed(selection)
            condition = _condition(selection.question)
            pages = self._trace_pages(structs.replace(selection, since=None))
            rows = ([place.id for place, _ in page] for page in pages)
            yield from calls.of_pages(self._snapshot, rows, selection.since, condition)

    def calls_near(
        self, kinds: Sequence[str], times: Times, *, but: Container[tuple[str, str]] = (), most: int = 20_000
    ) -> list[Span]:
        """Ended spans of these kinds that ran at one of these times, without large inputs and outputs."""
        with self._snapshot() as connection:
            return nearcalls.near(connection, kinds, times, but, most)

    def unpriced(self, version: int, most: int = 100_000) -> int:
        """How many model calls have no price of this version."""
        with self._snapshot() as connection:
            return pricedcalls.left(connection, version, most)

    def search(self, asked: Search, limit: int, *, question: Question | None = None) -> Found:
        """The newest steps and events in which words stand."""
        with self._snapshot() as connection:
            return textsearch.search(connection, self._sought, asked, limit, question)

    def known_values(self, most: int) -> dict[str, list[str]]:
        """Values of fields, for whoever types a question."""
        with self._snapshot() as connection:
            return known_values(connection, most)

    def text_state(self) -> TextState:
        """How the index of texts stands."""
        with self._snapshot() as connection:
            return self._sought.state(connection)

    def counters(self, newer: Mapping[str, Mapping[str, int]] | None = None) -> dict[str, int]:
        """Losses of every process, summed by name, and the store's own, which begin with `store_`."""
        with self._snapshot() as connection:
            return amounts.counters(connection, newer)

    def room(self) -> Room:
        """How much the file takes, and how much of it is free."""
        with self._snapshot() as connection:
            return space.room(connection)

    def sizes(self) -> Sizes:
        """How much there is; the write-ahead log counts as part of the store."""
        with self._snapshot() as connection:
            return amounts.sizes(connection, self._path)

    def verify(self) -> list[Difference]:
        """Read everything and recompute what is derived; empty means all is right."""
        with self._snapshot() as connection:
            if damage := verify.damage(connection):
                raise StoreCorrupt(self._path, damage)
            return verify.differences(connection)

    def close(self) -> None:
        """Give back every handle; closing twice is harmless."""
        self._sought.close()
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
                    # SQLite says no more than that a function raised something
                    if functions.trouble is not None:
                        raise functions.trouble from None
                    raise

    def _asked(self, connection: sqlite3.Connection) -> AskedFunctions:
        """The functions that questions call on this connection, with nothing remembered."""
        if self._functions is None or self._functions[0] is not connection:
            functions = AskedFunctions(connection, self._price, self._price_version)
            self._functions = (connection, functions)
            self._texts = AskedTexts(connection, functions, self._sought)
        self._functions[1].forget()
        self._texts.forget()
        return self._functions[1]

    def _opened(self) -> sqlite3.Connection:
        """The store's connection, or that of an empty stand-in while there is no store."""
        self._connection = self._connection or connect_reader(self._path)
        if self._connection is not None:
            return self._connection
        if self._empty is None:
            self._empty = sqlite3.connect(":memory:", isolation_level=None, factory=CONNECTION)
            migrate(self._empty, 0)
        return self._empty

    def _trace_pages(
        self, selection: Selection, oldest_first: bool = False
    ) -> Iterator[list[tuple[Place, Trace]]]:
        after: Place | None = None
        selection, slow = _timed(selection), self._slow_limit_ns
        while True:
            with self._snapshot() as connection:
                page = newest(connection, selection, _PAGE_ROWS, slow, after=after, oldest_first=oldest_first)
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
        yield from map(codec.encode, self.annotations(trace_id))

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
    return [number for (number,) in connection.execute(sql, (as_array(traces), *condition.values))]
