"""What goes through our lines comes out as it went in: OTLP over lines to OTLP, and lines over OTLP to lines."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from otlp_kit import Read, as_json, back, log_requests, trace_requests

from flightlog.codecs.lines import decode, encode
from flightlog.codecs.otlp.batch import requests
from flightlog.records.event import Event
from flightlog.records.process import Process
from flightlog.records.span import Link, Span
from strategies import annotations, events, processes, spans

few = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def _traces(data: bytes) -> ExportTraceServiceRequest:
    return ExportTraceServiceRequest.FromString(data)


def _logs(data: bytes) -> ExportLogsServiceRequest:
    return ExportLogsServiceRequest.FromString(data)


def _sure(request):
    """The bytes of a request in an order that does not change: NaN is not equal to itself, its bytes are."""
    return request.SerializeToString(deterministic=True)


def _whole(request):
    """The request with the parts that say nothing: a status that is there and empty is none."""
    for group in request.resource_spans:
        group.resource.SetInParent()
        for scoped in group.scope_spans:
            scoped.scope.SetInParent()
            for span in scoped.spans:
                if not span.status.code and not span.status.message:
                    span.ClearField("status")
    return request


@few
@given(trace_requests())
def test_a_span_leaves_as_it_came_in_protobuf(request):
    read = Read(request.SerializeToString())
    assert read.bad == []
    told = back(read.records, read.processes)
    assert _sure(_traces(told.traces(as_json=False))) == _sure(_whole(request))


@few
@given(trace_requests())
def test_a_span_leaves_as_it_came_in_json(request):
    read = Read(as_json(request), as_json=True)
    assert read.bad == []
    told = Read(back(read.records, read.processes).traces(as_json=True), as_json=True)
    assert told.lines == read.lines


@few
@given(trace_requests())
def test_json_and_protobuf_make_the_same_lines_of_a_span(request):
    assert Read(as_json(request), as_json=True).lines == Read(request.SerializeToString()).lines


@few
@given(log_requests())
def test_a_log_record_leaves_as_it_came(request):
    read = Read(request.SerializeToString(), logs=True)
    assert read.bad == []
    told = back(read.records, read.processes).log_records(as_json=False)
    for group in request.resource_logs:
        group.resource.SetInParent()
        group.scope_logs[0].scope.SetInParent()
    assert _sure(_logs(told)) == _sure(request)


@few
@given(log_requests())
def test_json_and_protobuf_make_the_same_lines_of_a_log_record(request):
    assert Read(as_json(request), as_json=True).lines == Read(request.SerializeToString(), logs=True).lines


# -- ours -----------------------------------------------------------------------------------------------------


def _expressible(record) -> bool:
    """Whether OTLP has a form for its ids: none of them is zero."""
    names = ("trace_id", "span_id", "parent_id")
    given_ids = [getattr(record, name, "") for name in names]
    return all(one == "" or one.strip("0") for one in given_ids) and "otlp" not in getattr(record, "otel", {})


def _bounded(value):
    """A record as Flightlog would have written it: a whole number of more than 64 bits is a text."""
    if isinstance(value, dict):
        return {name: _bounded(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_bounded(one) for one in value]
    return str(value) if type(value) is int and value >= 2**63 else value


def _written(record):
    return decode(msgspec.json.encode(_bounded(msgspec.json.decode(encode(record)))))


def _told_and_read(told, *, json: bool):
    found = []
    if told.span_count:
        found += Read(told.traces(as_json=json), as_json=json).records
    if told.log_count:
        found += Read(told.log_records(as_json=json), as_json=json).records
    return found


@few
@given(spans(), processes(), st.booleans())
def test_a_span_of_ours_comes_back_as_it_went(span, process, json):
    assume(_expressible(span) and span.trace_id.strip("0"))
    span = replace(span, process_id=process.process_id)
    told = requests([(span, [])], [], {process.process_id: process})
    assert _told_and_read(told, json=json) == [_written(process), _written(span)]


@few
@given(
    spans(), st.lists(events(), max_size=3, unique_by=lambda one: one.event_id), processes(), st.booleans()
)
def test_events_of_ours_come_back_with_their_span(span, inner, process, json):
    assume(_expressible(span) and span.trace_id.strip("0"))
    place = {"trace_id": span.trace_id, "span_id": span.span_id, "process_id": process.process_id}
    span = replace(span, process_id=process.process_id)
    inner = [replace(event, **place) for event in inner]
    told = requests([(span, inner)], [], {process.process_id: process})
    found = _told_and_read(told, json=json)
    assert found[:2] == [_written(process), _written(span)]
    assert sorted(found[2:], key=repr) == sorted(map(_written, inner), key=repr)


@few
@given(st.one_of(events(), annotations()), processes(), st.booleans())
def test_what_goes_alone_comes_back_as_it_went(record, process, json):
    assume(_expressible(record))
    record = replace(record, process_id=process.process_id)
    told = requests([], [record], {process.process_id: process})
    assert _told_and_read(told, json=json) == [_written(process), _written(record)]


_SAID = st.fixed_dictionaries(
    {},
    optional={
        "kind": st.integers(1, 5),
        "status": st.just(0),
        "flags": st.integers(1, 2**32 - 1),
        "dropped": st.integers(1, 9),
        "dropped_events": st.integers(1, 9),
        "dropped_links": st.integers(1, 9),
        "status_message": st.just("no"),
        "trace_state": st.just("a=1"),
        "scope": st.just(
            {"name": "lib", "version": "1", "schema_url": "u", "attributes": {"a": [1, {"b": 2.5}]}}
        ),
    },
)


@few
@given(spans(), _SAID, processes(), st.booleans())
def test_what_the_provider_says_of_a_span_comes_back_as_it_went(span, said, process, json):
    """`otel` as a span has it that was recorded through OpenTelemetry's own API."""
    assume(_expressible(span) and span.trace_id.strip("0"))
    span = replace(span, process_id=process.process_id, otel=said)
    told = requests([(span, [])], [], {process.process_id: process})
    message = told.spans[0].records[0]
    assert (message.kind, message.flags) == (said.get("kind", message.kind), said.get("flags", 0))
    assert message.code == (0 if span.status == "ok" and "status" in said else message.code)
    assert _told_and_read(told, json=json) == [_written(process), _written(span)]


