"""OTLP in JSON, read: the mapping of protobuf to JSON with what exporters really write.

Ids are hexadecimal, as the OTLP specification has it; base64, which the plain protobuf mapping would write and old
exporters do, is taken as well. Numbers of 64 bits come as texts or as numbers, enumerations as numbers or names,
doubles as numbers or as `"NaN"`, `"Infinity"`, `"-Infinity"`. null stands for a field that is not set. Members that
are not known are stepped over.
"""

from __future__ import annotations

import re
from base64 import b64decode
from binascii import Error as BadBase64
from collections.abc import Iterator
from typing import Any, Final

import msgspec
from msgspec import Raw, Struct

from flightlog.codecs.otlp.members import Members, Writer
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
from flightlog.codecs.otlp.words import KIND_NAMES, SEVERITY_NAMES, STATUS_NAMES

_Number = int | str | float | None
_INT64: Final = 1 << 63


class _Camel(Struct, rename="camel", gc=False):
    pass


class _Values(_Camel):
    values: list[_AnyValue | None] | None = None


class _Pairs(_Camel):
    values: list[_KeyValue] | None = None


class _AnyValue(_Camel):
    string_value: str | None = None
    bool_value: bool | None = None
    int_value: _Number = None
    double_value: _Number = None
    array_value: _Values | None = None
    kvlist_value: _Pairs | None = None
    bytes_value: str | None = None


class _KeyValue(_Camel):
    key: str | None = None
    value: _AnyValue | None = None


class _Resource(_Camel):
    attributes: list[Raw] | None = None
    dropped_attributes_count: _Number = None


class _Scope(_Camel):
    name: str | None = None
    version: str | None = None
    attributes: list[Raw] | None = None
    dropped_attributes_count: _Number = None


class _Request(_Camel):
    resource_spans: list[Raw] | None = None
    resource_logs: list[Raw] | None = None


class _ResourceGroup(_Camel):
    resource: _Resource | None = None
    scope_spans: list[Raw] | None = None
    scope_logs: list[Raw] | None = None
    schema_url: str | None = None


class _ScopeGroup(_Camel):
    scope: _Scope | None = None
    spans: list[Raw] | None = None
    log_records: list[Raw] | None = None
    schema_url: str | None = None


class _Status(_Camel):
    code: _Number = None
    message: str | None = None


class _Span(_Camel):
    trace_id: str | None = None
    span_id: str | None = None
    trace_state: str | None = None
    parent_span_id: str | None = None
    flags: _Number = None
    name: str | None = None
    kind: _Number = None
    start_time_unix_nano: _Number = None
    end_time_unix_nano: _Number = None
    attributes: list[Raw] | None = None
    dropped_attributes_count: _Number = None
    events: list[Raw] | None = None
    dropped_events_count: _Number = None
    links: list[Raw] | None = None
    dropped_links_count: _Number = None
    status: _Status | None = None


class _Event(_Camel):
    time_unix_nano: _Number = None
    name: str | None = None
    attributes: list[Raw] | None = None
    dropped_attributes_count: _Number = None


class _Link(_Camel):
    trace_id: str | None = None
    span_id: str | None = None
    trace_state: str | None = None
    attributes: list[Raw] | None = None
    dropped_attributes_count: _Number = None
    flags: _Number = None


class _Log(_Camel):
    time_unix_nano: _Number = None
    observed_time_unix_nano: _Number = None
    severity_number: _Number = None
    severity_text: str | None = None
    body: Raw = Raw()
    attributes: list[Raw] | None = None
    dropped_attributes_count: _Number = None
    flags: _Number = None
    trace_id: str | None = None
    span_id: str | None = None
    event_name: str | None = None


_request: Final = msgspec.json.Decoder(_Request).decode
_requests: Final = msgspec.json.Decoder(_Request | list[_Request]).decode
_resource_group: Final = msgspec.json.Decoder(_ResourceGroup).decode
_scope_group: Final = msgspec.json.Decoder(_ScopeGroup).decode
_span: Final = msgspec.json.Decoder(_Span).decode
_event: Final = msgspec.json.Decoder(_Event).decode
_link: Final = msgspec.json.Decoder(_Link).decode
_log: Final = msgspec.json.Decoder(_Log).decode
_pair: Final = msgspec.json.Decoder(_KeyValue).decode
_any: Final = msgspec.json.Decoder(_AnyValue | None).decode


