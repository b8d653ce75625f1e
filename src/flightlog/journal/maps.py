"""Maps of files, and the descriptors that hang on them.

Before Python 3.13 a map keeps a copy of the descriptor that nobody can ask for, and closes it when it is closed
or collected. When the program has closed that number in the meantime and the system gave it to the program's
own file, closing the map closes that file. So a map whose descriptor is lost is kept until the process ends.
"""

from __future__ import annotations

import errno
import mmap
import sys
from typing import Final

_DISOWNED: Final[list[mmap.mmap]] = []


def map_file(fd: int, size: int) -> mmap.mmap:
    """Map a file for reading and writing, shared with whoever else maps or reads it.

    Raises:
        OSError: with ENODEV, whatever the reason (no maps on this file system, no address space left): the
            file can still be written instead.
    """
    try:
        if sys.version_info >= (3, 13):
            return mmap.mmap(fd, size, trackfd=False)
        return mmap.mmap(fd, size)
    except OSError as error:
        raise OSError(errno.ENODEV, f"cannot be mapped: {error}") from error


def disown(region: mmap.mmap) -> bool:
    """Never close this map, where closing it would close a descriptor; say whether that is so here."""
    if sys.version_info >= (3, 13):
        return False
    _DISOWNED.append(region)
    return True