_SAID_OF_LINK = st.fixed_dictionaries(
    {},
    optional={
        "trace_state": st.just("a=1,b=2"),
        "flags": st.sampled_from([256, 768, 769]),
        "dropped": st.integers(1, 9),
    },
)


@few
@given(spans(), st.lists(_SAID_OF_LINK, min_size=1, max_size=4), processes(), st.booleans())
def test_trace_state_and_flags_of_links_travel_in_their_place_and_come_back(span, said, process, json):
    assume(_expressible(span))
    links = [Link(trace_id=f"{number:032x}", span_id=f"{number:016x}") for number in range(1, len(said) + 1)]
    otel = {"links": said} if any(said) else {}
    span = replace(span, process_id=process.process_id, links=links, otel=otel)
    message = requests([(span, [])], [], {process.process_id: process}).spans[0].records[0]
    there = [
        {name: getattr(link, name) for name in one} for link, one in zip(message.links, said, strict=True)
    ]
    assert there == said
    assert _told_and_read(requests([(span, [])], [], {process.process_id: process}), json=json) == [
        _written(process),
        _written(span),
    ]


@pytest.mark.parametrize(
    "odd",
    [
        [],
        [{}],
        [{"flags": 0}],
        [{"flags": 1, "more": 2}],
        [{"trace_state": ""}],
        [{"flags": 1}] * 2,
        "x",
        [1],
    ],
)
def test_what_somebody_else_put_there_comes_back_as_well(odd):
    process = Process(process_id="9" * 32, started=1)
    ids = {"trace_id": "a" * 32, "span_id": "b" * 16}
    link = Link(trace_id="c" * 32, span_id="d" * 16)
    span = Span(
        **ids, name="x", start=1, end=2, status="ok", process_id="9" * 32, links=[link], otel={"links": odd}
    )
    told = requests([(span, [])], [], {process.process_id: process})
    assert _told_and_read(told, json=False) == [_written(process), _written(span)]


@pytest.mark.parametrize("json", [True, False])
@pytest.mark.parametrize(
    ("level", "severity", "told"),
    [
        ("info", None, 9),
        ("info", 10, 10),
        ("warn", 16, 16),
        ("info", 13, 9),
        ("info", "x", 9),
        ("error", 17, 17),
    ],
)
def test_the_severity_of_an_event_travels_in_its_place_and_comes_back(level, severity, told, json):
    process = Process(process_id="9" * 32, started=1)
    otel = {} if severity is None else {"severity": severity}
    event = Event(event_id="a" * 16, time=1, name="log", level=level, otel=otel, process_id="9" * 32)
    going = requests([], [event], {process.process_id: process})
    assert going.logs[0].records[0].severity == told
    assert _told_and_read(going, json=json) == [_written(process), _written(event)]
