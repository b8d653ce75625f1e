"""OTLP in protobuf, read: a walk along the wire format.

Why by hand and not with the generated classes: a receiver needs each attribute once more as JSON, and an attribute
that came before need not be decoded again, only recognised by its bytes, which the generated classes do not give.
So this reads more spans in a second than they do (`python bench/run.py otlp`), and needs no package.

Everything is bounded by the data itself: a length that leads beyond its message, a varint of more than ten bytes,
a group (a wire type that OTLP never had) or nesting beyond `DEEPEST` is `Malformed`. Fields that are not known are
stepped over. A text that is no UTF-8 is read with U+FFFD in the place of what is wrong.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any, Final

from flightlog._speed import presence
from flightlog.codecs.otlp.members import BytesMembers, Members, Writer
from flightlog.codecs.otlp.messages import (
    EventMessage,
    LinkMessage,
    LogMessage,
    Malformed,
    Pair,
    Resource,
    ResourceGroup,
    Scope,
    ScopeGroup,
    SpanMessage,
)
from flightlog.codecs.otlp.wire import Buffer, parts, text, varint

DEEPEST: Final = 64
"""Levels that a value may be nested."""


_fixed64: Final = struct.Struct("<Q").unpack_from
_fixed32: Final = struct.Struct("<I").unpack_from
_double: Final = struct.Struct("<d").unpack_from
_INT64: Final = 1 << 63


# -- requests -------------------------------------------------------------------------------------------------


def resources(
    data: Buffer, start: int, end: int, place: str = "", *, logs: bool | None = None
) -> Iterator[ResourceGroup]:
    """What stands in a request (or in `TracesData`, `LogsData`, which are written alike).

    Args:
        data: the request, or something with the request in it.
        start: where it begins.
        end: where it ends.
        place: what the place of each record is called from.
        logs: whether it holds log records and not spans, which are written alike; None: told by the fields they have.

    Raises:
        Malformed: it is no such message; what was read before it was noticed has been given.
    """
    for tag, first, last in parts(data, start, end):
        if tag == 0x0A:
            yield _resource_group(data, first, last, place, logs)


def _resource_group(data: Buffer, start: int, end: int, place: str, logs: bool | None) -> ResourceGroup:
    resource = Resource()
    for tag, first, last in parts(data, start, end):
        if tag == 0x0A:
            attributes = []
            for inner, begin, stop in parts(data, first, last):
                if inner == 0x0A:
                    attributes.append(bytes(data[begin:stop]))
                elif inner == 0x10:
                    resource.dropped = begin & 0xFFFF_FFFF
            resource.attributes = attributes
        elif tag == 0x1A:
            resource.schema_url = text(data, first, last)
    return ResourceGroup(
        resource, _scope_groups(data, start, end, place, logs), f"{place}byte {start}", start
    )


def _scope_groups(data: Buffer, start: int, end: int, place: str, logs: bool | None) -> Iterator[ScopeGroup]:
    for tag, first, last in parts(data, start, end):
        if tag == 0x12:
            yield _scope_group(data, first, last, place, logs)


def _scope_group(data: Buffer, start: int, end: int, place: str, logs: bool | None) -> ScopeGroup:
    scope = Scope()
    ranges: list[tuple[int, int]] = []
    for tag, first, last in _fields_with_records(data, start, end, ranges):
        if tag == 0x0A:
            _read_scope(scope, data, first, last)
        elif tag == 0x1A:
            scope.schema_url = text(data, first, last)
    if isinstance(data, bytes):
        records = ((first, data[first:last]) for first, last in ranges)
    else:
        records = ((first, bytes(data[first:last])) for first, last in ranges)
    if logs is None:
        told = (_is_log(data, first, last) for first, last in ranges)
        logs = next((one for one in told if one is not None), False)
    return ScopeGroup(scope, f"{place}byte {{}}", () if logs else records, records if logs else ())


def _fields_with_records(
    data: Buffer, at: int, end: int, records: list[tuple[int, int]]
) -> Iterator[tuple[int, int, int]]:
    """The fields of a `ScopeSpans` or `ScopeLogs`; its records, which are many, go into a list instead."""
    try:
        while at < end:
            if data[at] == 0x12 and (low := data[at + 1]) >= 0x80 and (high := data[at + 2]) < 0x80:
                first = at + 3
                at = first + (low & 0x7F | high << 7)
                if at > end:
                    raise Malformed("a field reaches beyond its message")
                records.append((first, at))
                continue
            tag, past = varint(data, at)
            if not tag & 7:  # a number, of which none is known here
                _, at = varint(data, past)
                continue
            tag, first, at = next(parts(data, at, end))
            if tag == 0x12:
                records.append((first, at))
            else:
                yield tag, first, at
    except IndexError:
        raise Malformed("the message ends within a field") from None
    if at > end:
        raise Malformed("a field reaches beyond its message")


_SPAN_FIELDS: Final = frozenset({0x0A, 0x12, 0x39, 0x41, 0x30})
_LOG_FIELDS: Final = frozenset({0x09, 0x10, 0x59, 0x45, 0x32})
"""Tags that only one of the two has: the same field numbers with other types."""


def _is_log(data: Buffer, start: int, end: int) -> bool | None:
    """Whether a record is of a log and not a span; None when it could be both, or neither."""
    try:
        for tag, _, _ in parts(data, start, end):
            if tag in _SPAN_FIELDS:
                return False
            if tag in _LOG_FIELDS:
                return True
    except Malformed:
        pass
    return None


def _read_scope(scope: Scope, data: Buffer, start: int, end: int) -> None:
    attributes = []
    for tag, first, last in parts(data, start, end):
        if tag == 0x0A:
            scope.name = text(data, first, last)
        elif tag == 0x12:
            scope.version = text(data, first, last)
        elif tag == 0x1A:
            attributes.append(bytes(data[first:last]))
        elif tag == 0x20:
            scope.dropped = first & 0xFFFF_FFFF
    scope.attributes = attributes


# -- records --------------------------------------------------------------------------------------------------


_ids_and_name: Final = struct.Struct("<H16sH8sH8sBB").unpack_from
"""Ids as nearly every exporter writes them, and what stands before each: tag and length; then those of the name."""
_start_and_end: Final = struct.Struct("<BBBQBQ").unpack_from
"""Kind, start and end in the same way: one after the other, the kind in one byte."""


_fields: Final = getattr(presence.CORE, "otlp_span", None)
"""The fields of a span by the compiled core, None where it is not there."""


def walked(raw: bytes, /) -> SpanMessage:
    """Read a span in plain Python; it also says what is wrong with one that cannot be read."""
    attributes: list[bytes] = []
    end = len(raw)
    try:
        found, at = _head_of(raw, attributes) if end > _HEAD else (SpanMessage(attributes=attributes), 0)
        while at < end:
            if raw[at] == 0x4A and (size := raw[at + 1]) < 0x80:
                first = at + 2
                at = first + size
                attributes.append(raw[first:at])
            elif raw[at] == 0x85 and raw[at + 1] == 0x01:
                (found.flags,) = _fixed32(raw, at + 2)
                at += 6
            elif raw[at] == 0x7A and not raw[at + 1]:
                at += 2
            else:
                at = _read_field(found, attributes, raw, at)
    except (IndexError, struct.error):
        raise Malformed("the span ends within a field") from None
    if at != end:
        raise Malformed("a field reaches beyond its span")
    return found


def _told(raw: bytes, /) -> SpanMessage:
    """The same by the compiled core, where that can read it."""
    known = _fields(raw) if _fields is not None else None
    return walked(raw) if known is None else SpanMessage(*known)


span: Final = walked if _fields is None else _told
"""Reads a span; its attributes, events and links stay encoded."""

_HEAD: Final = 60
"""A span of fewer bytes is read field by field."""


def _head_of(raw: bytes, attributes: list[bytes]) -> tuple[SpanMessage, int]:
    """Ids, name, kind and times where they stand as exporters write them; and the place behind."""
    one, trace_id, two, span_id, four, parent_id, tag, size = _ids_and_name(raw)
    if one != 0x100A or two != 0x0812:
        return SpanMessage(attributes=attributes), 0
    parent, at = "", 28
    if four == 0x0822:
        parent, at = parent_id.hex(), 38
    else:
        tag, size = raw[28], raw[29]
    if tag != 0x2A or size >= 0x80:
        return SpanMessage(trace_id.hex(), span_id.hex(), "", parent, attributes=attributes), at
    past: int = at + 2 + size
    name = raw[at + 2 : past].decode("utf-8", "replace")
    if past + 20 <= len(raw) and raw[past + 2] == 0x39:
        six, kind, _, begin, eight, stop = _start_and_end(raw, past)
        if six == 0x30 and eight == 0x41 and kind < 0x80:
            found = SpanMessage(
                trace_id.hex(), span_id.hex(), "", parent, 0, name, kind, begin, stop, attributes
            )
            return found, past + 20
    return SpanMessage(trace_id.hex(), span_id.hex(), "", parent, 0, name, attributes=attributes), past


_SPAN_IDS: Final = {0x0A: "trace_id", 0x12: "span_id", 0x22: "parent_id"}
_SPAN_TEXTS: Final = {0x2A: "name", 0x1A: "trace_state"}
_SPAN_COUNTS: Final = {0x50: "dropped", 0x60: "dropped_events", 0x70: "dropped_links"}
_SPAN_TIMES: Final = {0x39: "start", 0x41: "end"}


def _read_field(found: SpanMessage, attributes: list[bytes], raw: bytes, at: int) -> int:
    """Read one field of a span; gives the place behind it, which may be beyond the span."""
    tag, at = varint(raw, at)
    wire = tag & 7
    if wire == 2:
        size, at = varint(raw, at)
        part = raw[at : at + size]
        _take_part(found, attributes, tag, part)
        return at + size
    if wire == 0:
        number, at = varint(raw, at)
        if tag == 0x30:
            found.kind = signed32(number)
        elif tag in _SPAN_COUNTS:
            setattr(found, _SPAN_COUNTS[tag], number & 0xFFFF_FFFF)
        return at
    if wire == 1:
        if tag in _SPAN_TIMES:
            setattr(found, _SPAN_TIMES[tag], _fixed64(raw, at)[0])
        return at + 8
    if wire == 5:
        if tag == 0x85:
            (found.flags,) = _fixed32(raw, at)
        return at + 4
    raise Malformed(f"wire type {wire}, which OTLP does not have")


def _take_part(found: SpanMessage, attributes: list[bytes], tag: int, part: bytes) -> None:
    """Take in a field that has a length."""
    if tag == 0x4A:
        attributes.append(part)
    elif tag == 0x7A:
        for inner, first, last in parts(part, 0, len(part)) if part else ():
            if inner == 0x12:
                found.message = text(part, first, last)
            elif inner == 0x18:
                found.code = signed32(first)
    elif tag == 0x5A:
        found.events = [*found.events, part]
    elif tag == 0x6A:
        found.links = [*found.links, part]
    elif tag in _SPAN_IDS:
        setattr(found, _SPAN_IDS[tag], part.hex())
    elif tag in _SPAN_TEXTS:
        setattr(found, _SPAN_TEXTS[tag], part.decode("utf-8", "replace"))


def event(raw: bytes, /) -> EventMessage:
    """Read an event of a span."""
    attributes: list[bytes] = []
    found, at, end = EventMessage(attributes=attributes), 0, len(raw)
    if end > _HEAD_OF_EVENT and raw[0] == 0x09 and raw[9] == 0x12 and raw[10] < 0x80:  # as exporters write it
        (found.time,) = _fixed64(raw, 1)
        at = _HEAD_OF_EVENT + raw[10]
        found.name = raw[_HEAD_OF_EVENT:at].decode("utf-8", "replace")
        while at + 1 < end and raw[at] == 0x1A and (size := raw[at + 1]) < 0x80:
            attributes.append(raw[at + 2 : (at := at + 2 + size)])
    for tag, first, last in parts(raw, at, end) if at < end else ():
        if tag == 0x09:
            (found.time,) = _fixed64(raw, first)
        elif tag == 0x12:
            found.name = text(raw, first, last)
        elif tag == 0x1A:
            attributes.append(raw[first:last])
        elif tag == 0x20:
            found.dropped = first & 0xFFFF_FFFF
    if at > end:
        raise Malformed("a field reaches beyond its message")
    return found


_HEAD_OF_EVENT: Final = 11
"""Its time, and tag and length of its name."""


def link(raw: bytes, /) -> LinkMessage:
    """Read a link of a span."""
    found, attributes = LinkMessage(), []
    for tag, first, last in parts(raw, 0, len(raw)):
        if tag == 0x0A:
            found.trace_id = raw[first:last].hex()
        elif tag == 0x12:
            found.span_id = raw[first:last].hex()
        elif tag == 0x1A:
            found.trace_state = text(raw, first, last)
        elif tag == 0x22:
            attributes.append(raw[first:last])
        elif tag == 0x28:
            found.dropped = first & 0xFFFF_FFFF
        elif tag == 0x35:
            (found.flags,) = _fixed32(raw, first)
    found.attributes = attributes
    return found


_LOG_TEXTS: Final = {0x1A: "severity_text", 0x62: "event_name"}
_LOG_IDS: Final = {0x4A: "trace_id", 0x52: "span_id"}
_LOG_TIMES: Final = {0x09: "time", 0x59: "observed"}


def log(raw: bytes, /) -> LogMessage:
    """Read a log record; its attributes and its body stay encoded."""
    found, attributes = LogMessage(), []
    for tag, first, last in parts(raw, 0, len(raw)):
        if tag == 0x32:
            attributes.append(raw[first:last])
        elif tag in _LOG_TIMES:
            setattr(found, _LOG_TIMES[tag], _fixed64(raw, first)[0])
        elif tag in _LOG_TEXTS:
            setattr(found, _LOG_TEXTS[tag], text(raw, first, last))
        elif tag in _LOG_IDS:
            setattr(found, _LOG_IDS[tag], raw[first:last].hex())
        elif tag == 0x10:
            found.severity = signed32(first)
        elif tag == 0x2A:
            found.body, found.has_body = raw[first:last], True
        elif tag == 0x38:
            found.dropped = first & 0xFFFF_FFFF
        elif tag == 0x45:
            (found.flags,) = _fixed32(raw, first)
    found.attributes = attributes
    return found


def signed32(number: int) -> int:
    """An enumeration's number, which may be negative on the wire."""
    number &= 0xFFFF_FFFF
    return number - (1 << 32) if number >= 1 << 31 else number


