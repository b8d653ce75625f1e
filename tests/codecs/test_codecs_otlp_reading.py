"""What a reader of OTLP has to survive: old exporters, broken records, hostile bytes, and secrets."""

from __future__ import annotations

import json as stdjson
import math
import struct
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from otlp_kit import Read, trace_requests

from flightlog.codecs.otlp.encoding import Outgoing, protobuf
from flightlog.codecs.otlp.messages import Malformed, Resource, Scope, SpanMessage
from flightlog.codecs.otlp.protobuf import span as protobuf_span
from flightlog.redaction.gate import DefaultGate

SECRET = "sk-" + "ant-" + "api03-" + "Ab1" * 20
TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


def _document(span=None, resource=None, **scoped) -> bytes:
    made = {"traceId": TRACE, "spanId": SPAN, "name": "s", "startTimeUnixNano": "5", "endTimeUnixNano": "9"}
    scope = {"scope": {}, "spans": [{**made, **(span or {})}], **scoped}
    return stdjson.dumps({"resourceSpans": [{"resource": resource or {}, "scopeSpans": [scope]}]}).encode()


def _attribute(value) -> dict:
    return {"attributes": [{"key": "a", "value": value}]}


def _read(span=None, **options) -> Read:
    return Read(_document(span), as_json=True, **options)


def _request(**fields) -> ExportTraceServiceRequest:
    request = ExportTraceServiceRequest()
    span = request.resource_spans.add().scope_spans.add().spans.add()
    known = {"trace_id": bytes.fromhex(TRACE), "span_id": bytes.fromhex(SPAN), "name": "s"}
    for name, value in {**known, "start_time_unix_nano": 5, "end_time_unix_nano": 9, **fields}.items():
        if isinstance(value, list):
            getattr(span, name).extend(value)
        else:
            setattr(span, name, value)
    return request


# -- what exporters write -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "read"),
    [
        ({"stringValue": ""}, ""),
        ({"boolValue": False}, False),
        ({"intValue": "9007199254740993"}, 9007199254740993),
        ({"intValue": 9007199254740993}, 9007199254740993),
        ({"intValue": -5.0}, -5),
        ({"doubleValue": 1}, 1.0),
        ({"doubleValue": "2.5"}, 2.5),
        ({"doubleValue": None}, None),
        ({"arrayValue": {}}, []),
        ({"arrayValue": {"values": [{"intValue": 1}, {}, None]}}, [1, None, None]),
        (
            {"kvlistValue": {"values": [{"key": "k", "value": {"boolValue": True}}, {"key": "l"}]}},
            {"k": True, "l": None},
        ),
        ({}, None),
        (None, None),
        ({"unheardOf": 5}, None),
    ],
)
def test_every_form_of_a_value_is_read(value, read):
    (span,) = _read(_attribute(value)).spans
    assert span.attributes == {"a": read}
    assert type(span.attributes["a"]) is type(read)


@pytest.mark.parametrize(
    ("text", "kept"), [("NaN", math.nan), ("Infinity", math.inf), ("-Infinity", -math.inf)]
)
def test_a_number_that_json_does_not_have_is_a_text_with_a_note(text, kept):
    (span,) = _read(_attribute({"doubleValue": text})).spans
    assert span.attributes == {"a": text}
    assert span.otel["types"] == {"/attributes/a": "double"}
    told = Read(
        _request(attributes=[KeyValue(key="a", value=AnyValue(double_value=kept))]).SerializeToString()
    )
    assert told.spans[0].attributes == {"a": text}


@pytest.mark.parametrize("text", ["/+8=", "_-8=", "_-8"])
def test_bytes_are_read_in_both_alphabets_of_base64(text):
    (span,) = _read(_attribute({"bytesValue": text})).spans
    assert (span.attributes["a"], span.otel["types"]) == ("/+8=", {"/attributes/a": "bytes"})


@pytest.mark.parametrize("kind", [3, "3", "SPAN_KIND_CLIENT"])
def test_an_enumeration_is_read_as_number_and_as_name(kind):
    (span,) = _read({"kind": kind, "status": {"code": "STATUS_CODE_ERROR", "message": "no"}}).spans
    assert (span.otel["kind"], span.status, span.error.message) == (3, "error", "no")


def test_ids_are_read_in_hexadecimal_of_either_case_and_in_base64():
    base64 = {"traceId": "CvdlGRbNQ92ESOshHIAxnA==", "spanId": "t61rcWkgMzE=", "parentSpanId": ""}
    for span in (base64, {"traceId": TRACE.upper(), "spanId": SPAN.upper()}):
        (read,) = _read(span).spans
        assert (read.trace_id, read.span_id, read.parent_id) == (TRACE, SPAN, "")


