"""Trace rows: counters by difference, and who is the root, without reading a trace again for each batch.

A difference cannot lower a greatest end or raise a least start, and a root stops being one when its parent
arrives. Those cases are rare; the row is then `stale` and recomputed from the trace's spans by the statement
that `verify` uses (`recompute.py`). Likewise for `trace_context`, which says whose session and user a trace shows
when its root has none.
"""

# ruff: noqa: S608 - every statement here is put together from constants; values are bound
from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterable, Sequence
from operator import attrgetter
from typing import Any, Final

from msgspec import Struct

from flightlog.store.sqlite.facts import LLM, OPEN, Written
from flightlog.store.sqlite.ids import as_text, order, span_key, trace_row_key
from flightlog.store.sqlite.intake import NewTrace
from flightlog.store.sqlite.lean import LeanSpan
from flightlog.store.sqlite.statements import ABSENT, insert, lookup

MANY: Final = 4096
"""Traces of a batch from which on they go in the order of their ids: in a store of a million traces, whose index a
transaction of an import touches all over, their rows then cost half."""
NO_PARENT: Final = 0
PARENT_ABSENT: Final = 1
PARENT_PRESENT: Final = 2

COUNTERS: Final = (
    "spans errors interrupted llm_calls unknown_usage input_tokens input_known output_tokens output_known"
)
"""Columns that change by difference as spans change."""

_COLUMNS: Final = f"id trace_id project start? end? root? distance? {COUNTERS} model_span? retries"
"""As `statements.insert` takes them."""
_CHANGES: Final = ", ".join(f'"{name}" = excluded."{name}"' for name in _COLUMNS.replace("?", "").split()[3:])
_put: Final = insert("traces", _COLUMNS, f"ON CONFLICT (id) DO UPDATE SET {_CHANGES}")
_put_few: Final = insert("traces", " ".join(_COLUMNS.split()[:8]), zeros=[*COUNTERS.split()[1:], "retries"])
"""Of a new trace in which nothing but spans is counted."""
_find: Final = lookup(
    f'{as_text("t.trace_id")}, t.project, t.id, t.start, t."end", t.root, t.distance,'
    f" {', '.join('t.' + name for name in COUNTERS.split())}, t.model_span, t.retries,"
    f" r.start, {as_text('r.span_id')}, {as_text('r.parent_id')}, m.start, {as_text('m.span_id')},"
    " EXISTS (SELECT 1 FROM trace_tags g WHERE g.trace = t.id),"
    f" a.id, a.start, {as_text('a.span_id')}, b.id, b.start, {as_text('b.span_id')}",
    "traces t ON t.trace_id = k.column1 AND t.project = k.column2"
    " LEFT JOIN spans r ON r.id = t.root LEFT JOIN spans m ON m.id = t.model_span"
    " LEFT JOIN trace_context x ON x.trace = t.id"
    " LEFT JOIN spans a ON a.id = x.session_span LEFT JOIN spans b ON b.id = x.user_span",
    2,
)
_put_context: Final = insert(
    "trace_context",
    "trace session_span? user_span?",
    "ON CONFLICT (trace) DO UPDATE SET session_span = excluded.session_span, user_span = excluded.user_span",
)


