"""Payload rows: each large value once per project, as long as a span refers to it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from typing import Final

from flightlog.store.payloads import DICTIONARY, address, pack
from flightlog.store.sqlite.statements import as_array, insert, lookup, one_column

_find: Final = lookup(
    "lower(hex(p.hash)), p.project, p.id", "payloads p ON p.hash = k.column1 AND p.project = k.column2", 2
)
_add: Final = insert("payloads", "id project hash size dictionary z")
_refer: Final = insert("payload_refs", "span part payload")
_REFERRED: Final = (
    "SELECT json_group_array(DISTINCT payload) FROM payload_refs"
    " WHERE span IN (SELECT value FROM json_each(?1))"
)
_UNREFER: Final = "DELETE FROM payload_refs WHERE span IN (SELECT value FROM json_each(?1))"
_UNUSED: Final = (
    "FROM payloads WHERE id IN (SELECT value FROM json_each(?1))"
    " AND NOT EXISTS (SELECT 1 FROM payload_refs r WHERE r.payload = payloads.id)"
)
_COUNT: Final = (
    "UPDATE totals SET value = value + CASE name WHEN 'payloads' THEN ?1 WHEN 'payload_bytes' THEN ?2 END"
)

Place = tuple[bytes, str]
"""(hash, project)."""


class PayloadBatch:
    """Payloads that a batch adds, and references that it drops."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._values: dict[Place, bytes] = {}
        self._refs: list[tuple[int, int, Place]] = []
        self._released: str = "[]"

    def add(self, project: str, span: int, part: int, data: bytes) -> int:
        """Note one value; returns the bit of its part."""
        place = (address(data), project)
        self._values[place] = data
        self._refs.append((span, part, place))
        return part

    def release(self, spans: Iterable[int]) -> None:
        """Drop the references of these spans; what nobody refers to when the batch is written goes too."""
        ids = list(spans)
        if ids:
            (self._released,) = self._connection.execute(_REFERRED, (as_array(ids),)).fetchone()
            one_column(self._connection, _UNREFER, ids)

    def write(self) -> None:
        """Write new values and references, then drop what is no longer used."""
        if self._values:
            known = self._known()
            self._add(known)
            _refer.run(self._connection, [(span, part, known[place]) for span, part, place in self._refs])
        if self._released != "[]":
            self._drop_unused()

    def _known(self) -> dict[Place, int]:
        return {
            (bytes.fromhex(found), project): number
            for found, project, number in _find.ask(self._connection, list(self._values))
        }

    def _add(self, known: dict[Place, int]) -> None:
        """Compress and store what is new, and note its ids."""
        places = [place for place in self._values if place not in known]
        if not places:
            return
        (last,) = self._connection.execute("SELECT coalesce(max(id), 0) FROM payloads").fetchone()
        frames = pack([self._values[place] for place in places])
        rows = []
        for number, (place, frame) in enumerate(zip(places, frames, strict=True), last + 1):
            known[place] = number
            rows.append((number, place[1], place[0], len(self._values[place]), DICTIONARY, frame))
        _add.run(self._connection, rows)
        self._connection.execute(_COUNT, (len(frames), sum(map(len, frames))))

    def _drop_unused(self) -> None:
        ids = (self._released,)
        count, size = self._connection.execute(
            f"SELECT count(*), coalesce(sum(length(z)), 0) {_UNUSED}",
            ids,
        ).fetchone()
        if count:
            self._connection.execute(f"DELETE {_UNUSED}", ids)
            self._connection.execute(_COUNT, (-count, -size))
