"""Statements over many rows at once: a few large calls instead of one call a row.

Each call into SQLite gives up the interpreter lock, and beside a busy thread it comes back up to 5 ms later; a
batch of a thousand rows must therefore be one statement. A statement has a fixed number of rows, so there is
one for each power of two, compiled once and kept by sqlite3; rows that are not needed are NULL in their first
column and skipped by the statement itself.

What sqlite3 does not know by its exact type (int, float, str, bytearray), None and bytes among it, it first
looks up an adapter for, which takes ten times as long as to bind it. So where rows are many, a column that may
be NULL is named `name?` and gets `ABSENT` for None, or `name~` and gets `GAP`, and a blob is a bytearray.
"""

# ruff: noqa: S608 - every statement here is put together from constants; values are bound
from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import Any, Final

import msgspec

MOST_VARIABLES: Final = 32_000
"""SQLite's own default limit is 32,766 variables in a statement."""

LARGEST: Final = 1024
"""Rows of the largest statement."""

SMALLEST: Final = 8
"""Rows of the smallest statement."""

ABSENT: Final = ""
"""What stands for NULL in a column `name?`, which can therefore not hold an empty text."""

GAP: Final = bytearray()
"""What stands for NULL in a column `name~`, which can hold an empty text, but no empty blob."""

_NULLS: Final = {"?": f"'{ABSENT}'", "~": "x''"}


class Many:
    """A statement with `{rows}` where its list of rows goes, for any number of rows."""

    __slots__ = ("_columns", "_empty", "_largest", "_template", "_texts")

    def __init__(self, template: str, columns: int) -> None:
        self._template = template
        self._columns = columns
        self._empty = (None, *(0,) * (columns - 1))
        self._largest = min(LARGEST, 1 << (MOST_VARIABLES // columns).bit_length() - 1)
        self._texts: dict[int, str] = {}

    def run(self, connection: sqlite3.Connection, rows: Sequence[tuple[Any, ...]]) -> None:
        """Execute it for all rows."""
        self.run_flat(connection, list(chain.from_iterable(rows)))

    def run_flat(self, connection: sqlite3.Connection, values: list[Any]) -> None:
        """Execute it for rows that stand one after the other in one list.

        Tuples that live as long as a batch are what the garbage collector walks over again and again: an
        eighth of an append's time.
        """
        for text, some in self._calls(values):
            connection.execute(text, some)

    def ask(self, connection: sqlite3.Connection, rows: Sequence[tuple[Any, ...]]) -> Iterator[list[Any]]:
        """Execute it for all rows, where each call answers one JSON array of arrays."""
        for text, values in self._calls(list(chain.from_iterable(rows))):
            (answer,) = connection.execute(text, values).fetchone()
            yield from msgspec.json.decode(answer)

    def _calls(self, values: list[Any]) -> Iterator[tuple[str, list[Any]]]:
        step = self._largest * self._columns
        for place in range(0, len(values), step):
            some = values[place : place + step]
            count = len(some) // self._columns
            size = max(SMALLEST, 1 << (count - 1).bit_length())
            some.extend(self._empty * (size - count))
            yield self._text(size), some

    def _text(self, size: int) -> str:
        found = self._texts.get(size)
        if found is None:
            row = f"({','.join('?' * self._columns)})"
            found = self._template.replace("{rows}", f"(VALUES {','.join([row] * size)})")
            self._texts[size] = found
        return found


def insert(table: str, columns: str, conflict: str = "", *, zeros: Sequence[str] = ()) -> Many:
    """Insert rows of these columns; `conflict` is what follows, e.g. `ON CONFLICT DO NOTHING`.

    Args:
        table: into which.
        columns: what a row gives.
        conflict: what is done about a row that is there.
        zeros: columns that are 0 in each of the rows, and not bound.
    """
    names = columns.split()
    quoted = ", ".join(f'"{name.rstrip("?~")}"' for name in (*names, *zeros))
    values = ", ".join(
        f"nullif(column{place}, {_NULLS[name[-1]]})" if name[-1] in _NULLS else f"column{place}"
        for place, name in enumerate(names, 1)
    ) + ", 0" * len(zeros)
    template = (
        f"INSERT INTO {table} ({quoted}) SELECT {values} FROM {{rows}} WHERE column1 IS NOT NULL {conflict}"
    )
    return Many(template, len(names))


def lookup(answer: str, source: str, columns: int) -> Many:
    """Answer one row of `answer` for each match in `source`, which joins the asked rows as `k`."""
    template = f"SELECT json_group_array(json_array({answer})) FROM {{rows}} AS k CROSS JOIN {source}"
    return Many(template, columns)


def one_column(connection: sqlite3.Connection, statement: str, ids: Iterable[int]) -> None:
    """Execute a statement whose `?1` is a JSON array of these integers."""
    connection.execute(statement, (as_array(ids),))


def as_array(ids: Iterable[int]) -> str:
    """Integers as a JSON array: any number of them is one parameter."""
    return msgspec.json.encode(list(ids)).decode()
