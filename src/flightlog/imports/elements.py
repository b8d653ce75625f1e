"""The values of a document that is one JSON value, one at a time, so that never more than one is in the memory.

Strings and brackets are looked at and nothing else: what is wrong inside of a value is found when that is decoded, and
costs that value alone. A document that ends too early gives all that is whole in it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

import msgspec

_STRING: Final = rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"'
_string: Final = re.compile(_STRING, re.DOTALL)
_bracket: Final = re.compile(_STRING + rb'|["\[\]{}]', re.DOTALL)
_mark: Final = re.compile(_STRING + rb'|["\[\]{},]', re.DOTALL)
_plain: Final = re.compile(rb'[^\s,\[\]{}":]+')
_blank: Final = re.compile(rb"[\s,:]*")
_CLOSES: Final = {b"{": b"}", b"[": b"]"}


class Element(NamedTuple):
    """A value of a document."""

    key: str
    """The member of the document's object that it stands in; empty for an element of the document's own list."""
    number: int
    """Which of the elements of a list it is, from 1; 0 for a member that is taken whole."""
    start: int
    stop: int


class Torn(Exception):
    """A document ends within a value, or is none any more from a place on."""

    def __init__(self, at: int) -> None:
        super().__init__(f"byte {at}")
        self.at = at


def elements(data: Any, size: int, opened: frozenset[str]) -> Iterator[Element]:
    """The elements of the document's list; or the members of its object, those of these names element by element.

    Raises:
        Torn: it ends too early; what is whole was given.
    """
    at = _past(data, 3 if data[:3] == b"\xef\xbb\xbf" else 0)
    if data[at : at + 1] == b"[":
        yield from _listed(data, size, at + 1, "")
        return
    at = _past(data, at + 1)
    while at < size and data[at : at + 1] != b"}":
        start, stop = at, _end(data, at, size)
        key = _name(bytes(data[start:stop]), at)
        at = _past(data, stop)
        if key in opened and data[at : at + 1] == b"[":
            last = at + 1
            for found in _listed(data, size, last, key):
                last = found.stop
                yield found
            at = _past(data, last) + 1
        else:
            stop = _end(data, at, size)
            yield Element(key, 0, at, stop)
            at = stop
        at = _past(data, at)
    if at >= size:
        raise Torn(at)


def _listed(data: Any, size: int, at: int, key: str) -> Iterator[Element]:
    number = 0
    at = _past(data, at)
    while at < size and data[at : at + 1] != b"]":
        stop = _end(data, at, size)
        number += 1
        yield Element(key, number, at, stop)
        at = _past(data, stop)
    if at >= size:
        raise Torn(at)


def _name(raw: bytes, at: int) -> str:
    try:
        return msgspec.json.decode(raw, type=str)
    except (msgspec.MsgspecError, UnicodeError):
        raise Torn(at) from None


def _past(data: Any, at: int) -> int:
    """Behind what stands between values."""
    found = _blank.match(data, at)
    return found.end() if found else at


def _end(data: Any, at: int, size: int) -> int:
    """The end of the value that begins there."""
    first = bytes(data[at : at + 1])
    if first not in _CLOSES:
        found = (_string if first == b'"' else _plain).match(data, at)
        if found is None:
            raise Torn(at)
        return found.end()
    depth = 0
    for found in _bracket.finditer(data, at, size):
        mark = found.group()
        if mark in (b"{", b"["):
            depth += 1
        elif mark in (b"}", b"]"):
            depth -= 1
            if not depth:
                return found.end()
        elif mark == b'"':
            break
    raise Torn(at)


def completed(head: bytes) -> bytes:
    """The beginning of a JSON value as a value: cut behind the last thing that is whole, and closed."""
    open_ones: list[bytes] = []
    stop = 0
    for found in _mark.finditer(head):
        mark = found.group()
        if mark == b'"':
            break
        if mark in _CLOSES:
            open_ones.append(_CLOSES[mark])
        elif mark in (b"}", b"]"):
            if not open_ones or open_ones[-1] != mark:
                break
            open_ones.pop()
        elif mark != b"," or not open_ones:
            continue
        stop = found.start() if mark == b"," else found.end()
        if not open_ones:
            break
    return head[:stop] + b"".join(reversed(open_ones))
