"""Records that Flightlog made, as they travel in OTLP: which attribute is a field, and the way back.

A record of ours says so by `flightlog.v`. Its fields stand under OpenTelemetry's names where there are some
(`words.OF_SPANS`), else under `flightlog.<field>`; the program's attributes under their own names. Where the program
uses such a name itself, `flightlog.attributes` lists it, or the attribute travels under `flightlog.attribute.<name>`.
So what comes back is what went out, field by field.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, Protocol, TypeVar, cast

import msgspec
from msgspec import Struct

from flightlog.codecs.lines import encode
from flightlog.codecs.otlp.messages import EventMessage, LinkMessage, LogMessage, Malformed, Pair, SpanMessage
from flightlog.codecs.otlp.values import outward
from flightlog.codecs.otlp.words import (
    CONTEXT,
    ERROR_CODE,
    ESCAPED,
    EXCEPTION_MESSAGE,
    EXCEPTION_STACK,
    EXCEPTION_TYPE,
    FAULT,
    OF_ANNOTATIONS,
    OF_SPANS,
    PREFIX,
    UNSET_CODE,
    VERSION,
    level_of,
    severity_of,
    span_kind_of,
)
from flightlog.records.annotation import Annotation
from flightlog.records.event import Event
from flightlog.records.process import Process
from flightlog.records.record import Record
from flightlog.records.schema import SCHEMA_VERSION
from flightlog.records.span import Span

RESOURCE: Final = "flightlog.resource"
"""The attribute of a process that keeps what a resource has beside its attributes, and says that it was one."""
SCOPE: Final = "flightlog"
"""The scope of records that name none."""
LISTED: Final = "flightlog.attributes"
"""Names of fields that are, in this record, attributes of the program's own."""
LINKED: Final = ("trace_state", "flags", "dropped")
"""What a link says besides its ids, its relation and its attributes."""
PROCESS_FIELDS: Final = ("process_id", "project", "environment", "service", "version")
"""What a record has from its process, unless it says otherwise."""

_FIELDS: Final = frozenset(
    {
        *PROCESS_FIELDS,
        *("kind", "level", "status", "end", "input", "output", "thread", "task", "revision", "otel", "extra"),
        *("event_id", "body", "annotation_id", "name", "value", "label", "note", "by", "error"),
        *("relation", "trace_id", "span_id", "process"),
    }
)
_RESERVED: Final = frozenset({VERSION, LISTED, *(PREFIX + name for name in _FIELDS)})
_ENCODE: Final = msgspec.json.Encoder().encode
_DECODE: Final = msgspec.json.Decoder().decode
_Made = TypeVar("_Made")


class _Pen(Protocol):
    def text(self, text: str, /) -> str: ...
    def member(self, key: str, value: Any, /) -> tuple[str, str]: ...
    def value(self, value: Any, path: str, /) -> str: ...
    def hides(self, key: str, /) -> bool: ...


# -- out ------------------------------------------------------------------------------------------------------


def outgoing(
    attributes: Mapping[str, Any], fields: Iterable[Pair], shared: Mapping[str, str] | None = None
) -> list[Pair]:
    """The attributes of a message: fields of ours and attributes of the program.

    Args:
        attributes: the program's.
        fields: names of fields with their values.
        shared: fields for which OpenTelemetry has a name.
    """
    names = shared or {}
    pairs: list[Pair] = [(VERSION, SCHEMA_VERSION)]
    for field, value in fields:
        name = names.get(field, "")
        pairs.append((name if name and name not in attributes else PREFIX + field, outward(value)))
    pairs += [(_escaped(key), outward(value)) for key, value in attributes.items()]
    listed = [name for name in names.values() if name in attributes]
    if listed:
        pairs.append((LISTED, listed))
    return pairs


def _escaped(key: str) -> str:
    return ESCAPED + key if key in _RESERVED or key.startswith((ESCAPED, CONTEXT)) else key


def incoming(
    pairs: Sequence[Pair], shared: Mapping[str, str] | None = None
) -> tuple[dict[str, Any], dict[str, Any]]:
    """What `outgoing` was given: fields by name, and attributes."""
    known = dict(pairs)
    listed = known.pop(LISTED, ())
    own = frozenset(listed if isinstance(listed, list) else ())
    fields_of = {name: field for field, name in (shared or {}).items() if name not in own}
    known.pop(VERSION, None)
    fields: dict[str, Any] = {}
    attributes: dict[str, Any] = {}
    for key, value in known.items():
        if key.startswith(ESCAPED):
            attributes[key.removeprefix(ESCAPED)] = value
        elif key.startswith(CONTEXT) or key in _RESERVED:
            fields[key.removeprefix(PREFIX)] = value
        elif key in fields_of:
            fields[fields_of[key]] = value
        else:
            attributes[key] = value
    return fields, attributes


