"""Span rows of a batch: which lines beat what is stored, and every row that follows from them.

One `SpanBatch` lives for one pass over one intake. It asks the store once for what it has of these spans and
of their parents, works everything out in plain dictionaries, and writes each table with one statement.
"""

# ruff: noqa: S608 - every statement here is put together from constants; values are bound
from __future__ import annotations

import math
import sqlite3
from collections.abc import Collection, Iterable, Sequence
from typing import Any, Final

import msgspec
from msgspec import Raw, Struct

from flightlog.records.kinds import RANKS
from flightlog.records.process import Process
from flightlog.records.span import Fault
from flightlog.store.payloads import INLINE_BYTES
from flightlog.store.sqlite import layout, pricedcalls
from flightlog.store.sqlite.facts import OPEN, UNKNOWN, Usage, Written
from flightlog.store.sqlite.ids import as_text, optional_span_key, row_key, span_key, trace_key
from flightlog.store.sqlite.intake import NewSeries, NewSpan, NewTrace, Order, stamped
from flightlog.store.sqlite.lean import NOTHING, LeanSpan, content
from flightlog.store.sqlite.names import SourceNames
from flightlog.store.sqlite.payloadrows import PayloadBatch
from flightlog.store.sqlite.plainrows import PlainRows
from flightlog.store.sqlite.statements import ABSENT, GAP, lookup, one_column
from flightlog.store.sqlite.tally import DAYS, Tally
from flightlog.store.sqlite.tracerows import NO_PARENT, TraceRow

_find_spans: Final = lookup(
    f's.trace, {as_text("s.span_id")}, s.id, s.status, coalesce(m.revision, 0), coalesce(s."end", 0),'
    f' lower(hex(s.line_hash)), s.series, s.start, s."end", s.more, {as_text("s.parent_id")},'
    " coalesce(m.kind, n.kind), coalesce(m.model, n.model), u.span IS NOT NULL, u.input_tokens,"
    " u.output_tokens, u.cache_read_tokens, u.cache_write_tokens, u.reasoning_tokens",
    "spans s ON s.trace = k.column1 AND s.span_id = k.column2 JOIN series n ON n.id = s.series"
    " LEFT JOIN span_more m ON m.span = s.id LEFT JOIN span_usage u ON u.span = s.id",
    2,
)
_STATE: Final = f"SELECT (SELECT coalesce(max(id), 0) + 1 FROM spans), {DAYS}"
_encode: Final = msgspec.json.Encoder().encode
_decode: Final = msgspec.json.Decoder(dict[str, Any]).decode
_NO_CONTEXT: Final[tuple[tuple[Any, ...] | None, bool]] = (None, False)
_SESSION: Final = layout.CONTEXT_KEYS.index("session")
_USER: Final = layout.CONTEXT_KEYS.index("user")
_DELETES: Final = {
    bit: f"DELETE FROM {table} WHERE span IN (SELECT value FROM json_each(?1))"
    for bit, table in layout.SIDE_TABLES.items()
}


class Stored(Struct, gc=False):
    """What the store has of a span, as far as overwriting it needs to know."""

    id: int
    order: Order
    series: int
    more: int
    row: Written


