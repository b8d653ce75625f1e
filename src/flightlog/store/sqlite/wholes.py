"""Payloads put together again: the text of each row, with its parts where they stand."""

# ruff: noqa: S608 - every statement here is put together from constants; values are bound
from __future__ import annotations

import sqlite3
from collections.abc import Callable, Collection
from functools import cache
from typing import Final

from flightlog.records.errors import StoreError
from flightlog.store.payloads import unpack
from flightlog.store.sqlite.statements import as_array

WITHIN: Final = (
    "WITH RECURSIVE within (id) AS MATERIALIZED (SELECT value FROM json_each(?1)"
    " UNION SELECT x.part FROM within w JOIN payload_parts x ON x.whole = w.id)"
)
"""Begins a statement with `within`: a JSON array of payloads, and everything that they are put together out of."""

_TEXTS: Final = f"{WITHIN} SELECT p.id, p.dictionary, p.z FROM within w JOIN payloads p ON p.id = w.id"
_PARTS: Final = (
    f"{WITHIN} SELECT x.whole, x.place, x.part FROM within w JOIN payload_parts x ON x.whole = w.id"
    " ORDER BY x.whole, x.place"
)


def whole_payloads(connection: sqlite3.Connection, wanted: Collection[int]) -> dict[int, bytes]:
    """The bytes of these payloads.

    Raises:
        StoreError: one is damaged, or a part of it is gone.
    """
    ids = (as_array(wanted),)
    texts = {number: (frame, dictionary) for number, dictionary, frame in connection.execute(_TEXTS, ids)}
    parts: dict[int, list[tuple[int, int]]] = {}
    for whole, place, part in connection.execute(_PARTS, ids):
        parts.setdefault(whole, []).append((place, part))

    @cache
    def text(number: int) -> bytes:
        if number not in texts:
            raise StoreError(f"payload {number} is gone, though others are put together out of it")
        return unpack(*texts[number])

    return {number: _whole(number, text, parts) for number in wanted}


def _whole(number: int, text: Callable[[int], bytes], parts: dict[int, list[tuple[int, int]]]) -> bytes:
    """One payload, from its end to its beginning; without recursion, as a conversation may be long.

    Only the texts are kept from payload to payload: the beginnings of a conversation of n turns would be
    n²/2 turns.
    """
    if number not in parts:
        return text(number)
    pieces: list[bytes] = []
    ahead: list[bytes | int] = [number]
    while ahead:
        item = ahead.pop()
        if isinstance(item, bytes):
            pieces.append(item)
            continue
        own, start = text(item), 0
        for place, part in parts.get(item, ()):
            ahead += (own[start:place], part)
            start = place
        ahead.append(own[start:])
    pieces.reverse()
    return b"".join(pieces)
