"""Programs of calls of OpenTelemetry's API, made by chance, and what is seen while and after one runs.

A program is data: `run` does it with any provider. It notes what the API answers on the way (what is current, whether
a span records, its flags and trace state, baggage), as numbers of spans and traces in the order in which they were met,
so that two providers can be compared.
"""

from __future__ import annotations

import contextlib
import math
from typing import Any

from hypothesis import strategies as st
from opentelemetry import baggage, trace
from opentelemetry import context as api
from opentelemetry.trace import (
    Link,
    NonRecordingSpan,
    SpanContext,
    Status,
    StatusCode,
    TraceFlags,
    TraceState,
)


class Failed(Exception):
    """What a program raises."""


class Told:
    """A value that is none of OpenTelemetry's, and has a text."""

    def __str__(self) -> str:
        return "told"


NAMES = st.sampled_from(["a", "b", "search", "ünï", ""])
KEYS = st.sampled_from(
    ["k", "kind", "level", "input", "http.method", "gen_ai.operation.name", "error.type", "ä.b", "a/b~c"]
)
ODD_KEYS = st.one_of(KEYS, st.sampled_from(["", 7, None]))
TEXTS = st.text(alphabet="abc é", max_size=6)
FLOATS = st.floats(-1e6, 1e6) | st.sampled_from([math.inf, -math.inf, math.nan])
SIMPLE = st.one_of(TEXTS, st.booleans(), st.integers(-(2**63), 2**63 - 1), FLOATS)
VALUES = st.recursive(
    st.one_of(SIMPLE, st.none(), st.binary(max_size=5), st.builds(Told)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.lists(inner, max_size=2).map(tuple),
        st.dictionaries(st.sampled_from(["x", "y", "z/~", 1, "", None]), inner, max_size=2),
    ),
    max_leaves=4,
)
ATTRIBUTES = st.none() | st.dictionaries(ODD_KEYS, VALUES, max_size=4)
CODES = st.sampled_from([StatusCode.OK, StatusCode.ERROR, StatusCode.UNSET])
KINDS = st.sampled_from(list(trace.SpanKind))
TIMES = st.none() | st.integers(1_700_000_000_000_000_000, 1_780_000_000_000_000_000)
STATES = st.sampled_from([None, TraceState([("v", "1")]), TraceState([("v", "1"), ("w", "2")])])
CONTEXTS = st.builds(
    SpanContext,
    st.sampled_from([0, 0x77, 0xABC]),
    st.sampled_from([0, 0x88, 0xDEF]),
    st.booleans(),
    st.sampled_from([TraceFlags(0), TraceFlags(1), TraceFlags(3)]),
    STATES,
)
LINKS = st.none() | st.lists(st.tuples(CONTEXTS, ATTRIBUTES), max_size=3)

STEPS = st.one_of(
    st.tuples(st.just("attribute"), ODD_KEYS, VALUES),
    st.tuples(st.just("attributes"), st.dictionaries(ODD_KEYS, VALUES, max_size=4)),
    st.tuples(st.just("event"), NAMES, ATTRIBUTES, TIMES),
    st.tuples(st.just("link"), CONTEXTS, ATTRIBUTES),
    st.tuples(st.just("name"), NAMES),
    st.tuples(st.just("status"), CODES, st.none() | st.just("why"), st.booleans()),
    st.tuples(st.just("exception"), st.booleans(), ATTRIBUTES, TIMES),
    st.tuples(st.just("end"), TIMES),
    st.tuples(st.just("look")),
)
BLOCKS = st.deferred(
    lambda: st.tuples(
        st.sampled_from(
            [
                "block",
                "use",
                "detached",
                "explicit",
                "root",
                "foreign",
                "stays",
                "decorated",
                "attached",
                "again",
            ]
        ),
        st.fixed_dictionaries(
            {
                "name": NAMES,
                "kind": KINDS,
                "attributes": ATTRIBUTES,
                "links": LINKS,
                "start_time": TIMES,
                "record_exception": st.booleans(),
                "set_status_on_exception": st.booleans(),
            }
        ),
        CONTEXTS.filter(lambda one: one.trace_flags & 1),  # a capture takes what is not sampled
        st.lists(st.one_of(STEPS, BLOCKS, st.tuples(st.just("on"), st.integers(0, 5), STEPS)), max_size=4),
        st.booleans(),  # whether it raises
        st.integers(0, 1),  # which tracer
    )
)
PROGRAMS = st.lists(BLOCKS, min_size=1, max_size=3)


