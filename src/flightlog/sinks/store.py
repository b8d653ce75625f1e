"""The store sink: reads the journals of a home, of the living and the dead alike, into the store.

One at a time per home does this (`home.py` holds the lock). Recovery after a crash is no special case: the
journal of a dead process is read like any other, and when its last line is in, the store is told that the
process is gone and closes what it left open. The cursor of each journal moves in the transaction that applies
its lines, so a reader that dies half way repeats nothing and loses nothing.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, Protocol

from msgspec import Struct

from flightlog.journal.reader import Journal, journals
from flightlog.records.cursor import Cursor
from flightlog.records.line import Line
from flightlog.records.process import Process
from flightlog.store.port import Chunk, Writer

BATCH_BYTES: Final = 1024 * 1024
"""About how many bytes of lines go into one transaction: some thousand small spans."""


_BEGINNING: Final = Cursor()
_LIST_SECONDS: Final = 0.25
_LOOK_SECONDS: Final = 1.0


class Progress(Struct, frozen=True):
    """What one step did."""

    lines: int = 0
    more: bool = False
    """Whether another step would find something at once."""
    torn: int = 0
    """Incomplete records that were stepped over."""


class Door(Protocol):
    """Through which lines come into a store: they may change on the way, and once more when others are there."""

    def lines(self, lines: Sequence[Line], owner: Process) -> Sequence[Line]:
        """The lines of a process as they are to be stored, as many as before; the same for the same ones."""

    @property
    def is_settled(self) -> bool:
        """Whether nothing is left to do about lines that are in the store."""

    def settle(self, store: Writer) -> None:
        """Do what depends on several lines, all of which are in the store by now.

        Raises:
            StoreError: the store refused; the next time tries again.
        """


class Indexer:
    """Carries lines from the journals under one directory into one store."""

    def __init__(
        self, root: Path, store: Writer, batch_bytes: int = BATCH_BYTES, door: Door | None = None
    ) -> None:
        self._root = root
        self._store = store
        self._batch_bytes = batch_bytes
        self._door = door
        self._cursors: dict[str, Cursor] = {}
        self._open: dict[Path, Journal] = {}
        self._closed: set[str] = set()
        self._turn = -1
        self._clock = time.monotonic
        self._listed_at = -_LIST_SECONDS
        self._counted_at: dict[str, float] = {}
        self._missing: dict[str, tuple[int, int]] = {}

    def step(self) -> Progress:
        """Apply one batch, taken from as many journals as it has room for.

        Raises:
            StoreError: the store refused; the lines stay in their journals and the next step tries again.
        """
        begun = self._clock()
        haul = self._gather()
        if not haul.more and self._listed_at < begun:
            # The known journals are at their end; whether there are others is looked at before that is said.
            self._listed_at = -_LIST_SECONDS
            if haul.lines:
                haul.more = True
            else:
                haul = self._gather()
        if haul.chunks:
            self._store.append(haul.chunks)
        for journal, place, finished in haul.read:
            self._settle(journal, place, finished=finished)
        if not haul.more and self._door is not None and not self._door.is_settled:
            self._door.settle(self._store)
        return Progress(haul.lines, haul.more, haul.torn)

    def _gather(self) -> _Haul:
        """Read a batch from the journals, each in its turn."""
        haul = _Haul(self._batch_bytes)
        for journal in self._journals():
            if haul.room <= 0:
                haul.more = True
                break
            self._read(journal, haul)
        return haul

    def _settle(self, journal: Journal, place: Cursor, *, finished: bool) -> None:
        """Note how far a journal was read, and delete what nobody needs any more."""
        before = self._cursors.get(journal.process_id)
        self._cursors[journal.process_id] = place
        if finished:
            self._closed.add(journal.process_id)
        moved_on = finished or before is None or before.segment != place.segment
        if moved_on and journal.discard(place) and finished:
            self._forget(journal)

    def _read(self, journal: Journal, haul: _Haul) -> None:
        """Read on in one journal, to its end or to the end of the batch."""
        place = self._cursor(journal.process_id)
        unseen = place == _BEGINNING
        while True:
            batch = journal.read(place, haul.room)
            place = batch.cursor
            self._count(journal, batch.torn, batch.unreadable)
            haul.torn += batch.torn
            finished = batch.dead
            closing = finished and journal.process_id not in self._closed
            # Of a process that has recorded nothing yet the store knows at least that it has everything.
            begun = unseen and place != _BEGINNING
            if batch.lines or closing or begun:
                unseen = False
                lines = batch.lines if self._door is None else self._door.lines(batch.lines, batch.process)
                haul.chunks.append(Chunk(batch.process, lines, place, closing, self._losses(journal)))
                haul.lines += len(batch.lines)
                haul.room -= sum(map(len, batch.lines))
            if batch.end or haul.room <= 0:
                haul.more = haul.more or not batch.end
                haul.read.append((journal, place, finished))
                return

    def _count(self, journal: Journal, torn: int, unreadable: int) -> None:
        """Note what is missing from a journal; the store hears of it with the journal's next lines."""
        if torn or unreadable:
            before = self._missing.get(journal.process_id, (0, 0))
            self._missing[journal.process_id] = (before[0] + torn, before[1] + unreadable)

    def _losses(self, journal: Journal) -> dict[str, int]:
        """The owner's own counters, and what was found missing from its journal; looked at once a second."""
        now = self._clock()
        if now < self._counted_at.get(journal.process_id, 0.0) + _LOOK_SECONDS and journal.alive():
            return {}
        self._counted_at[journal.process_id] = now
        torn, unreadable = self._missing.get(journal.process_id, (0, 0))
        return {**journal.counters(), "records_torn": torn, "segments_unreadable": unreadable}

    def take(self, process: Process, lines: Sequence[Line]) -> None:
        """Apply lines that come from no journal.

        Raises:
            StoreError: the store refused; the caller keeps the lines.
        """
        self._store.append([Chunk(process, lines)])

    def backlog(self) -> tuple[int, int]:
        """Bytes that are not in the store yet, and how many journals hold them."""
        sizes = [
            journal.backlog(cursor)
            for journal in self._journals()
            for cursor in (self._cursor(journal.process_id, fresh=True),)
        ]
        return sum(sizes), sum(1 for size in sizes if size)

    def run(self, until: Callable[[], bool]) -> int:
        """Step until there is nothing more to do or `until` says so; returns the lines applied."""
        done = 0
        while True:
            progress = self.step()
            done += progress.lines
            if not progress.more or until():
                return done

    def close(self) -> None:
        """Give back every handle, the store's included."""
        for journal in self._open.values():
            journal.close()
        self._open.clear()
        self._store.close()

    def _journals(self) -> list[Journal]:
        """The journals there are, looked for a few times a second; each keeps what it remembers of holes.

        Each look costs system calls, and beside a busy program the way back from one takes 5 ms: CPython's
        interpreter lock is handed over no sooner.
        """
        now = self._clock()
        if now >= self._listed_at + _LIST_SECONDS:
            self._listed_at = now
            self._list()
        waiting = list(self._open.values())
        # One that writes faster than we read must not keep the others waiting for ever.
        self._turn = (self._turn + 1) % max(1, len(waiting))
        return waiting[self._turn :] + waiting[: self._turn]

    def _list(self) -> None:
        found = {journal.path: journal for journal in journals(self._root)}
        for path in [path for path in self._open if path not in found]:
            self._open.pop(path).close()
        for path, journal in found.items():
            self._open.setdefault(path, journal)

    def _cursor(self, process_id: str, *, fresh: bool = False) -> Cursor:
        if fresh or process_id not in self._cursors:
            self._cursors[process_id] = self._store.cursor(process_id)
        return self._cursors[process_id]

    def _forget(self, journal: Journal) -> None:
        """A journal is gone from the disk: nothing needs to be known of it any more."""
        self._store.forget_cursor(journal.process_id)
        self._cursors.pop(journal.process_id, None)
        self._closed.discard(journal.process_id)
        self._missing.pop(journal.process_id, None)
        self._counted_at.pop(journal.process_id, None)
        self._open.pop(journal.path, None)


class _Haul:
    """What one step has gathered."""

    __slots__ = ("chunks", "lines", "more", "read", "room", "torn")

    def __init__(self, room: int) -> None:
        self.room = room
        self.chunks: list[Chunk] = []
        self.read: list[tuple[Journal, Cursor, bool]] = []
        """Each journal that was read, how far, and whether it is finished for good."""
        self.lines = 0
        self.torn = 0
        self.more = False
