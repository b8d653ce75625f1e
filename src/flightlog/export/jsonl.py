"""Record lines to a file or a stream, one a line, as the store gives them.

A file appears under its name when it is complete, or not at all: it is written beside its place and renamed.
What is no file (a FIFO, a device) is written into, since whoever named it wants the lines to come out there.
"""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from flightlog.records.errors import BadQuestion


def write(lines: Iterable[bytes], stream: BinaryIO) -> int:
    """Write each line with a line feed; give their number."""
    number = 0
    for line in lines:
        stream.write(line + b"\n")
        number += 1
    stream.flush()
    return number


def save(lines: Iterable[bytes], path: Path, *, replace: bool = False) -> int:
    """Write a file that is there whole or not at all; give the number of its lines.

    A new file is its owner's alone; one that is replaced keeps its mode. A symbolic link stays, and the file it
    names is replaced.

    Raises:
        BadQuestion: there is something of that name and `replace` is False; it is left as it was.
        OSError: the directory cannot be written, or the device.
    """
    mode = _mode(path)
    if mode is not None and not replace:
        raise _occupied(path, mode)
    if mode is not None and not stat.S_ISREG(mode):
        with open(os.open(path, os.O_WRONLY), "wb") as stream:  # noqa: PTH123  # no way to make a file of it
            return write(lines, stream)
    target = path.resolve() if replace else path
    with _beside(target) as temporary:
        with temporary.open("wb") as stream:
            number = write(lines, stream)
            if mode is not None:
                os.fchmod(stream.fileno(), stat.S_IMODE(mode))
            os.fsync(stream.fileno())
        if replace:
            temporary.replace(target)
        else:
            _put(temporary, target)
    return number


def _mode(path: Path) -> int | None:
    """Kind and permissions of what the name leads to; None when that is nothing."""
    try:
        return path.stat().st_mode
    except FileNotFoundError:
        return None


@contextmanager
def _beside(path: Path) -> Iterator[Path]:
    """An empty file in the directory of `path`, readable by its owner, gone afterwards unless renamed."""
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
    finally:
        temporary.unlink(missing_ok=True)


def _put(temporary: Path, path: Path) -> None:
    """Give a file its name without ever taking the name from another that came meanwhile."""
    try:
        path.hardlink_to(temporary)
    except FileExistsError:
        raise _occupied(path, stat.S_IFREG) from None
    except OSError:
        # No hard links on this file system; the check before is then all the protection there is.
        with suppress(FileNotFoundError):
            temporary.replace(path)


def _occupied(path: Path, mode: int) -> BadQuestion:
    if stat.S_ISREG(mode):
        return BadQuestion(f"{path} exists; give --force to replace it")
    return BadQuestion(f"{path} exists and is no regular file; give --force to write into it")
