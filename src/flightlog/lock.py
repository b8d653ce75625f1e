"""A file that one process at a time may hold, for as long as it lives; and a way to ask the holder to step back.

`flock` belongs to the open file: it ends with the process however that dies, and two threads of one process
that open the file twice exclude each other as two processes do.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from types import TracebackType
from typing import Self


class FileLock:
    """An exclusive lock on a file that is made if need be."""

    __slots__ = ("_fd", "path")

    def __init__(self, path: Path) -> None:
        self.path = path
        self._fd = -1

    @property
    def held(self) -> bool:
        """Whether this object holds the lock."""
        return self._fd >= 0

    def acquire(self) -> bool:
        """Take the lock if nobody has it; never waits. False also when the file cannot be made."""
        return self.held or self._take(fcntl.LOCK_EX)

    def share(self) -> bool:
        """Take a share of the lock: any number may, while nobody holds it whole."""
        return self.held or self._take(fcntl.LOCK_SH)

    def release(self) -> None:
        """Give the lock up; harmless when it is not held."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def _take(self, how: int) -> bool:
        try:
            fd = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError:
            return False
        try:
            fcntl.flock(fd, how | fcntl.LOCK_NB)
        except OSError:
            os.close(fd)
            return False
        self._fd = fd
        return True

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.release()
