"""References to traces: how old one is among all, or how its id begins."""

# ruff: noqa: S608 - every statement here is put together from constants; values are bound
from __future__ import annotations

import sqlite3
from typing import Final

from flightlog.records.errors import AmbiguousId, UnknownId
from flightlog.store.sqlite.ids import TRACE_DIGITS, text
from flightlog.store.sqlite.tracelist import NEWEST

_PREFIX: Final = (
    "SELECT DISTINCT trace_id FROM traces WHERE trace_id BETWEEN ?1 AND ?2 AND start IS NOT NULL"
    " ORDER BY trace_id LIMIT 6"
)
_PREFIX_DIGITS: Final = 4


def by_age(connection: sqlite3.Connection, ref: str) -> str:
    """The newest trace for `@latest` and `@-1`, the one before it for `@-2`, and so on."""
    age = "1" if ref == "@latest" else ref.removeprefix("@-")
    if age.isdecimal() and age.isascii() and 1 <= int(age[:TRACE_DIGITS]) < 2**63:
        row = connection.execute(
            f"SELECT t.trace_id FROM traces t WHERE t.start IS NOT NULL {NEWEST}",
            (1, int(age) - 1),
        ).fetchone()
        if row:
            return text(row[0])
    raise UnknownId(ref)


def by_prefix(connection: sqlite3.Connection, ref: str) -> str:
    """The only trace whose id begins so."""
    if len(ref) < _PREFIX_DIGITS:
        raise UnknownId(ref)
    found = connection.execute(_PREFIX, (ref, ref + "\U0010ffff")).fetchall()
    try:
        low, high = (bytes.fromhex(ref.ljust(TRACE_DIGITS, digit)) for digit in "0f")
        found += connection.execute(_PREFIX, (low, high)).fetchall()
    except ValueError:
        pass  # not hexadecimal: only an id that is a text can begin like that
    if not found:
        raise UnknownId(ref)
    if len(found) > 1:
        raise AmbiguousId(ref, [text(row[0]) for row in found])
    return text(found[0][0])