_SURROGATE: Final = re.compile(
    rb"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(u[dD][89a-fA-F][0-9a-fA-F]{2})|.)",
    re.DOTALL,
)
"""Escapes of JSON; as a group the half of a pair that stands alone."""


def _mended(escape: re.Match[bytes]) -> bytes:
    """U+FFFD for half a pair: JavaScript writes such where a text was cut within a character."""
    return rb"\ufffd" if escape[1] else escape[0]


def _read(decode: Any, raw: Any) -> Any:
    try:
        try:
            return decode(raw)
        except msgspec.DecodeError:
            mended = _SURROGATE.sub(_mended, raw) if isinstance(raw, bytes) else raw
            if mended == raw:
                raise
            return decode(mended)
    except msgspec.MsgspecError as error:
        raise Malformed(str(error)) from None
    except UnicodeDecodeError as error:
        raise Malformed(f"no UTF-8: {error}") from None
    except RecursionError:
        raise Malformed("nested too deeply") from None


# -- requests -------------------------------------------------------------------------------------------------


def resources(data: Any, place: str = "") -> Iterator[ResourceGroup]:
    """What stands in a request, in an array of them, or in `TracesData` and `LogsData`, which are written alike.

    Raises:
        Malformed: it is no such message.
    """
    found = _read(_requests, data)
    many = found if isinstance(found, list) else [found]
    if not any(one.resource_spans is not None or one.resource_logs is not None for one in many):
        if b'"resourceMetrics"' in data:
            raise Malformed("these are metrics, which are not read; traces and logs are")
        raise Malformed("there is neither resourceSpans nor resourceLogs")
    for number, request in enumerate(many):
        here = f"{place}[{number}]." if isinstance(found, list) else place
        for name, inner in (
            ("resourceSpans", request.resource_spans),
            ("resourceLogs", request.resource_logs),
        ):
            for index, raw in enumerate(inner or ()):
                yield _group(raw, f"{here}{name}[{index}]")


def _group(raw: Raw, place: str) -> ResourceGroup:
    try:
        group = _read(_resource_group, raw)
    except Malformed as error:
        raise Malformed(f"{place}: {error}") from None
    given = group.resource or _Resource()
    resource = Resource(
        _raws(given.attributes), _count(given.dropped_attributes_count), group.schema_url or ""
    )
    scopes = [("scopeSpans", one) for one in enumerate(group.scope_spans or ())]
    scopes += [("scopeLogs", one) for one in enumerate(group.scope_logs or ())]
    return ResourceGroup(
        resource,
        (_scoped(part, f"{place}.{name}[{index}]") for name, (index, part) in scopes),
        place,
    )


def _scoped(raw: Raw, place: str) -> ScopeGroup:
    try:
        group = _read(_scope_group, raw)
    except Malformed as error:
        raise Malformed(f"{place}: {error}") from None
    given = group.scope or _Scope()
    scope = Scope(
        given.name or "",
        given.version or "",
        _raws(given.attributes),
        _count(given.dropped_attributes_count),
        group.schema_url or "",
    )
    return ScopeGroup(
        scope,
        f"{place}.{'logRecords' if group.log_records else 'spans'}[{{}}]",
        enumerate(group.spans or ()),
        enumerate(group.log_records or ()),
    )


# -- records --------------------------------------------------------------------------------------------------


def span(raw: Raw, /) -> SpanMessage:
    """Read a span; its attributes, events and links stay encoded."""
    found = _read(_span, raw)
    status = found.status
    return SpanMessage(
        _id(found.trace_id, 32),
        _id(found.span_id, 16),
        found.trace_state or "",
        _id(found.parent_span_id, 16),
        _count(found.flags),
        found.name or "",
        _enum(found.kind, KIND_NAMES),
        _count(found.start_time_unix_nano),
        _count(found.end_time_unix_nano),
        _raws(found.attributes),
        _count(found.dropped_attributes_count),
        found.events or (),
        _count(found.dropped_events_count),
        found.links or (),
        _count(found.dropped_links_count),
        _enum(status.code, STATUS_NAMES) if status is not None else 0,
        (status.message or "") if status is not None else "",
    )


def event(raw: Raw, /) -> EventMessage:
    """Read an event of a span."""
    found = _read(_event, raw)
    return EventMessage(
        _count(found.time_unix_nano),
        found.name or "",
        _raws(found.attributes),
        _count(found.dropped_attributes_count),
    )


