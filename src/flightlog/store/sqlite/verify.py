"""Verification: the file itself, every derived row beside what it must be, and each difference named."""

# ruff: noqa: S608 - every statement here is put together from constants; values are bound
from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from typing import Final

from msgspec import Struct

from flightlog.store.payloads import address
from flightlog.store.port import Difference
from flightlog.store.rollups import HOURS_A_DAY
from flightlog.store.sqlite.layout import PAYLOADS
from flightlog.store.sqlite.pricedcalls import CALL_ROWS, SUM_ROWS
from flightlog.store.sqlite.recompute import (
    CONTEXT_ROWS,
    DURATION_ROWS,
    ROLLUP_ROWS,
    TAG_ROWS,
    TRACE_COLUMNS,
    TRACE_ROWS,
    define_functions,
    narrowed,
)
from flightlog.store.sqlite.tally import LAST_DAY, SUMS
from flightlog.store.sqlite.wholes import whole_payloads

_PAGE_ROWS: Final = 100
_PAGE_BYTES: Final = 32 << 20
"""Payloads that are put together at a time, and their bytes: each request of a conversation is all of it."""


class Derived(Struct, frozen=True):
    """A table that can be recomputed: two statements that must answer the same rows."""

    table: str
    keys: int
    """The first columns that name a row."""
    stored: str
    recomputed: str


_ADDED: Final = ", ".join(f"sum({name})" for name in SUMS.split())

_DERIVED: Final = (
    Derived("traces", 1, f"SELECT {', '.join(TRACE_COLUMNS)} FROM traces", narrowed(TRACE_ROWS)),
    Derived("trace_tags", 2, "SELECT trace, position, tag FROM trace_tags", narrowed(TAG_ROWS)),
    Derived(
        "trace_context",
        1,
        "SELECT trace, session_span, user_span FROM trace_context",
        narrowed(CONTEXT_ROWS),
    ),
    Derived(
        "rollups",
        2,
        f"SELECT hour, series, {SUMS.replace(' ', ', ')} FROM rollups",
        narrowed(ROLLUP_ROWS),
    ),
    Derived("durations", 3, "SELECT hour, series, bucket, spans FROM durations", narrowed(DURATION_ROWS)),
    Derived(
        "day_rollups",
        2,
        f"SELECT day, series, {SUMS.replace(' ', ', ')} FROM day_rollups",
        f"SELECT hour / {HOURS_A_DAY} AS day, series, {_ADDED} FROM rollups"
        f" WHERE day <= ({LAST_DAY}) GROUP BY 1, 2",
    ),
    Derived(
        "day_durations",
        3,
        "SELECT day, series, bucket, spans FROM day_durations",
        f"SELECT hour / {HOURS_A_DAY} AS day, series, bucket, sum(spans) FROM durations"
        f" WHERE day <= ({LAST_DAY}) GROUP BY 1, 2, 3",
    ),
    Derived(
        "past_rollups",
        1,
        f"SELECT series, {SUMS.replace(' ', ', ')} FROM past_rollups",
        f"SELECT series, {_ADDED} FROM day_rollups GROUP BY 1",
    ),
    Derived(
        "past_durations",
        2,
        "SELECT series, bucket, spans FROM past_durations",
        "SELECT series, bucket, sum(spans) FROM day_durations GROUP BY 1, 2",
    ),
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
        "SELECT payload, 1 FROM payload_refs UNION SELECT part, 1 FROM payload_parts",
    ),
    Derived(
        "payload_parts",
        2,
        "SELECT whole, place FROM payload_parts",
        "SELECT x.whole, x.place FROM payload_parts x JOIN payloads w ON w.id = x.whole"
        " JOIN payloads p ON p.id = x.part AND p.project = w.project",
    ),
    Derived(
        "priced_calls",
        2,
        "SELECT trace, span FROM priced_calls UNION ALL SELECT trace, span FROM unpriced_calls",
        CALL_ROWS,
    ),
    Derived(
        "call_sums",
        2,
        "SELECT hour, series, calls, unknown, cost_pico_usd, firsts, first_ns FROM call_sums",
        SUM_ROWS,
    ),
    Derived(
        "totals",
        1,
        "SELECT name, value FROM totals",
        "SELECT 'payloads', count(*) FROM payloads"
        " UNION ALL SELECT 'payload_bytes', coalesce(sum(length(z)), 0) FROM payloads",
    ),
)


def damage(connection: sqlite3.Connection) -> str:
    """The first thing that SQLite finds wrong with the file when it reads all of it; empty for nothing."""
    (found,) = connection.execute("PRAGMA integrity_check(1)").fetchone()
    return "" if found == "ok" else " ".join(found.split())


def differences(connection: sqlite3.Connection) -> list[Difference]:
    """Everything that is stored other than recomputed, or only one of both.

    Raises:
        StoreError: a payload is damaged, or a part of it is gone.
    """
    define_functions(connection)
    found = [different for derived in _DERIVED for different in _compare(connection, derived)]
    return found or list(_payloads(connection))


def _payloads(connection: sqlite3.Connection) -> Iterator[Difference]:
    """Payloads that are not what their address says; asked when every reference leads somewhere."""
    after = 0
    while rows := _page(connection, after):
        values = whole_payloads(connection, [number for number, _, _ in rows])
        for number, stored, _ in rows:
            if (recomputed := address(values[number])) != stored:
                yield Difference("payloads", f"{number} hash", stored.hex(), recomputed.hex())
        after = rows[-1][0]


def _page(connection: sqlite3.Connection, after: int) -> list[tuple[int, bytes, int]]:
    """The next payloads, their addresses and sizes: one at least, and no more than fit a page."""
    rows = connection.execute(
        "SELECT id, hash, size FROM payloads WHERE id > ? ORDER BY id LIMIT ?", (after, _PAGE_ROWS)
    ).fetchall()
    room = _PAGE_BYTES
    for place, (_, _, size) in enumerate(rows):
        room -= size
        if room < 0:
            return rows[: max(place, 1)]
    return rows


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
