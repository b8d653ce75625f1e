"""Payload rows: each large value once per project, as long as something refers to it.

A request to a model is put together out of others (see `store.conversations`): its row holds the text between
its parts, and `payload_parts` says which payload stands where in that text. Its parts are its messages, and
as its beginning the longest beginning of the same list that is stored, which is itself put together so; a
conversation of n turns thus has references for n messages, not for n²/2. Which parts a value has may depend
on what was stored before it; what it says does not, nor does its address, the hash of the whole value.

A part is always older than what it is a part of (`part < whole`), so nothing can contain itself.
"""

# ruff: noqa: S608 - every statement here is put together from constants; values are bound
from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

import msgspec
from msgspec import Struct

from flightlog.store.conversations import DIVIDED_BYTES, Division, divide
from flightlog.store.payloads import DICTIONARY, PLAIN, PLAIN_BYTES, address, pack, running_addresses
from flightlog.store.sqlite.layout import INPUT, OUTPUT
from flightlog.store.sqlite.statements import as_array, insert, lookup, one_column
from flightlog.store.sqlite.wholes import WITHIN

_find: Final = lookup(
    "lower(hex(p.hash)), p.project, p.id", "payloads p ON p.hash = k.column1 AND p.project = k.column2", 2
)
_add: Final = insert("payloads", "id project hash size dictionary z")
_join: Final = insert("payload_parts", "whole place part")
_refer: Final = insert("payload_refs", "span part payload")
_REFERRED: Final = (
    "SELECT json_group_array(DISTINCT payload) FROM payload_refs"
    " WHERE span IN (SELECT value FROM json_each(?1))"
)
_UNREFER: Final = "DELETE FROM payload_refs WHERE span IN (SELECT value FROM json_each(?1))"
_HELD: Final = f"""
{WITHIN} SELECT json_group_array(json_array(w.id,
  EXISTS (SELECT 1 FROM payload_refs r WHERE r.payload = w.id)
  OR EXISTS (SELECT 1 FROM payload_parts p WHERE p.part = w.id AND p.whole NOT IN (SELECT id FROM within))))
FROM within w
"""
"""For each released payload and everything within it: whether something else refers to it."""
_JOINED: Final = (
    "SELECT json_group_array(json_array(whole, part)) FROM payload_parts"
    " WHERE whole IN (SELECT value FROM json_each(?1))"
)
_THESE: Final = "FROM payloads WHERE id IN (SELECT value FROM json_each(?1))"
_DISJOIN: Final = "DELETE FROM payload_parts WHERE whole IN (SELECT value FROM json_each(?1))"
_COUNT: Final = (
    "UPDATE totals SET value = value + CASE name WHEN 'payloads' THEN ?1 WHEN 'payload_bytes' THEN ?2 END"
)

Place = tuple[bytes, str]
"""(hash, project)."""


class _Divided(Struct, gc=False):
    """A value that comes apart."""

    data: bytes
    division: Division
    beginnings: list[Place]
    """Of what stands before each of the division's ends."""


class _Planned(Struct, gc=False):
    """A new value that comes apart, and what it begins with."""

    place: Place
    data: bytes
    list_end: int
    """Where its list ends, as far as that has grown; 0 when it has no list."""
    here: Place
    """Of what stands before that."""
    start: int
    base: Place | None
    """What stands before `start`, as a payload that is there by then."""
    pieces: list[tuple[int, int]]
    """Behind `start`, those that are payloads of their own."""
    addresses: list[Place]
    """Of each of them."""


