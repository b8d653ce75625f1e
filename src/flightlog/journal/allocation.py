"""Room on the disk: how it is taken, how much is taken already, and where it may be mapped.

A full disk must be an error and never a SIGBUS, so a file is fully allocated before it is mapped. That is a
promise only on file systems that write in place: btrfs, zfs and f2fs reserve space once more at the first
write to a page, network file systems and FUSE may lose a file under a map. So mapping is for the file systems
in `MAPPABLE`, and everything else gets the same bytes through `write(2)`.
"""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

MAPPABLE: Final = frozenset({"ext2", "ext3", "ext4", "xfs", "tmpfs", "ramfs", "overlay"})
"""File systems, as /proc/self/mountinfo names them, where an allocated page can always be written."""

PAGE: Final = 4096
"""Sizes are multiples of this many bytes."""

REFUSED: Final = frozenset({errno.EOPNOTSUPP, errno.ENOTSUP, errno.ENOSYS, errno.EINVAL, errno.ENODEV})
"""Error numbers that say "not on this file system" rather than "not now"."""

_BLOCK: Final = 65_536
_OCTAL: Final = re.compile(r"\\([0-7]{3})")
_MOUNTS: Final = Path("/proc/self/mountinfo")


def is_mappable(directory: Path) -> bool:
    """Say whether segments in `directory` can be allocated and mapped safely."""
    return hasattr(os, "posix_fallocate") and file_system(directory) in MAPPABLE


def file_system(directory: Path, mounts: Path = _MOUNTS) -> str:
    """Name the type of the file system that holds `directory`; empty when the system does not say."""
    try:
        text = mounts.read_text(encoding="utf-8", errors="surrogateescape")
        where = directory.resolve()
    except OSError:
        return ""
    found, depth = "", -1
    for point, kind in _mounts(text):
        # A later mount hides an earlier one at the same point, so equal depth replaces.
        if len(point.parts) >= depth and where.is_relative_to(point):
            found, depth = kind, len(point.parts)
    return found


def _mounts(text: str) -> Iterator[tuple[Path, str]]:
    """Yield mount point and type; see proc_pid_mountinfo(5) for the columns."""
    for row in text.splitlines():
        before, dash, after = row.partition(" - ")
        columns = before.split(" ")
        if dash and len(columns) >= 5:
            point = _OCTAL.sub(lambda match: chr(int(match[1], 8)), columns[4])
            yield Path(point), after.split(" ", 1)[0]


def allocate(path: Path, size: int) -> int:
    """Make a new file of `size` zero bytes, all of them on the disk, and return its descriptor.

    Raises:
        OSError: there is no room, or the file system refuses; no file is left behind.
    """
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        os.posix_fallocate(fd, 0, size)
    except BaseException:
        os.close(fd)
        path.unlink(missing_ok=True)
        raise
    return fd


def bytes_used(root: Path) -> int:
    """Add up the sizes of all files of all journals under `root`; what vanishes meanwhile counts nothing."""
    return sum(_sizes(root, depth=1))


def _sizes(directory: Path, depth: int) -> Iterator[int]:
    try:
        with os.scandir(directory) as entries:
            for entry in entries:
                try:
                    if entry.is_file(follow_symlinks=False):
                        yield entry.stat(follow_symlinks=False).st_size
                    elif depth and entry.is_dir(follow_symlinks=False):
                        yield from _sizes(Path(entry.path), depth - 1)
                except OSError:
                    continue
    except OSError:
        return


def end_of_data(fd: int, size: int) -> int:
    """Find where the data of a zero-filled file ends, reading backwards over the zeros."""
    position = size
    while position > 0:
        start = max(0, position - _BLOCK)
        rest = os.pread(fd, position - start, start).rstrip(b"\0")
        if rest:
            return start + len(rest)
        position = start
    return 0


def round_up(size: int) -> int:
    """Round up to whole pages."""
    return -(-size // PAGE) * PAGE
