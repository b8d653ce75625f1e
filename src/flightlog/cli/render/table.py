"""A table of plain columns that fits its terminal: columns give way in a stated order, and no id is ever cut.

No frames: a row can be copied, and `cut`, `awk` and a reader's eye find the columns.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct

from flightlog.cli.render.cells import Align, cut, fill, width
from flightlog.cli.render.terminal import Style, Terminal

GAP = 2
"""Blank cells between two columns."""


class Column(Struct, frozen=True):
    """One column: its cells, and how it gives way."""

    title: str
    cells: Sequence[str]
    """Clean texts without colour."""
    styles: Sequence[Style] = ()
    """One for each cell; none for plain."""
    align: Align = "left"
    leaves: int = 0
    """0 never leaves; of the others those with the least number are given room first."""
    least: int = 0
    """The cells it may be cut down to; 0 for a column that is never cut."""
    comfortable: int = 0
    """The cells it keeps while other columns can still leave."""


def lines(columns: Sequence[Column], terminal: Terminal) -> Iterator[str]:
    """Draw a table: a line of titles, then a line for each row; a column without any content is left out."""
    kept = [column for column in columns if any(column.cells)]
    widths = _fitted(kept, terminal.width)
    shown = [column for column in kept if column.title in widths]
    if not shown:
        return
    yield _line([(c.title, "dim", c) for c in shown], widths, terminal)
    for row in range(len(shown[0].cells)):
        yield _line(
            [(c.cells[row], c.styles[row] if c.styles else "", c) for c in shown],
            widths,
            terminal,
        )


def _line(cells: Sequence[tuple[str, Style, Column]], widths: Mapping[str, int], terminal: Terminal) -> str:
    drawn = []
    for text, style, column in cells:
        room = widths[column.title]
        whole = fill(cut(text, room, terminal.ellipsis()) if column.least else text, room, column.align)
        drawn.append(terminal.paint(style, whole))
    line = (" " * GAP).join(drawn)
    return line if terminal.colour else line.rstrip()


def _fitted(columns: Sequence[Column], room: int) -> dict[str, int]:
    """Width of each column that stays, by title."""
    natural = {c.title: max(width(c.title), *(width(cell) for cell in c.cells)) for c in columns}
    kept = _kept(columns, natural, room)
    widths = {c.title: natural[c.title] for c in kept}
    flexible = sorted((c for c in kept if c.least), key=lambda c: -natural[c.title])
    for column, floor in [(c, max(c.least, c.comfortable)) for c in flexible] + [
        (c, c.least) for c in flexible
    ]:
        excess = sum(widths.values()) + GAP * (len(kept) - 1) - room
        if excess > 0:
            widths[column.title] = min(widths[column.title], max(floor, widths[column.title] - excess))
    return widths


def _kept(columns: Sequence[Column], natural: Mapping[str, int], room: int) -> list[Column]:
    """The columns that never leave, and of the others, in the order of their worth, each that still fits."""
    wanted = {
        c.title: min(natural[c.title], c.comfortable or c.least) if c.least else natural[c.title]
        for c in columns
    }
    titles = {c.title for c in columns if not c.leaves}
    taken = sum(wanted[title] + GAP for title in titles) - GAP
    for column in sorted((c for c in columns if c.leaves), key=lambda c: c.leaves):
        if taken + GAP + wanted[column.title] <= room:
            titles.add(column.title)
            taken += GAP + wanted[column.title]
    return [column for column in columns if column.title in titles]
