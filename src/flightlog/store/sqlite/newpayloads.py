"""Rows of new payloads, numbered as they are added: parts before what they are parts of.

A row is packed behind the beginning of its conversation where there is one that may be used: one that reading
does not have to go too deep for. Both the numbers and the depths of what is stored are known from one lookup.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from msgspec import Struct

from flightlog.store.payloads import BEHIND_BYTES, DEEPEST, DEPTH, DICTIONARY, PLAIN, PLAIN_BYTES, pack
from flightlog.store.sqlite.statements import insert, lookup
from flightlog.store.sqlite.wholes import BEFORE

COUNT: Final = (
    "UPDATE totals SET value = value + CASE name WHEN 'payloads' THEN ?1 WHEN 'payload_bytes' THEN ?2 END"
)
"""Adds so many payloads, and so many of their bytes, to what the store counts."""

_find: Final = lookup(
    "lower(hex(p.hash)), p.project, p.id, p.dictionary",
    "payloads p ON p.hash = k.column1 AND p.project = k.column2",
    2,
)
_add: Final = insert("payloads", "id project hash size dictionary z")
_join: Final = insert("payload_parts", "whole place part")

Place = tuple[bytes, str]
"""(hash, project)."""


Known = tuple[int, int]
"""Number of a payload that has a row, and how many beginnings have to be read one for the other before it can be."""


class Stop(NamedTuple):
    """Where a list stands still for a moment, and what it says up to there."""

    end: int
    here: Place


class Planned(Struct, gc=False):
    """A new value that comes apart, and what it begins with."""

    place: Place
    data: bytes
    start: int
    base: Place | None
    """What stands before `start`, as a payload that is there by then."""
    stops: list[Stop]
    """Behind `start`, what gets a row of its own: beginnings to pack behind, and the list as far as it has grown."""
    befores: list[Stop]
    """Beginnings to pack behind, as far as they are there by then."""
    pieces: list[tuple[int, int]]
    """Behind `start`, those that are payloads of their own."""
    addresses: list[Place]
    """Of each of them."""


class NewPayloads:
    """Payloads that a batch adds."""

    def __init__(self, connection: sqlite3.Connection, known: dict[Place, Known]) -> None:
        self._connection = connection
        self._known = known
        """Grows by each payload that is added."""
        (last,) = connection.execute("SELECT coalesce(max(id), 0) FROM payloads").fetchone()
        self._first: int = last + 1
        self._places: list[Place] = []
        self._sizes: list[int] = []
        self._texts: list[bytes] = []
        self._depths: list[int] = []
        self._parts: list[tuple[int, int, int]] = []
        self._behind: dict[int, tuple[bytes, list[int]]] = {}
        """By the number of a beginning, what it says, and which of `_texts` are packed behind it."""
        self._alone: list[int] = []
        """Those that are packed behind nothing."""

    def add(
        self,
        place: Place,
        size: int,
        text: bytes,
        parts: Sequence[tuple[int, Known]] = (),
        before: tuple[Known, bytes] | None = None,
    ) -> None:
        """Add one payload, unless it is known.

        Args:
            place: its address.
            size: its bytes, with those of its parts.
            text: what it says itself.
            parts: where each stands in its text.
            before: what its conversation begins with, and that as bytes.
        """
        if place in self._known:
            return
        at = len(self._texts)
        own = self._first + at
        deep = 0
        if parts:
            deep = max(depth for _, (_, depth) in parts)
            self._parts += [(own, offset, part) for offset, (part, _) in parts]
        if len(text) > PLAIN_BYTES:
            if before is None or len(text) > BEHIND_BYTES:
                self._alone.append(at)
            else:
                (behind, depth), beginning = before
                deep = max(deep, depth + 1)
                self._parts.append((own, BEFORE, behind))
                self._behind.setdefault(behind, (beginning, []))[1].append(at)
        self._known[place] = (own, deep)
        self._places.append(place)
        self._sizes.append(size)
        self._texts.append(text)
        self._depths.append(deep)

    def add_divided(self, value: Planned) -> None:
        """Add a value that comes apart: its new messages, its list as it stands here and there, and itself."""
        data, start = value.data, value.start
        base = None if value.base is None else self._known[value.base]
        pieces = list(zip(value.pieces, value.addresses, strict=True))
        pieces.reverse()
        *stops, last = [*value.stops, Stop(len(data), value.place)]
        for stop in [*stops, last]:
            parts = []
            while pieces and pieces[-1][0][1] <= stop.end:
                (begin, end), place = pieces.pop()
                before = None if stop is last else self._before(value, begin)
                self.add(place, end - begin, data[begin:end], (), before)
                parts.append((begin, end, self._known[place]))
            before = None if stop is last else self._before(value, start)
            self.add(stop.here, stop.end, *_put_together(data, start, stop.end, base, parts), before)
            base, start = self._known[stop.here], stop.end

    def write(self) -> None:
        """Compress and write everything; all that is packed behind the same in one call."""
        if not self._places:
            return
        frames: dict[int, bytes] = {}
        for before, places in ((b"", self._alone), *self._behind.values()):
            frames.update(zip(places, pack([self._texts[at] for at in places], before), strict=True))
        rows, total = [], 0
        for at, ((found, project), size, text, deep) in enumerate(
            zip(self._places, self._sizes, self._texts, self._depths, strict=True)
        ):
            frame = frames.get(at, text)
            total += len(frame)
            dictionary = DEPTH * deep + (DICTIONARY if at in frames else PLAIN)
            rows.append((self._first + at, project, bytearray(found), size, dictionary, frame))
        _add.run(self._connection, rows)
        _join.run(self._connection, self._parts)
        self._connection.execute(COUNT, (len(rows), total))

    def _before(self, value: Planned, begin: int) -> tuple[Known, bytes] | None:
        """The longest beginning that what begins here may be packed behind."""
        for end, place in reversed(value.befores):
            found = self._known.get(place)
            if end <= begin and found is not None and found[1] < DEEPEST:
                return found, value.data[:end]
        return None


def known(connection: sqlite3.Connection, places: Iterable[Place]) -> dict[Place, Known]:
    """Those of these payloads that are stored."""
    keys = [(bytearray(found), project) for found, project in places]
    return {
        (bytes.fromhex(found), project): (own, dictionary // DEPTH)
        for found, project, own, dictionary in _find.ask(connection, keys)
    }


def _put_together(
    data: bytes, start: int, end: int, base: Known | None, pieces: list[tuple[int, int, Known]]
) -> tuple[bytes, list[tuple[int, Known]]]:
    """The text between the parts of `data[:end]`, and where each stands in it; `base` is `data[:start]`."""
    texts: list[bytes] = []
    parts = [] if base is None else [(0, base)]
    length = 0
    for begin, stop, piece in pieces:
        texts.append(data[start:begin])
        length += begin - start
        parts.append((length, piece))
        start = stop
    texts.append(data[start:end])
    return b"".join(texts), parts
