"""What of a text became another, word by word; a bounded amount of work, however long the two are."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final, Literal

from msgspec import Struct

from flightlog.analysis.sequences import common

Sign = Literal["=", "-", "+"]
"""In both texts; only in the earlier; only in the later."""

MOST_WORK: Final = 20_000_000
"""Words of one text times words of the other that are compared one by one; beyond it lines are."""

_WORDS: Final = re.compile(r"\w+\s*|[^\w\s]\s*|\s+")
_LINES: Final = re.compile(r"[^\n]*\n|[^\n]+")


class Piece(Struct, frozen=True):
    """A stretch of text."""

    sign: Sign
    text: str


def compared(before: str, after: str) -> list[Piece]:
    """The pieces of both, in their order: those with `=` and `-` are the earlier text, with `=` and `+` the later."""
    mine, theirs = _WORDS.findall(before), _WORDS.findall(after)
    if len(mine) * len(theirs) > MOST_WORK:
        mine, theirs = _LINES.findall(before), _LINES.findall(after)
    pieces: list[Piece] = []
    begun = left = right = 0
    for one, two in [*common(mine, theirs), (len(mine), len(theirs))]:
        if one > left or two > right:
            pieces.append(Piece("=", "".join(mine[begun:left])))
            pieces.append(Piece("-", "".join(mine[left:one])))
            pieces.append(Piece("+", "".join(theirs[right:two])))
            begun = one
        left, right = one + 1, two + 1
    pieces.append(Piece("=", "".join(mine[begun:])))
    return _joined(pieces)


def same_start(one: str, other: str) -> int:
    """Characters at the beginning that two texts share."""
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        if one[low:middle] == other[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def _joined(pieces: Sequence[Piece]) -> list[Piece]:
    """Longer pieces; blanks that alone are the same between two changes are part of both."""
    found: list[Piece] = []
    removed, added, same = "", "", ""
    for piece in pieces:
        if piece.sign == "=":
            same += piece.text
            continue
        if same.strip() or not (removed or added):
            found += [*_split(removed, added), Piece("=", same)]
            removed = added = ""
        else:
            removed, added = removed + same, added + same
        same = ""
        if piece.sign == "-":
            removed += piece.text
        else:
            added += piece.text
    found += [*_split(removed, added), Piece("=", same)]
    return _merged([piece for piece in found if piece.text])


def _split(removed: str, added: str) -> list[Piece]:
    """A change, with the blanks that end both of its sides behind it."""
    ends = len(removed) - len(removed.rstrip()), len(added) - len(added.rstrip())
    blanks = same_start(removed[::-1], added[::-1])
    blanks = min(blanks, *ends)
    behind = removed[len(removed) - blanks :]
    sides = removed[: len(removed) - blanks], added[: len(added) - blanks]
    return [Piece("-", sides[0]), Piece("+", sides[1]), Piece("=", behind)]


def _merged(pieces: Sequence[Piece]) -> list[Piece]:
    found: list[Piece] = []
    for piece in pieces:
        if found and found[-1].sign == piece.sign:
            found[-1] = Piece(piece.sign, found[-1].text + piece.text)
        else:
            found.append(piece)
    return found
