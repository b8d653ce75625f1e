"""Where the messages of a document begin and end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

import msgspec

from flightlog.codecs.otlp.messages import Malformed
from flightlog.codecs.otlp.wire import parts, varint
from flightlog.imports.forms import told_by_lines

Frame = tuple[int, int, str]
"""Begin and end of a message, and what the places in it begin with."""

_Length = Callable[[Any, int], tuple[int, int]]
"""Begin and end of the message whose length stands at a place."""

_TAG: Final = 0x0A
"""What every message begins with that is not empty."""
_MARK: Final = b"\xef\xbb\xbf"
_SPACE: Final = b" \t\r\n"
_EITHER: Final = (b"\n{", b"\n[", b"{\n", b"[\n")
"""How JSON may begin, and a message in protobuf that has 123 or 91 bytes."""
_CONTROL: Final = frozenset(range(0x20)).difference(_SPACE)
"""Bytes that JSON never has, and the tags and lengths of protobuf nearly always: also where it ends too early."""


def is_json(data: Any) -> bool:
    """Whether a document begins as JSON does and is none in protobuf, where a length may be a brace."""
    raw = bytes(data[:1024])
    head = raw.removeprefix(_MARK).lstrip(_SPACE)
    if head[:1] not in (b"{", b"["):
        return not head
    if raw[:2] not in _EITHER:
        return True
    size = len(data)
    return not _CONTROL.intersection(raw) and max(_readings(data, size))[0] < size


def is_text(data: Any) -> bool:
    """Whether a document that does not begin as JSON is a text at least, and can be none in protobuf."""
    raw, size = bytes(data[:1024]), len(data)
    return not _CONTROL.intersection(raw) and max(_readings(data, size))[0] < size


def json_lines(data: Any, size: int) -> Iterator[Frame]:
    """The lines of a document; all of it as one where neither its first line nor one soon after is whole by itself."""
    start = len(_MARK) if data[: len(_MARK)] == _MARK else 0
    while start < size and data[start : start + 1] in (b" ", b"\t", b"\r", b"\n"):
        start += 1
    first = _line_end(data, start, size)
    behind = bytes(data[first : first + 65536]).strip(_SPACE)
    if behind and (_is_whole(data, start, first) or _has_lines(data, start, size)):
        yield from each_line(data, size, start)
    else:
        yield start, size, ""


def each_line(data: Any, size: int, start: int) -> Iterator[Frame]:
    """The lines from a place on that have something in them."""
    number = bytes(data[:start]).count(b"\n") + 1
    while start < size:
        stop = _line_end(data, start, size)
        if stop - start > 2 or bytes(data[start:stop]).strip(_SPACE):
            yield start, stop, f"line {number}: "
        start, number = stop + 1, number + 1


def _line_end(data: Any, start: int, size: int) -> int:
    found: int = data.find(b"\n", start)
    return size if found < 0 else found


def _is_whole(data: Any, start: int, stop: int) -> bool:
    """Whether a line is JSON by itself, or at least does not look like the first of many lines of one value."""
    text = bytes(data[start:stop])
    try:
        msgspec.json.decode(text, type=msgspec.Raw)
    except (msgspec.MsgspecError, RecursionError):
        return len(text) > 2 and text.rstrip(_SPACE)[-1:] == b"}"
    return True


def _has_lines(data: Any, start: int, size: int) -> bool:
    """Whether records stand behind a first line that is none; an array over many lines has such lines as well."""
    return bytes(data[start : start + 1]) != b"[" and told_by_lines(data, size) is not None


def frames(data: Any, size: int, bad: Callable[[str, str], object]) -> Iterator[Frame]:
    """The messages of a document in protobuf: one, or many with their lengths before them."""
    how = max(_readings(data, size), key=_likelihood)[1]  # of several that reach as far, the first
    if how == "one message":
        yield 0, size, ""
        return
    length = _four if how == "four" else _variable
    at, number = 0, 0
    while at < size:
        span = _next(data, at, size, length)
        if span is None:
            bad(
                f"byte {at}", "the document ends within a message, or a length is wrong; the rest is left out"
            )
            return
        at = span[1]
        number += 1
        yield *span, f"message {number}: "


def _next(data: Any, at: int, size: int, length: _Length) -> tuple[int, int] | None:
    """Begin and end of the message that stands there; None where its length cannot be.

    One that does not begin as a message does may be a broken one, or its length is: what stands behind it tells.
    """
    try:
        start, stop = length(data, at)
        if stop > size:
            return None
        if start < stop < size and data[start] != _TAG:
            behind, end = length(data, stop)
            if end > size or (behind < end and data[behind] != _TAG):
                return None
    except (IndexError, Malformed):
        return None
    return start, stop


def _likelihood(reading: tuple[int, str]) -> int:
    """How far it reaches; of four bytes three are zeros nearly always, which are empty messages as varints."""
    reached, how = reading
    return reached + 3 if how == "four" and reached else reached


def _readings(data: Any, size: int) -> list[tuple[int, str]]:
    """How far the document can be read as each kind of protobuf there is."""
    return [
        (_whole_message(data, size), "one message"),
        (_reach(data, size, _four), "four"),
        (_reach(data, size, _variable), "varint"),
    ]


def _whole_message(data: Any, size: int) -> int:
    """How far the document can be read as one message."""
    reached = 0
    try:
        for tag, _, stop in parts(data, 0, size):
            if tag != _TAG:
                return reached
            reached = stop
    except Malformed:
        pass
    return reached


def _reach(data: Any, size: int, length: _Length) -> int:
    """How far the document can be read as messages with lengths of this kind."""
    at = 0
    while at < size:
        try:
            start, stop = length(data, at)
        except (IndexError, Malformed):
            return at
        if stop > size or (stop > start and data[start] != _TAG):
            return at
        at = stop
    return at


def _four(data: Any, at: int) -> tuple[int, int]:
    """Begin and end of a message whose length stands before it in four bytes, the first the greatest."""
    head = bytes(data[at : at + 4])
    if len(head) < 4:
        raise IndexError
    return at + 4, at + 4 + int.from_bytes(head, "big")


def _variable(data: Any, at: int) -> tuple[int, int]:
    """The same with a length of a varint."""
    length, start = varint(data, at)
    return start, start + length
