"""The wire format of protobuf: numbers, and the fields of a message."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from flightlog.codecs.otlp.messages import Malformed

Buffer = Any
"""Bytes, or a map of a file: whatever gives a number for an index and bytes for a slice."""


def varint(data: Buffer, at: int) -> tuple[int, int]:
    """A number of variable length, and the place behind it.

    Raises:
        Malformed: it has more than ten bytes.
        IndexError: the data ends within it.
    """
    number = shift = 0
    while True:
        byte = data[at]
        at += 1
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            return number & 0xFFFF_FFFF_FFFF_FFFF, at
        shift += 7
        if shift > 63:
            raise Malformed("a number has more than ten bytes")


def parts(data: Buffer, at: int, end: int) -> Iterator[tuple[int, int, int]]:
    """The fields of a message: tag, begin and end of what it holds; of a varint, its value twice.

    Raises:
        Malformed: the message ends in the middle of a field, or holds a group.
    """
    try:
        while at < end:
            tag, at = varint(data, at)
            kind = tag & 7
            if kind == 2:
                size, at = varint(data, at)
                start, at = at, at + size
            elif kind == 0:
                start, at = varint(data, at)
                if at > end:
                    raise Malformed("a field reaches beyond its message")
                yield tag, start, start
                continue
            elif kind in (1, 5):
                start, at = at, at + (8 if kind == 1 else 4)
            else:
                raise Malformed(f"wire type {kind}, which OTLP does not have")
            if at > end:
                raise Malformed("a field reaches beyond its message")
            yield tag, start, at
    except IndexError:
        raise Malformed("the message ends within a field") from None


def text(data: Buffer, start: int, stop: int) -> str:
    """A text; what is no UTF-8 in it becomes U+FFFD."""
    return bytes(data[start:stop]).decode("utf-8", "replace")
