"""Bytes that a child process writes, as lines: bounded, decoded, as they would stand on a terminal in the end.

A line that is written over (a progress bar moves back with a carriage return) is the last thing that stood there,
and so is a letter over which another is written with a backspace. Escape sequences are left out, and so are the
other characters that a terminal does not show, which could cut a secret in two. What is no UTF-8 is replaced letter by
letter. A private key that is printed line by line is no secret in any single line, so it is taken out here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

LINE_BYTES: Final = 8 * 1024
"""Bytes of one line that are kept."""
OVERLAP: Final = 4 * 1024
"""Bytes behind them that are looked at, so that no secret is cut in two before it was seen."""
KEY: Final = "[REDACTED]"

_ESCAPES: Final = re.compile(
    r"\x1b(?:\[[0-?]{0,64}[ -/]{0,8}[@-~]|\][^\x07\x1b]{0,4096}(?:\x07|\x1b\\)|[PX^_][^\x1b]{0,4096}\x1b\\|[@-Z\\-_])"
)
"""ECMA-48: control sequences, strings and single escapes."""
_UNSHOWN: Final = re.compile(r"[\x00-\x07\x0b\x0c\x0e-\x1a\x1c-\x1f\x7f]+")
"""Characters that take no place: all controls but tab, escape, and what is obeyed here."""
_KEY_BEGINS: Final = re.compile(r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY")
_KEY_ENDS: Final = "-----END "


class Lines:
    """Takes pieces of a stream in order, and gives its lines."""

    __slots__ = ("_in_key", "_kept", "_length", "_returned")

    def __init__(self) -> None:
        self._kept = bytearray()
        self._length = 0
        self._returned = False
        """Whether the last byte was a carriage return: what follows overwrites the line, unless it is its end."""
        self._in_key = False

    def feed(self, data: bytes) -> Iterator[tuple[str, int]]:
        """Take a piece; gives each line that it ends, with the number of its bytes that are not in it."""
        start = 0
        while (end := data.find(b"\n", start)) >= 0:
            self._add(data[start:end])
            yield self._line()
            start = end + 1
        self._add(data[start:])

    def skip(self, data: bytes) -> None:
        """Leave out whole lines; whether a key begins or ends in them is noticed all the same."""
        begins, ends = data.rfind(b"PRIVATE KEY"), data.rfind(_KEY_ENDS.encode())
        if begins >= 0 or ends >= 0:
            self._in_key = data.rfind(b"-----BEGIN ") > ends

    def end(self) -> Iterator[tuple[str, int]]:
        """Give the last line if it has no end."""
        if self._length:
            yield self._line()

    def _add(self, part: bytes) -> None:
        if not part:
            return
        returned = part.endswith(b"\r")
        body = part.rstrip(b"\r")
        if body:
            over = body.rfind(b"\r")
            if self._returned or over >= 0:
                self._kept.clear()
                self._length = 0
            shown = body[over + 1 :]
            self._kept += shown[: max(0, LINE_BYTES + OVERLAP - len(self._kept))]
            self._length += len(shown)
        self._returned = returned

    def _line(self) -> tuple[str, int]:
        kept, length = bytes(self._kept), self._length
        self._kept.clear()
        self._length, self._returned = 0, False
        text = _ESCAPES.sub("", kept.decode("utf-8", "replace"))
        if not text.isprintable():
            text = _written_over(_UNSHOWN.sub("", text))
        return self._without_key(text), max(0, length - LINE_BYTES)

    def _without_key(self, text: str) -> str:
        begins = _KEY_BEGINS.search(text)
        if begins is None and not self._in_key:
            return text
        end = text.find(_KEY_ENDS, 0 if begins is None else begins.end())
        self._in_key = end < 0
        if begins is None:
            return KEY
        return text[: begins.start()] + KEY


def _written_over(text: str) -> str:
    """What stands there once each backspace has moved back by a letter and what follows was written from there."""
    first, *rest = text.split("\b")
    letters, place = list(first), len(first)
    for part in rest:
        place = max(place - 1, 0)
        letters[place : place + len(part)] = part
        place += len(part)
    return "".join(letters)
