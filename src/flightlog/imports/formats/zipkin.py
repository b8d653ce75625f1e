"""Spans in the JSON of Zipkin, version 2: a list of spans, a list of traces, or a span on each line.

A client and a server may share one id there; here each span has its own: the server's half gets one that is made of
it, and stands under the client's. A child of that id is the server's where its service is the server's and the server
came before it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from flightlog.codecs.otlp.messages import Malformed
from flightlog.imports.formats.jaeger import KINDS
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
    parsed,
    process,
    span_id,
    text,
)
from flightlog.records.event import Event
from flightlog.records.span import Span

NAME: Final = "zipkin"

_TRACE: Final = 32
_SPAN: Final = 16
_MOST_SHARED: Final = 100_000
_OF_OTEL: Final = frozenset(
    """error otel.status_code otel.status_description otel.scope.name otel.scope.version
    otel.library.name otel.library.version""".split()  # noqa: SIM905 - a list of words reads best as one
)
_PEER: Final = {"serviceName": "peer.service", "ipv4": "network.peer.address", "ipv6": "network.peer.address"}


def tells(sample: Sample) -> bool:
    """Whether these are spans of Zipkin's."""
    values = [one for value in sample.values for one in (value if isinstance(value, list) else [value])]
    return any(
        isinstance(one, dict)
        and {"traceId", "id"} <= one.keys()
        and not one.keys().isdisjoint({"timestamp", "localEndpoint", "annotations", "tags"})
        and one.keys().isdisjoint({"type", "startTime"})
        for one in values
    )


class Taker:
    """Makes a span of each value, or spans of a list."""

    def __init__(self) -> None:
        self._shared: dict[tuple[str, str], str] = {}
        """The service of the server's half, by trace and id."""

    def take(self, key: str, value: Any, /) -> list[Made]:
        """The span that a value is.

        Raises:
            Malformed: it is none.
        """
        if isinstance(value, list):
            return [made for one in value for made in self.take(key, one)]
        if not isinstance(value, dict):
            raise Malformed("no span of Zipkin's: it must be an object")
        trace, id_ = hex_id(text(value, "traceId"), _TRACE), hex_id(text(value, "id"), _SPAN)
        if not trace or not id_:
            raise Malformed("no span of Zipkin's: it has no `traceId` or no `id` of hexadecimal digits")
        start = needed_moment(value, "timestamp", unit=MICRO)
        here = mapping(value, "localEndpoint")
        service = text(here, "serviceName")
        owner = process(NAME, service, host=text(here, "ipv4", "ipv6"))
        own, parent = self._ids(value, trace, id_, service)
        tags = {name: one for name, one in mapping(value, "tags").items() if one is not None}
        failed = tags.get("error", "false") != "false" or tags.get("otel.status_code") == "ERROR"
        scope = {"name": text(tags, "otel.scope.name"), "version": text(tags, "otel.scope.version")}
        otel = {
            "otlp": 1,
            "kind": KINDS.get(text(value, "kind").lower(), 0),
            "scope": {name: one for name, one in scope.items() if one},
        }
        said = tags.get("error")
        message = (
            text(tags, "otel.status_description") or (said if said not in ("", "true") else "") or "failed"
        )
        span = Span(
            trace_id=trace,
            span_id=own,
            parent_id=parent,
            name=text(value, "name") or "span",
            start=start,
            end=start + max(0, ns(number(value, "duration") or 0, MICRO)),
            status="error" if failed else "ok",
            error=fault(message, text(tags, "error.type", "exception.type")) if failed else None,
            attributes={
                **{name: one for name, one in tags.items() if name not in _OF_OTEL},
                **_peer(mapping(value, "remoteEndpoint")),
            },
            otel={name: one for name, one in otel.items() if one},
            process_id=owner.process_id,
        )
        return [owner, span, *self._events(value, span)]

    def end(self) -> list[Made]:
        """Nothing is left: a span is one value."""
        return []

    def _ids(self, value: Mapping[str, Any], trace: str, id_: str, service: str) -> tuple[str, str]:
        """The id of the span and that of its parent."""
        if value.get("shared") is True:
            if len(self._shared) < _MOST_SHARED:
                self._shared[trace, id_] = service
            return span_id(NAME, trace, id_, "shared"), id_
        parent = hex_id(text(value, "parentId"), _SPAN)
        if parent and service and self._shared.get((trace, parent)) == service:
            parent = span_id(NAME, trace, parent, "shared")
        return id_, parent

    def _events(self, value: Mapping[str, Any], span: Span) -> list[Made]:
        made: list[Made] = []
        for place, one in enumerate(objects(value, "annotations")):
            name, attributes = _said(text(one, "value"))
            made.append(
                Event(
                    event_id=event_id(NAME, span.trace_id, span.span_id, place),
                    trace_id=span.trace_id,
                    span_id=span.span_id,
                    time=needed_moment(one, "timestamp", unit=MICRO),
                    name=name or "annotation",
                    attributes=attributes,
                    otel={"otlp": 1, "index": place},
                    process_id=span.process_id,
                )
            )
        return made


def _said(value: str) -> tuple[str, dict[str, Any]]:
    """The name and the attributes of an annotation: OpenTelemetry writes `{name: attributes}` there."""
    told = parsed(value) if value.startswith("{") else None
    if isinstance(told, dict) and len(told) == 1:
        ((name, attributes),) = told.items()
        if isinstance(attributes, dict):
            return name, attributes
    return value, {}


def _peer(there: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {ours: there[name] for name, ours in _PEER.items() if there.get(name)}
    return {**found, "network.peer.port": there["port"]} if there.get("port") else found
