"""The layout of a journal on the disk, and how its directory comes into being.

    <home>/journal/<process_id>/lock            held by the owner as long as it lives
                                counters        what was lost
                                hold            the segment that the owner's own sinks are at
                                00000001.seg    segments, read in the order of their numbers
                                .3.seg          a segment made ahead, not in use yet

The directory is made under a hidden name, locked, and given its first segment before it is renamed into
place: no reader ever meets a living journal without a lock. Directories have mode 0700, files 0600.
"""

from __future__ import annotations

import itertools
import os
import time
from contextlib import suppress
from pathlib import Path
from typing import Final

from flightlog.journal.allocation import is_mappable
from flightlog.journal.holding import HOLD_NAME
from flightlog.journal.liveness import LOCK_NAME, Ownership, is_alive

COUNTERS_NAME: Final = "counters"
"""Name of the counters' file within a journal's directory."""
STALE_SECONDS: Final = 3600.0
"""A hidden directory that nobody holds is swept away when it is older than this."""

_MAKINGS: Final = itertools.count(1)
"""So that a making that was interrupted half way never stands in the way of the next."""
_SUFFIX: Final = ".seg"
_DIGITS: Final = 8


def segment_name(number: int) -> str:
    """Name the file of a segment."""
    return f"{number:0{_DIGITS}}{_SUFFIX}"


def segment_number(name: str) -> int | None:
    """Read the number of a segment off its file's name; None for any other file."""
    digits = name.removesuffix(_SUFFIX)
    if digits == name or len(digits) < _DIGITS or not (digits.isascii() and digits.isdigit()):
        return None
    return int(digits)


def segment_numbers(directory: Path) -> list[int]:
    """List the segments of a journal by number.

    Raises:
        OSError: the directory is gone or cannot be read.
    """
    with os.scandir(directory) as entries:
        found = (segment_number(entry.name) for entry in entries)
        return sorted(number for number in found if number is not None)


class Directory:
    """The directory of a living owner, with the lock on it."""

    __slots__ = ("_final", "_ownership", "_spares", "mappable", "path")

    def __init__(self, root: Path, process_id: str) -> None:
        """Make the directory under its hidden name, and lock it.

        Raises:
            OSError: any of that failed; nothing is left behind.
        """
        root.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.path = root / f".{process_id}.{next(_MAKINGS)}"
        self._final = root / process_id
        self._spares = itertools.count(1)
        self.path.mkdir(mode=0o700)
        try:
            self._ownership = Ownership(self.path)
        except OSError:
            remove(self.path)
            raise
        self.mappable = is_mappable(self.path)
        """Whether segments can be allocated and mapped here; set to False when that turns out wrong."""

    def spare_name(self) -> str:
        """Name a file for a segment that has no number yet."""
        return f".{next(self._spares)}{_SUFFIX}"

    def reveal(self) -> None:
        """Rename into place; from now on readers see it.

        Raises:
            OSError: there is such a journal already, or the file system refuses.
        """
        self.path.rename(self._final)
        self.path = self._final

    def is_locked(self) -> bool:
        """Say whether the descriptor that carries our lock is still ours."""
        return self._ownership.is_held()

    def is_there(self) -> bool:
        """Say whether readers still find the lock that we hold."""
        return self._ownership.is_in(self.path)

    def has_lock_file(self) -> bool:
        """Say whether there is a lock file to take."""
        return (self.path / LOCK_NAME).exists()

    def lock_again(self) -> None:
        """Take the lock anew, after somebody closed our descriptor.

        Raises:
            OSError: somebody else holds it at this moment.
        """
        self._ownership = Ownership(self.path)

    def sync(self) -> None:
        """Make the names of new segments survive a power cut.

        Raises:
            OSError: the directory is gone, or the disk failed.
        """
        for path in (self.path, self.path.parent):
            fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                os.fsync(fd)
            finally:
                os.close(fd)

    def let_go(self) -> None:
        """Give up the lock: the owner ends, or this is a forked child and never was the owner."""
        self._ownership.let_go()


def remove(directory: Path) -> bool:
    """Delete a journal's files and directory; foreign files, and so the directory, are left alone.

    The lock goes last, so that a half-deleted journal of a dead owner is still seen to be one.
    """
    with suppress(OSError):
        ours = sorted(path for path in directory.iterdir() if path.name.endswith(_SUFFIX))
        for path in (*ours, directory / COUNTERS_NAME, directory / HOLD_NAME, directory / LOCK_NAME):
            path.unlink(missing_ok=True)
        directory.rmdir()
    return not directory.exists()


def sweep(root: Path, *, older_than: float = STALE_SECONDS) -> int:
    """Delete half-made directories whose makers died, and return how many.

    Args:
        root: the directory of all journals.
        older_than: seconds; a younger one may belong to a maker that has not locked it yet.
    """
    try:
        hidden = [path for path in root.iterdir() if path.name.startswith(".") and path.is_dir()]
    except OSError:
        return 0
    return sum(remove(path) for path in hidden if _is_stale(path, older_than))


def _is_stale(path: Path, older_than: float) -> bool:
    try:
        # The wall clock, because it is compared with what the file system wrote.
        age = time.time() - path.stat().st_mtime
    except OSError:
        return False
    return age > older_than and not is_alive(path)
