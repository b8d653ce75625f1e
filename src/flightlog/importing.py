"""Documents of other tools into a home: read, redacted by the rules of this home, and stored.

They go into the store at once and through no journal: the document itself is what an import that was broken off begins
again with, and what is stored twice is there once. A transaction takes less than a second, so a program that records
into the same home waits for none of them long, and who reads waits for none.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager
from itertools import chain
from operator import add
from typing import Any, Final

from msgspec import Struct, structs

from flightlog.firstlook import FirstLook
from flightlog.home import BUSY_MS, Home
from flightlog.imports.apart import is_worthwhile, read_apart
from flightlog.imports.documents import NOTHING, Importer, opened
from flightlog.imports.forms import Form
from flightlog.imports.pen import Pen
from flightlog.records.errors import BadDocument
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
    logged: int = 0
    """Calls of models and tools that log records alone told of: each became a span."""


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
        home.catch_up()  # a program may have told of the same calls itself
    pen = Pen(gate_of(home.settings, home.key() if home.path.is_dir() else b""), home.settings.value_bytes)
    understanding = Understanding(lambda: pen)
    paths = list(paths)
    reading = _Reading(paths, form, pen, project=project, line_bytes=home.settings.line_bytes)
    with reading.portions() as portions, _storing(home, done, dry_run=dry_run) as store:
        taking, told = _Taking(done, understanding, store), _Telling(done, progress)
        try:
            for portion in portions:
                path = paths[portion.document]
                for place, why in portion.skipped:
                    bad(path, place, why)
                taking.take(portion)
                told.tell(path, portion)
        except BadDocument:
            taking.store()
            raise
        taking.store()
        if store is not None:
            store.understand(understanding)
    done.cut += pen.cuts
    done.understood, done.unread = understanding.understood, understanding.failed
    done.duplicates = understanding.duplicates
    done.logged = understanding.logged
    return done


class _Portion(Struct):
    """Some lines of one document, and what was left out before them."""

    document: int
    """Which of them."""
    process: Process
    lines: Sequence[Line]
    closer: list[int]
    """The places of those lines that are to be looked at more closely (see `firstlook`)."""
    skipped: list[tuple[str, str]]
    """Places and reasons."""
    at: int
    """Bytes of the document that were read so far, about."""
    size: int
    sums: tuple[int, ...]
    """Records, repeated keys and lines that were too long, of all documents so far; texts cut by another pen."""


class _Reading:
    """Reads documents, one after the other: here, or in a process of its own where that is worth it."""

    def __init__(self, paths: list[str], form: Form, pen: Pen, *, project: str, line_bytes: int) -> None:
        self._paths = paths
        self._form = form
        self._pen = pen
        self._project = project
        self._line_bytes = line_bytes

    @contextmanager
    def portions(self) -> Iterator[Iterator[_Portion]]:
        """What is in the documents; with the first that cannot be read it ends.

        Raises:
            BadDocument: while it is read.
        """
        if not is_worthwhile(self._paths):
            with closing(self._read()) as portions:
                yield portions
            return
        with read_apart(self._told) as told:
            yield (_Portion(one, Process(**process), *rest) for one, process, *rest in told)

    def _told(self) -> Iterator[tuple[Any, ...]]:
        """The portions as plain values."""
        for portion in self._read():
            one, process, *rest, sums = structs.astuple(portion)
            yield one, structs.asdict(process), *rest, (*sums[:-1], self._pen.cuts)

    def _read(self) -> Generator[_Portion]:
        done: tuple[int, ...] = (0, 0, 0)
        first = FirstLook()
        for number, path in enumerate(self._paths):
            skipped: list[tuple[str, str]] = []
            importer = Importer(
                self._pen, project=self._project, line_bytes=self._line_bytes, bad=_noted(skipped)
            )
            with opened(path) as document:
                for process, lines in chain(importer.read(document, self._form), (NOTHING,)):
                    sums = (*map(add, done, importer.sums), 0)
                    told, skipped[:] = skipped[:], ()
                    seen, closer = first.look(lines)
                    yield _Portion(number, process, seen, closer, told, document.at, document.size, sums)
            done = sums[:-1]


def _noted(skipped: list[tuple[str, str]]) -> Callable[[str, str], object]:
    """What notes there what is left out."""
    return lambda place, why: skipped.append((place, why))


class _Taking:
    """Takes in what was read, and stores it in transactions of a few megabytes."""

    def __init__(self, done: Imported, understanding: Understanding, store: _Storing | None) -> None:
        self._done = done
        self._understanding = understanding
        self._store = store
        self._by_process: dict[str, tuple[Process, list[Line]]] = {}
        self._size = 0

    def take(self, portion: _Portion) -> None:
        """Take in a portion."""
        done, process, lines = self._done, portion.process, portion.lines
        done.records, done.repeated_keys, done.too_long, done.cut = portion.sums
        done.skipped += len(portion.skipped)
        if not lines and not process.process_id:
            return
        _, waiting = self._by_process.setdefault(process.process_id, (process, []))
        waiting += self._understanding.closer(lines, portion.closer)
        self._size += sum(map(len, lines))
        if self._size > TRANSACTION_BYTES:
            self.store()
            if self._store is not None and self._understanding.is_full:
                self._store.understand(self._understanding)

    def store(self) -> None:
        """Store what waits, in one transaction."""
        chunks = [Chunk(process, lines) for process, lines in self._by_process.values()]
        self._done.lines += sum(len(chunk.lines) for chunk in chunks)
        self._by_process, self._size = {}, 0
        if self._store is not None and chunks:
            self._store.put(chunks)


class _Telling:
    """Tells now and then how far it is."""

    def __init__(self, done: Imported, progress: Callable[[str, Told], object]) -> None:
        self._done = done
        self._progress = progress
        self._at = time.monotonic() + _TELL_SECONDS

    def tell(self, path: str, portion: _Portion) -> None:
        """Tell, if it is time to."""
        now = time.monotonic()
        if now >= self._at:
            self._at = now + _TELL_SECONDS
            self._progress(path, Told(self._done.records, portion.at, portion.size))


class _Storing:
    """Stores in a thread of its own, one transaction at a time: what comes next is read and decoded meanwhile.

    While SQLite writes, the interpreter is free, and the thread that reads should have something left to do then.
    """

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
        prepared = self._writer.prepared(chunks)
        self.settle()
        self._pending = self._thread.submit(prepared)

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
