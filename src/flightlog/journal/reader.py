"""Reads a journal, of the living and of the dead alike, with the same code.

What is promised: every line that its owner's `write` acknowledged comes out, once, in the order of the
segments, whatever happened to the owner. It rests on three facts.

* A segment takes no more lines once its successor can be seen (`place.py`), and none once the owner is dead.
  Both are looked for *before* the segment is read. So a segment that was read to its end after that look is
  left behind with nothing missed, and until then the cursor stays on it, however many lines are elsewhere.
* The cursor moves over complete records, and over gaps that never will be: a gap in a dead owner's journal,
  or one in a living owner's journal that is older than a second. Each is counted as torn.
* A successor is looked for by its number; a listing, which can miss a file that is renamed meanwhile, only
  helps over numbers that are missing, and what it finds is checked for a nearer one.

Files may vanish at any moment (another indexer discarded them), and files that are not ours are ignored. What
cannot be read is counted, and skipped when there is something behind it.
"""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final, cast

from msgspec import Struct

from flightlog.codecs.lines import decode
from flightlog.journal.counters import read_counters
from flightlog.journal.directory import COUNTERS_NAME, remove, segment_name, segment_numbers
from flightlog.journal.framing import Stretch
from flightlog.journal.holding import held_from
from flightlog.journal.liveness import LOCK_NAME, Ownership, is_alive
from flightlog.journal.stretch import head, is_blank, look, look_fully, rest, written_until
from flightlog.records.cursor import Cursor
from flightlog.records.errors import BadRecord
from flightlog.records.line import Line
from flightlog.records.process import Process
from flightlog.settings import MIB

GAP_SECONDS: Final = 1.0
"""A gap in a living owner's journal that is older than this will not be filled any more."""

_LASTING: Final = frozenset({errno.EACCES, errno.EPERM, errno.EIO, errno.EISDIR, errno.ELOOP})
"""Errors that will be the same next time; any other may pass (too many open files, out of memory)."""


class Batch(Struct, frozen=True):
    """What one `read` found."""

    process: Process
    """Who wrote it. One whose process line is lost has the name of its directory, and no start."""
    lines: list[Line]
    """Complete lines, without frames and without process lines, in the order they were written."""
    cursor: Cursor
    """Where to go on."""
    torn: int = 0
    """Gaps that were stepped over: records that were cut short by the death of their writer."""
    unreadable: int = 0
    """Segments that could not be read (permission, a failing disk)."""
    end: bool = False
    """There is nothing more for now, and `lines` is empty."""
    dead: bool = False
    """There will never be more: the owner is dead and everything was read. Only together with `end`."""


