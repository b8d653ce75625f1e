"""A table of plain columns that fits its terminal: columns give way in a stated order, and no id is ever cut.

In a pipe or a file there is nothing to fit: every column is there, and whole.

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
    vital: bool = False
    """It says what went wrong: before it leaves, every column is cut to its least."""
    short: Sequence[str] = ()
    """One for each cell: what is said instead where the cell does not fit."""

    def cell(self, row: int, room: int, ellipsis: str) -> str:
        """What is shown of a cell in this room."""
        text = self.cells[row]
        if not self.least or width(text) <= room:
            return text
        return cut(self.short[row] if self.short else text, room, ellipsis)


def lines(columns: Sequence[Column], terminal: Terminal) -> Iterator[str]:
    """Draw a table: a line of titles, then a line for each row; a column without any content is left out."""
    kept = [column for column in columns if any(column.cells)]
    widths = _natural(kept) if terminal.whole_tables else _fitted(kept, terminal.width)
    shown = [column for column in kept if column.title in widths]
    if not shown:
        return
    yield _line([(c.title, "dim", c) for c in shown], widths, terminal)
    for row in range(len(shown[0].cells)):
        cells = [c.cell(row, widths[c.title], terminal.ellipsis()) for c in shown]
        styles: list[Style] = [c.styles[row] if c.styles else "" for c in shown]
        yield _line(list(zip(cells, styles, shown, strict=True)), widths, terminal)


def cells_of(columns: Sequence[Column]) -> int:
    """The width of a table of which nothing is cut and nothing leaves."""
    widths = _natural([column for column in columns if any(column.cells)])
    return sum(widths.values()) + GAP * (len(widths) - 1)


def _line(cells: Sequence[tuple[str, Style, Column]], widths: Mapping[str, int], terminal: Terminal) -> str:
    drawn = []
    for text, style, column in cells:
        drawn.append(terminal.paint(style, fill(text, widths[column.title], column.align)))
    line = (" " * GAP).join(drawn)
    return line if terminal.colour else line.rstrip()


def _natural(columns: Sequence[Column]) -> dict[str, int]:
    """Width of each column when none is cut, by title."""
    return {c.title: max(width(c.title), *(width(cell) for cell in c.cells)) for c in columns}


def _fitted(columns: Sequence[Column], room: int) -> dict[str, int]:
    """Width of each column that stays, by title."""
    natural = _natural(columns)
    kept = _kept(columns, natural, room)
    widths = {c.title: natural[c.title] for c in kept}
    flexible = sorted((c for c in kept if c.least), key=lambda c: (c.vital, -natural[c.title]))
    for column, floor in [(c, max(c.least, c.comfortable)) for c in flexible] + [
        (c, c.least) for c in flexible
    ]:
        excess = sum(widths.values()) + GAP * (len(kept) - 1) - room
        if excess > 0:
            widths[column.title] = min(widths[column.title], max(floor, widths[column.title] - excess))
    return widths


def _kept(columns: Sequence[Column], natural: Mapping[str, int], room: int) -> list[Column]:
    """The columns that never leave, and of the others, in the order of their worth, each that still fits."""
    least = {c.title: min(natural[c.title], c.least or natural[c.title]) for c in columns}
    wanted = {c.title: min(natural[c.title], max(least[c.title], c.comfortable)) for c in columns if c.least}
    titles = {c.title for c in columns if not c.leaves}
    for column in sorted((c for c in columns if c.leaves), key=lambda c: c.leaves):
        widths = least if column.vital else {**least, **wanted}
        together = [*titles, column.title]
        if sum(widths[title] + GAP for title in together) - GAP <= room:
            titles.add(column.title)
    return [column for column in columns if column.title in titles]
