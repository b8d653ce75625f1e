"""Payload rows: each large value once per project, as long as something refers to it.

A request to a model is put together out of others (see `store.conversations`): its row holds the text between
its parts, and `payload_parts` says which payload stands where in that text. Its parts are its messages, and
as its beginning the longest beginning of the same list that is stored, which is itself put together so; a
conversation of n turns thus has references for n messages, not for n²/2. Which parts a value has may depend
on what was stored before it; what it says does not, nor does its address, the hash of the whole value.

A part is always older than what it is a part of (`part < whole`), so nothing can contain itself.

What is said late in a conversation is packed behind its beginning (place `BEFORE`). That alone keeps no payload:
when a beginning goes that others are packed behind, they are packed again without it, so that a deletion leaves
no word behind.
"""

# ruff: noqa: S608 - every statement here is put together from constants; values are bound
from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from typing import Final

import msgspec
from msgspec import Struct

from flightlog.store.conversations import DIVIDED_BYTES, Division, divide
from flightlog.store.payloads import DICTIONARY, PLAIN, address, pack, running_addresses
from flightlog.store.sqlite.layout import INPUT, OUTPUT
from flightlog.store.sqlite.newpayloads import COUNT, Known, NewPayloads, Place, Planned, Stop, known
from flightlog.store.sqlite.statements import as_array, insert, one_column
from flightlog.store.sqlite.wholes import WITHIN, standing_alone

_refer: Final = insert("payload_refs", "span part payload")
_REFERRED: Final = (
    "SELECT json_group_array(DISTINCT payload) FROM payload_refs"
    " WHERE span IN (SELECT value FROM json_each(?1))"
)
_UNREFER: Final = "DELETE FROM payload_refs WHERE span IN (SELECT value FROM json_each(?1))"
_HELD: Final = f"""
{WITHIN} SELECT json_group_array(json_array(w.id,
  EXISTS (SELECT 1 FROM payload_refs r WHERE r.payload = w.id)
  OR EXISTS (SELECT 1 FROM payload_parts p WHERE p.part = w.id AND p.place >= 0
    AND p.whole NOT IN (SELECT id FROM within))))
FROM within w
"""
"""For each released payload and everything within it: whether something else refers to it."""
_JOINED: Final = (
    "SELECT json_group_array(json_array(whole, part)) FROM payload_parts"
    " WHERE place >= 0 AND whole IN (SELECT value FROM json_each(?1))"
)
_BEHIND: Final = (
    "SELECT whole FROM payload_parts WHERE place < 0 AND part IN (SELECT value FROM json_each(?1))"
    " UNION SELECT whole FROM payload_parts WHERE place < 0 AND whole IN (SELECT value FROM json_each(?1))"
)
"""What is packed behind another, where one of both goes."""
_AGAIN: Final = f"UPDATE payloads SET z = ?, dictionary = dictionary | {DICTIONARY} WHERE id = ?"
_APART: Final = "DELETE FROM payload_parts WHERE place < 0 AND whole IN (SELECT value FROM json_each(?1))"
_THESE: Final = "FROM payloads WHERE id IN (SELECT value FROM json_each(?1))"
_DISJOIN: Final = "DELETE FROM payload_parts WHERE whole IN (SELECT value FROM json_each(?1))"

_TOGETHER: Final = 256
"""Payloads that are packed again at a time."""


class _Divided(Struct, gc=False):
    """A value that comes apart."""

    data: bytes
    division: Division
    beginnings: dict[int, Place]
    """What stands before each of the division's ends and befores, in order."""


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
            ends = sorted({*division.befores, *division.ends})
            *beginnings, whole = [(found, project) for found in running_addresses(data, [*ends, len(data)])]
            place = whole
            self._divided[place] = _Divided(data, division, dict(zip(ends, beginnings, strict=True)))
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
            there = self._there()
            planned = list(self._plan(there))
            if pieces := {found for value in planned for found in value.addresses}.difference(there):
                there.update(known(self._connection, pieces))
            rows = NewPayloads(self._connection, there)
            for place, data in self._values.items():
                rows.add(place, len(data), data)
            for value in planned:
                rows.add_divided(value)
            rows.write()
            _refer.run(self._connection, [(span, part, there[place][0]) for span, part, place in self._refs])
        if self._released != "[]":
            self._drop_unused()

    def _there(self) -> dict[Place, Known]:
        """Those payloads that are stored, of those that are wanted or may be a part of them."""
        wanted = {*self._values, *self._divided}
        for divided in self._divided.values():
            wanted.update(divided.beginnings.values())
        return known(self._connection, wanted)

    def _plan(self, stored: Iterable[Place]) -> Iterator[Planned]:
        """What each new value that comes apart begins with, and the pieces that come after it."""
        there = {*stored, *self._values}
        for place, divided in sorted(self._divided.items(), key=_size):
            if place in there:
                continue
            division, beginnings = divided.division, divided.beginnings
            base, start = None, 0
            for end, beginning in reversed(beginnings.items()):
                if beginning in there:
                    base, start = beginning, end
                    break
            ends = sorted({*division.befores, *division.ends[-1:]})
            stops = [Stop(end, beginnings[end]) for end in ends if end > start]
            there.update(stop.here for stop in stops)
            pieces = [piece for piece in division.pieces if piece[0] > start or base is None]
            yield Planned(
                place,
                divided.data,
                start,
                base,
                stops,
                [Stop(end, beginnings[end]) for end in division.befores],
                pieces,
                [(address(divided.data[begin:end]), place[1]) for begin, end in pieces],
            )

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
        self._pack_again([number for (number,) in self._connection.execute(_BEHIND, unused)])
        count, size = self._connection.execute(
            f"SELECT count(*), coalesce(sum(length(z)), 0) {_THESE}", unused
        ).fetchone()
        if count:
            self._connection.execute(f"DELETE {_THESE}", unused)
            self._connection.execute(_DISJOIN, unused)
            self._connection.execute(COUNT, (-count, -size))

    def _pack_again(self, numbers: list[int]) -> None:
        """Pack these without what is said before them; one that is damaged stays as it is.

        Also those that go, since whoever sees a row go (see `textnotes.py`) has to read it then.
        """
        for first in range(0, len(numbers), _TOGETHER):
            these = (as_array(numbers[first : first + _TOGETHER]),)
            rows = self._connection.execute(f"SELECT id, dictionary, z {_THESE}", these).fetchall()
            alone = standing_alone(self._connection, rows)
            texts = {number: text for number, dictionary, text in alone if dictionary == PLAIN}
            frames = dict(zip(texts, pack(list(texts.values())), strict=True))
            self._connection.executemany(_AGAIN, [(frame, number) for number, frame in frames.items()])
            self._connection.execute(_APART, (as_array(frames),))
            before = sum(len(frame) for number, _, frame in rows if number in frames)
            self._connection.execute(COUNT, (0, sum(map(len, frames.values())) - before))


def _size(item: tuple[Place, _Divided]) -> int:
    """Shorter requests come first: they are what longer ones begin with."""
    return len(item[1].data)