class Run:
    """One run of a program with the tracers of one provider."""

    def __init__(self, tracers: list[trace.Tracer]) -> None:
        self.tracers = tracers
        self.spans: list[trace.Span] = []
        """Those that it began, in this order."""
        self.seen: list[Any] = []
        """What the API answered."""
        self._ids: dict[int, int] = {0x88: -1, 0xDEF: -2, 0: -3}
        self._traces: dict[int, int] = {0x77: -1, 0xABC: -2, 0: -3}

    def do(self, program: Any) -> None:
        for block in program:
            with contextlib.suppress(Failed):
                self._block(block, None)
            self.look(None)

    def number(self, span_id: int) -> int:
        return self._ids.setdefault(span_id, len(self._ids))

    def trace(self, trace_id: int) -> int:
        return self._traces.setdefault(trace_id, len(self._traces))

    def look(self, span: trace.Span | None) -> None:
        for one in (trace.get_current_span(), *([] if span is None else [span])):
            found = one.get_span_context()
            self.seen.append(
                (
                    self.trace(found.trace_id),
                    self.number(found.span_id),
                    int(found.trace_flags),
                    found.is_remote,
                    found.is_valid,
                    found.trace_state.to_header(),
                    one.is_recording(),
                )
            )
        self.seen.append(dict(baggage.get_all()))

    def _block(self, block: Any, outer: trace.Span | None) -> None:
        how, given, context, steps, raises, which = block
        tracer = self.tracers[which]
        given = {
            **given,
            "links": [Link(*link) for link in given["links"]] if given["links"] is not None else None,
        }
        passes = {key: given[key] for key in ("record_exception", "set_status_on_exception")}
        if how in {"block", "stays"}:
            span = None
            try:
                with tracer.start_as_current_span(**given, end_on_exit=how == "block") as span:
                    self._steps(span, steps, raises)
            finally:
                self.look(span)
                if how == "stays":
                    span.end()
        elif how == "decorated":

            @tracer.start_as_current_span(**given)
            def called() -> None:
                self._steps(trace.get_current_span(), steps, raises)

            called()
        elif how == "use":
            span = tracer.start_span(**given)
            self.look(span)
            with trace.use_span(span, end_on_exit=True, **passes):
                self._steps(span, steps, raises)
        elif how == "again":  # current twice, in the wrong order too
            span = tracer.start_span(**given)
            with trace.use_span(span, **passes):
                inner = tracer.start_span("inner")
                with trace.use_span(inner, end_on_exit=True), trace.use_span(span, **passes):
                    self._steps(span, steps, raises)
            span.end()
        elif how == "attached":
            span = tracer.start_span(**given)
            token = api.attach(baggage.set_baggage("key", "value", trace.set_span_in_context(span)))
            try:
                self._steps(span, steps, raises)
            finally:
                api.detach(token)
                self.look(span)
                span.end()
        elif how == "detached":
            with tracer.start_span(**given) as span:
                self._steps(span, steps, raises)
        else:
            parent = {"explicit": outer, "root": None, "foreign": NonRecordingSpan(context)}[how]
            above = trace.set_span_in_context(parent or trace.INVALID_SPAN)
            with tracer.start_as_current_span(context=above, **given) as span:
                self._steps(span, steps, raises)

    def _steps(self, span: trace.Span, steps: Any, raises: bool) -> None:
        self.spans.append(span)
        self.look(span)
        for step in steps:
            if step[0] == "on":
                self._step(self.spans[step[1] % len(self.spans)], step[2])
            elif isinstance(step[1:2] and step[1], dict) and len(step) == 6:
                with contextlib.suppress(Failed):
                    self._block(step, span)
                self.look(span)
            else:
                self._step(span, step)
        if raises:
            raise Failed("left")

    def _step(self, span: trace.Span, step: Any) -> None:
        what, *said = step
        if what == "attribute":
            span.set_attribute(*said)
        elif what == "attributes":
            span.set_attributes(*said)
        elif what == "event":
            span.add_event(*said)
        elif what == "link":
            span.add_link(*said)
        elif what == "name":
            span.update_name(*said)
        elif what == "status":
            code, why, whole = said
            why = why if code is StatusCode.ERROR else None
            span.set_status(Status(code, why)) if whole else span.set_status(code, why)
        elif what == "exception":
            escaped, attributes, time = said
            span.record_exception(Failed("seen"), attributes, time, escaped)
        elif what == "end":
            span.end(*said)
        self.look(span)
