"""The end of a file of lines that a crash may have cut short."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

_BLOCK: Final = 64 * 1024


def cut_torn_end(fd: int, size: int, path: Path) -> int:
    """Move a half line at the end of a file into `<file>.torn`; give the file's size then.

    Args:
        fd: the file, open for reading and writing, with its lock held.
        size: its size.
        path: its name.

    Raises:
        OSError: the piece cannot be kept; it is left where it is.
    """
    if not size or os.pread(fd, 1, size - 1) == b"\n":
        return size
    end = _last_line_end(fd, size)
    _keep(_piece(fd, end, size), path.with_name(path.name + ".torn"))
    os.ftruncate(fd, end)
    return end


def _last_line_end(fd: int, size: int) -> int:
    """Where the last whole line ends; 0 when there is none."""
    stop = size
    while stop > 0:
        start = max(0, stop - _BLOCK)
        found = os.pread(fd, stop - start, start).rfind(b"\n")
        if found >= 0:
            return start + found + 1
        stop = start
    return 0


def _piece(fd: int, start: int, stop: int) -> bytes:
    parts = []
    while start < stop and (part := os.pread(fd, stop - start, start)):
        parts.append(part)
        start += len(part)
    return b"".join(parts)


def _keep(piece: bytes, path: Path) -> None:
    aside = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        rest = memoryview(piece + b"\n")
        while rest:
            rest = rest[os.write(aside, rest) :]
    finally:
        os.close(aside)
