"""The OTLP sink against a collector that reads with the generated classes, and fails in every way there is."""

from __future__ import annotations

import time
from email.utils import formatdate

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTracePartialSuccess,
    ExportTraceServiceResponse,
)
from otlp_collector import FINE, Collector

from flightlog.codecs.lines import encode
from flightlog.records.annotation import Annotation
from flightlog.records.event import Event
from flightlog.records.line import Line
from flightlog.records.process import Process
from flightlog.records.span import Fault, Span
from flightlog.sinks import otlp
from flightlog.sinks.otlp import Otlp
from flightlog.sinks.otlp_answer import Later, Pause, after_of, delay_of

TRACE = "0af7651916cd43dd8448eb211c80319c"
PROCESS = Process(process_id="9a3c1f0e5d7b42868c0d1e2f3a4b5c6d", started=1, service="shop", project="p")


@pytest.fixture
def collector():
    made = Collector()
    yield made
    made.stop()


@pytest.fixture
def sink(collector, monkeypatch):
    monkeypatch.setattr("flightlog.sinks.otlp_answer.FIRST_PAUSE", 0.0)
    made = Otlp(f"http://127.0.0.1:{collector.port}")
    yield made
    made.close()


def _line(record) -> Line:
    return Line(encode(record))


def _span(number: int = 1, **fields) -> Span:
    known = {
        "trace_id": TRACE,
        "span_id": f"{number:016x}",
        "name": "work",
        "start": 1,
        "end": 2,
        "status": "ok",
    }
    return Span(**{**known, "process_id": PROCESS.process_id, **fields})


def _event(number: int = 1, span: int = 1, **fields) -> Event:
    known = {
        "event_id": f"{number:016x}",
        "trace_id": TRACE,
        "span_id": f"{span:016x}",
        "time": 1,
        "name": "e",
    }
    return Event(**{**known, "process_id": PROCESS.process_id, **fields})


def _lines(*records):
    return [_line(PROCESS), *map(_line, records)]


def _status(code, **headers):
    return (code, {name.replace("_", "-"): value for name, value in headers.items()}, b"")


# -- what is sent ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("protocol", ["http/protobuf", "http/json"])
@pytest.mark.parametrize("compression", ["gzip", "none"])
def test_a_span_goes_out_when_it_has_ended_with_its_events(collector, protocol, compression):
    sink = Otlp(f"http://127.0.0.1:{collector.port}/base/", protocol=protocol, compression=compression)
    running = _span(status="running", end=None)
    sink.append(_lines(running, _event(1, name="first"), _event(2, name="second")))
    assert collector.requests == []
    fault = Fault(type="ValueError", message="no", stack="…")
    sink.append([_line(_span(kind="llm", status="error", error=fault, attributes={"n": 2**60}))])
    sink.close()
    ((path, headers, message),) = collector.requests
    assert path == "/base/v1/traces"
    assert headers.get("Content-Encoding", "none") == compression
    (span,) = collector.spans
    assert (span.name, span.kind, span.status.code, span.status.message) == ("work", 3, 2, "no")
    assert [event.name for event in span.events] == ["exception", "first", "second"]
    resource = {one.key: one.value.string_value for one in message.resource_spans[0].resource.attributes}
    assert resource["service.name"] == "shop"
    assert {one.key: one.value.int_value for one in span.attributes}["n"] == 2**60


def test_an_event_without_a_span_goes_as_a_log_record(collector, sink):
    sink.append(_lines(_event(trace_id="", span_id="", level="warn", body="loose")))
    (log,) = collector.logs
    assert (log.event_name, log.severity_number, log.body.string_value) == ("e", 13, "loose")
    assert collector.requests[0][0] == "/v1/logs"


def test_an_event_after_the_end_of_its_span_goes_as_a_log_record(collector, sink):
    sink.append(_lines(_span()))
    sink.append([_line(_event())])
    assert [log.span_id.hex() for log in collector.logs] == [f"{1:016x}"]


