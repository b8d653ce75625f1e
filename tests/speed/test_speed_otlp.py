"""The compiled reader of spans gives what the walk in plain Python gives, whatever the bytes are."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from flightlog._speed import presence
from flightlog.codecs.otlp import protobuf
from flightlog.codecs.otlp.messages import Malformed, SpanMessage

compiled = getattr(presence.CORE, "otlp_span", None)
pytestmark = pytest.mark.skipif(compiled is None, reason=presence.reason())

HOSTILE = (0x00, 0x01, 0x0A, 0x12, 0x18, 0x1A, 0x30, 0x39, 0x4A, 0x5A, 0x6A, 0x7A, 0x7F, 0x80, 0x85, 0xFF)
"""Tags, lengths and ends of numbers: what makes most of a difference."""


def _walked(raw: bytes) -> list[object] | None:
    try:
        found = protobuf.walked(raw)
    except Malformed:
        return None
    return _plain(getattr(found, name) for name in SpanMessage.__struct_fields__)


def _compiled(raw: bytes) -> list[object] | None:
    found = compiled(raw)
    return None if found is None else _plain(found)


def _plain(fields) -> list[object]:
    return [list(one) if isinstance(one, (list, tuple)) else one for one in fields]


def _whole(draw: random.Random) -> bytes:
    """A span that has everything a span can have."""
    span = Span(
        trace_id=draw.randbytes(16),
        span_id=draw.randbytes(8),
        parent_span_id=draw.randbytes(draw.choice([0, 8])),
        trace_state="a=b" * draw.randint(0, 2),
        name="GET /é" * draw.randint(0, 30),
        kind=draw.randint(0, 5),
        start_time_unix_nano=draw.getrandbits(64),
        end_time_unix_nano=draw.getrandbits(64),
        flags=draw.getrandbits(32),
        dropped_attributes_count=draw.getrandbits(32),
        dropped_events_count=draw.randint(0, 3),
        dropped_links_count=draw.randint(0, 3),
    )
    for number in range(draw.randint(0, 4)):
        span.attributes.add(key=f"k{number}").value.string_value = "v" * draw.randint(0, 300)
    if draw.random() < 0.5:
        span.events.add(name="e", time_unix_nano=7)
        span.links.add(trace_id=b"\1" * 16, trace_state="x=y", flags=1)
    span.status.code = draw.randint(0, 2)
    span.status.message = "no" * draw.randint(0, 2)
    return span.SerializeToString()


def _hurt(draw: random.Random, raw: bytes) -> bytes:
    """The same with some bytes changed, cut off or put in."""
    made = bytearray(raw)
    for _ in range(draw.randint(0, 4)):
        if made:
            made[draw.randrange(len(made))] = draw.choice((*HOSTILE, draw.randrange(256)))
    if draw.random() < 0.3:
        del made[draw.randint(0, len(made)) :]
    if draw.random() < 0.2:
        at = draw.randint(0, len(made))
        made[at:at] = draw.randbytes(draw.randint(1, 12))
    return bytes(made)


@pytest.mark.parametrize("seed", range(8))
def test_whole_and_broken_spans_are_read_alike(seed):
    draw = random.Random(seed)
    read = refused = 0
    for _ in range(2000):
        raw = _whole(draw)
        assert _compiled(raw) == _walked(raw) is not None
        hurt = _hurt(draw, raw)
        found = _compiled(hurt)
        assert found == _walked(hurt), hurt.hex()
        read, refused = read + (found is not None), refused + (found is None)
    assert min(read, refused) > 200


@given(st.lists(st.sampled_from(HOSTILE) | st.integers(0, 255), max_size=60))
def test_any_bytes_are_read_alike(some):
    raw = bytes(some)
    assert _compiled(raw) == _walked(raw)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\x0a",
        b"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",  # a length of nearly 2**64
        b"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",  # a number of eleven bytes
        b"\x0b",  # a group
        b"\x30\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",  # a kind of -1
        b"\x30\x80\x80\x80\x80\x80\x80\x80\x80\x80\x7f",  # more than 64 bits
        b"\x85\x01\x01\x02\x03",
        b"\x7a\x02\x12\x05",  # a status that is longer within than without
        b"\x7a\x04\x18\xff\xff\x03",
        b"\x1a\x02\xff\xfe",
    ],
)
def test_the_ends_of_what_there_is_are_kept(raw):
    assert _compiled(raw) == _walked(raw)


def test_nothing_but_bytes_is_taken():
    for wrong in (bytearray(b"\x0a\x00"), memoryview(b""), "", None):
        with pytest.raises(TypeError, match="takes bytes"):
            compiled(wrong)
