"""The beginning of a text that is cut anyway: read in pieces, and no further than a bounded amount of work goes.

Ordinary text is read as far as there is room for it. Where secrets stand close together, looking at each of them
would make a program wait for what is thrown away afterwards, so such a text is cut earlier. How far it is read
depends on the text alone, not on the time: equal texts are cut at the same place.

Each piece is looked at with what follows it, so that nothing that begins in it is missed. A piece ends where its
text is unchanged, or right behind a secret; where a secret reaches to the end of what was looked at, the text ends.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from flightlog.redaction.modes import STANDS

BEYOND: Final = 4096
"""Characters behind a piece, and behind the end, that are looked at as well."""

_SHORTEST: Final = 4096
_LONGEST: Final = 16 * 1024
"""Characters of a piece: it grows as long as nothing is found, and is short again after a secret."""

_WORK: Final = 32 * 1024
"""How many characters of a text rules look at, in vain or with success, which takes them about 70 ns each; a secret
costs as much as so many of them."""
_SECRET: Final = 160

Look = Callable[[str], tuple[str, bool]]
"""Returns a text without its secrets, and whether any rule had to look at it."""


def beginning(text: str, length: int, look: Look) -> str:
    """Return the beginning of a text, redacted; at most about as many characters as asked for are read.

    Args:
        text: longer than `length` and `BEYOND` together.
        length: characters for which there is room.
        look: what looks at a piece.
    """
    kept: list[str] = []
    start, size, work = 0, _SHORTEST, _WORK
    while start < length and work > 0:
        size = min(size, length - start, max(work - BEYOND, _SHORTEST))
        piece = text[start : start + size + BEYOND]
        cleaned, woken = look(piece)
        if cleaned is piece:
            kept.append(piece[:size])
            start += size
            work -= len(piece) if woken else 0
            size = min(2 * size, _LONGEST)
            continue
        same = _same_end(piece, cleaned)
        rest = min(same, len(piece) - size)
        kept.append(cleaned[: len(cleaned) - rest])
        if not rest:
            break
        start += len(piece) - rest
        work -= len(piece) + _SECRET * (cleaned.count(STANDS) - piece.count(STANDS))
        size = _SHORTEST
    return "".join(kept)


def _same_end(first: str, second: str) -> int:
    """How many characters at the end of two texts are the same, at most `BEYOND`."""
    low, high = 0, min(len(first), len(second), BEYOND)
    while low < high:
        middle = (low + high + 1) // 2
        if first[-middle:] == second[-middle:]:
            low = middle
        else:
            high = middle - 1
    return low
