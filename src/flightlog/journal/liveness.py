"""Who is alive: a lock on a file says so, and the operating system lets go of it however the owner ends.

A pid proves nothing (it is reused, and means nothing in another container), so an owner holds `flock` on the
`lock` file of its journal. The lock belongs to the open file, not to the process: a forked child that closes
its copy of the descriptor leaves the parent's lock alone, and a program started by exec inherits nothing.
Nothing here ever asks for `LOCK_UN`, which would release the lock for both.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import Final

from flightlog.journal.descriptor import Descriptor

LOCK_NAME: Final = "lock"
"""Name of the lock file within a journal's directory."""


class Ownership:
    """The exclusive lock of a living owner on its journal."""

    __slots__ = ("_descriptor",)

    def __init__(self, directory: Path) -> None:
        """Make the lock file if need be, and lock it.

        Raises:
            OSError: it cannot be made, somebody else holds it, or the file system knows no locks.
        """
        fd = os.open(directory / LOCK_NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(fd)
            raise
        self._descriptor = Descriptor(fd)

    def is_held(self) -> bool:
        """Say whether the lock is still ours: a daemon closes every descriptor it finds."""
        return self._descriptor.is_ours()

    def is_in(self, directory: Path) -> bool:
        """Say whether the locked file is still the one that others find in `directory`."""
        try:
            return self._descriptor.is_on((directory / LOCK_NAME).stat())
        except (FileNotFoundError, NotADirectoryError):
            return False
        except OSError:
            return True

    def let_go(self) -> None:
        """Close the descriptor: the owner's way to die, and a forked child's duty."""
        self._descriptor.close()


def is_alive(directory: Path) -> bool:
    """Say whether the owner of this journal lives, by trying a shared lock on a descriptor of our own.

    No lock file means that nobody can hold it: dead. Where the answer cannot be had (no permission, no locks
    on this file system), the owner is taken for alive, because what is alive is never deleted.
    """
    try:
        fd = os.open(directory / LOCK_NAME, os.O_RDONLY | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return True
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    else:
        return False
    finally:
        os.close(fd)
