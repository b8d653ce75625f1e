"""The writer: one append is one transaction, whatever it holds.

Decoding and folding happen before the write lock is taken; under it the store is asked once what it has, the
rest is arithmetic in dictionaries and one statement a table (see `statements.py` for why).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from msgspec import Struct

from flightlog.records.cursor import Cursor
from flightlog.records.process import Process
from flightlog.store.clearport import Deleted, Room
from flightlog.store.port import Applied, Chunk
from flightlog.store.prices import Prices
from flightlog.store.sqlite import deletion, pricedcalls, recordrows, space
from flightlog.store.sqlite.closing import closing_chunk
from flightlog.store.sqlite.connect import BUSY_MS, CACHE_KIB, answering, change, connect_writer, trim_log
from flightlog.store.sqlite.intake import Intake
from flightlog.store.sqlite.names import SERIES_LIMIT, SeriesNames, SourceNames
from flightlog.store.sqlite.recompute import define_functions, renew_context, renew_tags, renew_traces
from flightlog.store.sqlite.spanrows import SpanBatch
from flightlog.store.sqlite.tally import Tally
from flightlog.store.sqlite.textnotes import TextNotes
from flightlog.store.sqlite.tracerows import find_rows, put_rows

_TRIM_EVERY: Final = 16
"""Appends between two looks at the length of the write-ahead log."""


class Pass(Struct, frozen=True):
    """What one pass over one intake did."""

    spans: int
    repeated: int
    strays: int


class Writer:
    """Puts lines into one SQLite file; the contract is `store.port.Writer`."""

    def __init__(
        self,
        path: str,
        series_limit: int = SERIES_LIMIT,
        *,
        durable: bool = False,
        busy_ms: int = BUSY_MS,
        cache_kib: int = CACHE_KIB,
    ) -> None:
        self._path = path
        self._series = SeriesNames(series_limit)
        self._sources = SourceNames()
        self._appends = 0
        self._connection = connect_writer(path, durable=durable, busy_ms=busy_ms, cache_kib=cache_kib)
        define_functions(self._connection)
        self._notes = TextNotes(self._connection, path)

    def append(self, chunks: Sequence[Chunk]) -> Applied:
        """Apply all chunks in one transaction, cursors included."""
        return self.prepared(chunks)()

    def prepared(self, chunks: Sequence[Chunk]) -> Callable[[], Applied]:
        """Decode and fold all chunks; what comes back applies them."""
        intake = Intake()
        intake.take(chunks)
        dead = {chunk.process.process_id: chunk.process for chunk in chunks if chunk.dead}
        return lambda: self._append(intake, dead.values())

    def _append(self, intake: Intake, dead: Iterable[Process]) -> Applied:
        """Apply an intake in one transaction, and close what these processes left open."""
        interrupted = 0
        with self._change() as connection:
            done = self._apply(intake)
            for process in dead:
                closing = Intake()
                closing.take([closing_chunk(connection, process)])
                interrupted += self._apply(closing).spans
        self._appends += 1
        if self._appends % _TRIM_EVERY == 0:
            with answering(self._path):
                trim_log(self._connection, self._path)
        return Applied(
            lines=intake.lines,
            spans=done.spans + interrupted,
            repeated=intake.repeated + done.repeated,
            strays=done.strays,
            interrupted=interrupted,
        )

    def cursor(self, process_id: str) -> Cursor:
        """Where this journal stands; the zero cursor for one that was never seen."""
        with answering(self._path):
            row = self._connection.execute(
                'SELECT segment, "offset" FROM cursors WHERE process_id = ?', (process_id,)
            ).fetchone()
        return Cursor(*row) if row else Cursor()

    def forget_cursor(self, process_id: str) -> None:
        """Drop the cursor of a journal whose files are gone."""
        with self._change() as connection:
            connection.execute("DELETE FROM cursors WHERE process_id = ?", (process_id,))

    def delete_trace(self, trace_id: str, project: str | None = None) -> Deleted:
        """Remove a trace and all that hangs on it, from one project or from all."""
        with self._change() as connection:
            return deletion.delete_trace(connection, trace_id, project)

    def delete_some(self, trace_ids: Sequence[str], most: int, project: str | None = None) -> Deleted:
        """Remove so much of these traces, the first ones first, in one transaction."""
        with self._change() as connection:
            return deletion.delete_some(connection, trace_ids, most, project)

    def room(self) -> Room:
        """How much the file takes, and how much of it is free."""
        with answering(self._path):
            return space.room(self._connection)

    def give_back(self, most_bytes: int) -> Room:
        """Hand free room back to the disk, in one transaction; what is left."""
        with answering(self._path):
            space.give_back(self._connection, most_bytes)
            return space.room(self._connection)

    def compact(self) -> Room:
        """Write the whole file anew, without free room, in one transaction."""
        with answering(self._path):
            space.compact(self._connection)
            return space.room(self._connection)

    def price_calls(self, prices: Prices, most: int) -> bool:
        """Remember of some model calls what they cost; whether there are more."""
        with self._change() as connection:
            return pricedcalls.price_some(connection, prices, most)

    def close(self) -> None:
        """Give back every handle; closing twice is harmless."""
        self._connection.close()

    def _apply(self, intake: Intake) -> Pass:
        """Bring one intake into the tables, within the transaction that is open."""
        connection = self._connection
        rows = find_rows(connection, intake.traces.values())
        pairs = [(trace, rows[place]) for place, trace in intake.traces.items()]
        self._series.resolve(connection, intake.series.values())
        self._sources.resolve(connection, intake.sources | recordrows.sources_of(intake))
        tally, stale = Tally(), set[int]()
        spans = SpanBatch(connection, self._sources, tally)
        spans.load(pairs)
        for trace, row in pairs:
            spans.apply(trace, row)
        spans.write()
        tally.write(connection)
        repeated = recordrows.put_events(connection, intake, rows, self._sources, stale)
        repeated += recordrows.put_annotations(connection, intake, rows, self._sources)
        put_rows(connection, rows)
        stale.update(row.id for row in rows.values() if row.is_stale)
        if stale:
            renew_traces(connection, stale)
        if retagged := stale.union(row.id for row in rows.values() if row.is_retagged):
            renew_tags(connection, retagged)
        if rebound := [row.id for row in rows.values() if row.is_rebound]:
            renew_context(connection, rebound)
        strays = recordrows.put_strays(connection, intake)
        repeated += recordrows.put_processes(connection, intake)
        return Pass(spans.changed, repeated + spans.repeated + len(intake.strays) - strays, strays)

    @contextmanager
    def _change(self) -> Iterator[sqlite3.Connection]:
        """One transaction; what was learned within one that fails is forgotten."""
        with answering(self._path):
            try:
                with change(self._connection):
                    yield self._connection
                    self._notes.write()
            except BaseException:
                self._notes.forget()
                self._series.forget()
                self._sources.forget()
                raise