def test_events_of_spans_that_never_end_go_as_log_records_at_the_end(collector, sink):
    sink.append(_lines(_event(1), _event(2)))
    assert collector.requests == []
    sink.close()
    assert len(collector.logs) == 2


def test_events_beyond_the_bound_go_as_log_records(collector, sink, monkeypatch):
    monkeypatch.setattr(otlp, "MOST_EVENTS", 2)
    sink.append(_lines(_event(1, span=1), _event(2, span=2), _event(3, span=3)))
    sink.append([_line(_span(9))])
    assert [log.span_id.hex() for log in collector.logs] == [f"{1:016x}"]
    sink.append([_line(_span(2)), _line(_span(3))])
    assert [len(span.events) for span in collector.spans] == [0, 1, 1]


def test_events_can_be_sent_as_log_records_at_once(collector):
    sink = Otlp(f"http://127.0.0.1:{collector.port}", events="logs")
    sink.append(_lines(_event(), _span()))
    sink.close()
    assert (len(collector.logs), [len(span.events) for span in collector.spans]) == (1, [0])


def test_an_annotation_goes_as_an_evaluation(collector, sink):
    note = Annotation(annotation_id="a1", trace_id=TRACE, time=5, name="correctness", value=0.9)
    sink.append(_lines(note))
    (log,) = collector.logs
    said = {one.key: one.value for one in log.attributes}
    assert log.event_name == "gen_ai.evaluation.result"
    assert said["gen_ai.evaluation.score.value"].double_value == 0.9
    assert said["gen_ai.evaluation.name"].string_value == "correctness"


def test_headers_of_the_environment_and_of_the_program_are_sent(collector, monkeypatch):
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "x-one=a%20b,x-two=env")
    sink = Otlp(f"http://127.0.0.1:{collector.port}", headers={"x-two": "code"})
    sink.append(_lines(_span()))
    sink.close()
    headers = collector.requests[0][1]
    assert (headers["x-one"], headers["x-two"]) == ("a b", "code")


def test_a_connection_is_kept(collector, sink):
    for number in range(1, 5):
        sink.append(_lines(_span(number)))
    assert (len(collector.spans), collector.connections) == (4, 1)


# -- failures -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_what_may_be_taken_later_is_sent_again(collector, sink, status):
    collector.replies.append(_status(status))
    with pytest.raises(Later, match=str(status)):
        sink.append(_lines(_span()))
    sink.append(_lines(_span()))
    assert (len(collector.spans), collector.tries, sink.losses()) == (1, 2, {})


@pytest.mark.parametrize("status", [400, 401, 403, 404, 500, 501])
def test_what_is_refused_for_good_is_counted_and_not_sent_again(collector, sink, status):
    collector.replies.append(_status(status))
    sink.append(_lines(_span(1), _span(2)))
    assert collector.tries == 1
    assert sink.losses() == {"sink_lines_refused": 2}
    assert sink.losses() == {}
    assert str(status) in sink.last_refusal


def test_what_a_collector_takes_and_rejects_is_counted_and_not_sent_again(collector, sink):
    partial = ExportTracePartialSuccess(rejected_spans=1, error_message="too old")
    body = ExportTraceServiceResponse(partial_success=partial).SerializeToString()
    collector.replies.append((200, {"Content-Type": "application/x-protobuf"}, body))
    sink.append(_lines(_span(1), _span(2)))
    assert (sink.losses(), sink.last_refusal, sink.sent) == ({"sink_lines_refused": 1}, "too old", 1)
    body = b'{"partialSuccess":{"rejectedSpans":"1","errorMessage":"no"}}'
    collector.replies.append((200, {"Content-Type": "application/json"}, body))
    sink.append(_lines(_span(3)))
    assert (sink.losses(), collector.tries) == ({"sink_lines_refused": 1}, 2)


def test_a_request_that_is_too_large_is_halved_until_it_fits(collector, sink):
    collector.replies += [_status(413), FINE, _status(413), FINE, FINE]
    sink.append(_lines(*(_span(number) for number in range(1, 9))))
    assert sorted(span.span_id.hex() for span in collector.spans) == [
        f"{number:016x}" for number in range(1, 9)
    ]
    assert sink.losses() == {}


