r"""Rows as comma-separated values (RFC 4180, UTF-8) that no spreadsheet takes for a formula.

A text that a spreadsheet would compute (it begins, perhaps after blanks and characters that nobody sees, with `=`, `+`,
`-`, `@`, their full-width twins, or with a tab or a line break) gets an apostrophe before it, which spreadsheets do not
show and other programs can strip. Numbers are never texts, so they stay as they are; a truth value is `true` or
`false`, what is unknown an empty cell.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from csv import writer as csv_writer
from typing import Final

from flightlog.export.rows import Cell

_UNSEEN: Final = r"\s\x00-\x1f\x7f-\xa0\xad\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff"
"""Blanks, control characters and invisible ones: a program that reads the file may drop them, and then compute."""
_FORMULA: Final = re.compile(rf"[\t\r\n]|[{_UNSEEN}]*[=+\-@＝＋－＠]")  # noqa: RUF001  # the full-width twins are meant


def lines(columns: Sequence[str], rows: Iterable[Mapping[str, Cell]]) -> Iterator[bytes]:
    """The line of titles, then a line for each row, each with its line end."""
    made = _Line()
    write = csv_writer(made).writerow
    write(columns)
    yield made.bytes
    for row in rows:
        write([_defused(row[column]) for column in columns])
        yield made.bytes


class _Line:
    """Takes what a writer of the standard library writes, which is a whole line at a time."""

    bytes: bytes

    def write(self, text: str) -> None:
        self.bytes = text.encode()


def _defused(cell: Cell) -> str | int | float:
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, str):
        # Most cells begin with a letter or a digit, which costs less to see than a pattern to match.
        is_formula = not cell[:1].isalnum() and _FORMULA.match(cell)
        return f"'{cell}" if is_formula else cell
    return "" if cell is None else cell
