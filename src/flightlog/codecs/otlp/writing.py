"""Records to messages of OTLP.

A record that came in over OTLP (`otel.otlp`) goes out as the message it came from. One of Flightlog's own goes out with
OpenTelemetry's names for what it has names for, and with the rest under `flightlog.*` (`own`). Events go out within
their span where that is at hand, else as log records with the ids of their span.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec
from msgspec import UNSET

from flightlog.codecs.otlp import linked, own
from flightlog.codecs.otlp.linked import is_id
from flightlog.codecs.otlp.messages import (
    EventMessage,
    LinkMessage,
    LogMessage,
    Pair,
    Resource,
    Scope,
    SpanMessage,
)
from flightlog.codecs.otlp.values import outward, pointer, typed
from flightlog.codecs.otlp.words import (
    ERROR_CODE,
    EVALUATION,
    EXCEPTION,
    EXCEPTION_MESSAGE,
    EXCEPTION_STACK,
    EXCEPTION_TYPE,
    FAULT,
    KINDS,
    OF_ANNOTATIONS,
    OF_SPANS,
    OK_CODE,
    UNSET_CODE,
    severity_of,
    span_kind_of,
)
from flightlog.records.annotation import Annotation
from flightlog.records.errors import BadRecord
from flightlog.records.event import Event
from flightlog.records.process import Process
from flightlog.records.span import Fault, Link, Span
from flightlog.records.understood import raw_attributes

_TIME: Final = 1 << 64
_CODES: Final = {"ok": OK_CODE, "error": ERROR_CODE, "interrupted": ERROR_CODE}
_decode: Final = msgspec.json.Decoder().decode


def is_foreign(record: Span | Event) -> bool:
    """Whether a record came in over OTLP."""
    return "otlp" in record.otel


def is_log(event: Event) -> bool:
    """Whether an event can be nothing but a log record: it was one, or it belongs to no span."""
    return not event.span_id or not event.trace_id or "log" in event.otel


# -- processes and scopes -------------------------------------------------------------------------------------


def resource(process: Process) -> Resource:
    """The resource of a process."""
    noted = process.attributes.get(own.RESOURCE)
    if isinstance(noted, dict) and "otlp" in noted:
        attributes = {name: value for name, value in process.attributes.items() if name != own.RESOURCE}
        types = _object(noted.get("types"))
        return Resource(
            _typed_pairs(attributes, types), _count(noted.get("dropped")), _text(noted.get("schema_url"))
        )
    said: dict[str, Any] = {
        "service.name": process.service,
        "service.version": process.version,
        "service.instance.id": process.process_id,
        "deployment.environment.name": process.environment,
        "host.name": process.host,
        "process.pid": process.pid,
    }
    pairs = [(name, value) for name, value in said.items() if value]
    fixed = [("telemetry.sdk.name", "flightlog"), ("telemetry.sdk.language", "python")]
    return Resource([*pairs, *fixed, *own.outgoing({}, [("process", own.fields_of(process))])])


def scope(record: Span | Event | Annotation) -> Scope:
    """The scope of a record: which library told of it."""
    said = record.otel.get("scope") if not isinstance(record, Annotation) else None
    if isinstance(said, dict) and (is_foreign(record) or _is_scope(said)):  # type: ignore[arg-type]  # no annotation has one
        return Scope(
            _text(said.get("name")),
            _text(said.get("version")),
            _typed_pairs(outward(_object(said.get("attributes"))), _object(said.get("types"))),
            _count(said.get("dropped")),
            _text(said.get("schema_url")),
        )
    if not isinstance(record, Annotation) and is_foreign(record):
        return Scope()
    return Scope(own.SCOPE)


_SCOPE_FIELDS: Final[Mapping[str, type]] = {
    "name": str,
    "version": str,
    "schema_url": str,
    "attributes": dict,
    "dropped": int,
    "types": dict,
}


def _is_scope(said: Mapping[str, Any]) -> bool:
    """Whether a scope that somebody put into `otel` can be told as one, and comes back as it is."""
    known = all(type(value) is _SCOPE_FIELDS.get(name) and value for name, value in said.items())
    return (
        known
        and said.get("name") not in (None, own.SCOPE)
        and not said.get("attributes")
        and "types" not in said
    )


# -- spans ----------------------------------------------------------------------------------------------------


def span(record: Span, events: Sequence[Event], process: Process) -> SpanMessage:
    """The message of a span.

    Args:
        record: the span.
        events: those of its events that go with it.
        process: whose it is, as its resource says.

    Raises:
        BadRecord: its ids or times are none that OTLP can carry.
    """
    _check(record.trace_id, record.span_id, record.parent_id)
    for time in (record.start, record.end or 0):
        if not 0 <= time < _TIME:
            raise BadRecord("a time that OTLP cannot carry", record.span_id.encode())
    message = _foreign_span(record) if is_foreign(record) else _own_span(record, process)
    told = sorted(events, key=lambda event: (_index(event), event.time))
    message.events = [*message.events, *(_event(event, process) for event in told)]
    return message


def _index(event: Event) -> int:
    return _count(event.otel.get("index")) if is_foreign(event) else -1


def _foreign_span(record: Span) -> SpanMessage:
    otel, types = record.otel, _object(record.otel.get("types"))
    fault = record.error or Fault()
    rest = otel.get("links")
    extras = rest if isinstance(rest, list) else []
    links = [
        _foreign_link(link, index, _object(extras[index]) if index < len(extras) else {}, types)
        for index, link in enumerate(record.links)
    ]
    end = otel.get("end", record.end)
    return SpanMessage(
        record.trace_id,
        record.span_id,
        _text(otel.get("trace_state")),
        record.parent_id,
        _count(otel.get("flags")),
        record.name,
        _signed(otel.get("kind")),
        record.start,
        end if type(end) is int else 0,
        _typed_pairs(raw_attributes(record.attributes, otel), types),
        _count(otel.get("dropped")),
        [],
        _count(otel.get("dropped_events")),
        links,
        _count(otel.get("dropped_links")),
        _signed(otel.get("status", ERROR_CODE if record.status == "error" else UNSET_CODE)),
        _text(otel.get("status_message", fault.message)),
    )


def _foreign_link(link: Link, index: int, rest: Mapping[str, Any], types: Mapping[str, Any]) -> LinkMessage:
    return LinkMessage(
        link.trace_id,
        link.span_id,
        _text(rest.get("trace_state")),
        _typed_pairs(link.attributes, types, f"/links/{index}/attributes"),
        _count(rest.get("dropped")),
        _count(rest.get("flags")),
    )


def _own_span(record: Span, process: Process) -> SpanMessage:
    otel = dict(record.otel)
    kind = _kind(otel)
    flags, state = (
        _number(otel, "flags"),
        otel.pop("trace_state", "") if _is_text(otel.get("trace_state")) else "",
    )
    _take_scope(otel)
    code = _code(record, otel)
    fields: list[Pair] = [("kind", record.kind)] if record.kind else []
    fields += [("level", record.level)] if record.level != "info" else []
    fields += [("status", record.status)] if record.status not in ("ok", "error") else []
    fields += [("end", 0)] if record.end == 0 else []
    fields += [(name, value) for name in ("input", "output") if (value := getattr(record, name)) is not UNSET]
    fields += [(name, value) for name in ("thread", "task", "revision") if (value := getattr(record, name))]
    explicit = kind if kind and kind != span_kind_of(record.kind) else 0
    if kind and not explicit:
        otel["kind"] = kind
    fault = record.error
    if fault is not None and fault.type and "error.type" not in record.attributes:
        fields.append(("error.type", fault.type))
    links = linked.outgoing(record.links, otel)
    dropped, events, dropped_links = (
        _number(otel, name) for name in ("dropped", "dropped_events", "dropped_links")
    )
    return SpanMessage(
        record.trace_id,
        record.span_id,
        state,
        record.parent_id,
        flags,
        record.name,
        explicit or span_kind_of(record.kind),
        record.start,
        record.end or 0,
        own.outgoing(record.attributes, [*fields, *_common(record, otel, process)], OF_SPANS),
        events=[_fault(fault, record.end or record.start)] if fault is not None else [],
        links=links,
        code=code,
        message=_message(record) if code == ERROR_CODE else "",
        dropped=dropped,
        dropped_events=events,
        dropped_links=dropped_links,
    )


def _kind(otel: dict[str, Any]) -> int:
    """Take the span kind out of `otel`, as a number; 0 where there is none that OTLP knows."""
    kind = otel.get("kind")
    if type(kind) is int and 0 < kind < len(KINDS):
        del otel["kind"]
        return kind
    return 0


def _number(otel: dict[str, Any], name: str) -> int:
    """Take a number of 32 bits out of `otel`; 0 where there is none."""
    number = otel.get(name)
    if type(number) is int and 0 < number < 1 << 32:
        del otel[name]
        return number
    return 0


def _code(record: Span, otel: dict[str, Any]) -> int:
    """The code of a status; one that the program never set (`otel.status` is 0) is taken out of `otel`."""
    if record.status == "ok" and otel.get("status") == UNSET_CODE and type(otel["status"]) is int:
        del otel["status"]
        return UNSET_CODE
    return _CODES.get(record.status, UNSET_CODE)


def _message(record: Span) -> str:
    """What the status says of an error."""
    said = record.otel.get("status_message")
    return _text(said) or (record.error.message if record.error is not None else "")


def _take_scope(otel: dict[str, Any]) -> None:
    """Take a scope that the message tells out of `otel`."""
    said = otel.get("scope")
    if isinstance(said, dict) and _is_scope(said):
        del otel["scope"]


def _common(record: Span | Event | Annotation, otel: Mapping[str, Any], process: Process) -> list[Pair]:
    """What every record has: context, `otel`, what its process does not say for it, and what is unknown."""
    fields: list[Pair] = []
    if not isinstance(record, Annotation):
        fields += [(f"context.{key}", value) for key, value in record.context.items()]
    for name in own.PROCESS_FIELDS:
        if (said := getattr(record, name)) != getattr(process, name):
            fields.append((name, said))
    if otel:
        fields.append(("otel", dict(otel)))
    if record.extra:
        fields.append(("extra", record.extra))
    return fields


def _fault(fault: Fault, time: int) -> EventMessage:
    said = {EXCEPTION_TYPE: fault.type, EXCEPTION_MESSAGE: fault.message, EXCEPTION_STACK: fault.stack}
    return EventMessage(
        time, EXCEPTION, [*((name, text) for name, text in said.items() if text), (FAULT, True)]
    )


# -- events ---------------------------------------------------------------------------------------------------


def _event(record: Event, process: Process) -> EventMessage:
    """An event within its span."""
    _check_time(record.time, record.event_id)
    if is_foreign(record):
        types = _object(record.otel.get("types"))
        pairs = _typed_pairs(record.attributes, types)
        return EventMessage(record.time, record.name, pairs, _count(record.otel.get("dropped")))
    fields: list[Pair] = [("event_id", record.event_id)]
    fields += [("level", record.level)] if record.level != "info" else []
    fields += [("body", record.body)] if record.body else []
    otel = dict(record.otel)
    dropped = _number(otel, "dropped")
    fields += _common(record, otel, process)
    return EventMessage(record.time, record.name, own.outgoing(record.attributes, fields), dropped)


def log(record: Event | Annotation, process: Process) -> LogMessage:
    """The message of an event that goes by itself, or of an annotation.

    Raises:
        BadRecord: its ids or its time are none that OTLP can carry.
    """
    _check_time(record.time, record.trace_id)
    for text, digits in ((record.trace_id, 32), (record.span_id, 16)):
        if text and not is_id(text, digits):
            raise BadRecord("an id that OTLP cannot carry", text.encode())
    if isinstance(record, Annotation):
        return _annotation(record, process)
    return _foreign_log(record) if "log" in record.otel and is_foreign(record) else _own_log(record, process)


def _foreign_log(record: Event) -> LogMessage:
    otel, types = record.otel, _object(record.otel.get("types"))
    body: Any = record.body
    if otel.get("body") == "json":
        try:
            body = typed(_decode(record.body), "/body", types)
        except msgspec.MsgspecError:  # it was cut; then it is a text
            body = record.body
    return LogMessage(
        _count(otel.get("time", record.time)),
        _count(otel.get("observed")),
        _signed(otel.get("severity")),
        _text(otel.get("severity_text")),
        body,
        otel.get("body") != "none",
        _typed_pairs(record.attributes, types),
        _count(otel.get("dropped")),
        _count(otel.get("flags")),
        record.trace_id,
        record.span_id,
        record.name if otel.get("named") else "",
    )


def _own_log(record: Event, process: Process) -> LogMessage:
    otel = dict(record.otel)
    flags, dropped = _number(otel, "flags"), _number(otel, "dropped")
    severity = severity_of(record.level)
    if type(exact := otel.get("severity")) is int and severity < exact < severity + 4:
        severity = otel.pop("severity")
    _take_scope(otel)
    fields: list[Pair] = [("event_id", record.event_id), *_common(record, otel, process)]
    return LogMessage(
        record.time,
        record.time,
        severity,
        record.level.upper(),
        record.body or None,
        bool(record.body),
        own.outgoing(record.attributes, fields),
        dropped,
        flags,
        record.trace_id,
        record.span_id,
        record.name,
    )


def _annotation(record: Annotation, process: Process) -> LogMessage:
    fields: list[Pair] = [("annotation_id", record.annotation_id), ("name", record.name)]
    fields += [("value", record.value)] if record.value is not None else []
    fields += [(name, value) for name in ("label", "note", "by") if (value := getattr(record, name))]
    fields += _common(record, {}, process)
    return LogMessage(
        record.time,
        record.time,
        severity_of("info"),
        "INFO",
        attributes=own.outgoing(record.attributes, fields, OF_ANNOTATIONS),
        trace_id=record.trace_id,
        span_id=record.span_id,
        event_name=EVALUATION,
    )


# -- pieces ---------------------------------------------------------------------------------------------------


def _typed_pairs(
    attributes: Mapping[str, Any], types: Mapping[str, Any], at: str = "/attributes"
) -> list[Pair]:
    if not types:
        return list(attributes.items())
    return [(name, typed(value, pointer(at, name), types)) for name, value in attributes.items()]


def _check(trace_id: str, span_id: str, parent_id: str) -> None:
    for text, digits in ((trace_id, 32), (span_id, 16), (parent_id, 16)):
        if not is_id(text, digits) and (text or text is not parent_id):
            raise BadRecord("an id that OTLP cannot carry", text.encode())


def _check_time(time: int, what: str) -> None:
    if not 0 <= time < _TIME:
        raise BadRecord("a time that OTLP cannot carry", what.encode())


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and value != ""


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _count(value: Any) -> int:
    return value if type(value) is int and 0 <= value < _TIME else 0


def _signed(value: Any) -> int:
    return value if type(value) is int and -(1 << 31) <= value < 1 << 31 else 0