def test_a_single_record_that_is_too_large_is_counted(collector, sink):
    collector.replies += [_status(413)]
    sink.append(_lines(_span()))
    assert sink.losses() == {"sink_lines_refused": 1}


def test_a_collector_that_asks_for_time_gets_it(collector, sink):
    collector.replies.append(_status(503, Retry_After="0.3"))
    with pytest.raises(Later):
        sink.append(_lines(_span()))
    asked = time.monotonic()
    sink.append(_lines(_span()))
    assert time.monotonic() - asked >= 0.2
    assert len(collector.spans) == 1


def test_what_was_taken_is_not_sent_again_with_what_was_not(collector, sink):
    batch = _lines(_span(), _event(trace_id="", span_id=""))
    collector.replies += [FINE, _status(503)]
    with pytest.raises(Later):
        sink.append(batch)
    sink.append(batch)
    assert (len(collector.spans), len(collector.logs)) == (1, 1)


def test_a_collector_that_is_away_loses_nothing(monkeypatch):
    monkeypatch.setattr("flightlog.sinks.otlp_answer.FIRST_PAUSE", 0.0)
    gone = Collector()
    gone.stop()
    sink = Otlp(f"http://127.0.0.1:{gone.port}")
    with pytest.raises(Later, match="ConnectionRefused"):
        sink.append(_lines(_span(), _event(7)))
    there = Collector(gone.port)
    sink.append(_lines(_span(), _event(7)))
    assert [[event.name for event in span.events] for span in there.spans] == [["e"]]
    sink.close()
    there.stop()


def test_a_collector_that_closed_a_kept_connection_gets_a_new_one(monkeypatch):
    first = Collector()
    sink = Otlp(f"http://127.0.0.1:{first.port}")
    sink.append(_lines(_span(1)))
    sink._senders["traces"]._connection.sock.shutdown(2)
    sink.append(_lines(_span(2)))
    assert len(first.spans) == 2
    sink.close()
    first.stop()


def test_a_slow_collector_is_given_up_after_the_timeout(collector):
    import threading

    answer = threading.Event()

    def slow():
        answer.wait(10)
        return FINE

    sink = Otlp(f"http://127.0.0.1:{collector.port}", timeout=0.1)
    collector.replies.append(slow)
    with pytest.raises(Later, match="timed out"):
        sink.append(_lines(_span()))
    answer.set()
    sink.close()


def test_records_that_otlp_cannot_carry_are_counted(collector, sink):
    sink.append(_lines(_span(), _span(trace_id="not hexadecimal")))
    assert (len(collector.spans), sink.losses()) == (1, {"sink_lines_refused": 1})


def test_a_pause_grows_and_is_never_the_same_for_all():
    pause, seen = Pause(), []
    for _ in range(8):
        pause.failed(None)
        seen.append(pause.remaining())
    assert 0.4 < seen[0] <= 1.0
    assert 14 < seen[-1] <= 30.0
    pause.failed(7200.0)
    assert 3500 < pause.remaining() <= 3600
    pause.succeeded()
    assert pause.remaining() == 0


def test_a_retry_after_is_read_in_seconds_and_as_a_date():
    assert after_of("2") == 2.0
    assert 50 < (after_of(formatdate(time.time() + 60, usegmt=True)) or 0) <= 60
    assert after_of(formatdate(0, usegmt=True)) == 0.0
    assert [after_of(text) for text in ("", None, "soon")] == [None, None, None]


def test_a_delay_is_read_from_the_details_of_a_grpc_status():
    info = b"\x0a\x04\x08\x02\x10\x64"
    url = b"type.googleapis.com/google.rpc.RetryInfo"
    held = b"\x0a" + bytes([len(url)]) + url + b"\x12" + bytes([len(info)]) + info
    assert delay_of(b"\x08\x08\x1a" + bytes([len(held)]) + held) == pytest.approx(2.0000001)
    assert [delay_of(data) for data in (b"", b"\x08\x08", b"\xff")] == [None, None, None]