def test_null_and_what_nobody_knows_are_no_trouble():
    nothing = dict.fromkeys(("attributes", "events", "links", "status", "kind", "flags", "traceState"))
    read = _read({**nothing, "future": {"a": [1]}})
    assert (len(read.spans), read.bad) == (1, [])


def test_the_fields_of_a_protobuf_span_are_read_in_any_order():
    ids = b"\x12\x08" + bytes.fromhex(SPAN) + b"\x0a\x10" + bytes.fromhex(TRACE)
    mixed = b"\x85\x01" + struct.pack("<I", 257) + b"\x41" + struct.pack("<Q", 9) + ids + b"\x30\x03\x39"
    found = protobuf_span(mixed + struct.pack("<Q", 5))
    assert (found.trace_id, found.span_id, found.flags, found.kind, found.start, found.end) == (
        TRACE,
        SPAN,
        257,
        3,
        5,
        9,
    )


# -- statuses, errors, events ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "ours", "otel"),
    [(None, "ok", None), ({}, "ok", None), ({"code": 1}, "ok", 1), ({"code": 2}, "error", None)],
)
def test_unset_and_ok_are_both_ok_and_are_told_apart_in_otel(status, ours, otel):
    (span,) = _read({"status": status}).spans
    assert (span.status, span.otel.get("status")) == (ours, otel)


def test_an_error_without_words_gets_those_of_its_exception():
    said = {"exception.type": "ValueError", "exception.message": "no", "exception.stacktrace": "File …"}
    event = {
        "name": "exception",
        "attributes": [{"key": k, "value": {"stringValue": v}} for k, v in said.items()],
    }
    read = _read({"status": {"code": 2}, "events": [event]})
    fault = read.spans[0].error
    assert (fault.type, fault.message, fault.stack) == ("ValueError", "no", "File …")
    assert [event.name for event in read.events] == ["exception"]


def test_a_span_that_has_not_ended_is_interrupted():
    (span,) = _read({"endTimeUnixNano": "0"}).spans
    assert (span.status, span.end, span.otel["end"]) == ("interrupted", 5, 0)


def test_a_log_record_with_a_span_is_an_event_of_it():
    body = {"kvlistValue": {"values": [{"key": "content", "value": {"stringValue": "hi"}}]}}
    log = {
        "timeUnixNano": "7",
        "severityNumber": "SEVERITY_NUMBER_WARN2",
        "traceId": TRACE,
        "spanId": SPAN,
        "body": body,
        "attributes": [{"key": "event.name", "value": {"stringValue": "gen_ai.user.message"}}],
    }
    data = stdjson.dumps(
        {"resourceLogs": [{"scopeLogs": [{"logRecords": [log, {**log, "eventName": "named"}]}]}]}
    )
    first, second = Read(data.encode(), as_json=True).events
    assert (first.trace_id, first.span_id, first.time, first.level) == (TRACE, SPAN, 7, "warn")
    assert (first.name, first.body, first.otel["body"]) == ("gen_ai.user.message", '{"content":"hi"}', "json")
    assert second.name == "named"


def test_reading_a_document_twice_makes_the_same_lines():
    document = _document({"events": [{"name": "e", "timeUnixNano": "6"}] * 2})
    first, second = (Read(document, as_json=True) for _ in range(2))
    assert first.lines == second.lines
    assert len({event.event_id for event in first.events}) == 2


def test_records_refer_to_their_process_and_carry_its_fields():
    names = {"service.name": "shop", "service.version": "2", "deployment.environment": "ci", "host.name": "h"}
    resource = {"attributes": [{"key": k, "value": {"stringValue": v}} for k, v in names.items()]}
    read = Read(_document(resource=resource), as_json=True, project="mine")
    (process,) = read.processes.values()
    assert (process.service, process.version, process.environment, process.host) == ("shop", "2", "ci", "h")
    span = read.spans[0]
    assert (span.process_id, span.service, span.project) == (process.process_id, "shop", "mine")


