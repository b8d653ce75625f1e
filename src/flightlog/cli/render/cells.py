"""How wide a text is on a terminal, and how it is cut and filled to a width.

A cell is the width of one Latin letter; wide letters and emoji take two, combining marks none. All texts here
are clean (`safe.clean`) and without colour: colour is put on after the width is right.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, Literal

from rich.cells import cell_len, set_cell_size

Align = Literal["left", "right"]
"""To which side a text is moved in its column."""


_MOST_A_CELL: Final = 16
"""Letters looked at for each cell: a text that piles up more marks on its letters than that is cut for it, and
a long text costs what is shown of it."""


def width(text: str) -> int:
    """Cells that this text takes."""
    return len(text) if text.isascii() else cell_len(text)


def cut(text: str, cells: int, ellipsis: str = "…") -> str:
    """Shorten to at most this many cells; what is cut off is replaced by an ellipsis."""
    text = text[: _MOST_A_CELL * max(1, cells)]
    if width(text) <= cells:
        return text
    room = cells - width(ellipsis)
    if room <= 0:
        return ellipsis[: max(0, cells)]
    return set_cell_size(text, room).rstrip() + ellipsis


def flow(parts: Iterable[str], separator: str, cells: int, ellipsis: str = "…") -> list[str]:
    """Put parts beside each other on as many lines as they need; only a part wider than a line is cut."""
    lines: list[str] = []
    for part in parts:
        if lines and width(longer := lines[-1] + separator + part) <= cells:
            lines[-1] = longer
        else:
            lines.append(part)
    return [cut(line, cells, ellipsis) for line in lines]


def fill(text: str, cells: int, align: Align = "left") -> str:
    """Pad with blanks to this many cells; a longer text stays as it is."""
    blanks = " " * (cells - width(text))
    return blanks + text if align == "right" else text + blanks
