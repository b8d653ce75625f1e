"""A segment that is mapped: the hot path.

`append` is the map's own `write`, one C call that reserves and copies under the interpreter lock, so records
never overlap, nothing is half reserved, and no system call is made.

A map is never cut short while it is mapped (touching a page beyond the end of a file is a SIGBUS): `seal`
unmaps first, which makes every later `append` raise, and truncates by name afterwards. By name also because a
descriptor may have been closed and reused by the program by then.
"""

from __future__ import annotations

import mmap
import os
import time
from contextlib import suppress
from pathlib import Path
from typing import Final

from flightlog._speed.presence import ENGINE
from flightlog.journal.allocation import REFUSED, allocate, end_of_data
from flightlog.journal.directory import Directory
from flightlog.journal.maps import disown, map_file
from flightlog.journal.segment import File
from flightlog.records.cursor import Cursor

_UNMAP_STEP: Final = 1 << 20
"""Bytes given back at a time: unmapping holds the interpreter lock, about 70 µs a step."""


class Mapped(File):
    """A fully allocated, zero-filled, mapped segment."""

    __slots__ = ("_disowned", "_end", "_map", "_pen")

    def __init__(self, directory: Directory, size: int, head: bytes, *, populate: bool = False) -> None:
        """Make the file, map it, and write the framed process line `head`.

        Args:
            directory: the journal it belongs to.
            size: bytes to allocate; at least as long as `head`.
            head: first record of the segment.
            populate: touch every page, which takes a millisecond a MiB without the interpreter lock.

        Raises:
            OSError: no room, or the file system refuses (an error number in `REFUSED`).
        """
        super().__init__(directory, size)
        fd = allocate(self.path, size)
        try:
            self.identify(fd)
            self._map = map_file(fd, size)
            if populate:
                _populate(self._map)
        except OSError:
            self.unlink()
            raise
        finally:
            os.close(fd)
        self._end = 0
        self._disowned = False
        self._pen = self._map if ENGINE is None else ENGINE.Region(self._map)
        self._pen.write(head)
        self.append = self._pen.write

    def fits(self, need: int) -> bool:
        """Say whether `need` more bytes have room."""
        return self._pen.tell() + need <= self.size

    def is_half_full(self) -> bool:
        """Say whether it is time to make the next one."""
        try:
            return self._pen.tell() * 2 >= self.size
        except ValueError:
            return True

    def retire(self) -> None:
        """Move the write position to the end, after which nothing fits."""
        with suppress(ValueError):
            self._pen.seek(0, os.SEEK_END)

    def position(self) -> Cursor:
        """Where the next line would go, or where the lines end."""
        try:
            here = self._pen.tell()
            end = self._map.rfind(b"\n", 0) + 1 if here == self.size else here
        except ValueError:  # sealed, maybe just now by another thread
            end = self._end
        return Cursor(self.number, end)

    def seal(self) -> None:
        """Unmap, then cut the file to its data."""
        self.retire()
        self._end = self.position().offset
        if self._disowned:
            return
        self._put_down()
        with suppress(ValueError):
            _unmap(self._map)
        with suppress(OSError):
            _cut(self.path, self.size)

    def abandon(self) -> None:
        """Unmap in this process; the parent's map and file stay as they are."""
        self._put_down()
        self._map.close()

    def _put_down(self) -> None:
        """Append no more, so that the map can be unmapped."""
        if self._pen is not self._map:
            self._pen.close()

    def disown(self) -> None:
        """Never unmap: that would close a descriptor of the program's."""
        if not self._disowned:
            self._disowned = disown(self._map)


def _populate(region: mmap.mmap) -> None:
    """Let the kernel fill every page with zeros: the faults happen in it, without the interpreter lock."""
    try:
        zeros = os.open("/dev/zero", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return
    try:
        with memoryview(region) as view:
            done = 0
            while done < len(view):
                done += os.readv(zeros, [view[done:]])
    except OSError as error:
        if error.errno not in REFUSED:
            raise
    finally:
        os.close(zeros)


def _unmap(region: mmap.mmap) -> None:
    """Give the pages back in steps, letting other threads run in between, then close.

    Closing at once holds the interpreter lock for about 600 µs per 8 MiB.
    """
    for start in range(0, len(region), _UNMAP_STEP):
        with suppress(OSError):
            region.madvise(mmap.MADV_DONTNEED, start, min(_UNMAP_STEP, len(region) - start))
        time.sleep(0)
    region.close()


def _cut(path: Path, size: int) -> None:
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        end = end_of_data(fd, size)
    finally:
        os.close(fd)
    os.truncate(path, end)
