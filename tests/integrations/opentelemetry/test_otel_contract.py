"""The same program, begun through the SDK and through our provider, leaves the same spans."""

from __future__ import annotations

import contextlib
import logging

from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider as SdkProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_ON
from opentelemetry.trace import Status, StatusCode

import flightlog as fl
from flightlog.integrations.opentelemetry import TracerProvider

NAMES = st.sampled_from(["a", "b", "search", "ünï", ""])
KEYS = st.sampled_from(
    ["k", "kind", "level", "input", "http.method", "gen_ai.operation.name", "error.type", "ä.b"]
)
SIMPLE = st.one_of(
    st.text(alphabet="abc é", max_size=6), st.booleans(), st.integers(-(2**53), 2**53), st.floats(-1e6, 1e6)
)
VALUES = st.one_of(
    SIMPLE,
    st.lists(st.text(alphabet="xyz", min_size=3, max_size=4), max_size=3),
    st.lists(st.integers(-5, 5), max_size=3),
)
ATTRIBUTES = st.dictionaries(KEYS, VALUES, max_size=4)
CODES = st.sampled_from([StatusCode.OK, StatusCode.ERROR, StatusCode.UNSET])
KINDS = st.sampled_from(list(trace.SpanKind))
TIMES = st.integers(1_700_000_000_000_000_000, 1_800_000_000_000_000_000)
LINKED = trace.SpanContext(0xABC, 0xDEF, True, trace.TraceFlags(1))


class Failed(Exception):
    """What a program raises."""


STEPS = st.one_of(
    st.tuples(st.just("attribute"), KEYS, VALUES),
    st.tuples(st.just("attributes"), ATTRIBUTES),
    st.tuples(st.just("event"), NAMES, ATTRIBUTES, st.none() | TIMES),
    st.tuples(st.just("link"), ATTRIBUTES),
    st.tuples(st.just("name"), NAMES),
    st.tuples(st.just("status"), CODES, st.none() | st.just("why"), st.booleans()),
    st.tuples(st.just("exception"), st.booleans()),
    st.tuples(st.just("end"), st.none() | TIMES),
)
BLOCKS = st.deferred(
    lambda: st.tuples(
        st.sampled_from(["block", "use", "detached", "explicit", "root", "remote", "stays"]),
        NAMES,
        KINDS,
        ATTRIBUTES,
        st.lists(st.one_of(STEPS, BLOCKS), max_size=4),
        st.booleans(),  # whether it raises
        st.tuples(st.booleans(), st.booleans()),  # record_exception, set_status_on_exception
    )
)
PROGRAMS = st.lists(BLOCKS, min_size=1, max_size=3)


def run(tracer, program) -> None:
    """Do what a program says with a tracer."""
    for block in program:
        with contextlib.suppress(Failed):
            _block(tracer, block, None)


def _block(tracer, block, outer) -> None:
    how, name, kind, attributes, steps, raises, (records, fails) = block
    given = {
        "kind": kind,
        "attributes": attributes,
        "record_exception": records,
        "set_status_on_exception": fails,
    }
    if how == "block":
        with tracer.start_as_current_span(name, **given) as span:
            _steps(tracer, span, steps, raises)
    elif how == "stays":
        span = None
        try:
            with tracer.start_as_current_span(name, end_on_exit=False, **given) as span:
                _steps(tracer, span, steps, raises)
        finally:
            span.end()
    elif how == "use":
        span = tracer.start_span(name, **given)
        with trace.use_span(span, end_on_exit=True, record_exception=records, set_status_on_exception=fails):
            _steps(tracer, span, steps, raises)
    elif how == "detached":
        with tracer.start_span(name, **given) as span:
            _steps(tracer, span, steps, raises)
    else:
        parent = {
            "explicit": outer,
            "root": None,
            "remote": trace.NonRecordingSpan(trace.SpanContext(0x77, 0x88, True, trace.TraceFlags(1))),
        }[how]
        context = trace.set_span_in_context(parent or trace.INVALID_SPAN)
        with tracer.start_as_current_span(name, context=context, **given) as span:
            _steps(tracer, span, steps, raises)


def _steps(tracer, span, steps, raises) -> None:
    for step in steps:
        what, *said = step
        if what == "attribute":
            span.set_attribute(*said)
        elif what == "attributes":
            span.set_attributes(*said)
        elif what == "event":
            span.add_event(*said)
        elif what == "link":
            span.add_link(LINKED, *said)
        elif what == "name":
            span.update_name(*said)
        elif what == "status":
            code, why, whole = said
            why = why if code is StatusCode.ERROR else None
            span.set_status(Status(code, why)) if whole else span.set_status(code, why)
        elif what == "exception":
            span.record_exception(Failed("seen"), escaped=said[0])
        elif what == "end":
            span.end(*said)
        else:
            with contextlib.suppress(Failed):
                _block(tracer, step, span)
    if raises:
        raise Failed("left")


def of_sdk(program) -> list:
    """What the SDK exports of a program, as facts that can be compared."""
    exporter = InMemorySpanExporter()
    provider = SdkProvider(sampler=ALWAYS_ON, shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    run(provider.get_tracer("lib"), program)
    spans = exporter.get_finished_spans()
    names = {span.context.span_id: number for number, span in enumerate(spans)}
    return [
        {
            "name": span.name,
            "parent": None if span.parent is None else names.get(span.parent.span_id, span.parent.span_id),
            "root": span.context.trace_id == 0x77,
            "kind": span.kind.value + 1,
            "attributes": {key: _value(value) for key, value in span.attributes.items()},
            "events": [(event.name, _facts(event.attributes)) for event in span.events],
            "links": [(link.context.trace_id, _facts(link.attributes)) for link in span.links],
            "status": span.status.status_code.value,
            "message": span.status.description or "",
        }
        for span in spans
    ]


def of_ours(program) -> list:
    """The same from the records of our provider."""
    with fl.capture() as seen:
        run(TracerProvider().get_tracer("lib"), program)
        spans, events = seen.spans, seen.events
    names = {int(span.span_id, 16): number for number, span in enumerate(spans)}
    of = {span.span_id: [event for event in events if event.span_id == span.span_id] for span in spans}
    parents = [int(span.parent_id, 16) if span.parent_id else None for span in spans]
    return [
        {
            "name": span.name,
            "parent": names.get(parent, parent),
            "root": int(span.trace_id, 16) == 0x77,
            "kind": span.otel["kind"],
            "attributes": span.attributes,
            "events": [(event.name, _facts(event.attributes)) for event in of[span.span_id]],
            "links": [(int(link.trace_id, 16), link.attributes) for link in span.links],
            "status": 2 if span.status == "error" else span.otel.get("status", 1),
            "message": "" if span.error is None else span.otel.get("status_message", span.error.message),
        }
        for span, parent in zip(spans, parents, strict=True)
    ]


def _value(value):
    return list(value) if isinstance(value, tuple) else value


def _facts(attributes):
    """Attributes without the stack, whose frames differ."""
    return {key: _value(value) for key, value in attributes.items() if key != "exception.stacktrace"}


@settings(max_examples=150, deadline=None)
@given(PROGRAMS)
def test_a_program_leaves_the_spans_that_the_sdk_would_have_exported(program):
    logging.disable(logging.WARNING)
    try:
        assert of_ours(program) == of_sdk(program)
    finally:
        logging.disable(logging.NOTSET)
