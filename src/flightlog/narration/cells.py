"""How wide a text is on a terminal, and how it is cut and filled to a width, with the standard library alone.

A cell is the width of one Latin letter. Wide letters and emoji take two; combining marks, joiners, and what a
joiner ties to the letter before it take none; a letter that a selector (U+FE0F) makes an emoji takes two. All
texts here are clean (`safe.clean`) and without colour. The command line draws its tables with `rich`; this is for
what is told where that is not loaded.
"""

from __future__ import annotations

from typing import Final
from unicodedata import category, east_asian_width

_JOINER: Final = "\u200d"
_AS_EMOJI: Final = "\ufe0f"
_MOST_A_CELL: Final = 16
"""Letters looked at for each cell: a text that piles up more marks than that is cut for it."""


def width(text: str) -> int:
    """Cells that this text takes."""
    return len(text) if text.isascii() else sum(_cells(text))


def cut(text: str, cells: int) -> str:
    """Shorten to at most this many cells; what is cut off is replaced by an ellipsis."""
    if cells <= 0:
        return ""
    text = text[: _MOST_A_CELL * cells + 1]
    sizes = _cells(text)
    if sum(sizes) <= cells:
        return text
    taken, end = 0, 0
    for size in sizes:
        if taken + size > cells - 1:
            break
        taken += size
        end += 1
    return text[:end].rstrip() + "…"


def fill(text: str, cells: int) -> str:
    """Exactly this many cells: cut what is longer, pad what is shorter with blanks."""
    found = cut(text, cells)
    return found + " " * (cells - width(found))


def wrapped(text: str, cells: int) -> list[str]:
    """Its lines, each of at most so many cells (of two where a letter takes two); words stay whole where they can."""
    lines: list[str] = []
    while (end := _fitting(text, cells)) < len(text):
        blank = text.rfind(" ", 1, end + 1)
        at = blank if blank > 0 else end
        lines.append(text[:at].rstrip(" "))
        text = text[at:].lstrip(" ")
    return [*lines, text] if text or not lines else lines


def _fitting(text: str, cells: int) -> int:
    """How many letters from the beginning fit; one at least, if there is one."""
    taken = 0
    for place, size in enumerate(_cells(text[: _MOST_A_CELL * max(1, cells)])):
        taken += size
        if taken > cells:
            return max(1, place)
    return min(len(text), _MOST_A_CELL * max(1, cells))


def _cells(text: str) -> list[int]:
    """The cells of each character; what makes a character wider after the fact is counted where it stands."""
    sizes: list[int] = []
    before = ""
    for letter in text:
        if letter == _AS_EMOJI:
            sizes.append(1 if sizes and sizes[-1] == 1 and _may_be_emoji(before) else 0)
        else:
            sizes.append(0 if before == _JOINER else _own(letter))
        before = letter
    return sizes


def _own(letter: str) -> int:
    if letter < "\u0300":
        return 1
    kind = category(letter)
    if kind in {"Mn", "Me", "Cf"} or "\U0001f3fb" <= letter <= "\U0001f3ff":
        return 0
    return 2 if east_asian_width(letter) in {"W", "F"} else 1


def _may_be_emoji(letter: str) -> bool:
    return letter >= "\u203c" and category(letter) in {"So", "Sm", "Po"}
