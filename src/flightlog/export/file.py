"""A file that is there whole or not at all, whatever is written into it.

It is written beside its place and renamed. What is no file (a FIFO, a device) is written into, since whoever named
it wants the bytes to come out there.
"""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from flightlog.records.errors import BadQuestion


def check(path: Path, *, replace: bool) -> None:
    """Say before any work is done that a file may not be replaced.

    Raises:
        BadQuestion: there is something of that name and `replace` is False.
    """
    mode = _mode(path)
    if mode is not None and not replace:
        raise _occupied(path, mode)


def save(pieces: Iterable[bytes], path: Path, *, replace: bool = False) -> int:
    """Write a file that is there whole or not at all; give the number of its pieces.

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
            number = _write(pieces, stream.write)
            stream.flush()
            return number
    target = path.resolve() if replace else path
    with _beside(target) as temporary:
        with temporary.open("wb") as stream:
            number = _write(pieces, stream.write)
            stream.flush()
            if mode is not None:
                os.fchmod(stream.fileno(), stat.S_IMODE(mode))
            os.fsync(stream.fileno())
        if replace:
            temporary.replace(target)
        else:
            _put(temporary, target)
    return number


def _write(pieces: Iterable[bytes], write: Callable[[bytes], object]) -> int:
    number = 0
    for piece in pieces:
        write(piece)
        number += 1
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
