"""Record lines to a file or a stream, one a line, as the store gives them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO

from flightlog.export import file


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
        BadQuestion, OSError: as `file.save` does.
    """
    return file.save((line + b"\n" for line in lines), path, replace=replace)