# -- what is broken -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "span",
    [
        {"traceId": ""},
        {"traceId": "0" * 32},
        {"traceId": "xyz"},
        {"spanId": "0" * 16},
        {"spanId": TRACE},
        {"startTimeUnixNano": "-1"},
        {"startTimeUnixNano": str(2**63)},
        {"endTimeUnixNano": "soon"},
        {"kind": "SPAN_KIND_NONE"},
        {"name": 5},
        {"attributes": {"a": 1}},
        _attribute({"intValue": str(2**63)}),
        _attribute({"bytesValue": "ä"}),
        {"events": [{"timeUnixNano": 2**63}]},
    ],
)
def test_a_broken_span_is_named_with_its_place_and_the_others_are_read(span):
    good = stdjson.loads(_document())["resourceSpans"][0]["scopeSpans"][0]["spans"][0]
    document = stdjson.loads(_document(span))
    document["resourceSpans"][0]["scopeSpans"][0]["spans"].append(good)
    read = Read(stdjson.dumps(document).encode(), as_json=True)
    assert [span.name for span in read.spans] == ["s"]
    ((place, why),) = read.bad
    assert (place, bool(why)) == ("resourceSpans[0].scopeSpans[0].spans[0]", True)


def test_a_broken_span_in_protobuf_is_named_by_the_byte_where_it_begins():
    request = _request()
    broken = request.resource_spans[0].scope_spans[0].spans.add()
    broken.name = "no ids"
    data = request.SerializeToString()
    read = Read(data)
    ((place, _),) = read.bad
    assert data[int(place.removeprefix("byte ")) :] == broken.SerializeToString()
    assert len(read.spans) == 1


@pytest.mark.parametrize(
    "data", [b"", b"{}", b"[]", b"5", b'"a"', b'{"resourceSpans":5}', b'{"resourceSpans":[5]}', b"{"]
)
def test_json_that_is_no_request_is_malformed(data):
    with pytest.raises(Malformed):
        Read(data, as_json=True)


def test_a_value_that_is_nested_too_deeply_costs_one_record_in_protobuf():
    value: object = "x"
    for _ in range(80):
        value = [value]
    span = SpanMessage(TRACE, SPAN, start=5, end=9, attributes=[("a", value)])
    read = Read(protobuf([Outgoing(Resource(), Scope(), [span, SpanMessage(TRACE, SPAN, name="sound")])]))
    assert [span.name for span in read.spans] == ["sound"]
    assert [why for _, why in read.bad] == ["a value is nested more than 64 levels deep"]


def test_json_that_is_nested_too_deeply_is_malformed():
    nested = b'{"arrayValue":{"values":[' * 50_000 + b"]}}" * 50_000
    document = _document(_attribute({"stringValue": "HERE"})).replace(b'{"stringValue": "HERE"}', nested)
    with pytest.raises(Malformed, match="too deeply"):
        Read(document, as_json=True)


def test_of_two_attributes_with_one_key_the_later_is_kept_and_the_other_counted():
    pairs = [{"key": "a", "value": {"intValue": number}} for number in (1, 2)]
    read = _read({"attributes": pairs})
    assert (read.spans[0].attributes, read.reader.repeated_keys) == ({"a": 2}, 1)


def test_a_line_that_is_too_long_keeps_ids_and_times_and_says_why():
    read = _read(_attribute({"stringValue": "x" * 5000}), line_bytes=2000)
    (span,) = read.spans
    assert (span.trace_id, span.span_id, span.start, span.end, span.name) == (TRACE, SPAN, 5, 9, "s")
    assert "TooLong" in span.attributes["flightlog.capture_error"]
    assert read.reader.too_long == 1


def test_a_text_that_is_too_long_is_cut_and_counted():
    read = _read(_attribute({"stringValue": "x" * 5000}), value_bytes=100)
    assert read.spans[0].attributes == {"a": "x" * 100}
    assert read.pen.cuts == 1


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=80))
def test_any_bytes_are_read_or_malformed(data):
    for as_json in (False, True):
        with suppress(Malformed):
            Read(data, as_json=as_json)