# -- in -------------------------------------------------------------------------------------------------------


def is_ours(event: EventMessage) -> bool:
    """Whether this event of a span of ours is ours as well, and was not added on the way."""
    return any(key in (VERSION, FAULT) for key, _ in event.attributes)


def scope_fields(fields: Mapping[str, Any]) -> dict[str, Any]:
    """What `otel` of a record of ours says of its scope."""
    return {} if fields.get("name") == SCOPE else dict(fields)


def process(known: Mapping[str, Any], project: str) -> Process:
    """The process of a resource that Flightlog told of.

    Raises:
        Malformed: it is none.
    """
    fields = known.get("flightlog.process")
    if not isinstance(fields, dict):
        raise Malformed("a resource with flightlog.v and without flightlog.process")
    return _made({**fields, **({"project": project} if project else {})}, Process)


def span(
    message: SpanMessage,
    events: Sequence[EventMessage],
    scope: Mapping[str, Any],
    owner: Process,
    project: str,
) -> tuple[Span, list[Event]]:
    """A span of ours, and its events.

    Args:
        message: with decoded attributes and links.
        events: those of ours, decoded.
        scope: what is to be said of the scope.
        owner: the process of the resource.
        project: whose it is whatever it says, or empty.

    Raises:
        Malformed: it is none.
    """
    fields, attributes = incoming(message.attributes, OF_SPANS)
    fields.pop("error.type", None)
    kind = fields.get("kind", "")
    if not isinstance(kind, str):
        raise Malformed("no record of Flightlog: its kind is no text")
    said = {
        "flags": message.flags,
        "kind": message.kind if message.kind != span_kind_of(kind) else 0,
        "trace_state": message.trace_state,
        "scope": scope,
        "dropped": message.dropped,
        "dropped_events": message.dropped_events,
        "dropped_links": message.dropped_links,
        "links": _said_of_links(message.links),
    }
    said = {name: value for name, value in said.items() if value}
    if message.code == UNSET_CODE and "status" not in fields:
        said["status"] = UNSET_CODE
    end = {"end": message.end} if message.end else {}
    made = _made(
        {
            "type": "span",
            "v": SCHEMA_VERSION,
            "trace_id": message.trace_id,
            "span_id": message.span_id,
            "parent_id": message.parent_id,
            "name": message.name,
            "start": message.start,
            "status": "error" if message.code == ERROR_CODE else "ok",
            "error": next((_fault(event) for event in events if _is_fault(event)), None),
            "attributes": attributes,
            "links": [_link(one) for one in message.links],
            **end,
            **_common(fields, said, owner, project),
        },
        Span,
    )
    rest = [_event(event, message, owner, project) for event in events if not _is_fault(event)]
    return made, rest


def _is_fault(event: EventMessage) -> bool:
    return any(key == FAULT for key, _ in event.attributes)


def _fault(event: EventMessage) -> dict[str, Any]:
    known = dict(event.attributes)
    names = {"type": EXCEPTION_TYPE, "message": EXCEPTION_MESSAGE, "stack": EXCEPTION_STACK}
    return {field: known[name] for field, name in names.items() if name in known}


def _link(link: LinkMessage) -> dict[str, Any]:
    fields, attributes = incoming(link.attributes)
    return {"trace_id": link.trace_id, "span_id": link.span_id, "attributes": attributes, **fields}


def _said_of_links(links: Iterable[LinkMessage]) -> list[dict[str, Any]]:
    """What `otel.links` has (see `linked`); empty where there is nothing to say."""
    said = [{name: value for name in LINKED if (value := getattr(link, name))} for link in links]
    return said if any(said) else []


def _event(event: EventMessage, of: SpanMessage, owner: Process, project: str) -> Event:
    fields, attributes = incoming(event.attributes)
    place = {"trace_id": of.trace_id, "span_id": of.span_id}
    made = {"time": event.time, "name": event.name, "attributes": attributes, **place}
    dropped = {"dropped": event.dropped} if event.dropped else {}
    return _made({**made, **_common(fields, dropped, owner, project)}, Event)