def link(raw: Raw, /) -> LinkMessage:
    """Read a link of a span."""
    found = _read(_link, raw)
    return LinkMessage(
        _id(found.trace_id, 32),
        _id(found.span_id, 16),
        found.trace_state or "",
        _raws(found.attributes),
        _count(found.dropped_attributes_count),
        _count(found.flags),
    )


def log(raw: Raw, /) -> LogMessage:
    """Read a log record; its attributes and its body stay encoded."""
    found = _read(_log, raw)
    return LogMessage(
        _count(found.time_unix_nano),
        _count(found.observed_time_unix_nano),
        _enum(found.severity_number, SEVERITY_NAMES),
        found.severity_text or "",
        bytes(found.body),
        bytes(found.body) not in (b"", b"null"),
        _raws(found.attributes),
        _count(found.dropped_attributes_count),
        _count(found.flags),
        _id(found.trace_id, 32),
        _id(found.span_id, 16),
        found.event_name or "",
    )


def _raws(attributes: list[Raw] | None) -> list[bytes]:
    """Attributes, still encoded, as what they are remembered by."""
    return list(map(bytes, attributes)) if attributes else []


def _id(text: str | None, digits: int) -> str:
    """An id as hexadecimal digits; what is neither those nor base64 of as many bytes is Malformed."""
    if not text:
        return ""
    if len(text) == digits and text.isascii() and text.isalnum():
        try:
            int(text, 16)
        except ValueError:
            pass
        else:
            return text.lower()
    try:
        data = b64decode(text, validate=True)
    except (BadBase64, ValueError):
        data = b""
    if len(data) * 2 != digits:
        raise Malformed(f"an id that is not {digits} hexadecimal digits: {text[:80]!r}")
    return data.hex()


def _count(number: _Number) -> int:
    """A number that is not negative."""
    if type(number) is int and number >= 0:
        return number
    if number is None:
        return 0
    whole = _whole(number)
    if not 0 <= whole < 1 << 64:
        raise Malformed(f"a number out of range: {number!r}")
    return whole


def _whole(number: str | float) -> int:
    try:
        if isinstance(number, int) or (isinstance(number, float) and number.is_integer()):
            return int(number)
        if isinstance(number, str) and "_" not in number and len(number) <= 40:
            return int(number)
    except ValueError:
        pass
    raise Malformed(f"no whole number: {number!r:.80}")


def _enum(number: str | float | None, names: dict[str, int]) -> int:
    if number is None:
        return 0
    if isinstance(number, str) and number in names:
        return names[number]
    return _whole(number)


# -- values ---------------------------------------------------------------------------------------------------


def pair(raw: Raw | bytes, /) -> Pair:
    """Read an attribute."""
    found = _read(_pair, raw)
    held = found.value
    if held is not None and held.string_value is not None:
        return found.key or "", held.string_value
    return found.key or "", _plain(held)


def members(writer: Writer, /) -> Members:
    """What writes attributes as members of a JSON object."""
    return Members(pair, writer)


def value(raw: Raw | bytes, /) -> Any:
    """Read an `AnyValue`."""
    return _plain(_read(_any, raw))


def _plain(held: _AnyValue | None) -> Any:
    if held is None:
        return None
    if held.string_value is not None:
        return held.string_value
    if held.int_value is not None:
        number = _whole(held.int_value)
        if not -_INT64 <= number < _INT64:
            raise Malformed(f"an integer of more than 64 bits: {number!r:.80}")
        return number
    if held.bool_value is not None:
        return held.bool_value
    if held.double_value is not None:
        return _double(held.double_value)
    if held.array_value is not None:
        return [_plain(one) for one in held.array_value.values or ()]
    if held.kvlist_value is not None:
        return {one.key or "": _plain(one.value) for one in held.kvlist_value.values or ()}
    if held.bytes_value is not None:
        return _bytes(held.bytes_value)
    return None


def _double(number: str | float) -> float:
    try:
        return float(number)
    except (ValueError, OverflowError):
        raise Malformed(f"no number: {number!r:.80}") from None


def _bytes(text: str) -> bytes:
    try:
        return b64decode(text.replace("-", "+").replace("_", "/") + "=" * (-len(text) % 4), validate=True)
    except (BadBase64, ValueError):
        raise Malformed("bytes that are no base64") from None
