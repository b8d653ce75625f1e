"""A segment that grows by `write(2)`: slower by a system call a record, and safe on any file system.

On a network file system or FUSE a file may vanish under a map, and btrfs or zfs may refuse room for a page
that was allocated before; a program that touches such a page is killed. A write merely fails.
"""

from __future__ import annotations

import errno
import os
import threading

from flightlog.journal.descriptor import Descriptor
from flightlog.journal.directory import Directory
from flightlog.journal.segment import File
from flightlog.records.cursor import Cursor


class Written(File):
    """A segment that grows by `write(2)` in append mode."""

    __slots__ = ("_depth", "_descriptor", "_limit", "_lock", "_retired")

    def __init__(self, directory: Directory, size: int, head: bytes) -> None:
        """Make the file and write the framed process line `head`.

        Args:
            directory: the journal it belongs to.
            size: bytes to which it may grow.
            head: first record of the segment.

        Raises:
            OSError: the file cannot be made or written.
        """
        super().__init__(directory, size=0)
        self._limit = size
        self._lock = threading.RLock()
        self._depth = 0
        self._retired = False
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        self._descriptor = Descriptor(os.open(self.path, flags, 0o600))
        self.identify(self._descriptor.number)
        try:
            _write_whole(self._descriptor.number, head)
        except OSError:
            self.abandon()
            self.unlink()
            raise
        self.size = len(head)
        self.append = self._write

    def _write(self, data: bytes) -> None:
        """Append one record with one system call.

        The lock is re-entrant and held over the call, so a place is not retired under a writer. A signal
        handler that records within the call goes over the limit rather than on to a successor. Only when its
        own write fails does it retire the place under the other, which then goes to the successor, and may
        have been written twice; that changes nothing downstream.
        """
        with self._lock:
            if self._retired or (not self._depth and self.size + len(data) > self._limit):
                raise ValueError("retired or full")
            self._depth += 1
            try:
                self._send(data)
            finally:
                self._depth -= 1
            if self.trouble or self._retired:
                raise ValueError(self.trouble)

    def _send(self, data: bytes) -> None:
        try:
            written = os.write(self._descriptor.number, data)
        except OSError as error:
            self.trouble = str(error)
            return
        self.size += written
        if written != len(data):
            self.trouble = os.strerror(errno.ENOSPC)

    def fits(self, need: int) -> bool:
        """Say whether `need` more bytes stay within the limit."""
        return self.size + need <= self._limit

    def retire(self) -> None:
        """Refuse every later record."""
        with self._lock:
            self._retired = True

    def position(self) -> Cursor:
        """Where the next line would go, or where the lines end."""
        return Cursor(self.number, self.size)

    def seal(self) -> None:
        """Close the descriptor; the file is as long as its data already."""
        self.retire()
        with self._lock:
            self.abandon()

    def abandon(self) -> None:
        """Close this process's descriptor; the parent's stays as it is."""
        self._descriptor.close()

    def is_sound(self) -> bool:
        """Say whether the descriptor is still ours."""
        return self._descriptor.is_ours()


def _write_whole(fd: int, data: bytes) -> None:
    if os.write(fd, data) != len(data):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
