"""What every sink has to do, as checks that run against any of them, yours included.

    from flightlog.sinks.contract import check

    def test_my_sink(tmp_path):
        check(lambda: MySink(tmp_path / "out"), lambda: (tmp_path / "out").read_bytes().splitlines())

Each check makes a sink of its own and ends with it closed. Nothing is read before a sink was made, and a place
that is not there before the first line (a file, say) is read as empty. A check that fails raises AssertionError with a
sentence that says what a sink owes. `port.py` says the same in words.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from hashlib import blake2b
from typing import Final

from flightlog.codecs.lines import encode
from flightlog.records.line import Line
from flightlog.records.span import Span
from flightlog.sinks.port import Sink

Make = Callable[[], Sink]
"""Makes the sink; each call after the first makes one that goes on where the last one stopped."""

Read = Callable[[], Sequence[bytes]]
"""Gives the lines that arrived so far, in their order, without line feeds. FileNotFoundError says that there are
none."""

_SECONDS: Final = 5.0


def check(make: Make, read: Read) -> None:
    """Run every check against sinks that `make` gives, one after the other.

    Args:
        make: makes a sink.
        read: gives all lines that sinks made so far brought to their place.

    Raises:
        AssertionError: the sink does not do what it has to.
    """
    for one in CHECKS:
        one(make, read)


def lines_arrive_whole_and_in_order(make: Make, read: Read) -> None:
    """What is appended arrives as it is, batch after batch."""
    sink = make()
    before = len(_there(read))
    first, second = _lines("a", 3), _lines("b", 2)
    sink.append(first)
    sink.append(second)
    _flushed(sink)
    _same(_there(read)[before:], [*first, *second], "lines arrive whole, once and in order")
    sink.close()


def any_text_arrives(make: Make, read: Read) -> None:
    """Letters of every script and escaped control characters arrive as they are."""
    sink = make()
    before = len(_there(read))
    odd = [_line("é ü 漢 😀"), _line("\x1b[31m \u202e \x00 \n"), _line("x" * 100_000)]
    sink.append(odd)
    _flushed(sink)
    _same(_there(read)[before:], odd, "any text arrives as it is")
    sink.close()


def nothing_is_made_of_an_empty_batch(make: Make, read: Read) -> None:
    """A batch without lines changes nothing."""
    sink = make()
    before = len(_there(read))
    sink.append([])
    _flushed(sink)
    assert len(_there(read)) == before, "an empty batch leaves nothing behind"
    sink.close()


def the_batch_stays_the_caller_s(make: Make, read: Read) -> None:
    """The list of a batch is used again by the caller, so a sink neither keeps nor changes it."""
    sink = make()
    before = len(_there(read))
    batch = _lines("c", 3)
    kept = list(batch)
    sink.append(batch)
    assert batch == kept, "a sink does not change the batch"
    batch.clear()
    _flushed(sink)
    _same(_there(read)[before:], kept, "a sink does not keep the batch itself")
    sink.close()


def a_flush_keeps_its_time(make: Make, read: Read) -> None:
    """A flush without time comes back at once, with an answer."""
    sink = make()
    before = len(_there(read))
    sink.append(_lines("d", 1))
    begun = time.monotonic()
    answer = sink.flush(0.0)
    assert time.monotonic() - begun < _SECONDS, "a flush takes no longer than it is given"
    assert isinstance(answer, bool), "a flush answers with True or False"
    _flushed(sink)
    assert len(_there(read)) == before + 1, "what a flush had no time for arrives with the next"
    sink.close()


def closing_keeps_what_was_taken(make: Make, read: Read) -> None:
    """Closing, once or twice, brings what was taken to its place."""
    sink = make()
    before = len(_there(read))
    lines = _lines("e", 2)
    sink.append(lines)
    sink.close()
    sink.close()
    _same(_there(read)[before:], lines, "closing loses nothing, and twice is harmless")


def a_closed_sink_begins_anew(make: Make, read: Read) -> None:
    """Recording may stop and start again with the same sink."""
    sink = make()
    before = len(_there(read))
    first, second = _lines("f", 1), _lines("g", 1)
    sink.append(first)
    sink.close()
    sink.append(second)
    _flushed(sink)
    sink.close()
    _same(_there(read)[before:], [*first, *second], "a sink can be used again after it was closed")


CHECKS: Final = (
    lines_arrive_whole_and_in_order,
    any_text_arrives,
    nothing_is_made_of_an_empty_batch,
    the_batch_stays_the_caller_s,
    a_flush_keeps_its_time,
    closing_keeps_what_was_taken,
    a_closed_sink_begins_anew,
)
"""Every check, for those who want each as a test of its own."""


def _line(name: str) -> Line:
    """A span of that name, and of an id of its own: a sink may keep one record for each."""
    span_id = blake2b(name.encode(), digest_size=8).hexdigest()
    made = Span(trace_id="a" * 32, span_id=span_id, name=name, start=1, end=2, status="ok")
    return Line(encode(made))


def _lines(name: str, number: int) -> list[Line]:
    return [_line(f"{name}{place}") for place in range(number)]


def _there(read: Read) -> Sequence[bytes]:
    """The lines that arrived; none where a sink that opens at its first line has not been yet."""
    try:
        return read()
    except FileNotFoundError:
        return []


def _flushed(sink: Sink) -> None:
    deadline = time.monotonic() + _SECONDS
    while not sink.flush(max(0.0, deadline - time.monotonic())):
        assert time.monotonic() < deadline, "a flush that has time brings everything to its place"


def _same(found: Sequence[bytes], wanted: Sequence[bytes], owed: str) -> None:
    assert list(found) == list(wanted), f"{owed}; of {len(wanted)} lines {len(found)} arrived, or changed"
