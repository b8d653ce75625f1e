"""Where the request of a model call comes apart: messages, and what is said again with every call.

A conversation grows by a message or two a turn, and each request holds all of it. `divide` finds the pieces
that other requests share, so that an engine can keep each of them once; whatever it finds, the pieces and the
text between them are slices of the value, so joined again they are the value, byte for byte.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from itertools import accumulate
from operator import itemgetter
from typing import Final

import msgspec
from msgspec import Raw, Struct

from flightlog.store.payloads import BEFORE_BYTES, INLINE_BYTES

DIVIDED_BYTES: Final = 2048
"""A shorter value stays whole: its pieces would take more room as rows than they save."""

PIECE_BYTES: Final = INLINE_BYTES
"""A shorter message stays in the text between the pieces."""

MOST_ENDS: Final = 32
"""Messages that a request may have more than the one before it, and still be found to begin with it."""

FIRST_END: Final = 2
"""Messages that a beginning has besides its last one: shorter ones are as well put together message by message."""

_SPACE: Final = frozenset(b" \t\r\n,")
_OBJECTS: Final = b"[{"
"""How a list of messages begins; one of numbers or of texts, to embed them, say, is none."""
_NOTHING: Final = Raw(b"")
_LISTS: Final = tuple((name, b'"%b"' % name.encode()) for name in ("messages", "input", "output", "contents"))
_CONSTANTS: Final = tuple(
    (name, b'"%b"' % name.encode()) for name in ("tools", "system", "instructions", "prompt")
)


class Division(Struct, frozen=True, gc=False):
    """Where one value comes apart; every place is an offset in bytes."""

    pieces: list[tuple[int, int]]
    """Begin and end of each piece that is kept on its own, in order."""
    ends: list[int]
    """Ends of the last elements of the list that grows: what stands before one may begin another value, too."""
    befores: list[int]
    """Ends of elements that others follow, one for each of `BEFORE_BYTES` at most: these are packed behind that.

    Where they are follows from what the list says so far, so each longer one has the same.
    """


class _Said(Struct):
    """The fields that hold messages, and those that are the same from call to call; of any shape."""

    messages: Raw = _NOTHING
    input: Raw = _NOTHING
    output: Raw = _NOTHING
    contents: Raw = _NOTHING
    tools: Raw = _NOTHING
    system: Raw = _NOTHING
    instructions: Raw = _NOTHING
    prompt: Raw = _NOTHING


_said: Final = msgspec.json.Decoder(_Said).decode
_elements: Final = msgspec.json.Decoder(list[Raw]).decode


def divide(data: bytes) -> Division | None:
    """Find the pieces of a JSON value that is a request to a model; None for one that stays whole."""
    if len(data) < DIVIDED_BYTES or not data.startswith(b"{"):
        return None
    try:
        said = _said(data)
    except msgspec.MsgspecError:
        return None
    lists = [
        places
        for name, key in _LISTS
        if (raw := getattr(said, name)) is not _NOTHING and (places := _elements_of(data, key, raw))
    ]
    longest = max(lists, key=len, default=[])
    beside = ((0, longest[0][0]), (longest[-1][1], len(data))) if longest else ((0, len(data)),)
    constants = [
        place
        for name, key in _CONSTANTS
        if (raw := getattr(said, name)) is not _NOTHING and (place := _find(data, key, raw, beside))
    ]
    if not constants and len(lists) < 2 and sum(map(len, lists)) < 2:
        return None
    ends = [end for _, end in longest[FIRST_END:][-MOST_ENDS:]]
    befores = _befores(longest) if ends else []
    pieces = [place for places in lists for place in places if place[1] - place[0] >= PIECE_BYTES]
    apart = _apart(constants + pieces, [*befores, *ends[-1:]])
    rest = len(data) - sum(end - begin for begin, end in apart)
    if not (apart or ends) or (len(apart) < 2 and rest < DIVIDED_BYTES):
        return None  # one long message and little beside it, as most calls are that are no conversation
    return Division(apart, ends, befores)


def _elements_of(data: bytes, key: bytes, raw: Raw) -> list[tuple[int, int]]:
    """Begin and end of each element of a list of messages; none for anything else."""
    found = bytes(raw)
    start = data.find(b"[", data.find(key))
    if not found.startswith(_OBJECTS) or data[start : start + len(found)] != found:
        return []  # no messages, or the key's word stands somewhere before, as a value
    sizes = [memoryview(element).nbytes for element in _elements(found)]
    if sum(sizes) + len(sizes) + 1 == len(found):  # nothing but commas between them
        ends = list(accumulate(sizes, lambda end, size: end + 1 + size, initial=start))[1:]
        return [(end - size, end) for end, size in zip(ends, sizes, strict=True)]
    places, at = [], start + 1
    for size in sizes:
        while data[at] in _SPACE:
            at += 1
        places.append((at, at + size))
        at += size
    return places


def _find(data: bytes, key: bytes, raw: Raw, beside: Iterable[tuple[int, int]]) -> tuple[int, int] | None:
    """Where a value stands that is long enough for a piece; looked for beside the messages alone, which are long."""
    value = bytes(raw)
    if len(value) < PIECE_BYTES:
        return None
    for first, last in beside:
        at = data.find(key, first, last)
        start = data.find(value[:1], at + len(key))
        if at >= 0 and data[start : start + len(value)] == value:
            return start, start + len(value)
    return None


def _befores(elements: list[tuple[int, int]]) -> list[int]:
    """The last end within each of `BEFORE_BYTES`, once there is an element beyond, unless it is far from it."""
    found: list[int] = []
    for size in BEFORE_BYTES:
        place = bisect_right(elements, size, key=itemgetter(1)) - 1
        if 0 <= place < len(elements) - 1 and elements[place][1] > max([size // 4, *found]):
            found.append(elements[place][1])
    return found


def _apart(pieces: list[tuple[int, int]], stops: list[int]) -> list[tuple[int, int]]:
    """The pieces in order, without those that do not stand apart from one before or from where a list stops."""
    kept: list[tuple[int, int]] = []
    last = -1
    for begin, end in sorted(pieces):
        if begin > last and not any(begin <= stop < end for stop in stops):
            kept.append((begin, end))
            last = end
    return kept
