"""Traces in the JSON of Jaeger's page and API: `{"data": [{"traceID", "spans", "processes"}]}`, or one such trace.

Tags are OpenTelemetry's attributes under their own names, so what libraries for models told is understood as if it had
come by OTLP. What Jaeger makes of OpenTelemetry's status, scope and span kind goes back to where it was.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from flightlog.codecs.otlp.messages import Malformed
from flightlog.imports.formats.reading import (
    MICRO,
    Made,
    Sample,
    event_id,
    fault,
    hex_id,
    mapping,
    needed_moment,
    ns,
    number,
    objects,
    process,
    text,
)
from flightlog.records.event import Event
from flightlog.records.process import Process
from flightlog.records.span import Fault, Link, Span

NAME: Final = "jaeger"

KINDS: Final[Mapping[str, int]] = {"internal": 1, "server": 2, "client": 3, "producer": 4, "consumer": 5}
"""OpenTelemetry's numbers of span kinds."""
_TRACE: Final = 32
_SPAN: Final = 16
_OF_OTEL: Final = frozenset(
    """span.kind error otel.status_code otel.status_description otel.scope.name otel.scope.version
    w3c.tracestate""".split()  # noqa: SIM905 - a list of words reads best as one
)
_ENVIRONMENTS: Final = ("deployment.environment.name", "deployment.environment")


def tells(sample: Sample) -> bool:
    """Whether these are traces of Jaeger's."""
    return any(_is_trace(one) or any(map(_is_trace, objects(one, "data"))) for one in sample.objects)


def opened(sample: Sample) -> frozenset[str] | None:
    """An answer of the API is read trace by trace."""
    return frozenset({"data"}) if any("data" in one for one in sample.objects) else None


def _is_trace(one: Mapping[str, Any]) -> bool:
    return isinstance(one.get("spans"), list) and ("traceID" in one or "processes" in one)


class Taker:
    """Makes spans of each trace."""

    def take(self, key: str, value: Any, /) -> list[Made]:
        """The spans and events of one trace.

        Raises:
            Malformed: it is none, or a span of it has no ids or no time.
        """
        if key not in {"", "data"}:
            return []
        if isinstance(value, dict) and "data" in value:
            return [made for trace in objects(value, "data") for made in self.take("", trace)]
        if not isinstance(value, dict) or not _is_trace(value):
            raise Malformed("no trace of Jaeger's: it must be an object with a list of `spans`")
        owners = {
            name: _owner(one) for name, one in mapping(value, "processes").items() if isinstance(one, dict)
        }
        made: list[Made] = list(owners.values())
        for told in objects(value, "spans"):
            owner = owners.get(text(told, "processID"))
            if owner is None:
                owner = _owner(mapping(told, "process"))
                made.append(owner)
            made += _span(told, text(value, "traceID"), owner)
        return made

    def end(self) -> list[Made]:
        """Nothing is left: a trace is one value."""
        return []


def _owner(told: Mapping[str, Any]) -> Process:
    tags = _tags(objects(told, "tags"))
    environment = next((text(tags, name) for name in _ENVIRONMENTS if name in tags), "")
    return process(
        NAME,
        text(told, "serviceName"),
        host=text(tags, "host.name", "hostname"),
        version=text(tags, "service.version"),
        environment=environment,
        attributes=tags,
    )


def _tags(tags: list[dict[str, Any]]) -> dict[str, Any]:
    """Tags by their keys; a number of 64 bits that JavaScript cannot hold stands there as a text."""
    found: dict[str, Any] = {}
    for tag in tags:
        key, value = text(tag, "key"), tag.get("value")
        if key and value is not None:
            is_number = (
                tag.get("type") == "int64" and isinstance(value, str) and value.lstrip("-").isdecimal()
            )
            found[key] = int(value) if is_number and len(value) < 20 else value
    return found


def _span(told: Mapping[str, Any], of_trace: str, owner: Process) -> list[Made]:
    trace = hex_id(text(told, "traceID") or of_trace, _TRACE)
    own = hex_id(text(told, "spanID"), _SPAN)
    if not trace or not own:
        raise Malformed(f"a span without ids: {text(told, 'operationName')[:80]!r}")
    start = needed_moment(told, "startTime", unit=MICRO)
    tags = _tags(objects(told, "tags"))
    parent, links = _references(told, trace)
    events = _events(told, trace, own, owner)
    scope = {"name": text(tags, "otel.scope.name"), "version": text(tags, "otel.scope.version")}
    otel = {
        "otlp": 1,
        "kind": KINDS.get(text(tags, "span.kind").lower(), 0),
        "trace_state": text(tags, "w3c.tracestate"),
        "scope": {name: value for name, value in scope.items() if value},
    }
    failed = tags.get("error") in (True, "true", "True") or tags.get("otel.status_code") == "ERROR"
    kept = {name: value for name, value in tags.items() if name not in _OF_OTEL}
    if not failed and "error" in tags and tags["error"] not in (False, "false", "False"):
        kept["error"] = tags["error"]
    return [
        Span(
            trace_id=trace,
            span_id=own,
            parent_id=parent,
            name=text(told, "operationName") or "span",
            start=start,
            end=start + max(0, ns(number(told, "duration") or 0, MICRO)),
            status="error" if failed else "ok",
            error=_fault(tags, events) if failed else None,
            attributes=kept,
            links=links,
            otel={name: value for name, value in otel.items() if value},
            process_id=owner.process_id,
        ),
        *events,
    ]


def _references(told: Mapping[str, Any], trace: str) -> tuple[str, list[Link]]:
    """The parent, and what else the span refers to."""
    parent, links = hex_id(text(told, "parentSpanID"), _SPAN), []
    for one in objects(told, "references"):
        other, own = hex_id(text(one, "traceID"), _TRACE) or trace, hex_id(text(one, "spanID"), _SPAN)
        if not own:
            continue
        if not parent and other == trace and one.get("refType") != "FOLLOWS_FROM":
            parent = own
        elif own != parent or other != trace:
            links.append(Link(other, own, "follows_from" if one.get("refType") == "FOLLOWS_FROM" else ""))
    return parent, links


def _events(told: Mapping[str, Any], trace: str, own: str, owner: Process) -> list[Event]:
    found = []
    for place, log in enumerate(objects(told, "logs")):
        fields = _tags(objects(log, "fields"))
        name = text(fields, "event", "name") or "log"
        found.append(
            Event(
                event_id=event_id(NAME, trace, own, place),
                trace_id=trace,
                span_id=own,
                time=needed_moment(log, "timestamp", unit=MICRO),
                name=name,
                body=text(fields, "message"),
                attributes={key: value for key, value in fields.items() if key not in {"event", "message"}},
                otel={"otlp": 1, "index": place},
                process_id=owner.process_id,
            )
        )
    return found


def _fault(tags: Mapping[str, Any], events: list[Event]) -> Fault:
    thrown = next((event.attributes for event in reversed(events) if event.name == "exception"), {})
    return fault(
        text(tags, "otel.status_description", "error.message")
        or text(thrown, "exception.message")
        or "failed",
        text(tags, "error.type") or text(thrown, "exception.type"),
        text(thrown, "exception.stacktrace"),
    )
