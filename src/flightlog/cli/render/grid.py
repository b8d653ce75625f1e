"""Rows of any query as a table, and what can be asked of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from flightlog.cli.render import table, wrap
from flightlog.cli.render.cells import fill, width
from flightlog.cli.render.safe import clean
from flightlog.cli.render.table import Column
from flightlog.cli.render.terminal import Style, Terminal

LEAST: Final = 6
"""Cells that a column of texts keeps where the terminal is narrow."""

View = tuple[str, str, Sequence[tuple[str, str]]]
"""Name and meaning of a view, and of its columns."""


def lines(columns: Sequence[str], rows: Sequence[Sequence[Any]], terminal: Terminal) -> Iterator[str]:
    """Draw the rows: numbers to the right, NULL dim.

    A pipe or a file gets every row whole. A narrow terminal cuts texts; where that is not enough, each row is drawn
    with one line a column.
    """
    drawn = [_column(name, [row[at] for row in rows]) for at, name in enumerate(columns)]
    least = sum(min(column.least or room, room) + table.GAP for column in drawn for room in (_room(column),))
    if terminal.whole_tables or least - table.GAP <= terminal.width:
        return table.lines(drawn, terminal)
    return _one_by_one(drawn, len(rows), terminal)


def views(told: Sequence[View], functions: Mapping[str, str], terminal: Terminal) -> Iterator[str]:
    """Draw what can be asked of."""
    wide = max(len(name) for _, _, columns in told for name, _ in columns) + 2
    room = max(20, terminal.width - wide - 2)
    for name, meaning, columns in told:
        yield f"{terminal.paint('bold', name)}  {terminal.paint('dim', meaning)}"
        for column, said in columns:
            first, *more = wrap.lines(said.replace("`", ""), room)
            yield f"  {fill(column, wide)}{first}"
            yield from (" " * (wide + 2) + line for line in more)
        yield ""
    for name, said in functions.items():
        yield terminal.paint("bold", name)
        yield from (f"  {line}" for line in wrap.lines(said.replace("`", ""), terminal.width - 2))


def _room(column: Column) -> int:
    return max(width(column.title), *map(width, column.cells))


def _one_by_one(columns: Sequence[Column], count: int, terminal: Terminal) -> Iterator[str]:
    """Draw each row on lines of its own, a blank line between two."""
    wide = max(width(column.title) for column in columns)
    for row in range(count):
        if row:
            yield ""
        for column in columns:
            label = terminal.paint("dim", fill(column.title, wide))
            for line in wrap.lines(column.cells[row], max(10, terminal.width - wide - table.GAP)):
                yield f"{label}{' ' * table.GAP}{terminal.paint(column.styles[row], line)}".rstrip()
                label = " " * wide


def _column(name: str, values: Sequence[Any]) -> Column:
    is_number = all(isinstance(value, int | float) for value in values if value is not None)
    styles: list[Style] = ["dim" if value is None else "" for value in values]
    cells = [_cell(value) for value in values]
    if is_number:
        return Column(clean(name) or " ", cells, styles, align="right")
    return Column(clean(name) or " ", cells, styles, least=LEAST)


def _cell(value: Any) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, bytes):
        return value.hex() or " "
    return clean(f"{value:.10g}" if isinstance(value, float) else str(value)) or " "
