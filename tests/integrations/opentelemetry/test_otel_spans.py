"""What a span of OpenTelemetry's API says on our line: attributes, events, links, status, kind, scope, limits."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry import trace
from opentelemetry.trace import Link, NonRecordingSpan, SpanContext, SpanKind, Status, StatusCode, TraceFlags

import flightlog as fl
from flightlog.integrations.opentelemetry import TracerProvider
from flightlog.integrations.opentelemetry.limits import Limits, from_environment
from flightlog.integrations.opentelemetry.meaning import SIGNS, is_content, kind_of
from flightlog.records.kinds import KINDS

SECRET = "sk-proj-" + "a1B2c3D4" * 6


def test_a_usual_span_says_its_kind_its_scope_and_that_its_status_is_unset(seen, tracer):
    with tracer.start_as_current_span("a"):
        pass
    scope = {"name": "lib", "version": "1.2", "schema_url": "https://schema", "attributes": {"a": 1}}
    assert seen.span("a").otel == {"kind": 1, "scope": scope, "status": 0}
    assert (seen.span("a").status, seen.span("a").kind) == ("ok", "function")


@pytest.mark.parametrize(("kind", "number"), [(kind, kind.value + 1) for kind in SpanKind])
def test_the_kind_is_the_number_that_otlp_has_for_it(seen, tracer, kind, number):
    tracer.start_span("a", kind=kind).end()
    assert seen.span("a").otel["kind"] == number


@pytest.mark.parametrize(
    ("attributes", "kind"),
    [
        ({"http.request.method": "GET"}, "http"),
        ({"db.system": "redis"}, "db"),
        ({"gen_ai.operation.name": "chat"}, "llm"),
        ({"gen_ai.operation.name": "execute_tool", "http.method": "GET"}, "tool"),
        ({"openinference.span.kind": "RETRIEVER"}, "retrieval"),
        ({"openinference.span.kind": "chain"}, "step"),
        ({"traceloop.span.kind": "workflow"}, "workflow"),
        ({"llm.request.type": "embedding"}, "embedding"),
        ({"gen_ai.operation.name": 5}, "function"),
        ({"anything": "else"}, "function"),
    ],
)
def test_the_kind_of_ours_follows_from_the_attributes_now_or_later(seen, tracer, attributes, kind):
    tracer.start_span("now", attributes=attributes).end()
    later = tracer.start_span("later")
    later.set_attributes(attributes)
    later.end()
    assert (seen.span("now").kind, seen.span("later").kind) == (kind, kind)
    assert seen.span("now").attributes == attributes == seen.span("later").attributes


@given(st.dictionaries(st.sampled_from(sorted(SIGNS)), st.text() | st.integers()))
def test_every_kind_is_one_of_ours(attributes):
    assert kind_of(attributes) in KINDS


def test_values_are_taken_as_the_specification_has_them(seen, tracer, caplog):
    span = tracer.start_span(
        "a", attributes={"list": ["a", 1, None], "map": {"x": [True]}, "none": None, "b": b"raw"}
    )
    span.set_attribute("later", ("a", "b"))
    span.set_attribute("later", None)
    span.set_attribute("odd", object)
    span.set_attribute("", 1)
    span.set_attribute(5, 1)
    span.end()
    found = seen.span("a")
    assert found.attributes.pop("odd").startswith("<class")
    assert found.attributes == {
        "list": ["a", 1, None],
        "map": {"x": [True]},
        "none": None,
        "b": "cmF3",
        "later": None,
    }
    assert found.otel["types"] == {"/attributes/b": "bytes"}
    assert found.otel["dropped"] == 2
    assert len(caplog.records) <= 3


def test_a_list_is_captured_when_it_is_handed_over(seen, tracer):
    words = ["a"]
    with tracer.start_as_current_span("a", attributes={"words": words}):
        words.append("b")
    assert seen.span("a").attributes["words"] == ["a"]


def test_attributes_with_the_names_of_parameters_are_attributes(seen, tracer):
    given = {"kind": "x", "level": "trace", "input": 1, "links": [1], "name": "n"}
    with tracer.start_as_current_span("a", attributes=given):
        pass
    span = seen.span("a")
    assert (span.attributes, span.kind, span.level, span.name) == (given, "function", "info", "a")


def test_limits_keep_what_came_first_and_count_the_rest(seen):
    limits = Limits(attributes=2, value_length=3, events=1, links=1, event_attributes=1, link_attributes=1)
    tracer = TracerProvider(limits).get_tracer("lib")
    there = SpanContext(1, 2, True, TraceFlags(1))
    span = tracer.start_span("a", attributes={"a": "long text", "b": ["long text"], "c": 1})
    span.set_attribute("d", 1)
    span.set_attribute("a", "other")
    span.add_event("kept", {"x": 1, "y": 2})
    span.add_event("not kept")
    span.add_link(there, {"x": 1, "y": 2})
    span.add_link(there)
    span.end()
    found = seen.span("a")
    assert found.attributes == {"a": "oth", "b": ["lon"]}
    assert (found.otel["dropped"], found.otel["dropped_events"], found.otel["dropped_links"]) == (2, 1, 1)
    assert [(event.name, event.attributes, event.otel) for event in seen.events] == [
        ("kept", {"x": 1}, {"dropped": 1})
    ]
    assert [link.attributes for link in found.links] == [{"x": 1}]


def test_limits_come_from_the_environment_as_the_specification_says():
    assert from_environment({}) == Limits()
    found = from_environment(
        {
            "OTEL_ATTRIBUTE_COUNT_LIMIT": "5",
            "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT": "6",
            "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT": "7",
            "OTEL_SPAN_EVENT_COUNT_LIMIT": "8",
            "OTEL_SPAN_LINK_COUNT_LIMIT": "",
            "OTEL_LINK_ATTRIBUTE_COUNT_LIMIT": "-1",
        }
    )
    assert (found.attributes, found.event_attributes, found.link_attributes) == (6, 5, 5)
    assert (found.value_length, found.other_value_length, found.events) == (7, 7, 8)
    assert found.links > 10**9


def test_ok_is_final_and_of_errors_the_last_counts(seen, tracer):
    span = tracer.start_span("ok")
    span.set_status(StatusCode.ERROR, "first")
    span.set_status(StatusCode.UNSET)
    span.set_status(Status(StatusCode.OK))
    span.set_status(StatusCode.ERROR, "too late")
    span.end()
    failed = tracer.start_span("error", attributes={"error.type": "timeout"})
    failed.set_status(StatusCode.ERROR, "first")
    failed.set_status(Status(StatusCode.ERROR, "last"))
    failed.end()
    assert (seen.span("ok").status, seen.span("ok").error, "status" in seen.span("ok").otel) == (
        "ok",
        None,
        False,
    )
    error = seen.span("error").error
    assert (seen.span("error").status, error.type, error.message) == ("error", "timeout", "last")


def test_an_exception_that_leaves_is_the_error_with_type_message_and_stack(seen, tracer):
    with pytest.raises(ValueError, match="no"), fl.span("outer"), tracer.start_as_current_span("a"):
        raise ValueError("no")
    error = seen.span("a").error
    assert (error.type, error.message) == ("ValueError", "no")
    assert "test_otel_spans.py" in error.stack
    assert "integrations/opentelemetry/tracer.py" not in error.stack
    assert seen.span("a").otel["status_message"] == "ValueError: no"
    (event,) = seen.events
    assert (event.name, event.level, event.attributes["exception.type"]) == (
        "exception",
        "warn",
        "ValueError",
    )
    assert seen.span("outer").status == "error"
    assert seen.span("outer").error.stack == ""


def test_what_is_said_of_an_error_after_its_status_is_part_of_it(seen, tracer):
    with tracer.start_as_current_span("told") as span:
        span.set_status(StatusCode.ERROR)
        span.record_exception(ValueError("why"))
    with tracer.start_as_current_span("typed") as span:
        span.set_status(StatusCode.ERROR, "said")
        span.set_attribute("error.type", "timeout")
        span.record_exception(ValueError("other"))
    told, typed = seen.span("told"), seen.span("typed")
    assert (told.error.type, told.error.message, told.otel["status_message"]) == ("ValueError", "why", "")
    assert "ValueError: why" in told.error.stack
    assert (typed.error.type, typed.error.message, typed.error.stack) == ("timeout", "said", "")
    assert "status_message" not in typed.otel


def test_a_span_can_be_read_as_the_sdk_s_spans_can(seen, tracer):
    with tracer.start_as_current_span("a", kind=SpanKind.SERVER, attributes={"x": 1}) as outer:
        with tracer.start_as_current_span("b") as span:
            span.set_attributes({"text": "t", "list": [1.5, None], "password": "hunter2"})
            span.set_status(StatusCode.ERROR, "why")
            assert (span.name, span.kind, span.start_time) == ("b", SpanKind.INTERNAL, span.made.start)
            assert (span.status.status_code, span.status.description) == (StatusCode.ERROR, "why")
            assert dict(span.attributes) == {"text": "t", "list": [1.5, None], "password": "[REDACTED]"}
            assert span.parent.span_id == outer.context.span_id
            assert not span.parent.is_remote
            assert (span.instrumentation_scope.name, span.instrumentation_scope.version) == ("lib", "1.2")
            assert (span.events, span.links, span.dropped_attributes) == ((), (), 0)
            assert span.end_time is None
        assert span.end_time >= seen.span("b").end
        assert (outer.kind, dict(outer.attributes), outer.parent) == (SpanKind.SERVER, {"x": 1}, None)
        assert outer.status.is_unset
    with fl.span("ours"):
        shown = trace.get_current_span()
        assert (shown.kind, shown.attributes, shown.instrumentation_scope) == (SpanKind.INTERNAL, {}, None)
    there = trace.NonRecordingSpan(SpanContext(1, 2, is_remote=True, trace_flags=trace.TraceFlags(1)))
    with tracer.start_as_current_span("c", context=trace.set_span_in_context(there)) as span:
        assert (span.parent.trace_id, span.parent.span_id, span.parent.is_remote) == (1, 2, True)


@pytest.mark.parametrize("records", [True, False])
@pytest.mark.parametrize("fails", [True, False])
def test_whether_an_exception_is_recorded_and_is_the_status_can_be_said(seen, tracer, records, fails):
    given = {"record_exception": records, "set_status_on_exception": fails}
    with pytest.raises(KeyError), tracer.start_as_current_span("a", **given):
        raise KeyError("k")
    with pytest.raises(KeyError), tracer.start_span("b", **given):
        raise KeyError("k")
    for name in "ab":
        span = seen.span(name)
        assert span.status == ("error" if fails else "ok")
        assert len([event for event in seen.events if event.span_id == span.span_id]) == records


def test_times_can_be_given_and_a_span_ends_once(seen, tracer):
    begun = 1_700_000_000_000_000_000
    span = tracer.start_span("a", start_time=begun)
    span.add_event("e", timestamp=begun + 5)
    span.end(begun + 9)
    span.end(begun + 10)
    span.set_attribute("late", 1)
    span.add_event("late")
    span.update_name("late")
    span.set_status(StatusCode.ERROR)
    found = seen.span("a")
    assert (found.start, found.end, found.attributes, len(seen.spans)) == (begun, begun + 9, {}, 1)
    assert [(event.name, event.time) for event in seen.events] == [("e", begun + 5)]
    assert not span.is_recording()


def test_without_an_end_a_span_that_began_long_ago_ends_now(seen, tracer):
    tracer.start_span("a", start_time=1_700_000_000_000_000_000).end()
    tracer.start_span("b").end()
    assert abs(seen.span("a").end - seen.span("b").end) < 10**9


def test_links_at_the_start_and_later_keep_their_attributes(seen, tracer):
    there = SpanContext(0xA, 0xB, True, TraceFlags(1))
    span = tracer.start_span("a", links=[Link(there, {"relation": "r", "n": 1})])
    span.add_link(there, {"later": True})
    span.add_link(trace.INVALID_SPAN_CONTEXT)
    span.end()
    told = [(link.trace_id, link.span_id, link.attributes) for link in seen.span("a").links]
    ids = (f"{10:032x}", f"{11:016x}")
    assert told == [(*ids, {"relation": "r", "n": 1}), (*ids, {"later": True})]


def test_every_text_passes_the_gate(seen, logger):
    tracer = TracerProvider().get_tracer(SECRET, SECRET, attributes={"s": SECRET})
    with tracer.start_as_current_span(SECRET, attributes={"a": SECRET, "http.method": SECRET}) as span:
        span.set_attribute("b", [SECRET])
        span.add_event(SECRET, {"c": SECRET})
        span.add_event(SECRET, {"c": SECRET}, timestamp=10**18)
        span.add_link(SpanContext(1, 2, True, TraceFlags(1)), {"d": SECRET})
        span.record_exception(ValueError(SECRET))
        span.set_status(StatusCode.ERROR, f"was {SECRET}")
        logger.emit(body=f"it is {SECRET}", attributes={"e": SECRET}, event_name=SECRET)
        logger.emit(body={"f": SECRET})
    assert len(seen._lines) > 5
    assert SECRET.encode() not in b"".join(seen._lines)


def test_a_content_policy_withholds_what_went_in_and_out(tmp_path):
    fl.configure(content="all,llm=metadata", home=str(tmp_path))
    tracer = TracerProvider().get_tracer("lib")
    try:
        with fl.capture() as seen:
            asked = {
                "gen_ai.operation.name": "chat",
                "gen_ai.input.messages": "[…]",
                "gen_ai.request.model": "m",
            }
            with tracer.start_as_current_span("now", attributes=asked) as span:
                span.set_attribute("gen_ai.output.messages", "[…]")
                span.add_event("gen_ai.user.message", {"content": "hello"})
            later = tracer.start_span("later", attributes={"llm.prompts": "hello"})
            later.set_attribute("gen_ai.operation.name", "chat")
            later.end()
            with tracer.start_as_current_span("tool", attributes={"input.value": "kept"}):
                pass
    finally:
        fl.configure(content=None, home=None)
    assert seen.span("now").attributes == {
        "gen_ai.operation.name": "chat",
        "gen_ai.request.model": "m",
        "flightlog.content": "metadata",
    }
    assert seen.span("later").attributes == {"gen_ai.operation.name": "chat", "flightlog.content": "metadata"}
    assert seen.span("tool").attributes == {"input.value": "kept"}
    assert [event.attributes for event in seen.events] == [{"flightlog.content": "metadata"}]
    assert is_content("gen_ai.prompt.0.content")


class Hostile:
    """An object that fails wherever it is asked."""

    def __getattr__(self, name):
        raise RuntimeError(name)

    def __str__(self):
        raise RuntimeError("str")


def test_nothing_raises_into_the_program(seen, tracer):
    span = tracer.start_span(Hostile(), attributes={"a": Hostile()})
    span.set_attribute("b", Hostile())
    span.set_attributes(5)
    span.add_event("e", 5, timestamp="soon")
    span.add_link(None)
    span.add_link(Hostile(), {})
    span.set_status(5)
    span.record_exception(ValueError(Hostile()))
    span.end("now")
    with tracer.start_as_current_span("b", attributes=5, links=[Hostile()], start_time="early"):
        pass
    assert len(seen.spans) == 2


def test_a_span_names_itself_and_says_who_it_is(seen, tracer):
    span = tracer.start_span("a")
    assert span.name == "a"
    assert isinstance(span, trace.Span)
    assert not isinstance(span, NonRecordingSpan)
    assert f"{span.get_span_context().trace_id:032x}" in repr(span)
    span.end()


def test_the_provider_says_whose_process_it_is(monkeypatch):
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "team=a%20b,broken,service.name=other")
    resource = TracerProvider().resource
    assert resource.attributes["team"] == "a b"
    assert resource.attributes["telemetry.sdk.name"] == "flightlog"
