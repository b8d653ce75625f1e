"""Standard error, as a sink needs it: what it can show, and how a text gets there without harming the program.

The program may close it, replace it, or leave it to a reader that went away. A text goes to the descriptor
itself in pieces that a pipe takes whole, so that lines do not mix with the program's own, and no lock of
Python's is held while the reader is slow: a thread that died with such a lock would bring the whole program
down at its exit.
"""

from __future__ import annotations

import errno
import os
import select
import sys
from collections.abc import Iterator
from contextlib import suppress
from typing import Final

from msgspec import Struct

_PIECE: Final = 4096
"""`PIPE_BUF` of Linux: as much as a pipe takes without anything in between."""
_STEP: Final = 0.5
_GONE: Final = frozenset({errno.EPIPE, errno.EBADF, errno.EIO, errno.ENXIO})
CODES: Final = {
    "bold": "1",
    "dim": "2",
    "red": "31",
    "green": "32",
    "yellow": "33",
    "magenta": "35",
    "cyan": "36",
    "alarm": "1;31",
}
"""Colours that every theme defines and that read on light and on dark; the background is never touched."""


class Look(Struct, frozen=True):
    """What a stream can show."""

    colour: bool = False
    unicode: bool = True
    width: int = 0
    """Cells of the terminal; 0 where there is none, and nothing is cut."""

    def paint(self, style: str, text: str) -> str:
        """Put a style on a text."""
        return f"\x1b[{CODES[style]}m{text}\x1b[0m" if self.colour and style and text else text

    def readable(self, text: str) -> str:
        """The text in letters that the stream has."""
        return text if self.unicode else text.encode("ascii", "backslashreplace").decode("ascii")


def look() -> Look:
    """Look at standard error as it is now; `NO_COLOR` and `TERM=dumb` are honoured."""
    stream = sys.stderr
    try:
        is_terminal = stream.isatty()
        unicode = (stream.encoding or "").lower().replace("-", "").startswith("utf")
    except (AttributeError, ValueError):  # there is none, or it is closed
        return Look()
    plain = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
    width = 0
    if is_terminal:
        with suppress(OSError, ValueError):
            width = os.get_terminal_size(stream.fileno()).columns
    return Look(colour=is_terminal and not plain, unicode=unicode, width=width)


def put(text: str) -> bool:
    """Write whole lines to standard error; False when there is nobody to read them any more.

    Raises:
        OSError: it failed for another reason, after some lines perhaps.
    """
    stream = sys.stderr
    if stream is None or getattr(stream, "closed", False):
        return False
    try:
        fd = stream.fileno()
    except (AttributeError, OSError, ValueError):  # a stand-in: a test's, a notebook's
        return _put_into(stream, text)
    try:
        for piece in _pieces(text.encode("utf-8", "backslashreplace")):
            _write(fd, piece)
    except OSError as error:
        if error.errno in _GONE:
            return False
        raise
    return True


def _put_into(stream: object, text: str) -> bool:
    try:
        stream.write(text)  # type: ignore[attr-defined]  # whatever stands for standard error has it
    except (AttributeError, ValueError):
        return False
    return True


def _pieces(data: bytes) -> Iterator[memoryview]:
    """Runs of whole lines, as long as a pipe takes at once; a longer line by itself."""
    whole = memoryview(data)
    start = 0
    while start < len(data):
        end = data.rfind(b"\n", start, start + _PIECE) + 1
        if not end:
            end = data.find(b"\n", start) + 1 or len(data)
        yield whole[start:end]
        start = end


def _write(fd: int, piece: memoryview) -> None:
    while piece:
        try:
            piece = piece[os.write(fd, piece) :]
        except BlockingIOError:  # the program made it so
            select.select([], [fd], [], _STEP)
