"""Verification: every derived row beside what it must be, and each difference named."""

# ruff: noqa: S608 - every statement here is put together from constants; values are bound
from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from typing import Final

from msgspec import Struct

from flightlog.store.port import Difference
from flightlog.store.sqlite.layout import PAYLOADS
from flightlog.store.sqlite.recompute import (
    DURATION_ROWS,
    ROLLUP_ROWS,
    TAG_ROWS,
    TRACE_COLUMNS,
    TRACE_ROWS,
    define_functions,
    narrowed,
)
from flightlog.store.sqlite.tally import SUMS


class Derived(Struct, frozen=True):
    """A table that can be recomputed: two statements that must answer the same rows."""

    table: str
    keys: int
    """The first columns that name a row."""
    stored: str
    recomputed: str


_DERIVED: Final = (
    Derived("traces", 1, f"SELECT {', '.join(TRACE_COLUMNS)} FROM traces", narrowed(TRACE_ROWS)),
    Derived("trace_tags", 2, "SELECT trace, position, tag FROM trace_tags", narrowed(TAG_ROWS)),
    Derived(
        "rollups",
        2,
        f"SELECT hour, series, {SUMS.replace(' ', ', ')} FROM rollups",
        narrowed(ROLLUP_ROWS),
    ),
    Derived("durations", 3, "SELECT hour, series, bucket, spans FROM durations", narrowed(DURATION_ROWS)),
    Derived(
        "payload_refs",
        2,
        "SELECT r.span, r.part FROM payload_refs r JOIN payloads p ON p.id = r.payload",
        "SELECT s.id, b.value FROM spans s JOIN json_each('[1,2,4,8,16]') b ON s.more & b.value"
        f" WHERE s.more & {PAYLOADS}",
    ),
    Derived(
        "payloads",
        1,
        "SELECT id, 1 FROM payloads",
        "SELECT DISTINCT payload, 1 FROM payload_refs",
    ),
    Derived(
        "totals",
        1,
        "SELECT name, value FROM totals",
        "SELECT 'payloads', count(*) FROM payloads"
        " UNION ALL SELECT 'payload_bytes', coalesce(sum(length(z)), 0) FROM payloads",
    ),
)


def differences(connection: sqlite3.Connection) -> list[Difference]:
    """Everything that is stored other than recomputed, or only one of both."""
    define_functions(connection)
    return [found for derived in _DERIVED for found in _compare(connection, derived)]


def _compare(connection: sqlite3.Connection, derived: Derived) -> Iterator[Difference]:
    rows: dict[str, list[str]] = {}
    sides = ((derived.stored, derived.recomputed), (derived.recomputed, derived.stored))
    for side, (these, those) in enumerate(sides):
        only_here = f"SELECT * FROM ({these}) EXCEPT SELECT * FROM ({those})"
        for row in connection.execute(only_here):
            key = " ".join(str(value) for value in row[: derived.keys])
            rows.setdefault(key, ["", ""])[side] = repr(row[derived.keys :])
    for key, (stored, recomputed) in rows.items():
        yield Difference(derived.table, key, stored, recomputed)
