"""A file descriptor that remembers which file it was opened on.

A program may close descriptors that are not its own (daemons close every number they can) and the operating
system then gives the number to the program's next file. Closing, locking or writing by number alone would hit
that file, so whoever keeps a descriptor for long asks first.
"""

from __future__ import annotations

import os
from contextlib import suppress


class Descriptor:
    """An open descriptor and the identity of its file."""

    __slots__ = ("_identity", "number")

    def __init__(self, number: int) -> None:
        self.number = number
        self._identity = identity(os.fstat(number))

    def is_ours(self) -> bool:
        """Say whether the number still stands for the file it was opened on."""
        try:
            return self.is_on(os.fstat(self.number))
        except OSError:
            return False

    def is_on(self, found: os.stat_result) -> bool:
        """Say whether this is the file that it was opened on."""
        return identity(found) == self._identity

    def close(self) -> None:
        """Close it if it is still ours; closing twice is harmless."""
        number, owned = self.number, self.is_ours()
        self.number = -1
        if owned:
            with suppress(OSError):
                os.close(number)


def identity(found: os.stat_result) -> tuple[int, int]:
    """Tell a file from every other that exists at the same time."""
    return found.st_dev, found.st_ino