@settings(max_examples=80, deadline=None)
@given(trace_requests(), st.data())
def test_a_request_with_bytes_changed_is_read_or_malformed(request, data):
    sound = bytearray(request.SerializeToString())
    for _ in range(data.draw(st.integers(1, 4))):
        if sound:
            sound[data.draw(st.integers(0, len(sound) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(sound)))
    for broken in (bytes(sound), bytes(sound[:cut])):
        with suppress(Malformed):
            Read(broken)


# -- the gate -------------------------------------------------------------------------------------------------


def _everywhere() -> bytes:
    text = {"stringValue": SECRET}
    nested = {"arrayValue": {"values": [{"kvlistValue": {"values": [{"key": SECRET, "value": text}]}}]}}
    pairs = [
        {"key": SECRET, "value": text},
        {"key": "n", "value": nested},
        {"key": "password", "value": {"stringValue": "hunter22"}},
    ]
    event = {"name": SECRET, "attributes": pairs, "timeUnixNano": 1}
    link = {"traceId": TRACE, "spanId": SPAN, "traceState": SECRET, "attributes": pairs}
    span = {
        "traceId": TRACE,
        "spanId": SPAN,
        "name": SECRET,
        "traceState": SECRET,
        "attributes": pairs,
        "events": [event, {**event, "name": "exception"}],
        "links": [link],
        "status": {"code": 2, "message": SECRET},
    }
    ids = {"traceId": TRACE, "spanId": SPAN}
    log = {"body": nested, "attributes": pairs, "eventName": SECRET, "severityText": SECRET, **ids}
    scope = {"name": SECRET, "version": SECRET, "attributes": pairs}
    resource = {"attributes": [*pairs, {"key": "service.name", "value": text}]}
    return stdjson.dumps(
        {
            "resourceSpans": [
                {
                    "resource": resource,
                    "schemaUrl": SECRET,
                    "scopeSpans": [{"scope": scope, "schemaUrl": SECRET, "spans": [span]}],
                }
            ],
            "resourceLogs": [
                {
                    "resource": resource,
                    "scopeLogs": [{"scope": scope, "logRecords": [log, {**log, "body": text}]}],
                }
            ],
        }
    ).encode()


def test_a_secret_anywhere_in_a_document_is_in_no_line():
    read = Read(_everywhere(), as_json=True, gate=DefaultGate(b"key"))
    assert (len(read.spans), len(read.events), read.bad) == (1, 4, [])
    told = b"\n".join(read.lines)
    assert SECRET.encode() not in told
    assert b"hunter22" not in told


def test_a_secret_in_bytes_is_in_no_line():
    attribute = KeyValue(key="a", value=AnyValue(bytes_value=SECRET.encode()))
    (span,) = Read(_request(attributes=[attribute]).SerializeToString(), gate=DefaultGate(b"key")).spans
    assert "REDACTED" in span.attributes["a"]
    assert "types" not in span.otel


@pytest.mark.parametrize("nested", [False, True])
@pytest.mark.parametrize("value", [{"bytes_value": b"\x00\x01"}, {"double_value": math.nan}])
def test_a_secret_in_the_name_of_what_json_does_not_have_is_in_no_note_of_it(nested, value):
    attribute = KeyValue(key="redis://:hunter22@h/1", value=AnyValue(**value))
    if nested:
        attribute = KeyValue(key="a~/b", value=AnyValue(kvlist_value={"values": [attribute]}))
    request = _request(attributes=[attribute])
    request.resource_spans[0].resource.attributes.append(attribute)
    request.resource_spans[0].scope_spans[0].scope.attributes.append(attribute)
    read = Read(request.SerializeToString(), gate=DefaultGate(b"key"))
    assert "hunter22" not in b"\n".join(read.lines).decode()
    assert "hunter22" not in repr(read.processes)
    (span,) = read.spans
    (noted,) = span.otel["types"]
    names = [name.replace("~1", "/").replace("~0", "~") for name in noted.split("/")[2:]]
    known = span.attributes
    for name in names:
        known = known[name]
    assert known in ("AAE=", "NaN")


def test_a_record_of_flightlog_whose_kind_is_no_text_is_left_out():
    attributes = [{"key": "flightlog.v", "value": {"intValue": "1"}}]
    attributes += [{"key": "flightlog.kind", "value": {"kvlistValue": {"values": []}}}]
    resource = {"attributes": [attributes[0], _process_told()]}
    read = Read(_document({"attributes": attributes}, resource=resource), as_json=True)
    assert (read.spans, len(read.bad)) == ([], 1)


def _process_told() -> dict:
    fields = {"process_id": {"stringValue": "1" * 32}, "started": {"intValue": "5"}}
    values = [{"key": key, "value": value} for key, value in fields.items()]
    return {"key": "flightlog.process", "value": {"kvlistValue": {"values": values}}}


def test_a_secret_is_in_no_line_when_its_attribute_comes_again():
    request = _request(attributes=[KeyValue(key="a", value=AnyValue(string_value=SECRET))] * 2)
    request.resource_spans.extend([request.resource_spans[0]])
    read = Read(request.SerializeToString(), gate=DefaultGate(b"key"))
    assert len(read.spans) == 2
    assert SECRET.encode() not in b"\n".join(read.lines)


def test_log_records_in_protobuf_are_told_from_spans_by_their_fields():
    request = ExportLogsServiceRequest()
    log = request.resource_logs.add().scope_logs.add().log_records.add()
    log.observed_time_unix_nano, log.body.string_value = 5, "hello"
    (event,) = Read(request.SerializeToString()).events
    assert (event.name, event.body, event.time, event.otel["time"]) == ("log", "hello", 5, 0)
