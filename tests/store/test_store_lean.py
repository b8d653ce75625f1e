"""Lean records: the engine's own reading of a line agrees with the codec's."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from contracts.store_lines import annotation, event, span
from flightlog.codecs import lines as codec
from flightlog.records.annotation import Annotation
from flightlog.records.errors import BadRecord
from flightlog.records.event import Event
from flightlog.records.process import Process
from flightlog.records.span import Span
from flightlog.store.sqlite.lean import LeanAnnotation, LeanEvent, LeanProcess, LeanSpan, decode

LEAN = {Span: LeanSpan, Event: LeanEvent, Annotation: LeanAnnotation, Process: LeanProcess}
SAMPLES = [
    span(input={"a": [1, "\u00e9\\"]}, attributes={"k": 1.5}, context={"turn": "1"}, error={"type": "E"}),
    span(unknown=[1], links=[{"trace_id": "1"}], otel={"flags": 1}, v=1),
    event(attributes={"k": None}, level="warn"),
    annotation(value=True, attributes={"k": 1}),
    b'{"v":1,"type":"process","process_id":"1","started":5,"extra_field":1}',
]


def _by_codec(line: bytes) -> type | None:
    try:
        record = codec.decode(line)
    except (BadRecord, UnicodeDecodeError):
        return None
    whole = [getattr(record, name, 0) or 0 for name in ("start", "end", "time", "started", "revision")]
    if any(not -(2**63) <= number < 2**63 for number in whole):
        return None  # beyond what SQLite's integers hold: kept as it is, and not interpreted
    return LEAN.get(type(record))  # type: ignore[arg-type]  # none for an unknown record


@st.composite
def _mangled(draw: st.DrawFn) -> bytes:
    """A line with some bytes cut out, doubled or replaced."""
    line = draw(st.sampled_from(SAMPLES))
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(0, len(line)))
        put = draw(
            st.one_of(st.binary(max_size=2), st.sampled_from([b'"', b"{", b"}", b",", b"null", b"[]", b"1"]))
        )
        line = line[:at] + put + line[at + draw(st.integers(0, 6)) :]
    return line


@given(st.lists(_mangled(), max_size=6))
@example([b'{"v":1,"type":"event","event_id":"1","time":1,"name":"n"},{"v":1}', b"{}"])
@example([b'{"a":[{}', b"{}]}"])
@example([span().replace(b'"ok"', b'"ok","input":1e999')])
def test_every_line_is_what_the_codec_says_whatever_stands_beside_it(lines: list[bytes]) -> None:
    """Numbers that no machine type holds are the one difference: they are kept as text."""
    for line, record in zip(lines, decode(lines), strict=True):
        if b"e" in line.lower() and _by_codec(line) is None and isinstance(record, LeanSpan):
            assert b"1e999" in line
            continue
        assert (None if record is None else type(record)) == _by_codec(line)


@pytest.mark.parametrize("line", SAMPLES)
def test_a_lean_record_says_what_the_record_says(line: bytes) -> None:
    (record,) = decode([line])
    assert record is not None
    same = msgspec.json.encode(codec.decode(line))
    assert msgspec.json.decode(msgspec.json.encode(record)) == msgspec.json.decode(same)


def test_one_odd_line_does_not_change_how_the_others_are_read() -> None:
    assert [type(record) for record in decode([SAMPLES[0], b"odd", SAMPLES[2]])] == [
        LeanSpan,
        type(None),
        LeanEvent,
    ]