class PayloadBatch:
    """Payloads that a batch adds, and references that it drops."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._values: dict[Place, bytes] = {}
        self._divided: dict[Place, _Divided] = {}
        self._refs: list[tuple[int, int, Place]] = []
        self._released: str = "[]"

    def add(self, project: str, span: int, part: int, data: bytes) -> int:
        """Note one value; returns the bit of its part."""
        division = divide(data) if len(data) >= DIVIDED_BYTES and part in (INPUT, OUTPUT) else None
        if division is None:
            place = (address(data), project)
            self._values[place] = data
        else:
            *beginnings, whole = running_addresses(data, [*division.ends, len(data)])
            place = (whole, project)
            self._divided[place] = _Divided(data, division, [(found, project) for found in beginnings])
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
        if self._refs:
            known = self._known()
            planned = list(self._plan(known))
            if pieces := {found for value in planned for found in value.addresses}.difference(known):
                known.update(_ask(self._connection, pieces))
            rows = _Rows(self._connection, known)
            for place, data in self._values.items():
                rows.add(place, len(data), data)
            for value in planned:
                rows.add_divided(value)
            rows.write()
            _refer.run(self._connection, [(span, part, known[place]) for span, part, place in self._refs])
        if self._released != "[]":
            self._drop_unused()

    def _known(self) -> dict[Place, int]:
        """The number of each payload that is stored, of those that are wanted or may be a part of them."""
        wanted = {*self._values, *self._divided}
        for divided in self._divided.values():
            wanted.update(divided.beginnings)
        return _ask(self._connection, wanted)

    def _plan(self, known: dict[Place, int]) -> Iterator[_Planned]:
        """What each new value that comes apart begins with, and the pieces that come after it."""
        there = {*known, *self._values}
        for place, divided in sorted(self._divided.items(), key=_size):
            if place in there:
                continue
            ends, beginnings = divided.division.ends, divided.beginnings
            base, start = None, 0
            for end, beginning in zip(reversed(ends), reversed(beginnings), strict=True):
                if beginning in there:
                    base, start = beginning, end
                    break
            list_end, here = (ends[-1], beginnings[-1]) if ends else (0, place)
            there.add(here)
            pieces = [piece for piece in divided.division.pieces if piece[0] > start or base is None]
            addresses = [(address(divided.data[begin:end]), place[1]) for begin, end in pieces]
            yield _Planned(place, divided.data, list_end, here, start, base, pieces, addresses)

    def _drop_unused(self) -> None:
        """Drop the released payloads that nothing refers to, and of their parts those that only they had."""
        (answer,) = self._connection.execute(_HELD, (self._released,)).fetchone()
        held = {number for number, is_held in msgspec.json.decode(answer) if is_held}
        within = {number for number, _ in msgspec.json.decode(answer)}
        (answer,) = self._connection.execute(_JOINED, (as_array(within),)).fetchone()
        parts: dict[int, list[int]] = {}
        for whole, part in msgspec.json.decode(answer):
            parts.setdefault(whole, []).append(part)
        for number in sorted(within, reverse=True):  # each before its parts
            if number in held:
                held.update(parts.get(number, ()))
        unused = (as_array(within - held),)
        count, size = self._connection.execute(
            f"SELECT count(*), coalesce(sum(length(z)), 0) {_THESE}", unused
        ).fetchone()
        if count:
            self._connection.execute(f"DELETE {_THESE}", unused)
            self._connection.execute(_DISJOIN, unused)
            self._connection.execute(_COUNT, (-count, -size))


class _Rows:
    """Rows of new payloads, numbered as they are added: parts before what they are parts of."""

    def __init__(self, connection: sqlite3.Connection, known: dict[Place, int]) -> None:
        self._connection = connection
        self._known = known
        """Grows by each payload that is added."""
        (self._last,) = connection.execute("SELECT coalesce(max(id), 0) FROM payloads").fetchone()
        self._places: list[Place] = []
        self._sizes: list[int] = []
        self._texts: list[bytes] = []
        self._first = self._last + 1
        self._parts: list[tuple[int, int, int]] = []

    def add(self, place: Place, size: int, text: bytes, parts: Sequence[tuple[int, int]] = ()) -> None:
        """Add one payload, unless it is known; `parts` are their places in its text, and their numbers."""
        if place in self._known:
            return
        self._last += 1
        self._known[place] = self._last
        self._places.append(place)
        self._sizes.append(size)
        self._texts.append(text)
        self._parts += [(self._last, at, part) for at, part in parts]

    def add_divided(self, value: _Planned) -> None:
        """Add a value that comes apart: its new messages, its list as it now stands, and itself."""
        data, start = value.data, value.start
        base = None if value.base is None else self._known[value.base]
        pieces = []
        for place, (begin, end) in zip(value.addresses, value.pieces, strict=True):
            self.add(place, end - begin, data[begin:end])
            pieces.append((begin, end, self._known[place]))
        if start < value.list_end:
            within = [piece for piece in pieces if piece[1] <= value.list_end]
            self.add(value.here, value.list_end, *_put_together(data, start, value.list_end, base, within))
            base, start = self._known[value.here], value.list_end
            pieces = pieces[len(within) :]
        self.add(value.place, len(data), *_put_together(data, start, len(data), base, pieces))

    def write(self) -> None:
        """Compress and write everything."""
        if not self._places:
            return
        packed = [place for place, text in enumerate(self._texts) if len(text) > PLAIN_BYTES]
        frames = dict(zip(packed, pack([self._texts[place] for place in packed]), strict=True))
        rows, total = [], 0
        for number, ((found, project), size, text) in enumerate(
            zip(self._places, self._sizes, self._texts, strict=True)
        ):
            frame = frames.get(number, text)
            total += len(frame)
            dictionary = DICTIONARY if number in frames else PLAIN
            rows.append((self._first + number, project, bytearray(found), size, dictionary, frame))
        _add.run(self._connection, rows)
        _join.run(self._connection, self._parts)
        self._connection.execute(_COUNT, (len(rows), total))


def _put_together(
    data: bytes, start: int, end: int, base: int | None, pieces: list[tuple[int, int, int]]
) -> tuple[bytes, list[tuple[int, int]]]:
    """The text between the parts of `data[:end]`, and where each stands in it; `base` is `data[:start]`."""
    texts: list[bytes] = []
    parts = [] if base is None else [(0, base)]
    length = 0
    for begin, stop, number in pieces:
        texts.append(data[start:begin])
        length += begin - start
        parts.append((length, number))
        start = stop
    texts.append(data[start:end])
    return b"".join(texts), parts


def _ask(connection: sqlite3.Connection, places: Iterable[Place]) -> dict[Place, int]:
    """The number of each of these payloads that is stored."""
    keys = [(bytearray(found), project) for found, project in places]
    return {(bytes.fromhex(found), project): number for found, project, number in _find.ask(connection, keys)}


def _size(item: tuple[Place, _Divided]) -> int:
    """Shorter requests come first: they are what longer ones begin with."""
    return len(item[1].data)
