"""The OTLP sink does what `sinks/port.py` says, in front of a real collector."""

from __future__ import annotations

from contextlib import ExitStack

import pytest
from otlp_collector import Collector

from flightlog.codecs.lines import encode
from flightlog.records.event import Event
from flightlog.records.line import Line
from flightlog.records.span import Span
from flightlog.sinks.contract import CHECKS
from flightlog.sinks.memory import Memory
from flightlog.sinks.otlp import Otlp
from flightlog.sinks.port import Counting, Forkable, Lasting


@pytest.fixture
def stack():
    """What is open until the test is over."""
    with ExitStack() as opened:
        yield opened


def _line_of(span) -> bytes:
    """The line that a span of a collector was sent for."""
    ids = {"trace_id": span.trace_id.hex(), "span_id": span.span_id.hex()}
    times = {"start": span.start_time_unix_nano, "end": span.end_time_unix_nano}
    status = {1: "ok", 2: "error"}[span.status.code]
    return encode(Span(**ids, **times, name=span.name, status=status))


@pytest.mark.parametrize("protocol", ["http/protobuf", "http/json"])
@pytest.mark.parametrize("rule", CHECKS, ids=lambda rule: rule.__name__)
def test_it_keeps_what_every_sink_owes(stack, rule, protocol):
    collector = Collector()
    stack.callback(collector.stop)

    def make():
        sink = Otlp(f"http://127.0.0.1:{collector.port}", protocol=protocol)
        stack.callback(sink.close)
        return sink

    rule(make, lambda: [_line_of(span) for span in collector.spans])


def test_it_lives_in_forked_children_counts_what_is_refused_and_says_where_it_sends():
    one, other = Otlp("http://one.example"), Otlp("http://other.example")
    assert all(isinstance(one, kind) for kind in (Forkable, Counting, Lasting))
    assert one.address == Otlp("http://one.example", headers={"x-key": "another"}).address
    assert len({one.address, other.address, Otlp("http://other.example/base").address}) == 3
    assert not isinstance(Memory(), Lasting)


def test_events_that_wait_for_their_spans_are_left_when_the_collector_is_away_at_the_end(monkeypatch):
    monkeypatch.setattr("flightlog.sinks.otlp_answer.FIRST_PAUSE", 0.0)
    collector = Collector()
    sink = Otlp(f"http://127.0.0.1:{collector.port}")
    ids = {"trace_id": "a" * 32, "span_id": "b" * 16}
    event = Event(event_id="c" * 16, time=1, name="within", **ids)
    line = Line(encode(event))
    sink.append([line])
    assert list(sink.left()) == [line]
    collector.stop()
    sink.close()
    assert list(sink.left()) == [line]
    assert sink.losses() == {}
    again = Collector(collector.port)
    try:
        sink.append([line, Line(encode(Span(**ids, name="work", start=1, end=2, status="ok")))])
        assert list(sink.left()) == []
        sink.close()
        assert [event.name for span in again.spans for event in span.events] == ["within"]
    finally:
        again.stop()
