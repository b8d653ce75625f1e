"""Makes the next place that lines go to: a segment while there is room and a working disk, else memory.

All decisions about size and bounds are here, and none about who writes where: the first segment is small, each
later one twice as large up to `segment_bytes`, a longer line gets one that fits it; all journals of the home
together stay within `journal_bytes` (looked at only here, so a home may run over by one segment a process).
The directory is made with the first segment, at start or when the disk works again.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

from flightlog.journal.allocation import PAGE, REFUSED, bytes_used, round_up
from flightlog.journal.counters import Counters
from flightlog.journal.directory import COUNTERS_NAME, Directory, remove
from flightlog.journal.framing import frame
from flightlog.journal.mapped import Mapped
from flightlog.journal.memory import MEMORY_BYTES, Memory
from flightlog.journal.place import Place
from flightlog.journal.segment import File
from flightlog.journal.written import Written
from flightlog.records.cursor import Cursor
from flightlog.records.line import Line
from flightlog.settings import KIB, Settings

FIRST_BYTES: Final = 256 * KIB
"""Size of the first segment: a short program should not leave megabytes behind."""
LEAST_BYTES: Final = 64 * KIB
"""Less room than this is not worth a segment, unless the settings ask for smaller ones."""


class Supply:
    """Where a writer's segments come from."""

    __slots__ = (
        "_closed",
        "_head",
        "_messages",
        "_process_id",
        "_root",
        "_said",
        "_settings",
        "_size",
        "_spares",
        "_wait",
        "counters",
        "directory",
    )

    def __init__(
        self,
        root: Path,
        process_id: str,
        head: Line,
        settings: Settings,
        wait: Callable[[Place], bool],
    ) -> None:
        self._root = root
        self._process_id = process_id
        self._head = frame(head)
        self._settings = settings
        self._wait = wait if settings.overflow == "block" else None
        self._size = min(FIRST_BYTES, settings.segment_bytes)
        self._spares: deque[File] = deque()
        self._closed = False
        self._messages: deque[str] = deque()
        self._said: set[str] = set()
        self.counters = Counters()
        self.directory: Directory | None = None

    def place_after(self, before: Cursor, need: int, trouble: str = "") -> Place:
        """Make the place that follows `before`, with room for a record of `need` bytes.

        Never raises OSError: what the disk refuses is kept in memory, and said.

        Args:
            before: where the lines end so far; the new segment has the next number.
            need: bytes of the framed record that did not fit.
            trouble: why the last write failed, if it did; then memory is next, and not another file.
        """
        if self._closed:
            return self.closed(before)
        if self._settings.durability == "memory":
            return self._in_memory(before)
        try:
            segment = None if trouble else self.segment(before.segment + 1, need)
        except OSError as error:
            trouble = str(error)
        if trouble:
            self._note(
                "disk",
                f"{self._root} cannot be written ({trouble}); records wait in memory, "
                "and are lost if the program ends first",
            )
            return self._in_memory(before)
        return self._full(before) if segment is None else segment

    def segment(self, number: int, need: int) -> File | None:
        """Make a segment, or take the one made ahead; None when the journals are as large as they may be.

        Raises:
            OSError: the disk is full, gone, read-only, …
        """
        if self.directory is None:
            return self._settle(number, need)
        with suppress(IndexError):
            spare = self._spares.popleft()
            if not spare.is_there():
                spare.seal()
            elif spare.fits(need):
                spare.number = number
                return spare
            else:
                self.put_back(spare)
        return self._make(self.directory, number, need)

    def prepare(self) -> bool:
        """Make the next segment ahead of its need, populated; False when there is one, or no room for one."""
        if self._spares or self.directory is None or self._closed or not self.directory.mappable:
            return False
        try:
            spare = self._make(self.directory, 0, 0, populate=True)
        except OSError:
            return False  # whoever needs it will meet the same error, and say so
        if spare is None:
            return False
        self.put_back(spare)
        return True

    def put_back(self, place: Place) -> None:
        """Keep a segment that did not come into use for the next time."""
        if not isinstance(place, File):
            return
        if self._closed:
            place.seal()
            place.unlink()
        else:
            self._spares.append(place)

    def closed(self, before: Cursor) -> Memory:
        """Make the place where lines go after the end: dropped, and counted."""
        return Memory(
            before, room=0, kept=_nothing, dropped=lambda: self.counters.increment("lines_dropped_closed")
        )

    def spares(self) -> list[File]:
        """Return the segments made ahead."""
        return list(self._spares)

    def leave(self) -> None:
        """Let go of a directory that is gone; the next segment makes a new one."""
        directory, self.directory = self.directory, None
        while self._spares:
            self._spares.popleft().seal()
        if directory is not None:
            directory.let_go()

    def close(self) -> None:
        """Delete what was made ahead and make nothing more; the directory stays locked."""
        self._closed = True
        while self._spares:
            self.put_back(self._spares.popleft())

    def messages(self) -> list[str]:
        """Take what is to be said; by the caller, who holds no lock while saying it."""
        taken = []
        while self._messages:
            taken.append(self._messages.popleft())
        return taken

    def _settle(self, number: int, need: int) -> File | None:
        """Make the directory with its first segment, and show it to readers."""
        if self._affordable(need) is None:
            return None
        directory = Directory(self._root, self._process_id)
        try:
            segment = self._make(directory, number, need)
            if segment is not None:
                self.counters.keep_in(directory.path / COUNTERS_NAME, mapped=directory.mappable)
                segment.publish()
                directory.reveal()
                self.counters.moved(directory.path)
        except OSError:
            directory.let_go()
            remove(directory.path)
            raise
        if segment is None:
            directory.let_go()
            remove(directory.path)
            return None
        self.directory = directory
        return segment

    def _make(self, directory: Directory, number: int, need: int, *, populate: bool = False) -> File | None:
        size = self._affordable(need)
        if size is None:
            return None
        segment = self._file(directory, size, populate=populate)
        segment.number = number
        self._size = min(self._size * 2, self._settings.segment_bytes)
        return segment

    def _affordable(self, need: int) -> int | None:
        """Choose a size within the bound of the home."""
        wanted = max(self._size, round_up(len(self._head) + need))
        least = max(min(LEAST_BYTES, self._size), round_up(len(self._head) + need))
        room = self._settings.journal_bytes - bytes_used(self._root)
        if wanted <= room:
            return wanted
        return room // PAGE * PAGE if least <= room else None

    def _file(self, directory: Directory, size: int, *, populate: bool) -> File:
        if directory.mappable:
            try:
                return Mapped(directory, size, self._head, populate=populate)
            except OSError as error:
                if error.errno not in REFUSED:
                    raise
                directory.mappable = False
        return Written(directory, size, self._head)

    def _in_memory(self, before: Cursor) -> Memory:
        return Memory(
            before,
            room=MEMORY_BYTES,
            kept=lambda: self.counters.increment("lines_in_memory"),
            dropped=lambda: self.counters.increment("lines_dropped_full"),
        )

    def _full(self, before: Cursor) -> Memory:
        self._note(
            "full",
            f"the journals under {self._root} hold {self._settings.journal_bytes} bytes, which is the most "
            "they may (setting journal_bytes); new records are dropped and counted until they are indexed",
        )
        return Memory(
            before,
            room=0,
            kept=_nothing,
            dropped=lambda: self.counters.increment("lines_dropped_full"),
            wait=self._wait,
        )

    def _note(self, kind: str, message: str) -> None:
        """Remember something to say, once a kind."""
        if kind not in self._said:
            self._said.add(kind)
            self._messages.append(message)


def _nothing() -> None:
    """Keep no count: such a line is not kept in memory."""
