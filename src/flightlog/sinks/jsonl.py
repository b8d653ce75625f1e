"""The JSONL sink: a file of lines that any program reads line by line, in several processes at once.

The file is held open and every batch is one write under a lock that all processes honour, so writers never
tear each other's lines. The same lock makes it safe to look at the end of the file first: a half line that a
crash left there is moved to `<file>.torn` and never glued to the next one. A batch that does not fit on the
disk is taken back whole, and comes again.

When the file is full (or old) it is renamed to `<name>.<UTC time><ending>` and compressed; another process
that still has it open notices and follows. Where the name is a symbolic link, all this happens to the file that
it leads to, where that lies; the link stays. Files are their owner's alone (0600).

A device or a FIFO (`/dev/stdout`) is written to as it is: no lock, no look at its end, no rotation.
"""

from __future__ import annotations

import fcntl
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from flightlog.records.errors import BadQuestion
from flightlog.settings import MIB
from flightlog.sinks.port import Batch
from flightlog.sinks.rotation import Rotation, name_aside
from flightlog.sinks.torn import cut_torn_end

_STREAMS: Final = ("/dev/", "/proc/")
_TRIES: Final = 100


class JsonLines:
    """Appends lines to a file."""

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        rotate_bytes: int = 64 * MIB,
        rotate_seconds: float = 0.0,
        keep: int = 5,
        compress: str = "zstd",
    ) -> None:
        """Prepare; the file is opened, and its directory made, when the first lines come.

        Args:
            path: the file. `~` is the user's home, and `{pid}` the number of the process, for those who want
                a file each.
            rotate_bytes: a file that would grow beyond this is put aside first; 0 for never.
            rotate_seconds: as is one whose first line is older than this; 0 for never.
            keep: how many files that were put aside are kept.
            compress: `zstd`, `gzip` or `none`.

        Raises:
            ValueError: `keep` is less than 1, or there is no such compression.
        """
        name = Path(path)
        with suppress(RuntimeError):  # there is no such user; then the name is meant as it stands
            name = name.expanduser()
        self._name = str(name.absolute())
        self._rotation = Rotation(rotate_bytes, rotate_seconds, keep, compress)
        self._path = self._file = self._named()
        self._fd = -1
        self._identity = (0, 0)
        self.torn = 0
        """Half lines of an earlier crash that were moved out of the way."""

    @property
    def path(self) -> Path:
        """The file, by the name that was given for it."""
        return self._path

    def append(self, batch: Batch, /) -> None:
        """Write the lines at the end of the file, all of them or none.

        Raises:
            OSError: the file cannot be written, or the disk is full.
            BadQuestion: there is a file of that name which holds something else.
        """
        if not batch:
            return
        data = b"\n".join(batch) + b"\n"
        if self._is_stream():
            self._write(data)
            return
        if self._write_unless_full(data):
            return
        while not self._write_unless_full(data):
            pass
        self._rotation.tidy(self._file)

    def flush(self, timeout: float, /) -> bool:  # noqa: ARG002 - nothing waits here
        """Nothing waits here: what was appended is in the file. Whether a power cut spares it is the system's."""
        return True

    def close(self) -> None:
        """Close the file; the next lines open it again."""
        fd, self._fd = self._fd, -1
        if fd >= 0 and _identity(fd) == self._identity:  # else the program closed it, and uses the number
            os.close(fd)

    def forked(self) -> None:
        """Open the file anew: a lock on an inherited descriptor would be the parent's."""
        self.close()
        self._path = self._named()

    def _named(self) -> Path:
        return Path(self._name.replace("{pid}", str(os.getpid())))

    def _is_stream(self) -> bool:
        """Whether this is written to as it is; then it is opened."""
        if self._fd < 0 or _identity(self._fd) != self._identity:
            if not str(self._path).startswith(_STREAMS):
                with suppress(OSError):
                    return not stat.S_ISREG(self._path.stat().st_mode) and self._opened(os.O_WRONLY)
                return False
            return self._opened(os.O_WRONLY)
        return str(self._path).startswith(_STREAMS) or not stat.S_ISREG(os.fstat(self._fd).st_mode)

    def _opened(self, flags: int) -> bool:
        """Open the path; True."""
        self._fd = os.open(self._path, flags | os.O_APPEND | os.O_CLOEXEC, 0o600)
        self._identity = _identity(self._fd)
        return True

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Hold the lock of the file that has the name at this moment."""
        for _ in range(_TRIES):
            if self._fd < 0 or _identity(self._fd) != self._identity:
                self._file = Path(os.path.realpath(self._path))
                self._file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                self._opened(os.O_RDWR | os.O_CREAT)
            with suppress(OSError):  # a file system without locks: then O_APPEND is all there is
                fcntl.flock(self._fd, fcntl.LOCK_EX)
            if self._is_current():
                break
            self.close()
        fd = self._fd
        try:
            yield
        finally:
            if fd == self._fd:
                with suppress(OSError):
                    fcntl.flock(fd, fcntl.LOCK_UN)

    def _write_unless_full(self, data: bytes) -> bool:
        """Write all of it; or put a full file aside, and say False."""
        with self._locked():
            size = self._mended_size()
            if not self._rotation.is_due(self._fd, size, len(data)):
                self._write_whole(data, size)
                return True
            self._file.rename(name_aside(self._file))
        self.close()
        return False

    def _is_current(self) -> bool:
        """Whether the name still leads to the file that is open."""
        try:
            found = self._path.stat()
        except FileNotFoundError:
            return False
        return (found.st_dev, found.st_ino) == self._identity

    def _mended_size(self) -> int:
        """Bytes in the file, once a half line at its end is out of the way."""
        size = os.fstat(self._fd).st_size
        if size and os.pread(self._fd, 1, 0) != b"{":
            raise BadQuestion(f"{self._path} holds something else than JSON lines, and is left alone")
        cut = cut_torn_end(self._fd, size, self._file)
        self.torn += cut < size
        return cut

    def _write_whole(self, data: bytes, size: int) -> None:
        """Write all of it, or take back what was written."""
        try:
            self._write(data)
        except OSError:
            with suppress(OSError):
                os.ftruncate(self._fd, size)
            raise

    def _write(self, data: bytes) -> None:
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(self._fd, rest) :]


def _identity(fd: int) -> tuple[int, int]:
    try:
        found = os.fstat(fd)
    except OSError:
        return (0, 0)
    return found.st_dev, found.st_ino
