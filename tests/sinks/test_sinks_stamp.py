"""A stamped line says what its journal said once for all, however the line looks."""

from __future__ import annotations

from hypothesis import given

from flightlog.codecs.lines import decode, encode, stamp
from flightlog.records.event import Event
from flightlog.records.line import Line
from flightlog.records.process import Process
from flightlog.records.span import Span
from flightlog.sinks.stamp import Stamp
from strategies import records

PROCESS = Process(process_id="c" * 32, started=1, service='qu"oted', environment="ci", version="1.2")


@given(records())
def test_it_says_what_the_codec_says(record):
    line = Line(encode(record))
    assert decode(Stamp(PROCESS).on(line)) == stamp(record, PROCESS)


def test_what_a_line_says_itself_wins():
    event = Event(event_id="e" * 16, time=1, name="e", project="own")
    assert decode(Stamp(PROCESS).on(Line(encode(event)))).project == "own"


def test_a_field_of_the_same_name_inside_a_value_is_no_field_of_the_line():
    made = Span(
        trace_id="a" * 32, span_id="b" * 16, name="s", start=1, end=2, status="ok", input={"project": "inner"}
    )
    stamped = decode(Stamp(PROCESS).on(Line(encode(made))))
    assert (stamped.project, stamped.input) == ("default", {"project": "inner"})


def test_what_is_no_record_stays_as_it_is():
    assert Stamp(PROCESS).on(Line(b'{"project":')) == b'{"project":'