class TraceRow(Struct, gc=False):
    """One row of `traces`, and what is known of the spans that it points to."""

    id: int
    key: bytearray | str
    """Its trace id, as it is bound."""
    start: int | None = None
    end: int | None = None
    root: int | None = None
    distance: int | None = None
    spans: int = 0
    errors: int = 0
    interrupted: int = 0
    llm_calls: int = 0
    unknown_usage: int = 0
    input_tokens: int = 0
    input_known: int = 0
    output_tokens: int = 0
    output_known: int = 0
    model_span: int | None = None
    retries: int = 0
    root_start: int | None = None
    root_id: str | None = None
    root_parent: str | None = None
    model_start: int | None = None
    model_id: str | None = None
    has_tags: bool | int = False
    session_span: int | None = None
    session_start: int | None = None
    session_id: str | None = None
    user_span: int | None = None
    user_start: int | None = None
    user_id: str | None = None
    is_new: bool = False
    is_stale: bool = False
    """It must be recomputed."""
    is_retagged: bool = False
    """Its root is another one, or was rewritten, and tags are in play."""
    is_bound: bool = False
    """Another span is now the earliest with a session or a user."""
    is_rebound: bool = False
    """The one that was has changed: who it is now must be looked for."""

    @property
    def is_few(self) -> bool:
        """Whether it is new and counts nothing but spans: the others are zeros."""
        return self.is_new and not (self.errors or self.llm_calls or self.retries or self.interrupted)

    def few(self, project: str) -> tuple[object, ...]:
        """The row, of a trace of this project, without what is counted but spans."""
        return (
            self.id,
            self.key,
            project,
            ABSENT if self.start is None else self.start,
            ABSENT if self.end is None else self.end,
            ABSENT if self.root is None else self.root,
            ABSENT if self.distance is None else self.distance,
            self.spans,
        )

    def values(self, project: str) -> tuple[object, ...]:
        """The row, of a trace of this project."""
        return (
            *self.few(project),
            self.errors,
            self.interrupted,
            self.llm_calls,
            self.unknown_usage,
            self.input_tokens,
            self.input_known,
            self.output_tokens,
            self.output_known,
            ABSENT if self.model_span is None else self.model_span,
            self.retries,
        )

    def add(self, span: Written) -> None:
        """Count a span that is written."""
        start, end = span.start, span.end
        if self.start is None or start < self.start:
            self.start = start
        if end is not None and (self.end is None or end > self.end):
            self.end = end
        if span.has_session or span.has_user:
            self._bind(span)
        if span.status == "ok" and span.kind != LLM:
            self.spans += 1
            return
        self._count(1, span)
        if span.kind == LLM and span.model and _is_earlier(span, self.model_start, self.model_id):
            self.model_span, self.model_start, self.model_id = span.id, span.start, span.span_id

    def begin(self, span: Written, present: Collection[str]) -> None:
        """Count the one span that a new trace has yet: what `add` and `choose_root` come to."""
        self.add(span)
        self.root, self.is_retagged = span.id, span.has_tags
        self.distance = _distance(span, present) if span.parent_id else NO_PARENT

    def add_plain(self, lines: Sequence[LeanSpan]) -> None:
        """Count plain spans (`intake.is_plain`), as `add` counts those that are "ok" and no model calls."""
        start, end = self.start, self.end
        for line in lines:
            if start is None or line.start < start:
                start = line.start
            if line.end is not None and (end is None or line.end > end):
                end = line.end
        self.start, self.end = start, end
        self.spans += len(lines)

    def subtract(self, old: Written, new: Written) -> None:
        """Take back a span that `new` overwrites."""
        self._count(-1, old)
        if new.start != old.start and (old.start == self.start or old.id == self.root):
            self.is_stale = True
        if old.end is not None and old.end == self.end and (new.end is None or new.end < old.end):
            self.is_stale = True
        if old.id == self.root and new.parent_id != old.parent_id:
            self.is_stale = True
        if old.id == self.model_span and (new.start != old.start or new.kind != LLM or not new.model):
            self.is_stale = True
        is_moved = new.start != old.start
        if (old.id == self.session_span and (is_moved or not new.has_session)) or (
            old.id == self.user_span and (is_moved or not new.has_user)
        ):
            self.is_rebound = True

    def choose_root(self, written: Iterable[Written], present: Collection[str]) -> None:
        """Find the most root-like span after these were written; `present` holds every parent that exists."""
        if self.distance == PARENT_PRESENT or (
            self.distance == PARENT_ABSENT and self.root_parent in present
        ):
            self.is_stale = True
        for span in written:
            if span.parent_id and self.distance == NO_PARENT and span.id != self.root:
                continue
            distance = _distance(span, present)
            if self._is_better_root(distance, span):
                self.root, self.distance = span.id, distance
                self.root_start, self.root_id, self.root_parent = span.start, span.span_id, span.parent_id
                self.is_retagged |= bool(self.has_tags) or span.has_tags
            elif span.id == self.root:
                self.is_retagged |= bool(self.has_tags) or span.has_tags

    def _count(self, sign: int, span: Written) -> None:
        self.spans += sign
        if span.status == "error":
            self.errors += sign
        elif span.status == "interrupted":
            self.interrupted += sign
        if span.kind != LLM:
            return
        usage = span.usage
        self.llm_calls += sign
        if not usage.is_known and span.status not in OPEN:
            self.unknown_usage += sign
        if usage.input_tokens is not None:
            self.input_tokens += sign * usage.input_tokens
            self.input_known += sign
        if usage.output_tokens is not None:
            self.output_tokens += sign * usage.output_tokens
            self.output_known += sign

    def _bind(self, span: Written) -> None:
        """Remember a span with a session or a user if it is the earliest."""
        if span.has_session and _is_earlier(span, self.session_start, self.session_id):
            self.session_span, self.session_start, self.session_id = span.id, span.start, span.span_id
            self.is_bound = True
        if span.has_user and _is_earlier(span, self.user_start, self.user_id):
            self.user_span, self.user_start, self.user_id = span.id, span.start, span.span_id
            self.is_bound = True

    def _is_better_root(self, distance: int, span: Written) -> bool:
        if self.distance is None or self.root_start is None or self.root_id is None:
            return True
        if (distance, span.start) != (self.distance, self.root_start):
            return (distance, span.start) < (self.distance, self.root_start)
        return order(span_key(span.span_id)) < order(span_key(self.root_id))


