"""Lines made of parts that are drawn differently, broken where the room ends."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Final

from rich.cells import chop_cells

from flightlog.cli.render.cells import width
from flightlog.cli.render.terminal import Style, Terminal

Part = tuple[str, Style]
"""A piece of clean text and how it is drawn."""

_WORDS: Final = re.compile(r"\S+\s*|\s+")


def lines(parts: Iterable[Part], room: int, terminal: Terminal, most: int | None = None) -> list[str]:
    """The parts one behind the other, painted, on lines of at most so many cells; the first `most` of them."""
    return [_painted(line, terminal) for line in islice(_broken(parts, max(1, room)), most)]


def _broken(parts: Iterable[Part], room: int) -> Iterator[list[Part]]:
    line: list[Part] = []
    taken = 0
    for text, style in parts:
        for word in _words(text, room):
            needed = width(word.rstrip())
            if line and taken + needed > room:
                yield line
                line, taken = [], 0
            line.append((word, style))
            taken += width(word)
    if line:
        yield line


def _words(text: str, room: int) -> Iterator[str]:
    """Words with the blanks behind them; one that is wider than a line in pieces."""
    for word in _WORDS.findall(text):
        if width(word.rstrip()) <= room:
            yield word
        else:
            yield from chop_cells(word, room)


def _painted(line: Sequence[Part], terminal: Terminal) -> str:
    """One line; neighbours of one style are painted together, and blanks at its end are left out."""
    merged: list[Part] = []
    for text, style in line:
        if merged and merged[-1][1] == style:
            merged[-1] = (merged[-1][0] + text, style)
        else:
            merged.append((text, style))
    text, style = merged[-1]
    merged[-1] = (text.rstrip(), style)
    return "".join(terminal.paint(how, said) for said, how in merged)
