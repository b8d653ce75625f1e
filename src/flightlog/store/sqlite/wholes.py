"""Payloads put together again: the text of each row, with its parts where they stand.

A text that is packed behind the beginning of its conversation needs that beginning first, put together in turn.
How deep that goes is limited when it is written; what goes deeper, or begins with more, was not written here.
"""

# ruff: noqa: S608 - every statement here is put together from constants; values are bound
from __future__ import annotations

import sqlite3
from collections.abc import Collection, Sequence
from contextlib import suppress
from typing import Final

from flightlog.records.errors import StoreError
from flightlog.store.payloads import BEFORE_BYTES, DEEPEST, PLAIN, unpack
from flightlog.store.sqlite.statements import as_array

BEFORE: Final = -1
"""In place of a place: no part of it, but what its text is packed behind."""

_MOST_BEGINNINGS: Final = 8
"""Kept while others are read; each is at most 32 KB."""

WITHIN: Final = (
    "WITH RECURSIVE within (id) AS MATERIALIZED (SELECT value FROM json_each(?1)"
    " UNION SELECT x.part FROM within w JOIN payload_parts x ON x.whole = w.id)"
)
"""Begins a statement with `within`: a JSON array of payloads, and everything that has to be read for them."""

_TEXTS: Final = f"{WITHIN} SELECT p.id, p.dictionary, p.z FROM within w JOIN payloads p ON p.id = w.id"
_PARTS: Final = (
    f"{WITHIN} SELECT x.whole, x.place, x.part FROM within w JOIN payload_parts x ON x.whole = w.id"
    " ORDER BY x.whole, x.place"
)
_BEHIND: Final = (
    "SELECT whole, part FROM payload_parts WHERE place < 0 AND whole IN (SELECT value FROM json_each(?1))"
)

Row = tuple[int, int, bytes]
"""Number of a payload, its dictionary, and its frame."""


def whole_payloads(connection: sqlite3.Connection, wanted: Collection[int]) -> dict[int, bytes]:
    """The bytes of these payloads.

    Raises:
        StoreError: one is damaged, or a part of it is gone.
    """
    rows = _Rows(connection, wanted)
    return {number: rows.whole(number) for number in wanted}


def standing_alone(connection: sqlite3.Connection, rows: Sequence[Row]) -> list[Row]:
    """The same rows, each so that `unpack` needs nothing else: what is packed behind another comes unpacked.

    One that is damaged, or of which something is gone that it is packed behind, stays as it is.
    """
    before = dict(connection.execute(_BEHIND, (as_array(number for number, _, _ in rows),)))
    if not before:
        return list(rows)
    beginnings = _Rows(connection, set(before.values()))
    alone = []
    for number, dictionary, frame in rows:
        row = (number, dictionary, frame)
        if number in before:
            with suppress(StoreError):
                row = (number, PLAIN, beginnings.unpacked(dictionary, frame, before[number]))
        alone.append(row)
    return alone


class _Rows:
    """The rows that some payloads are put together out of.

    Only texts are kept from payload to payload, and the last few beginnings: all beginnings of a conversation
    of n turns would be n²/2 turns.
    """

    def __init__(self, connection: sqlite3.Connection, wanted: Collection[int]) -> None:
        ids = (as_array(wanted),)
        self._frames = {
            number: (frame, dictionary) for number, dictionary, frame in connection.execute(_TEXTS, ids)
        }
        self._parts: dict[int, list[tuple[int, int]]] = {}
        self._before: dict[int, int] = {}
        for whole, place, part in connection.execute(_PARTS, ids):
            if place == BEFORE:
                self._before[whole] = part
            else:
                self._parts.setdefault(whole, []).append((place, part))
        self._texts: dict[int, bytes] = {}
        self._beginnings: dict[int, bytes] = {}

    def text(self, number: int, below: int = 0) -> bytes:
        """What a row says itself; `below` so many others that are read only to unpack the next."""
        found = self._texts.get(number)
        if found is not None:
            return found
        if number not in self._frames:
            raise StoreError(f"payload {number} is gone, though others are put together out of it")
        before = self._before.get(number)
        frame, dictionary = self._frames[number]
        found = self._texts[number] = self.unpacked(dictionary, frame, before, below)
        return found

    def unpacked(self, dictionary: int, frame: bytes, before: int | None, below: int = 0) -> bytes:
        """What a frame holds that is packed behind another payload, or behind none."""
        return unpack(frame, dictionary, b"" if before is None else self._beginning(before, below + 1))

    def whole(self, number: int, below: int = 0) -> bytes:
        """One payload, from its end to its beginning; without recursion, as a conversation may be long."""
        if number not in self._parts:
            return self.text(number, below)
        pieces: list[bytes] = []
        ahead: list[bytes | int] = [number]
        texts, parts = self._texts, self._parts
        while ahead:
            item = ahead.pop()
            if isinstance(item, bytes):
                pieces.append(item)
                continue
            own = texts[item] if item in texts else self.text(item, below)
            start = 0
            for place, part in parts.get(item, ()):
                ahead += (own[start:place], part)
                start = place
            ahead.append(own[start:])
        pieces.reverse()
        return b"".join(pieces)

    def _beginning(self, number: int, below: int) -> bytes:
        """What others are packed behind."""
        found = self._beginnings.get(number)
        if found is None:
            if below > DEEPEST:
                raise StoreError(f"a payload is damaged (it is packed behind {number}, and that too deep)")
            found = self.whole(number, below)
            if len(found) > BEFORE_BYTES[-1]:
                raise StoreError(f"a payload is damaged (it is packed behind {number}, which is too long)")
            if len(self._beginnings) >= _MOST_BEGINNINGS:
                del self._beginnings[next(iter(self._beginnings))]
            self._beginnings[number] = found
        return found
