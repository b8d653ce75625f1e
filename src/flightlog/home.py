"""A home: the directory that holds the journals, the store, the lock of whoever indexes, and the key of its hashes.

    <home>/journal/<process id>/…   append-only segments, one directory a process
    <home>/store.db                 the SQLite store
    <home>/index.lock               held by whoever reads the journals into the store
    <home>/index.want               shared by those who would rather do that themselves, at once
    <home>/key                      32 random bytes: the key of the hashes in records, never leaves the home

This is the one way to open them: nothing below joins journal and store, nothing above opens either by itself.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from msgspec import Struct

from flightlog.codecs.lines import encode
from flightlog.journal.reader import journals
from flightlog.journal.writer import Writer as JournalWriter
from flightlog.lock import FileLock
from flightlog.records.errors import FlightlogError, HomeUnusable, StoreError
from flightlog.records.line import Line
from flightlog.records.process import Process
from flightlog.records.span import Span
from flightlog.settings import Settings
from flightlog.sinks.store import BATCH_BYTES, Indexer
from flightlog.store.open import open_reader, open_writer
from flightlog.store.port import Cursor, Reader

DIRECTORY: Final = ".flightlog"
"""Name of a project's own home, looked for from the working directory upwards."""

_KEY_BYTES: Final = 32
_PATIENCE: Final = 0.02


class Backlog(Struct, frozen=True):
    """What is still waiting in the journals."""

    bytes: int = 0
    journals: int = 0
    lines_indexed: int = 0
    """Lines that were brought in while catching up."""


class HomeSizes(Struct, frozen=True):
    """How much a home holds on disk."""

    journal_bytes: int
    journals: int
    living: int
    """Journals whose process is still running."""
    store_bytes: int


class Home:
    """One home directory. Making the object touches nothing; the methods do."""

    def __init__(self, path: Path, settings: Settings) -> None:
        self.path = path
        self.settings = settings
        self.journal_root = path / "journal"
        self.store_path = path / "store.db"

    @classmethod
    def find(cls, settings: Settings) -> Home:
        """Decide which home it is: the setting, else the nearest `.flightlog` upwards, else the user's."""
        if settings.home:
            return cls(Path(settings.home).expanduser().absolute(), settings)
        with suppress(OSError):
            here = Path.cwd()
            for directory in (here, *here.parents):
                if (directory / DIRECTORY).is_dir():
                    return cls(directory / DIRECTORY, settings)
        from platformdirs import user_data_path  # only a program without a home of its own pays for it

        return cls(user_data_path("flightlog", appauthor=False), settings)

    def exists(self) -> bool:
        """Whether anything was ever recorded here."""
        return self.store_path.exists() or self.journal_root.is_dir()

    def create(self) -> None:
        """Make the directories, readable by their owner alone.

        Raises:
            HomeUnusable: they cannot be made or written.
        """
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.journal_root.mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            raise HomeUnusable(str(self.path), error.strerror or str(error)) from error

    def key(self) -> bytes:
        """The key of this home's hashes; a home that cannot be written gets one that lasts as long as the process."""
        file = self.path / "key"
        with suppress(OSError):
            if len(found := file.read_bytes()) == _KEY_BYTES:
                return found
        made = os.urandom(_KEY_BYTES)
        try:
            return self._publish_key(file, made)
        except OSError:
            return made

    def _publish_key(self, file: Path, made: bytes) -> bytes:
        """Put the key in place whole; whoever comes second takes the first one's."""
        fd, name = tempfile.mkstemp(dir=self.path, prefix=".key-")
        try:
            os.write(fd, made)
            with suppress(FileExistsError):
                os.link(name, file)
        finally:
            os.close(fd)
            os.unlink(name)  # noqa: PTH108 - beside os.link
        found = file.read_bytes()
        return found if len(found) == _KEY_BYTES else made

    @contextmanager
    def reader(self) -> Iterator[Reader]:
        """A reader of the store; a home without one answers that there is nothing.

        Raises:
            StoreError: the store is damaged, or newer than this Flightlog.
        """
        reader = open_reader(self.store_path, slow_limit_ns=int(self.settings.slow_limit * 1e6))
        try:
            yield reader
        finally:
            reader.close()

    def index_lock(self) -> FileLock:
        """The lock of whoever indexes, not taken yet."""
        return FileLock(self.path / "index.lock")

    def indexer(self, batch_bytes: int = BATCH_BYTES) -> Indexer:
        """An indexer; its owner must hold `index_lock` while it steps.

        Raises:
            StoreError: the store cannot be opened.
        """
        return Indexer(self.journal_root, open_writer(self.store_path), batch_bytes)

    def is_wanted(self) -> bool:
        """Whether somebody waits to index at full speed; a thread of a traced program then steps back."""
        probe = FileLock(self.path / "index.want")
        if not probe.path.exists() or probe.acquire():
            probe.release()
            return False
        return True

    def catch_up(self, within: float = 2.0, *, hurry: Callable[[], bool] = lambda: False) -> Backlog:
        """Bring what the journals hold into the store, or wait while somebody else does.

        Args:
            within: the longest this takes, in seconds; one batch may run over it.
            hurry: asked between batches; True ends the work early.

        Returns:
            What is left when it returns.

        Raises:
            StoreError: the store cannot be written.
        """
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
            return self._index(lambda: time.monotonic() >= deadline or hurry())

    def has_indexed(self, process_id: str, segment: int, offset: int) -> bool:
        """Whether the store has everything of this journal before this place.

        Raises:
            StoreError: the store cannot be read.
        """
        store = open_writer(self.store_path)
        try:
            return store.cursor(process_id) >= Cursor(segment, offset)
        finally:
            store.close()

    def waiting_bytes(self) -> int:
        """Bytes in the journals that are not in the store; -1 when the store cannot say."""
        try:
            return self._backlog().bytes
        except StoreError:
            return -1

    def _index(self, until: Callable[[], bool]) -> Backlog:
        indexer = self.indexer()
        try:
            lines = indexer.run(until)
            left, count = indexer.backlog()
        finally:
            indexer.close()
        return Backlog(left, count, lines)

    def _backlog(self) -> Backlog:
        indexer = self.indexer()
        try:
            return Backlog(*indexer.backlog())
        finally:
            indexer.close()

    def sizes(self) -> HomeSizes:
        """How much journals and store hold."""
        found = journals(self.journal_root) if self.journal_root.is_dir() else []
        living = sum(1 for journal in found if journal.alive())
        for journal in found:
            journal.close()
        files = [file for file in self.journal_root.rglob("*") if file.is_file()] if found else []
        store = sum(
            _size(self.store_path.with_name(self.store_path.name + end)) for end in ("", "-wal", "-shm")
        )
        return HomeSizes(sum(map(_size, files)), len(found), living, store)

    def self_check(self) -> list[str]:
        """Write, index and read back records in a scratch home; what went wrong, in sentences, or nothing."""
        with tempfile.TemporaryDirectory(prefix="flightlog-check-") as scratch:
            return _check(Home(Path(scratch), self.settings))

    def losses(self) -> dict[str, int]:
        """Every counter of everything that was lost or cut, by name."""
        with self.reader() as reader:
            return reader.counters()


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
        home.catch_up()
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