class SpanBatch:
    """All span rows that one intake leads to."""

    def __init__(
        self,
        connection: sqlite3.Connection,
        sources: SourceNames,
        tally: Tally,
    ) -> None:
        self._connection = connection
        self._sources = sources
        self._tally = tally
        self._stored: dict[tuple[int, str], Stored] = {}
        self._rows: list[Any] = []
        self._plain = PlainRows(sources)
        self._more: list[Any] = []
        self._side: dict[int, list[tuple[Any, ...]]] = {bit: [] for bit in layout.SIDE_TABLES}
        self._overwritten: list[tuple[int, int]] = []
        self._calls: list[tuple[int, int]] = []
        self._old_calls: list[tuple[int, int]] = []
        self._contexts: dict[bytes, tuple[tuple[Any, ...] | None, bool]] = {}
        self._parents: dict[str, bytearray | str] = {}
        self._source: tuple[Process | None, int] = (None, 0)
        """The process of the last plain line, and the source that it is."""
        self._payloads = PayloadBatch(connection)
        self._next = 0
        self.repeated = 0

    @property
    def changed(self) -> int:
        """Rows that are new or different."""
        return len(self._plain) + len(self._rows) // layout.SPAN_WIDTH

    def load(self, traces: Iterable[tuple[NewTrace, TraceRow]]) -> None:
        """Ask what the store has of these spans and of the parents that they name."""
        wanted: list[tuple[Any, ...]] = []
        for trace, row in traces:
            if row.is_new or not row.spans:
                continue
            span_ids = set(trace.spans)
            span_ids.update(span.line.parent_id for span in trace.spans.values() if span.line.parent_id)
            wanted.extend((row.id, span_key(span_id)) for span_id in span_ids)
        for answer in _find_spans.ask(self._connection, wanted):
            self._stored[answer[0], answer[1]] = _stored(answer)
        self._next, *days = self._connection.execute(_STATE).fetchone()
        self._tally.days = tuple(days)

    def apply(self, trace: NewTrace, row: TraceRow) -> None:
        """Work out the rows of one trace, and what they change in its own row and in the rollups."""
        if row.is_new and len(trace.spans) == 1:
            (span,) = trace.spans.values()
            if span.common is None:
                row.begin(self._place(row.id, trace.project, span, None, trace.spans), trace.spans)
                return
        written: list[Written] = []
        plain: list[NewSpan] = []
        present: Collection[str] = trace.spans
        if not row.is_new:
            parents = (span.line.parent_id for span in trace.spans.values())
            present = {*present, *(parent for parent in parents if (row.id, parent) in self._stored)}
        for span_id, span in trace.spans.items():
            stored = None if row.is_new else self._stored.get((row.id, span_id))
            if span.common is not None and stored is None and not span.common.series.is_folded:
                parent_id = span.line.parent_id
                if not parent_id or parent_id in present:
                    plain.append(span)
                    continue
            if stored is not None and span.order <= stored.order:
                self.repeated += 1 + len(span.beaten or ())
                continue
            new = self._place(row.id, trace.project, span, stored, present)
            if stored is not None:
                self.repeated += sum(order <= stored.order for order in span.beaten or ())
                self._take_back(stored, new, row)
            row.add(new)
            written.append(new)
        if plain:
            has_top = row.distance == NO_PARENT or "" in [new.parent_id for new in written]
            written += self._add_plain(plain, row, has_top=has_top)
        row.choose_root(written, present)

    def write(self) -> None:
        """Write every row."""
        if self._overwritten:
            self._clear_side_tables()
        pricedcalls.forget_calls(self._connection, self._old_calls)
        if self._plain:
            self._write_plain()
        layout.put_spans.run_flat(self._connection, self._rows)
        layout.put_more.run_flat(self._connection, self._more)
        for bit, rows in self._side.items():
            layout.put_side[bit].run(self._connection, rows)
        pricedcalls.note(self._connection, self._calls)
        self._payloads.write()

    def _add_plain(self, plain: list[NewSpan], row: TraceRow, *, has_top: bool) -> list[Written]:
        """Add plain spans of one trace; returns those that may be its root.

        Args:
            plain: the spans.
            row: their trace's.
            has_top: another span of this trace has no parent, so one that has a parent is not its root.
        """
        first, self._next = self._next, self._next + len(plain)
        self._plain.add(row.id, first, plain)
        row.add_plain([span.line for span in plain])
        numbered = list(enumerate(plain, first))
        tops = [(number, span) for number, span in numbered if not span.line.parent_id]
        return [_written(number, span) for number, span in (tops if tops or has_top else numbered)]

    def _write_plain(self) -> None:
        self._plain.count(self._tally)
        if not self._plain.write(self._connection):
            for number, trace, span in self._plain:
                self._put(number, trace, span, (ABSENT, ABSENT, ABSENT), 0)
            self._plain = PlainRows(self._sources)

    def _take_back(self, stored: Stored, new: Written, row: TraceRow) -> None:
        self._overwritten.append((stored.id, stored.more))
        if pricedcalls.is_charged(stored.row.kind, stored.row.model) and stored.row.status not in OPEN:
            self._old_calls.append((row.id, stored.id))
        self._tally.add(stored.series, stored.row, -1)
        row.subtract(stored.row, new)

    def _clear_side_tables(self) -> None:
        for bit, statement in _DELETES.items():
            ids = [span for span, more in self._overwritten if more & bit]
            if ids:
                one_column(self._connection, statement, ids)
        self._payloads.release([span for span, more in self._overwritten if more & layout.PAYLOADS])

    def _place(
        self, trace: int, project: str, span: NewSpan, stored: Stored | None, present: Collection[str]
    ) -> Written:
        """Add the row of one span, and its rows in side tables."""
        line, usage, series = span.line, span.usage, span.whole_series
        if stored is None:
            number, self._next = self._next, self._next + 1
        else:
            number = stored.id
        is_orphan = line.parent_id and line.parent_id not in present
        more = layout.UNSETTLED if line.status in OPEN or is_orphan else 0
        values = [ABSENT, ABSENT, ABSENT]
        for place, raw in enumerate((line.input, line.output, line.attributes)):
            if raw is NOTHING:
                continue
            if len(raw) < INLINE_BYTES:
                values[place] = str(raw, "utf-8")
            else:
                more |= self._payloads.add(project, number, 1 << place, bytes(raw))
        context, has_tags = self._context(line.context) if line.context is not NOTHING else _NO_CONTEXT
        if context is not None:
            more |= layout.CONTEXT
            self._side[layout.CONTEXT].append((number, *context))
        if usage is not UNKNOWN:
            more |= layout.USAGE
            self._side[layout.USAGE].append((number, *[ABSENT if told is None else told for told in usage]))
        if line.error is not None:
            more |= self._fault(project, number, line.error)
        if line.links:
            more |= self._links(number, line)
        if line.revision or line.otel is not NOTHING or line.extra is not NOTHING or series.is_folded:
            more |= self._rarely(number, line, series)
        if line.status not in OPEN and pricedcalls.is_charged(series.series.kind, series.series.model):
            self._calls.append((trace, number))
        self._put(number, trace, span, values, more)
        written = _written(number, span, context, has_tags=has_tags)
        self._tally.add(series.id, written)
        return written

    def _put(self, number: int, trace: int, span: NewSpan, values: Sequence[str], more: int) -> None:
        """Add one row; `values` are input, output and attributes as far as they are kept in it."""
        line = span.line
        self._rows.extend(
            (
                number,
                trace,
                row_key(line.span_id),
                self._parent_key(line.parent_id) if line.parent_id else ABSENT,
                span.whole_series.id,
                self._source_of(line, span.process),
                line.thread,
                line.task,
                line.level,
                line.start,
                ABSENT if line.end is None else line.end,
                line.status,
                bytearray(span.line_hash),
                *values,
                more,
            )
        )

    def _parent_key(self, parent_id: str) -> bytearray | str:
        """The key of a parent, which usually has several children in a batch."""
        found = self._parents.get(parent_id)
        if found is None:
            found = self._parents[parent_id] = row_key(parent_id)
        return found

    def _source_of(self, line: LeanSpan, process: Process) -> int:
        """The id of a line's source; most lines leave it to their process, and come from the one before's."""
        if line.process_id or line.version:
            return self._sources.id(stamped(line, process))
        if self._source[0] is not process:
            self._source = (process, self._sources.id(stamped(line, process)))
        return self._source[1]

    def _context(self, raw: Raw) -> tuple[tuple[Any, ...] | None, bool]:
        """Columns of a context, and whether it holds tags; most spans of a batch share a few contexts."""
        data = bytes(raw)
        found = self._contexts.get(data)
        if found is None:
            found = self._contexts[data] = context_columns(data)
        return found

    def _fault(self, project: str, number: int, fault: Fault) -> int:
        bits = layout.ERROR
        texts: list[str | None] = []
        for bit, text in ((layout.MESSAGE, fault.message), (layout.STACK, fault.stack)):
            if len(text) * 4 < INLINE_BYTES or len(text.encode()) < INLINE_BYTES:
                texts.append(text)
            else:
                texts.append(None)
                bits |= self._payloads.add(project, number, bit, text.encode())
        self._side[layout.ERROR].append((number, fault.type, *texts))
        return bits

    def _links(self, number: int, line: LeanSpan) -> int:
        for position, link in enumerate(line.links):
            attributes = _encode(link.attributes).decode() if link.attributes else None
            self._side[layout.LINKS].append(
                (
                    number,
                    position,
                    trace_key(link.trace_id),
                    optional_span_key(link.span_id),
                    link.relation,
                    attributes,
                )
            )
        return layout.LINKS

    def _rarely(self, number: int, line: LeanSpan, new: NewSeries) -> int:
        extra = content(line.extra) or ABSENT
        otel = content(line.otel) or ABSENT
        if new.is_folded:
            series = new.series
            names = (series.name, series.kind, series.environment, series.service, series.model)
            self._side[layout.MORE].append((number, line.revision, otel, extra, *names))
            return layout.MORE
        if not (line.revision or otel or extra):
            return 0
        self._more += (number, line.revision, otel, extra)
        return layout.MORE


