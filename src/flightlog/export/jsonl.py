"""Record lines to a file or a stream, one a line, as the store gives them.

A file appears under its name when it is complete, or not at all: it is written beside its place and renamed.
"""

from __future__ import annotations

import os
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

    Raises:
        BadQuestion: there is a file of that name and `replace` is False; it is left as it was.
        OSError: the directory cannot be written.
    """
    if path.exists() and not replace:
        raise _occupied(path)
    with _beside(path) as temporary:
        with temporary.open("wb") as stream:
            number = write(lines, stream)
            os.fsync(stream.fileno())
        if replace:
            temporary.replace(path)
        else:
            _put(temporary, path)
    return number


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
        raise _occupied(path) from None
    except OSError:
        # No hard links on this file system; the check before is then all the protection there is.
        with suppress(FileNotFoundError):
            temporary.replace(path)


def _occupied(path: Path) -> BadQuestion:
    return BadQuestion(f"{path} exists; give --force to replace it")
