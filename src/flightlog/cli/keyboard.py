"""Keys as they are pressed, one at a time, from a terminal that is asked not to wait for a line."""

from __future__ import annotations

import os
import select
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

try:
    import termios
    import tty
except ImportError:  # not a Unix
    termios = tty = None  # type: ignore[assignment]  # asked for before anything else

_NAMES: Final = {
    b" ": "space",
    b"\x1b[C": "right",
    b"\x1bOC": "right",
    b">": "right",
    b"\x1b[D": "left",
    b"\x1bOD": "left",
    b"<": "left",
    b"\x03": "q",
    b"\x04": "q",
    b"Q": "q",
    b"\x1b": "q",
    b"=": "+",
    b"_": "-",
}
"""What a terminal sends for a key, and how that key is called; another one is called by its letter."""


def is_there() -> bool:
    """Whether keys can be read one at a time: standard input is a terminal that can be asked."""
    return bool(termios) and bool(sys.stdin) and sys.stdin.isatty()


@contextmanager
def pressed() -> Iterator[Keys]:
    """Read keys in this block; the terminal is as it was afterwards."""
    descriptor = sys.stdin.fileno()
    before = termios.tcgetattr(descriptor)
    tty.setcbreak(descriptor)
    try:
        yield Keys(descriptor)
    finally:
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)


class Keys:
    """The keys of one terminal."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._waiting: list[str] = []

    def next(self, seconds: float) -> str:
        """The next key, waited for no longer than this; empty when none is pressed, `q` when the terminal is gone."""
        if self._waiting:
            return self._waiting.pop(0)
        ready, _, _ = select.select([self._descriptor], [], [], max(0.0, seconds))
        if not ready:
            return ""
        data = os.read(self._descriptor, 64)
        if not data:
            return "q"
        self._waiting = list(_keys(data))
        return self._waiting.pop(0)


def _keys(data: bytes) -> Iterator[str]:
    """The keys in what came at once: a held key comes several times, an arrow as three bytes."""
    while data:
        size = 3 if data[:2] in (b"\x1b[", b"\x1bO") else 1
        head, data = data[:size], data[size:]
        yield _NAMES.get(head, head.decode("latin-1"))
