"""Messages of OTLP to bytes, protobuf and JSON: requests as a collector takes them.

Protobuf by hand, as it is read by hand (`protobuf`), and held against the generated classes by the tests. JSON as the
OTLP specification has it: lower camel case, hexadecimal ids, 64-bit numbers as texts, enumerations as numbers, what
is empty left out.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Iterable, Sequence
from math import isfinite
from struct import pack
from typing import Any, Final

import msgspec
from msgspec import Struct

from flightlog.codecs.otlp.messages import (
    EventMessage,
    LinkMessage,
    LogMessage,
    Pair,
    Resource,
    Scope,
    SpanMessage,
)

_json: Final = msgspec.json.Encoder().encode


class Outgoing(Struct):
    """What one process and one library tell in a request: either spans or log records."""

    resource: Resource
    scope: Scope
    records: list[SpanMessage] | list[LogMessage]


# -- protobuf -------------------------------------------------------------------------------------------------


def _varint(number: int) -> bytes:
    if number < 0x80:
        return bytes((number,))
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def _part(tag: int, data: bytes) -> bytes:
    """A field that has a length; `tag` in one byte."""
    return bytes((tag,)) + _varint(len(data)) + data


def _text(tag: int, text: str) -> bytes:
    return _part(tag, text.encode("utf-8", "replace")) if text else b""


def _id(tag: int, digits: str) -> bytes:
    return _part(tag, bytes.fromhex(digits)) if digits else b""


def _count(tag: int, number: int) -> bytes:
    return bytes((tag,)) + _varint(number & 0xFFFF_FFFF_FFFF_FFFF) if number else b""


def _fixed64(tag: int, number: int) -> bytes:
    return pack("<BQ", tag, number) if number else b""


def _value(value: Any) -> bytes:
    """An `AnyValue`."""
    if isinstance(value, str):
        return _part(0x0A, value.encode("utf-8", "replace"))
    if isinstance(value, bool):
        return b"\x10\x01" if value else b"\x10\x00"
    if isinstance(value, int):
        return b"\x18" + _varint(value & 0xFFFF_FFFF_FFFF_FFFF)
    if isinstance(value, float):
        return pack("<Bd", 0x21, value)
    if isinstance(value, bytes):
        return _part(0x3A, value)
    if isinstance(value, dict):
        return _part(0x32, b"".join([_part(0x0A, _pair(pair)) for pair in value.items()]))
    if isinstance(value, (list, tuple)):
        return _part(0x2A, b"".join([_part(0x0A, _value(one)) for one in value]))
    return b""


def _pair(pair: Pair) -> bytes:
    return _text(0x0A, pair[0]) + _part(0x12, _value(pair[1]))


def _pairs(tag: int, pairs: Iterable[Pair]) -> bytes:
    return b"".join([_part(tag, _pair(pair)) for pair in pairs])


def _event(event: EventMessage) -> bytes:
    return (
        _fixed64(0x09, event.time)
        + _text(0x12, event.name)
        + _pairs(0x1A, event.attributes)
        + _count(0x20, event.dropped)
    )


def _link(link: LinkMessage) -> bytes:
    return (
        _id(0x0A, link.trace_id)
        + _id(0x12, link.span_id)
        + _text(0x1A, link.trace_state)
        + _pairs(0x22, link.attributes)
        + _count(0x28, link.dropped)
        + (pack("<BI", 0x35, link.flags) if link.flags else b"")
    )


def _span(span: SpanMessage) -> bytes:
    status = _text(0x12, span.message) + _count(0x18, span.code)
    return b"".join(
        (
            _id(0x0A, span.trace_id),
            _id(0x12, span.span_id),
            _text(0x1A, span.trace_state),
            _id(0x22, span.parent_id),
            _text(0x2A, span.name),
            _count(0x30, span.kind),
            _fixed64(0x39, span.start),
            _fixed64(0x41, span.end),
            _pairs(0x4A, span.attributes),
            _count(0x50, span.dropped),
            *(_part(0x5A, _event(event)) for event in span.events),
            _count(0x60, span.dropped_events),
            *(_part(0x6A, _link(link)) for link in span.links),
            _count(0x70, span.dropped_links),
            _part(0x7A, status) if status else b"",
            pack("<BBI", 0x85, 0x01, span.flags) if span.flags else b"",
        )
    )


def _log(log: LogMessage) -> bytes:
    return b"".join(
        (
            _fixed64(0x09, log.time),
            _count(0x10, log.severity),
            _text(0x1A, log.severity_text),
            _part(0x2A, _value(log.body)) if log.has_body else b"",
            _pairs(0x32, log.attributes),
            _count(0x38, log.dropped),
            pack("<BI", 0x45, log.flags) if log.flags else b"",
            _id(0x4A, log.trace_id),
            _id(0x52, log.span_id),
            _fixed64(0x59, log.observed),
            _text(0x62, log.event_name),
        )
    )


def protobuf(groups: Sequence[Outgoing]) -> bytes:
    """A request to export, as protobuf."""
    return b"".join([_part(0x0A, _group(group)) for group in groups])


def _group(group: Outgoing) -> bytes:
    resource, scope = group.resource, group.scope
    encode: Callable[[Any], bytes] = (
        _log if group.records and isinstance(group.records[0], LogMessage) else _span
    )
    told = _pairs(0x0A, resource.attributes) + _count(0x10, resource.dropped)
    library = (
        _text(0x0A, scope.name)
        + _text(0x12, scope.version)
        + _pairs(0x1A, scope.attributes)
        + _count(0x20, scope.dropped)
    )
    records = b"".join([_part(0x12, encode(record)) for record in group.records])
    scoped = _part(0x0A, library) + records + _text(0x1A, scope.schema_url)
    return _part(0x0A, told) + _part(0x12, scoped) + _text(0x1A, resource.schema_url)


# -- JSON -----------------------------------------------------------------------------------------------------


def json(groups: Sequence[Outgoing], *, logs: bool) -> bytes:
    """A request to export, as JSON: of log records, or of spans."""
    return _json(
        {"resourceLogs" if logs else "resourceSpans": [_json_group(group, logs=logs) for group in groups]}
    )


def _json_group(group: Outgoing, *, logs: bool) -> dict[str, Any]:
    resource, scope = group.resource, group.scope
    records = [
        _json_log(record) if isinstance(record, LogMessage) else _json_span(record)
        for record in group.records
    ]
    library = {
        "name": scope.name,
        "version": scope.version,
        "attributes": _json_pairs(scope.attributes),
        "droppedAttributesCount": scope.dropped,
    }
    scoped = {
        "scope": _set(library),
        "logRecords" if logs else "spans": records,
        **_set({"schemaUrl": scope.schema_url}),
    }
    told = _set({"attributes": _json_pairs(resource.attributes), "droppedAttributesCount": resource.dropped})
    return {
        "resource": told,
        "scopeLogs" if logs else "scopeSpans": [scoped],
        **_set({"schemaUrl": resource.schema_url}),
    }


def _set(members: dict[str, Any]) -> dict[str, Any]:
    """Without what is empty."""
    return {name: value for name, value in members.items() if value}


def _number(number: int) -> str:
    """A 64-bit number; empty for 0, which is left out."""
    return str(number) if number else ""


def _json_span(span: SpanMessage) -> dict[str, Any]:
    return _set(
        {
            "traceId": span.trace_id,
            "spanId": span.span_id,
            "traceState": span.trace_state,
            "parentSpanId": span.parent_id,
            "flags": span.flags,
            "name": span.name,
            "kind": span.kind,
            "startTimeUnixNano": _number(span.start),
            "endTimeUnixNano": _number(span.end),
            "attributes": _json_pairs(span.attributes),
            "droppedAttributesCount": span.dropped,
            "events": [_json_event(event) for event in span.events],
            "droppedEventsCount": span.dropped_events,
            "links": [_json_link(link) for link in span.links],
            "droppedLinksCount": span.dropped_links,
            "status": _set({"message": span.message, "code": span.code}),
        }
    )


def _json_event(event: EventMessage) -> dict[str, Any]:
    return _set(
        {
            "timeUnixNano": _number(event.time),
            "name": event.name,
            "attributes": _json_pairs(event.attributes),
            "droppedAttributesCount": event.dropped,
        }
    )


def _json_link(link: LinkMessage) -> dict[str, Any]:
    return _set(
        {
            "traceId": link.trace_id,
            "spanId": link.span_id,
            "traceState": link.trace_state,
            "attributes": _json_pairs(link.attributes),
            "droppedAttributesCount": link.dropped,
            "flags": link.flags,
        }
    )


def _json_log(log: LogMessage) -> dict[str, Any]:
    found = _set(
        {
            "timeUnixNano": _number(log.time),
            "observedTimeUnixNano": _number(log.observed),
            "severityNumber": log.severity,
            "severityText": log.severity_text,
            "attributes": _json_pairs(log.attributes),
            "droppedAttributesCount": log.dropped,
            "flags": log.flags,
            "traceId": log.trace_id,
            "spanId": log.span_id,
            "eventName": log.event_name,
        }
    )
    return {**found, "body": _json_value(log.body)} if log.has_body else found


def _json_pairs(pairs: Iterable[Pair]) -> list[dict[str, Any]]:
    return [{"key": key, "value": _json_value(value)} for key, value in pairs]


def _json_value(value: Any) -> dict[str, Any]:
    if isinstance(value, str):
        return {"stringValue": value}
    if isinstance(value, bool):
        return {"boolValue": value}
    if isinstance(value, int):
        return {"intValue": str(value)}
    if isinstance(value, float):
        if isfinite(value):
            return {"doubleValue": value}
        return {"doubleValue": "NaN" if value != value else "Infinity" if value > 0 else "-Infinity"}  # noqa: PLR0124 - what NaN is
    if isinstance(value, bytes):
        return {"bytesValue": b64encode(value).decode("ascii")}
    if isinstance(value, dict):
        return {"kvlistValue": {"values": _json_pairs(value.items())}}
    if isinstance(value, (list, tuple)):
        return {"arrayValue": {"values": [_json_value(one) for one in value]}}
    return {}