class Journal:
    """One process's journal, seen from outside. An object belongs to one thread; it keeps no file open."""

    __slots__ = ("_clock", "_gap", "_looked", "_process", "path")

    def __init__(self, path: Path, clock: Callable[[], float] = time.monotonic) -> None:
        self.path = path
        self._clock = clock
        self._process: Process | None = None
        self._gap: tuple[Cursor, float] | None = None
        self._looked: float | None = None

    @property
    def process_id(self) -> str:
        """Name of the directory, which is the id of the process."""
        return self.path.name

    def alive(self) -> bool:
        """Say whether the owner lives; see `liveness.is_alive`."""
        return is_alive(self.path)

    def counters(self) -> dict[str, int]:
        """What the owner lost so far, by counter; empty when that is not known."""
        return read_counters(self.path / COUNTERS_NAME)

    def read(self, cursor: Cursor, limit_bytes: int = MIB) -> Batch:
        """Read on from `cursor`: about `limit_bytes` of lines, all from one segment.

        Reading the same cursor again gives the same lines, or more. A cursor that lies in a discarded segment
        goes on with the next one that exists. Never raises OSError.
        """
        try:
            return self._read(cursor, limit_bytes)
        except OSError:  # the directory itself cannot be looked into
            return self._finish(cursor, 0, 1, dead=False)

    def process(self) -> Process:
        """Who writes this journal, as the first segment with an intact head says."""
        if self._process is None:
            with suppress(OSError):
                for number in segment_numbers(self.path):
                    with suppress(OSError), self._opened(number) as fd:
                        if self._head_bytes(fd):
                            break
        return self._process or Process(process_id=self.process_id, started=0)

    def backlog(self, cursor: Cursor) -> int:
        """Estimate how many bytes lie behind `cursor`, frames included; costs no more than a few reads."""
        total = 0
        with suppress(OSError):
            for number in segment_numbers(self.path):
                if number >= cursor.segment:
                    offset = cursor.offset if number == cursor.segment else 0
                    total += self._bytes_behind(number, offset)
        return total

    def discard(self, upto: Cursor) -> bool:
        """Delete the segments wholly before `upto`; return whether the whole journal is gone.

        Segments that a living owner's own sinks still read stay (`holding.py`) until the next call.
        The directory goes as well when the owner is dead and nothing lies behind `upto`.
        """
        try:
            numbers = segment_numbers(self.path)
        except FileNotFoundError:
            return True
        except OSError:
            return False
        alive = self.alive()
        end = min(upto.segment, held_from(self.path)) if alive else upto.segment
        for number in numbers:
            if number < end:
                with suppress(OSError):
                    self._segment(number).unlink()
        return not alive and self._is_read(upto) and self._remove()

    def close(self) -> None:
        """Forget what is remembered of gaps. No handle is kept between two reads, so none is given back."""
        self._gap = self._looked = None

    def _read(self, cursor: Cursor, limit_bytes: int) -> Batch:
        alive = self.alive()
        torn = unreadable = 0
        while True:
            number = self._number_from(cursor.segment)
            if number is None:
                return self._finish(cursor, torn, unreadable, dead=not alive and self.path.is_dir())
            if number != cursor.segment:
                cursor = Cursor(number)
            following = self._number_from(number + 1)
            try:
                found = self._look(cursor, limit_bytes, alive=alive, whole=not alive or following is not None)
            except FileNotFoundError:  # another indexer was faster
                cursor = Cursor(number + 1)
                continue
            except OSError as error:
                unreadable += 1
                lasting = error.errno in _LASTING
                if following is None or not lasting:
                    return self._finish(cursor, torn, unreadable, dead=lasting and not alive)
                cursor = Cursor(following)
                continue
            torn += found.gaps
            cursor = Cursor(number, found.end)
            if found.lines:
                # They were redacted before they were written: only the gate's encoder makes what is written.
                lines = cast("list[Line]", found.lines)
                return Batch(self.process(), lines, cursor, torn, unreadable)
            if found.blocked or following is None:
                return self._finish(cursor, torn, unreadable, dead=not alive and not found.blocked)
            cursor = Cursor(following)

    def _finish(self, cursor: Cursor, torn: int, unreadable: int, *, dead: bool) -> Batch:
        return Batch(self.process(), [], cursor, torn, unreadable, end=True, dead=dead)

    def _segment(self, number: int) -> Path:
        return self.path / segment_name(number)

    @contextmanager
    def _opened(self, number: int) -> Iterator[int]:
        fd = os.open(self._segment(number), os.O_RDONLY | os.O_CLOEXEC)
        try:
            yield fd
        finally:
            os.close(fd)

    def _number_from(self, number: int) -> int | None:
        """Find the first segment with this number or a greater one.

        Raises:
            OSError: the directory cannot be looked into; that it is gone is no error.
        """
        if self._segment(number).exists():
            return number
        try:
            numbers = segment_numbers(self.path)
        except FileNotFoundError:
            return None
        found = next((other for other in numbers if other >= number), None)
        while found is not None and found > number and self._segment(found - 1).exists():
            found -= 1
        return found

    def _look(self, cursor: Cursor, limit_bytes: int, *, alive: bool, whole: bool) -> Stretch:
        """Read on within one segment.

        Raises:
            OSError: the segment cannot be opened or read.
        """
        with self._opened(cursor.segment) as fd:
            if cursor.offset == 0:
                cursor = Cursor(cursor.segment, self._head_bytes(fd))
            if not whole and is_blank(fd, cursor.offset) and not self._is_due():
                return Stretch([], cursor.offset)
            found = look(fd, cursor.offset, limit_bytes)
            if found is None:
                passes = self._passes(cursor) if alive else None
                found = look_fully(fd, cursor.offset, limit_bytes, passes=passes, whole=whole)
                self._remember(Cursor(cursor.segment, found.end), blocked=found.blocked)
            return found

    def _is_due(self) -> bool:
        """Say whether it is time to look behind the zeros at the tail of a living owner's segment.

        Once a second: that reads the rest of the segment, up to 8 MiB of zeros nearly always.
        """
        now = self._clock()
        if self._looked is not None and now - self._looked < GAP_SECONDS:
            return False
        self._looked = now
        return True

    def _passes(self, cursor: Cursor) -> int:
        """Say how many gaps may be stepped over: the one at the cursor, once it is old enough."""
        if self._gap is None or self._gap[0] != cursor:
            return 0
        return int(self._clock() - self._gap[1] >= GAP_SECONDS)

    def _remember(self, cursor: Cursor, *, blocked: bool) -> None:
        """Note when a gap was first seen."""
        if not blocked:
            self._gap = None
        elif self._gap is None or self._gap[0] != cursor:
            self._gap = (cursor, self._clock())

    def _head_bytes(self, fd: int) -> int:
        """Learn the process from a segment's head; return how long the head is, 0 if it is not one."""
        found = head(fd)
        if found is None:
            return 0
        try:
            record = decode(found[0])
        except BadRecord:
            return 0
        if not isinstance(record, Process):
            return 0
        self._process = record
        return found[1]

    def _bytes_behind(self, number: int, offset: int) -> int:
        with suppress(OSError), self._opened(number) as fd:
            return max(0, written_until(fd, offset) - offset)
        return 0

    def _is_read(self, upto: Cursor) -> bool:
        """Say whether nothing lies behind `upto`; not if that cannot be seen."""
        try:
            numbers = [number for number in segment_numbers(self.path) if number >= upto.segment]
            if numbers != [upto.segment]:
                return not numbers
            with self._opened(upto.segment) as fd:
                return not rest(fd, upto.offset)
        except OSError:
            return False

    def _remove(self) -> bool:
        """Delete the directory while holding its lock, so that nobody can come alive in it."""
        try:
            ownership = Ownership(self.path)
        except FileNotFoundError:
            return True
        except OSError:
            return False
        try:
            return remove(self.path)
        finally:
            ownership.let_go()