def log(message: LogMessage, scope: Mapping[str, Any], owner: Process, project: str) -> Event | Annotation:
    """An event or an annotation of ours.

    Args:
        message: with decoded attributes and body.
        scope: as for `span`.
        owner: as for `span`.
        project: as for `span`.

    Raises:
        Malformed: it is none.
    """
    is_annotation = any(key == "flightlog.annotation_id" for key, _ in message.attributes)
    fields, attributes = incoming(message.attributes, OF_ANNOTATIONS if is_annotation else None)
    made = {
        "v": SCHEMA_VERSION,
        "trace_id": message.trace_id,
        "span_id": message.span_id,
        "time": message.time,
        "attributes": attributes,
    }
    if is_annotation:
        return _made({**made, **_common(fields, {}, owner, project)}, Annotation)
    level = level_of(message.severity)
    exact = message.severity if severity_of(level) < message.severity < severity_of(level) + 4 else 0
    said = {"flags": message.flags, "scope": scope, "dropped": message.dropped, "severity": exact}
    said = {name: value for name, value in said.items() if value}
    body = {"body": message.body} if message.has_body else {}
    own = {"name": message.event_name, "level": level, **body}
    return _made({**made, **own, **_common(fields, said, owner, project)}, Event)


def _common(fields: dict[str, Any], said: Mapping[str, Any], owner: Process, project: str) -> dict[str, Any]:
    """What every record has: context, `otel`, the fields of its process, and what was unknown."""
    context = {
        name.removeprefix("context."): fields.pop(name)
        for name in [name for name in fields if name.startswith("context.")]
    }
    rest = fields.pop("otel", {})
    otel = {**said, **(rest if isinstance(rest, dict) else {})}
    common = {name: getattr(owner, name) for name in PROCESS_FIELDS}
    common |= {name: value for name, value in fields.items() if name != "extra"}
    if project:
        common["project"] = project
    if context:
        common["context"] = context
    if otel:
        common["otel"] = otel
    if fields.get("extra"):
        common["flightlog:extra"] = fields["extra"]
    return common


def _made(fields: dict[str, Any], kind: type[_Made]) -> _Made:
    try:
        return msgspec.convert(fields, kind)
    except (msgspec.ValidationError, TypeError) as error:
        raise Malformed(f"no record of Flightlog: {error}") from None


# -- lines ----------------------------------------------------------------------------------------------------

_OBJECTS: Final = frozenset({"attributes", "context"})


def fields_of(record: Record | Struct) -> dict[str, Any]:
    """The fields of a record as its line has them."""
    fields: dict[str, Any] = _DECODE(encode(cast("Record", record)))
    return fields


def written(fields: Mapping[str, Any], pen: _Pen) -> str:
    """A record as a line, each text through the gate."""
    parts = []
    for name, value in fields.items():
        if pen.hides(name):  # a field that another version has
            parts.append(pen.member(name, value)[1])
        elif isinstance(value, str):
            text = pen.value(value, name) if name in {"body", "note", "input", "output"} else pen.text(value)
            parts.append(f"{pen.text(name)}:{text}")
        elif isinstance(value, dict) and name in _OBJECTS:
            members = (pen.member(key, one)[1] for key, one in value.items())
            parts.append(f'"{name}":{{{",".join(members)}}}')
        else:
            parts.append(f"{pen.text(name)}:{pen.value(value, name)}")
    return "{" + ",".join(parts) + "}"


_KEPT: Final = frozenset(
    {
        "v",
        "type",
        "trace_id",
        "span_id",
        "parent_id",
        "event_id",
        "time",
        "start",
        "end",
        "status",
        "kind",
        "level",
    }
    | set(PROCESS_FIELDS)
)


def shortened(line: bytes) -> bytes:
    """Of a line that is too long, what identifies it, and why the rest is missing."""
    fields = _DECODE(line)
    kept = {name: value for name, value in fields.items() if name in _KEPT}
    reason = f"TooLong: the record had {len(line)} bytes"
    kept |= {"name": fields.get("name", "")[:256], "attributes": {"flightlog.capture_error": reason}}
    return _ENCODE(kept)


def quoted(fragment: str) -> str:
    """A piece of JSON, which the gate has seen, as a JSON string."""
    return _ENCODE(fragment).decode()