def context_columns(data: bytes) -> tuple[tuple[Any, ...] | None, bool]:
    """The row that a context becomes, without its span, and whether it holds tags; no row for an empty one."""
    try:
        bound = _decode(data)
    except msgspec.MsgspecError:  # a number out of range: still JSON, kept as it is
        return (*(GAP,) * len(layout.CONTEXT_KEYS), data.decode()), b'"tags"' in data
    if not bound:
        return _NO_CONTEXT
    columns = [bound.pop(key) if _is_plain(bound.get(key)) else GAP for key in layout.CONTEXT_KEYS]
    rest = _encode(bound).decode() if bound else ABSENT
    return (*columns, rest), bool(bound.get("tags"))


def _is_plain(value: object) -> bool:
    """Whether SQLite gives a value back as it is: not so truth values, null, lists and huge integers."""
    if type(value) is int:
        return -(2**63) <= value < 2**63
    return type(value) is str or (type(value) is float and math.isfinite(value))


def _stored(answer: list[Any]) -> Stored:
    (_, span_id, number, status, revision, end_or_0, line_hash, series, start, end, more) = answer[:11]
    parent_id, kind, model, has_usage, *tokens = answer[11:]
    usage = Usage(*tokens) if has_usage else UNKNOWN
    order = (RANKS[status], revision, end_or_0, bytes.fromhex(line_hash))
    row = Written(number, span_id, parent_id or "", start, end, status, kind, model, usage)
    return Stored(number, order, series, more, row)


def _written(
    number: int, span: NewSpan, context: tuple[Any, ...] | None = None, *, has_tags: bool = False
) -> Written:
    line, series = span.line, span.whole_series.series
    has_session = context is not None and context[_SESSION] is not GAP
    has_user = context is not None and context[_USER] is not GAP
    return Written(
        number,
        line.span_id,
        line.parent_id,
        line.start,
        line.end,
        line.status,
        series.kind,
        series.model,
        span.usage,
        has_tags,
        has_session,
        has_user,
    )