def journals(root: Path) -> list[Journal]:
    """List the journals under `root` by when their owners started, the oldest first.

    The time is that of the lock file, which is made first and never written. A directory with neither a lock
    nor a segment is not a journal; hidden ones are half made (`directory.sweep`).
    """
    try:
        with os.scandir(root) as entries:
            names = [entry.name for entry in entries if not entry.name.startswith(".") and entry.is_dir()]
    except OSError:
        return []
    found = [(started, name) for name in names if (started := _started(root / name)) is not None]
    return [Journal(root / name) for _, name in sorted(found)]


def backlog(root: Path, cursors: Mapping[str, Cursor]) -> int:
    """Estimate how many bytes of all journals are unread, frames included.

    Args:
        root: the directory of all journals.
        cursors: by process id, how far each was read; one that is absent was not read at all.
    """
    return sum(found.backlog(cursors.get(found.process_id, Cursor())) for found in journals(root))


def _started(path: Path) -> int | None:
    """Nanoseconds since 1970 by the file system's clock; None for what is no journal."""
    try:
        return (path / LOCK_NAME).stat().st_mtime_ns
    except PermissionError:
        return 0
    except OSError:
        pass
    try:
        return path.stat().st_mtime_ns if segment_numbers(path) else None
    except OSError:
        return None
