"""What every segment is: a file that gets its number when it comes into use.

There are two kinds. `mapped.py` is the hot path, for file systems where an allocated page can always be
written; `written.py` sends the same bytes through `write(2)` everywhere else. Both make their file under a
hidden name with the process line in it, so a reader never meets a segment without one.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from flightlog.journal.descriptor import identity
from flightlog.journal.directory import Directory, segment_name
from flightlog.journal.place import Place


class File(Place):
    """What both kinds of segment share: a file that gets its number when it comes into use."""

    __slots__ = ("_directory", "_identity", "_name", "size")

    size: int
    """Bytes that the file may grow to, or that it has."""

    def __init__(self, directory: Directory, size: int) -> None:
        super().__init__(number=0)
        self._directory = directory
        self._name = directory.spare_name()
        self._identity = (0, 0)
        self.size = size

    @property
    def path(self) -> Path:
        """Where the file is now."""
        return self._directory.path / self._name

    def publish(self) -> None:
        """Give the file its number, unless it has it; two threads may try at once."""
        name, hidden = segment_name(self.number), self.path
        if hidden.name == name:
            return
        final = self._directory.path / name
        if final.exists() and hidden.exists():
            raise FileExistsError(final)
        try:
            hidden.rename(final)
        except FileNotFoundError:
            if not final.exists():
                raise
        self._name = name

    def identify(self, fd: int) -> None:
        """Remember which file this is, by a descriptor that was just opened on it."""
        self._identity = identity(os.fstat(fd))

    def is_there(self) -> bool:
        """Say whether the file still has its name; another thread may be changing that name right now."""
        for name in (self._name, segment_name(self.number)):
            try:
                if identity((self._directory.path / name).stat()) == self._identity:
                    return True
            except (FileNotFoundError, NotADirectoryError):
                continue
            except OSError:
                return True
        return False

    def fits(self, need: int) -> bool:
        """Say whether `need` more bytes have room."""
        raise NotImplementedError

    def sync(self) -> None:
        """Write dirty pages to the disk; on Linux that includes those dirtied through a map."""
        try:
            fd = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return
        try:
            os.fdatasync(fd)
        finally:
            os.close(fd)

    def unlink(self) -> None:
        """Delete the file of a segment that never came into use."""
        with suppress(OSError):
            self.path.unlink()
