"""Spans that Phoenix exports: the answer of its API, a list or lines of spans, or the rows of its data frame.

Attributes are OpenInference's, under their dotted names or as objects within objects; they are stored under the dotted
names, and understood as spans of OpenInference are that come by OTLP. Its own evaluations become annotations.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from flightlog.codecs.otlp.messages import Malformed
from flightlog.imports.formats.reading import (
    Made,
    Sample,
    event_id,
    fault,
    flat,
    hex_id,
    mapping,
    moment,
    needed_moment,
    number,
    objects,
    parsed,
    process,
    text,
)
from flightlog.records.annotation import Annotation
from flightlog.records.event import Event
from flightlog.records.process import Process
from flightlog.records.span import Fault, Span

NAME: Final = "phoenix"

_TRACE: Final = 32
_SPAN: Final = 16
_KIND: Final = "openinference.span.kind"
_ATTRIBUTES: Final = "attributes."


def tells(sample: Sample) -> bool:
    """Whether these are spans of Phoenix."""
    return any(_is_span(one) or any(map(_is_span, objects(one, "data"))) for one in sample.objects)


def opened(sample: Sample) -> frozenset[str] | None:
    """An answer of the API is read span by span."""
    return frozenset({"data"}) if any("data" in one for one in sample.objects) else None


def _is_span(one: Mapping[str, Any]) -> bool:
    has_ids = {"trace_id", "span_id"} <= mapping(one, "context").keys() or "context.span_id" in one
    return has_ids and "start_time" in one and "name" in one


class Taker:
    """Makes a span of each value."""

    def take(self, key: str, value: Any, /) -> list[Made]:
        """The span that a value is, its events and its evaluations.

        Raises:
            Malformed: it is none.
        """
        if key not in {"", "data"}:
            return []
        if isinstance(value, dict) and "data" in value and not _is_span(value):
            return [made for one in objects(value, "data") for made in self.take("", one)]
        if not isinstance(value, dict):
            raise Malformed("no span of Phoenix: it must be an object")
        context = mapping(value, "context")
        trace = hex_id(text(context, "trace_id") or text(value, "context.trace_id"), _TRACE)
        own = hex_id(text(context, "span_id") or text(value, "context.span_id"), _SPAN)
        if not trace or not own:
            raise Malformed("no span of Phoenix: it has no trace id or no span id")
        start = needed_moment(value, "start_time", unit=10**6)
        end = moment(value, "end_time", unit=10**6)
        attributes = _attributes(value)
        kind = text(value, "span_kind")
        if kind and kind != "UNKNOWN":
            attributes.setdefault(_KIND, kind)
        owner = process(NAME, text(attributes, "service.name"))
        events = list(_events(value, trace, own, owner))
        failed = text(value, "status_code").upper() == "ERROR"
        span = Span(
            trace_id=trace,
            span_id=own,
            parent_id=hex_id(text(value, "parent_id"), _SPAN),
            name=text(value, "name") or "span",
            start=start,
            end=start if end is None else max(start, end),
            status="error" if failed else "ok" if end is not None else "interrupted",
            error=_fault(value, events) if failed else None,
            attributes=attributes,
            otel={"otlp": 1},
            process_id=owner.process_id,
        )
        return [owner, span, *events, *_judgements(value, span)]

    def end(self) -> list[Made]:
        """Nothing is left: a span is one value."""
        return []


def _attributes(value: Mapping[str, Any]) -> dict[str, Any]:
    """All of them under their dotted names, wherever they stand."""
    told = parsed(value.get("attributes"))
    rows = {
        name.removeprefix(_ATTRIBUTES): one for name, one in value.items() if name.startswith(_ATTRIBUTES)
    }
    return dict(_dotted({**(told if isinstance(told, dict) else {}), **rows}))


def _dotted(value: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Members of members with dots between their names; of a list of objects with the number of each."""
    for name, one in value.items():
        if isinstance(one, dict) and name != "metadata":
            yield from _dotted(one, f"{prefix}{name}.")
        elif isinstance(one, list) and one and all(isinstance(item, dict) for item in one):
            yield from _dotted({str(place): item for place, item in enumerate(one)}, f"{prefix}{name}.")
        elif one is not None:
            yield prefix + name, one


def _events(value: Mapping[str, Any], trace: str, own: str, owner: Process) -> Iterator[Event]:
    told = parsed(value.get("events"))
    for place, one in enumerate(objects({"events": told}, "events")):
        yield Event(
            event_id=event_id(NAME, trace, own, place),
            trace_id=trace,
            span_id=own,
            time=needed_moment(one, "timestamp", "time", unit=10**6),
            name=text(one, "name") or "event",
            attributes=flat({**mapping(one, "attributes"), **_thrown(one)}),
            otel={"otlp": 1, "index": place},
            process_id=owner.process_id,
        )


def _thrown(event: Mapping[str, Any]) -> dict[str, Any]:
    """What an older version says of an exception beside the attributes."""
    names = {"message": "exception.message", "exception_type": "exception.type"}
    names |= {"exception_message": "exception.message", "exception_stacktrace": "exception.stacktrace"}
    return {ours: event[name] for name, ours in names.items() if event.get(name)}


def _fault(value: Mapping[str, Any], events: list[Event]) -> Fault:
    thrown = next((event.attributes for event in reversed(events) if event.name == "exception"), {})
    return fault(
        text(value, "status_message") or text(thrown, "exception.message") or "failed",
        text(thrown, "exception.type"),
        text(thrown, "exception.stacktrace"),
    )


def _judgements(value: Mapping[str, Any], span: Span) -> Iterator[Annotation]:
    for place, one in enumerate(objects(value, "annotations")):
        result = mapping(one, "result") or one
        yield Annotation(
            annotation_id=event_id(NAME, span.trace_id, span.span_id, "annotation", text(one, "id") or place),
            trace_id=span.trace_id,
            span_id=span.span_id,
            time=moment(one, "updated_at", "created_at") or span.end or span.start,
            name=text(one, "name") or "evaluation",
            value=number(result, "score"),
            label=text(result, "label"),
            note=text(result, "explanation"),
            by=text(one, "annotator_kind"),
            process_id=span.process_id,
        )