def find_rows(
    connection: sqlite3.Connection, traces: Collection[NewTrace]
) -> dict[tuple[str, str], TraceRow]:
    """The row of each of these traces, new ones with the ids that come next."""
    if len(traces) >= MANY:
        traces = sorted(traces, key=attrgetter("trace_id"))
    places = {(trace.project, trace.trace_id): trace_row_key(trace.trace_id) for trace in traces}
    rows: dict[tuple[str, str], TraceRow] = {}
    for trace_id, project, number, *values in _find.ask(
        connection, [(key, project) for (project, _), key in places.items()]
    ):
        place = (project, trace_id)
        rows[place] = TraceRow(number, places[place], *values)
    if len(rows) < len(places):
        (last,) = connection.execute("SELECT coalesce(max(id), 0) FROM traces").fetchone()
        for place, key in places.items():
            if place not in rows:
                last += 1
                rows[place] = TraceRow(last, key, is_new=True)
    return rows


def put_rows(connection: sqlite3.Connection, rows: dict[tuple[str, str], TraceRow]) -> None:
    """Write all rows."""
    few: list[Any] = []
    values: list[Any] = []
    for (project, _), row in rows.items():
        if row.is_few:
            few += row.few(project)
        else:
            values += row.values(project)
    _put_few.run_flat(connection, few)
    _put.run_flat(connection, values)
    _put_context.run(
        connection,
        [
            (row.id, row.session_span or ABSENT, row.user_span or ABSENT)
            for row in rows.values()
            if row.is_bound
        ],
    )


def _is_earlier(span: Written, start: int | None, span_id: str | None) -> bool:
    """Whether a span comes before the one with this start and id, if there is one."""
    if start is None or span_id is None or span.start < start:
        return True
    return span.start == start and order(span_key(span.span_id)) < order(span_key(span_id))


def _distance(span: Written, present: Collection[str]) -> int:
    if not span.parent_id:
        return NO_PARENT
    return PARENT_PRESENT if span.parent_id in present else PARENT_ABSENT