# -- values ---------------------------------------------------------------------------------------------------


def pair(raw: bytes, /) -> Pair:
    """Read an attribute."""
    size = len(raw)
    # Nearly all are a short key, then a short value: no loop for those.
    if size > 4 and raw[0] == 0x0A and raw[1] < 0x80:
        at = raw[1] + 2
        if at + 3 < size and raw[at] == 0x12 and raw[at + 1] == size - at - 2:
            tag = raw[at + 2]
            if tag == 0x0A and raw[at + 3] == size - at - 4:
                return raw[2:at].decode("utf-8", "replace"), raw[at + 4 :].decode("utf-8", "replace")
            return raw[2:at].decode("utf-8", "replace"), _value(raw, at + 2, size, 0)
    return _pair(raw, 0, size, 0)


def members(writer: Writer, /) -> Members:
    """What writes attributes as members of a JSON object."""
    return BytesMembers(pair, writer)


def _pair(data: bytes, start: int, end: int, depth: int) -> Pair:
    name, held = "", None
    for tag, first, last in parts(data, start, end):
        if tag == 0x0A:
            name = text(data, first, last)
        elif tag == 0x12:
            held = _value(data, first, last, depth)
    return name, held


def value(raw: bytes, /) -> Any:
    """Read an `AnyValue`."""
    return _value(raw, 0, len(raw), 0)


def _value(data: bytes, start: int, end: int, depth: int) -> Any:
    if depth > DEEPEST:
        raise Malformed(f"a value is nested more than {DEEPEST} levels deep")
    found: Any = None
    for tag, first, last in parts(data, start, end):
        if tag == 0x0A:
            found = text(data, first, last)
        elif tag == 0x18:
            found = first - (1 << 64) if first >= _INT64 else first
        elif tag == 0x10:
            found = first != 0
        elif tag == 0x21:
            (found,) = _double(data, first)
        elif tag == 0x3A:
            found = bytes(data[first:last])
        elif tag == 0x2A:
            found = [
                _value(data, begin, stop, depth + 1)
                for inner, begin, stop in parts(data, first, last)
                if inner == 0x0A
            ]
        elif tag == 0x32:
            found = dict(
                _pair(data, begin, stop, depth + 1)
                for inner, begin, stop in parts(data, first, last)
                if inner == 0x0A
            )
    return found
