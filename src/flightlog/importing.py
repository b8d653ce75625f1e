"""Documents of other tools into a home: read, redacted by the rules of this home, and stored.

They go into the store at once and through no journal: the document itself is what an import that was broken off begins
again with, and what is stored twice is there once. A transaction takes less than a second, so a program that records
into the same home waits for none of them long, and who reads waits for none.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Final

from msgspec import Struct

from flightlog.home import BUSY_MS, Home
from flightlog.imports.documents import Document, Form, Importer, opened
from flightlog.imports.pen import Pen
from flightlog.records.line import Line
from flightlog.records.process import Process
from flightlog.redacting import gate_of
from flightlog.store.open import open_writer
from flightlog.store.port import Applied, Chunk, Writer
from flightlog.understanding import Understanding

TRANSACTION_BYTES: Final = 16 * 1024 * 1024
"""Trace ids are random: a transaction touches nearly every page of their index, however few there are in it."""
CACHE_KIB: Final = 128 * 1024
"""Of the store, while it imports: the index of a million traces, and what stands beside it."""
_TELL_SECONDS: Final = 0.5


class Imported(Struct):
    """What an import did."""

    records: int = 0
    """Spans and log records that were read, or lines of Flightlog."""
    lines: int = 0
    """Lines that they became: an event of a span is one of its own."""
    new: int = 0
    """Lines that changed the store; the others were there already."""
    skipped: int = 0
    """Records that could not be read."""
    cut: int = 0
    """Texts that were longer than `value_bytes`."""
    repeated_keys: int = 0
    """Attributes that were left out because a later one of the same record had the same key."""
    too_long: int = 0
    """Lines longer than `line_bytes`, of which only ids, times and the reason are kept."""
    understood: int = 0
    """Spans of which a dialect said more than OpenTelemetry itself does."""
    unread: int = 0
    """Spans that the readers failed on, by a mistake of ours; they are stored as they were told."""
    duplicates: int = 0
    """Spans that tell of a model call which another one stands for; they are kept and not counted."""


class Told(Struct, frozen=True):
    """How far an import is."""

    records: int
    at: int
    """Bytes of the document."""
    size: int


def import_documents(
    home: Home,
    paths: Iterable[str],
    *,
    form: Form = "auto",
    project: str = "",
    dry_run: bool = False,
    bad: Callable[[str, str, str], object],
    progress: Callable[[str, Told], object] = lambda _path, _told: None,
) -> Imported:
    """Bring documents into a home.

    Args:
        home: whose rules hold; it is made if it is not there.
        paths: the documents; `-` is standard input.
        form: what they are, else each is asked.
        project: whose the records are, whatever they say; empty for what they say, else `default`.
        dry_run: read everything and store nothing.
        bad: told of each record that is left out: the path, its place and why.
        progress: told about twice a second.

    Raises:
        BadDocument: one of them cannot be read; what came before it is stored.
        StoreError: the store cannot be written.
        HomeUnusable: the home cannot be made.
    """
    done = Imported()
    if not dry_run:
        home.create()
    pen = Pen(gate_of(home.settings, home.key() if home.path.is_dir() else b""), home.settings.value_bytes)
    understanding = Understanding(lambda: pen)
    with _storing(home, done, dry_run=dry_run) as store:
        for path in paths:
            one = _One(path, pen=pen, done=done, project=project, home=home, bad=bad, progress=progress)
            one.run(form, store, understanding)
        if store is not None:
            store.understand(understanding)
    done.cut = pen.cuts
    done.understood, done.unread = understanding.understood, understanding.failed
    done.duplicates = understanding.duplicates
    return done


class _One:
    """The import of one document."""

    def __init__(
        self,
        path: str,
        *,
        pen: Pen,
        done: Imported,
        project: str,
        home: Home,
        bad: Callable[[str, str, str], object],
        progress: Callable[[str, Told], object],
    ) -> None:
        self._path = path
        self._done = done
        self._bad = bad
        self._progress = progress
        self._tell_at = time.monotonic() + _TELL_SECONDS
        self._importer = Importer(pen, project=project, line_bytes=home.settings.line_bytes, bad=self._skip)

    def run(self, form: Form, store: _Storing | None, understanding: Understanding) -> None:
        """Read it all, and store it in transactions of a few megabytes."""
        before = self._done.records
        with opened(self._path) as document:
            waiting: list[tuple[Process, Sequence[Line]]] = []
            size = 0
            for process, lines in self._importer.read(document, form):
                waiting.append((process, understanding.lines(lines)))
                size += sum(map(len, lines))
                if size > TRANSACTION_BYTES:
                    self._store(store, waiting)
                    waiting, size = [], 0
                    if store is not None and understanding.is_full:
                        store.understand(understanding)
                self._done.records = before + self._importer.records
                self._tell(document)
            self._store(store, waiting)
        self._done.records = before + self._importer.records
        self._done.repeated_keys += self._importer.repeated_keys
        self._done.too_long += self._importer.too_long

    def _skip(self, place: str, why: str) -> None:
        self._done.skipped += 1
        self._bad(self._path, place, why)

    def _tell(self, document: Document) -> None:
        now = time.monotonic()
        if now >= self._tell_at:
            self._tell_at = now + _TELL_SECONDS
            self._progress(self._path, Told(self._done.records, document.at, document.size))

    def _store(self, store: _Storing | None, waiting: list[tuple[Process, Sequence[Line]]]) -> None:
        """Store what waits, in one transaction."""
        by_process: dict[str, tuple[Process, list[Line]]] = {}
        for process, lines in waiting:
            by_process.setdefault(process.process_id, (process, []))[1].extend(lines)
        chunks = [Chunk(process, lines) for process, lines in by_process.values()]
        self._done.lines += sum(len(chunk.lines) for chunk in chunks)
        if store is not None and chunks:
            store.put(chunks)


class _Storing:
    """Stores in a thread of its own, one transaction at a time: what comes next is read meanwhile."""

    def __init__(self, writer: Writer, home: Home, thread: ThreadPoolExecutor, done: Imported) -> None:
        self._writer = writer
        self._home = home
        self._thread = thread
        self._done = done
        self._pending: Future[Applied] | None = None

    def put(self, chunks: list[Chunk]) -> None:
        """Store these, once what came before is stored.

        Raises:
            StoreError: what came before could not be.
        """
        self.settle()
        self._pending = self._thread.submit(self._writer.append, chunks)

    def understand(self, understanding: Understanding) -> None:
        """Settle what depends on several spans.

        Raises:
            StoreError: the store cannot be read or written.
        """
        self.settle()
        if not understanding.is_settled:
            with self._home.reader() as reader:
                understanding.settle(reader, self._writer)

    def settle(self) -> None:
        """Wait until all is stored."""
        pending, self._pending = self._pending, None
        if pending is not None:
            applied = pending.result()
            self._done.new += applied.lines - applied.repeated


@contextmanager
def _storing(home: Home, done: Imported, *, dry_run: bool) -> Iterator[_Storing | None]:
    """The store of a home, open for writing; None where nothing is to be written."""
    if dry_run:
        yield None
        return
    writer = open_writer(home.store_path, busy_ms=BUSY_MS, cache_kib=CACHE_KIB)
    try:
        with ThreadPoolExecutor(1, thread_name_prefix="flightlog-import") as thread:
            storing = _Storing(writer, home, thread, done)
            try:
                yield storing
            finally:
                storing.settle()
    finally:
        writer.close()
