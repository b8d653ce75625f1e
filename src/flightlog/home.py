"""A home, opened: the one way to its journals and its store.

Nothing below joins the two, nothing above opens either by itself. What a home's directory holds, and how it is
found, is said in `place.py`.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from msgspec import Struct

from flightlog.access.audit import AuditLog
from flightlog.codecs.lines import encode
from flightlog.entering import Door
from flightlog.journal.directory import sweep
from flightlog.journal.reader import Journal, journals
from flightlog.journal.writer import Writer as JournalWriter
from flightlog.lock import FileLock
from flightlog.place import Place
from flightlog.records.cursor import Cursor
from flightlog.records.errors import FlightlogError, StoreBusy, StoreError, StoreUnwritable
from flightlog.records.line import Line
from flightlog.records.process import Process
from flightlog.records.span import Span
from flightlog.sinks.fulltext import TextSink
from flightlog.sinks.store import BATCH_BYTES, Indexer
from flightlog.store.clearing import Clearing
from flightlog.store.clearport import Deleted
from flightlog.store.open import open_query, open_reader, open_writer
from flightlog.store.port import Answer, Reader
from flightlog.store.prices import Price, Prices
from flightlog.unindexed import DIRECTORY as UNINDEXED
from flightlog.unindexed import adopt

PATIENCE_MS: Final = 1000
BUSY_MS: Final = 15_000
"""How long a deletion waits for another process that writes the store."""
TEXT_SECONDS: Final = 0.05
"""How long whoever catches up goes on with the words of what came in; one that searches takes longer."""
FORGET_SECONDS: Final = 2.0
"""How long a deletion goes on until no word of it is left."""
_PATIENCE: Final = 0.02
_CALLS_AT_ONCE: Final = 1000
_PROBE_BYTES: Final = 1024 * 1024
"""So much room must be on the disk for a home to count as usable."""


class Backlog(Struct, frozen=True):
    """What is still waiting in the journals."""

    bytes: int = 0
    journals: int = 0
    lines_indexed: int = 0
    """Lines that were brought in while catching up."""
    trouble: str = ""
    """Why the store could not be written, so that nobody knows what is waiting; empty when it could."""


class HomeSizes(Struct, frozen=True):
    """How much a home holds on disk."""

    journal_bytes: int
    journals: int
    living: int
    """Journals whose process is still running."""
    store_bytes: int


class Home(Place):
    """A home whose journals and store can be opened."""

    @contextmanager
    def reader(
        self, price: Price | None = None, price_version: Callable[[], int] | None = None
    ) -> Iterator[Reader]:
        """A reader of the store; a home without one answers that there is nothing.

        Args:
            price: what a model call costs, for questions about cost; without it none is answered.
            price_version: the version of these prices, so that what the store remembers of costs is used.

        Raises:
            StoreError: the store is damaged, or newer than this Flightlog.
        """
        reader = open_reader(
            self.store_path,
            slow_limit_ns=int(self.settings.slow_limit * 1e6),
            price=price,
            price_version=price_version,
        )
        try:
            yield reader
        finally:
            reader.close()

    def indexer(self, batch_bytes: int = BATCH_BYTES, busy_ms: int = PATIENCE_MS) -> Indexer:
        """An indexer; its owner must hold `index_lock` while it steps. What is half made and dead is swept first.

        Args:
            batch_bytes: bytes of lines a transaction.
            busy_ms: the longest that a step waits for another process that writes the store, in milliseconds.

        Raises:
            StoreError: the store cannot be opened.
        """
        adopt(self.path)
        sweep(self.journal_root)
        durable = self.settings.durability == "power"
        store = open_writer(self.store_path, durable=durable, busy_ms=busy_ms)
        door = Door(self.settings, self.key(), self.store_path)
        return Indexer(self.journal_root, store, batch_bytes, door)

    def catch_up(self, within: float = 2.0, *, hurry: Callable[[], bool] = lambda: False) -> Backlog:
        """Bring what the journals hold into the store, or wait while somebody else does.

        Args:
            within: the longest this takes, in seconds; one batch may run over it.
            hurry: asked between batches; True ends the work early.

        Returns:
            What is left when it returns; where nothing can be written, why, as the store may be read all the same.

        Raises:
            StoreError: the store is damaged, or newer than this Flightlog.
        """
        try:
            return self._catch_up(within, hurry)
        except StoreUnwritable as error:
            return Backlog(trouble=str(error))

    def _catch_up(self, within: float, hurry: Callable[[], bool]) -> Backlog:
        if not self.journal_root.is_dir():
            return Backlog()
        deadline = time.monotonic() + within
        with FileLock(self.path / "index.want") as want, self.index_lock() as lock:
            want.share()
            while not lock.acquire() and time.monotonic() < deadline and not hurry():
                if not self._backlog().bytes:
                    return Backlog()
                time.sleep(_PATIENCE)
            if not lock.held:
                return self._backlog()
            return self._index(lambda: time.monotonic() >= deadline or hurry(), int(within * 1000))

    def delete(
        self,
        traces: Iterable[tuple[str, str | None]],
        busy_ms: int = BUSY_MS,
        progress: Callable[[Deleted], object] = lambda _gone: None,
    ) -> list[Deleted]:
        """Remove traces from the store, a part at a time, so that whoever writes it waits for a moment only.

        Args:
            traces: full ids, and the project, since projects may share an id, or None for all of them; one that is
                not there removes nothing.
            busy_ms: the longest that one waits for another process that writes the store, in milliseconds.
            progress: told of each part.

        Returns:
            What each took away.

        Raises:
            StoreBusy: another process was writing all that time; the traces before are gone, the next one in part.
            StoreError: the store cannot be written.
        """
        durable = self.settings.durability == "power"
        store = open_writer(self.store_path, durable=durable, busy_ms=busy_ms)
        try:
            clearing = Clearing(store, self.is_shared)
            return [clearing.clear([trace_id], progress, project) for trace_id, project in traces]
        finally:
            store.close()
            self.index_texts(FORGET_SECONDS)

    def is_shared(self) -> bool:
        """Whether another process indexes this home right now."""
        with self.index_lock() as lock:
            return not lock.acquire()

    def audit(self) -> AuditLog:
        """The log of who did what here, as the setting `audit` has it."""
        return AuditLog(self.path, self.settings.audit)

    def price_calls(self, prices: Prices, within: float = 1.0) -> bool:
        """Have the store remember what model calls cost, some at a time, as long as there is time; whether any is left.

        Nothing waits for it: what is not remembered is computed by whoever asks. It goes on while the home is indexed.

        Args:
            prices: by which; those of another version make everything anew.
            within: the longest this takes, in seconds; a thousand calls may run over it.

        Raises:
            StoreError: the store is damaged, or newer than this Flightlog.
        """
        deadline = time.monotonic() + within
        try:
            store = open_writer(self.store_path, busy_ms=PATIENCE_MS)
        except StoreUnwritable:
            return True
        try:
            while more := store.price_calls(prices, _CALLS_AT_ONCE):
                if time.monotonic() >= deadline:
                    break
        except (StoreBusy, StoreUnwritable):
            return True
        finally:
            store.close()
        return more

    @contextmanager
    def query(
        self,
        statement: str,
        seconds: float,
        price: Price | None = None,
        price_version: Callable[[], int] | None = None,
    ) -> Iterator[Answer]:
        """The answer to SQL on the views that are told in `docs/sql.md`; `price` as for `reader`.

        Raises:
            BadQuestion: it is no SQL, does more than read, or takes longer than so many seconds.
            StoreError: the store cannot be read.
        """
        answer = open_query(
            self.store_path, statement, seconds=seconds, price=price, price_version=price_version
        )
        try:
            yield answer
        finally:
            answer.close()

    def texts(self, *, is_gentle: bool = False) -> TextSink:
        """The sink of full texts; its owner must hold `index_lock` while it steps."""
        return TextSink(self.store_path, is_on=self.settings.fulltext, is_gentle=is_gentle)

    def index_texts(self, within: float) -> bool:
        """Bring the words of what the store holds into their index, as long as there is time, in seconds.

        Where another process indexes this home, that one does it.

        Returns:
            Whether more is left for us to do.
        """
        with self.index_lock() as lock:
            return lock.acquire() and self._follow(within)

    def _follow(self, within: float) -> bool:
        texts = self.texts()
        try:
            return texts.run(within) and not texts.trouble
        finally:
            texts.close()

    def has_indexed(self, process_id: str, place: Cursor) -> bool:
        """Whether the store has everything of this journal before this place.

        Raises:
            StoreError: the store cannot be read.
        """
        store = open_writer(self.store_path)
        try:
            return store.cursor(process_id) >= place
        finally:
            store.close()

    def waiting_bytes(self) -> int:
        """Bytes in the journals that are not in the store; -1 when the store cannot say."""
        try:
            return self._backlog().bytes
        except StoreError:
            return -1

    def _index(self, until: Callable[[], bool], busy_ms: int) -> Backlog:
        indexer = self.indexer(busy_ms=busy_ms)
        lines = 0
        try:
            with suppress(StoreBusy):  # what is left is said, and tried by the next who asks
                lines = indexer.run(until)
            left, count = indexer.backlog()
        finally:
            indexer.close()
        if not left:
            self._follow(TEXT_SECONDS)
        return Backlog(left, count, lines)

    def _backlog(self) -> Backlog:
        indexer = self.indexer()
        try:
            return Backlog(*indexer.backlog())
        finally:
            indexer.close()

    def sizes(self) -> HomeSizes:
        """How much journals and store hold."""
        found = self._every_journal()
        living = sum(1 for journal in found if journal.alive())
        for journal in found:
            journal.close()
        roots = [self.journal_root, self.path / UNINDEXED]
        files = [file for root in roots for file in root.rglob("*") if file.is_file()] if found else []
        store = sum(
            _size(self.store_path.with_name(self.store_path.name + end)) for end in ("", "-wal", "-shm")
        )
        return HomeSizes(sum(map(_size, files)), len(found), living, store)

    def self_check(self) -> list[str]:
        """Write, index and read back records in a scratch home; what went wrong, in sentences, or nothing."""
        import tempfile  # for the doctor alone, with all that packs files

        with tempfile.TemporaryDirectory(prefix="flightlog-check-") as scratch:
            return _check(Home(Path(scratch), self.settings))

    def losses(self) -> dict[str, int]:
        """Every counter of everything that was lost or cut, by name, with what is not indexed yet."""
        found = self._every_journal()
        newer = {journal.process_id: journal.counters() for journal in found}
        with self.reader() as reader:
            return reader.counters(newer)

    def _every_journal(self) -> list[Journal]:
        """The journals there are, those included that are only the sinks' and that nobody indexes."""
        roots = (self.journal_root, self.path / UNINDEXED)
        return [journal for root in roots if root.is_dir() for journal in journals(root)]

    def problems(self) -> list[str]:
        """Why nothing can be recorded here, in sentences; empty when something can. Makes no home."""
        place = self.path
        if place.exists() and not place.is_dir():
            return [f"{place} is not a directory"]
        while not place.exists():
            place = place.parent
        if not place.is_dir():
            return [f"{self.path} cannot be made: {place} is not a directory"]
        import tempfile  # as above

        try:
            with tempfile.NamedTemporaryFile(dir=place, prefix=".flightlog-") as file:
                os.posix_fallocate(file.fileno(), 0, _PROBE_BYTES)
        except OSError as error:
            return [f"{self.path} cannot be written: {error.strerror}"]
        return []


def _check(home: Home) -> list[str]:
    """Carry a span from a journal through the indexer into a store, and compare what comes out."""
    process = Process(process_id="c" * 32, started=1, project="self-check")
    text = "é" * 4096
    wanted = Span(trace_id="a" * 32, span_id="b" * 16, name="check", start=1, end=2, status="ok", input=text)
    try:
        home.create()
        writer = JournalWriter(
            home.journal_root, process.process_id, Line(encode(process)), home.settings, say=lambda _: None
        )
        writer.write(Line(encode(wanted)))
        writer.close()
        if trouble := home.catch_up().trouble:
            return [f"a record could not be written and read back: {trouble}"]
        with home.reader() as reader:
            found = reader.spans(wanted.trace_id)
            differences = reader.verify()
    except (FlightlogError, OSError) as error:
        return [f"a record could not be written and read back: {error}"]
    problems = [
        f"the store disagrees with itself: {difference.table} {difference.key}" for difference in differences
    ]
    if [(span.name, span.input, span.status) for span in found] != [("check", text, "ok")]:
        problems.append("a record that was written did not come back as it was")
    return problems


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0
