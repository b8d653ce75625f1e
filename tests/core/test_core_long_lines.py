"""A line that is longer than a line may be loses its largest fields, and says which."""

from __future__ import annotations

import flightlog as fl


def test_the_largest_fields_are_left_out_and_named() -> None:
    with fl.capture() as seen, fl.span("work", small=1) as span:
        span.input = "\u4e2d" * 120_000
        span.output = "\u4e2d" * 240_000
    (record,) = seen.spans
    assert record.input == "\u4e2d" * 120_000
    assert not record.output
    assert record.attributes["small"] == 1
    told = record.attributes["flightlog.capture_error"]
    assert told.startswith("TooLong: the record is without output (")
    assert record.end is not None
    assert (record.status, record.kind) == ("ok", "step")


def test_the_limit_counts_bytes_not_characters() -> None:
    """Three bytes a character: as many characters as a line may have bytes."""
    wide = "\u4e2d" * 240_000
    with fl.capture() as seen:
        with fl.span("wide", a=wide, b=wide) as span:
            span.output = "short"
        fl.event("wide", a=wide, b=wide)
    (record,) = seen.spans
    (event,) = seen.events
    assert record.output == "short"
    assert "without attributes" in record.attributes["flightlog.capture_error"]
    assert event.attributes["flightlog.capture_error"].startswith("TooLong: the record had ")


def test_a_failure_that_cannot_be_printed_leaves_its_span_a_record() -> None:
    class Odd:
        def __str__(self) -> str:
            raise RuntimeError("no")

    with fl.capture() as seen, fl.span("work") as span:
        span.set(odd=Odd())
    (record,) = seen.spans
    assert record.name == "work"
