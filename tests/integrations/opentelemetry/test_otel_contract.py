"""The same program, begun through the SDK and through our provider, answers the same and leaves the same spans."""

from __future__ import annotations

import logging
import math
from base64 import b64decode

import pytest
from hypothesis import given, settings
from opentelemetry import context as api
from opentelemetry.context.contextvars_context import ContextVarsRuntimeContext
from opentelemetry.sdk.trace import TracerProvider as SdkProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_ON, ParentBased
from otel_programs import PROGRAMS, Run

import flightlog as fl
from flightlog.integrations.opentelemetry import TracerProvider
from flightlog.integrations.opentelemetry.wrapping import feed


@pytest.fixture(autouse=True, scope="module")
def _in_silence():
    """Without what both say of calls that cannot be followed."""
    logging.disable(logging.ERROR)
    yield
    logging.disable(logging.NOTSET)


SCOPES = [("lib", "1.2", "https://schema", {"a": 1}), ("other",)]


def of_sdk(program, *, feeds=False) -> tuple[list, list, list]:
    """What the SDK answers and exports, as facts that can be compared; and what is recorded of it, if it feeds us."""
    before, api._RUNTIME_CONTEXT = api._RUNTIME_CONTEXT, ContextVarsRuntimeContext()
    try:
        exporter = InMemorySpanExporter()
        provider = SdkProvider(sampler=ParentBased(ALWAYS_ON), shutdown_on_exit=False)
        provider.add_span_processor(SimpleSpanProcessor(exporter))
        with fl.capture() as captured:
            if feeds:
                feed(provider)
            run = Run([provider.get_tracer(*scope) for scope in SCOPES])
            run.do(program)
    finally:
        api._RUNTIME_CONTEXT = before
    return run.seen, [_sdks(run, span) for span in exporter.get_finished_spans()], _recorded(run, captured)


def of_ours(program) -> tuple[list, list]:
    """The same from our provider, and from its records."""
    with fl.capture() as captured:
        provider = TracerProvider()
        run = Run([provider.get_tracer(*scope) for scope in SCOPES])
        run.do(program)
    return run.seen, _recorded(run, captured)


def _recorded(run, captured) -> list:
    spans, events = captured.spans, captured.events
    of = {span.span_id: [event for event in events if event.span_id == span.span_id] for span in spans}
    return [_ours(run, span, of[span.span_id]) for span in spans]


def _sdks(run, span) -> dict:
    return {
        "name": span.name,
        "ids": (run.trace(span.context.trace_id), run.number(span.context.span_id)),
        "parent": None if span.parent is None else run.number(span.parent.span_id),
        "remote": span.parent is not None and span.parent.is_remote,
        "kind": span.kind.value + 1,
        "attributes": _facts(span.attributes),
        "dropped": (span.dropped_attributes, span.dropped_events, span.dropped_links),
        "events": [
            (event.name, _facts(event.attributes), _time(event.timestamp), event.dropped_attributes)
            for event in span.events
        ],
        "links": [
            (
                link.context.trace_id,
                link.context.span_id,
                link.context.trace_state.to_header(),
                link.context.is_remote,
                _facts(link.attributes),
                link.dropped_attributes,
            )
            for link in span.links
        ],
        "status": span.status.status_code.value,
        "message": span.status.description or "",
        "start": _time(span.start_time),
        "end": _time(span.end_time),
        "scope": (
            span.instrumentation_scope.name,
            span.instrumentation_scope.version or "",
            span.instrumentation_scope.schema_url or "",
            dict(span.instrumentation_scope.attributes or {}),
        ),
    }


def _ours(run, span, events) -> dict:
    scope = span.otel["scope"]
    said = span.otel.get("links", [])
    links = zip(span.links, [*said, *[{}] * (len(span.links) - len(said))], strict=True)
    types = span.otel.get("types", {})
    return {
        "name": span.name,
        "ids": (run.trace(int(span.trace_id, 16)), run.number(int(span.span_id, 16))),
        "parent": run.number(int(span.parent_id, 16)) if span.parent_id else None,
        "remote": bool(span.otel.get("flags", 0) & 0x200),
        "kind": span.otel["kind"],
        "attributes": _typed(span.attributes, types, "/attributes"),
        "dropped": tuple(span.otel.get(key, 0) for key in ("dropped", "dropped_events", "dropped_links")),
        "events": [
            (
                event.name,
                _typed(event.attributes, event.otel.get("types", {}), "/attributes"),
                _time(event.time),
                event.otel.get("dropped", 0),
            )
            for event in events
        ],
        "links": [
            (
                int(link.trace_id, 16),
                int(link.span_id, 16),
                more.get("trace_state", ""),
                bool(more.get("flags", 0) & 0x200),
                _typed(link.attributes, types, f"/links/{index}/attributes"),
                more.get("dropped", 0),
            )
            for index, (link, more) in enumerate(links)
        ],
        "status": 2 if span.status == "error" else span.otel.get("status", 1),
        "message": "" if span.error is None else span.otel.get("status_message", span.error.message),
        "start": _time(span.start),
        "end": _time(span.end),
        "scope": (
            scope["name"],
            scope.get("version", ""),
            scope.get("schema_url", ""),
            scope.get("attributes", {}),
        ),
    }


def _time(nanoseconds):
    """A time that a program gave; None for one that was now (which is after all of these)."""
    return nanoseconds if 1_700_000_000_000_000_000 <= nanoseconds <= 1_780_000_000_000_000_000 else None


def _plain(value):
    if isinstance(value, (list, tuple)):
        return [_plain(one) for one in value]
    if hasattr(value, "items"):
        return {key: _plain(one) for key, one in value.items()}
    return "nan" if isinstance(value, float) and math.isnan(value) else value


def _facts(attributes):
    """Attributes without the stack, whose frames differ."""
    return {key: _plain(value) for key, value in (attributes or {}).items() if key != "exception.stacktrace"}


def _typed(attributes, types, at):
    """Attributes as their types say that they were."""

    def back(value, at):
        kind = types.get(at)
        if kind == "bytes":
            return b64decode(value)
        if kind == "double":
            return float(value)
        if isinstance(value, list):
            return [back(one, f"{at}/{index}") for index, one in enumerate(value)]
        if isinstance(value, dict):
            return {key: back(one, f"{at}/{_escaped(key)}") for key, one in value.items()}
        return value

    return _facts(back(attributes, at))


def _escaped(name):
    return name.replace("~", "~0").replace("/", "~1")


@settings(max_examples=120, deadline=None)
@given(PROGRAMS)
def test_a_program_is_answered_and_leaves_what_the_sdk_would_have_exported(program):
    ours, sdks = of_ours(program), of_sdk(program)
    assert ours[0] == sdks[0]
    for mine, theirs in zip(ours[1], sdks[1], strict=True):
        assert mine == theirs


@settings(max_examples=40, deadline=None)
@given(PROGRAMS)
def test_what_an_sdk_exports_is_recorded_as_it_was_and_nothing_of_it_changes(program):
    alone, fed = of_sdk(program), of_sdk(program, feeds=True)
    assert fed[:2] == alone[:2]
    for mine, theirs in zip(fed[2], fed[1], strict=True):
        assert mine == theirs
