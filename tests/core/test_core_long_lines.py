"""A line that is longer than a line may be loses its largest fields, and says which."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from msgspec import UNSET

import flightlog as fl
from flightlog.core import _pure
from flightlog.core.past import Past, record
from flightlog.core.past_event import PastEvent, record_event


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


def test_what_was_cut_stays_listed_when_the_attributes_are_left_out() -> None:
    with fl.capture() as seen, fl.span("work", **{f"a{n}": "x" * 200_000 for n in range(6)}) as span:
        span.input = "y" * 300_000
    (record,) = seen.spans
    assert "without attributes (" in record.attributes["flightlog.capture_error"]
    (cut,) = record.attributes["flightlog.cut"]
    assert (cut["path"], cut["length"]) == ("input", 300_000)
    assert cut["hash"]
    assert len(record.input) == cut["kept"]


def test_every_field_that_is_left_out_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    counted: list[str] = []
    with fl.capture() as seen:
        monkeypatch.setattr(_pure, "_count", counted.append)
        with fl.span("work", a="x" * 200_000) as span:
            span.input, span.output = "\u4e2d" * 240_000, "\u4e2d" * 250_000
            span.set(b="\u4e2d" * 100_000)
        fl.event("wide", a=span.output, b=span.output)
        record_event(PastEvent("wide", attributes={"a": span.output, "b": span.output}))
    (record,) = seen.spans
    told = record.attributes["flightlog.capture_error"]
    assert "without output (" in told
    assert ", input (" in told
    assert counted == ["fields_left_out"] * 4


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
    told = event.attributes["flightlog.capture_error"]
    assert told.startswith("TooLong: the record is without attributes (")


def _as_an_event(**fields: object) -> None:
    fl.event("wide", body=fields["body"], **fields["attributes"])  # type: ignore[arg-type]  # a test's


def _as_a_past_event(**fields: object) -> None:
    record_event(PastEvent("wide", **fields))  # type: ignore[arg-type]  # as above


@pytest.mark.parametrize("said", [_as_an_event, _as_a_past_event])
def test_an_event_that_is_too_long_loses_its_largest_fields_alone(said: Callable[..., None]) -> None:
    wide = "\u4e2d" * 240_000
    with fl.capture() as seen, fl.bind(user="ada"):
        said(body="y" * 300_000, attributes={"a": wide, "b": wide})
        said(body="y" * 300_000, attributes={"a": "x"})
    without, whole = seen.events
    assert without.body == whole.body == "y" * (256 * 1024)
    assert without.context == {"user": "ada"}
    assert sorted(without.attributes) == ["flightlog.capture_error", "flightlog.cut"]
    assert without.attributes["flightlog.cut"] == whole.attributes["flightlog.cut"]
    assert whole.attributes["flightlog.cut"][0]["length"] == 300_000


def test_a_past_span_that_is_too_long_loses_its_largest_fields_alone() -> None:
    wide = "\u4e2d" * 240_000
    narrow = {"a": "\u4e2d" * 50_000}
    with fl.capture() as seen:
        record(Past("1" * 32, "2" * 16, "wide", 1, 2, input="y" * 300_000, output=wide, attributes=narrow))
    (span,) = seen.spans
    assert span.input == "y" * (256 * 1024)
    assert span.output is UNSET
    assert span.attributes["a"] == narrow["a"]
    assert span.attributes["flightlog.capture_error"].startswith("TooLong: the record is without output (")
    assert span.attributes["flightlog.cut"][0]["path"] == "input"
    assert (span.status, span.end) == ("ok", 2)


def test_a_failure_that_cannot_be_printed_leaves_its_span_a_record() -> None:
    class Odd:
        def __str__(self) -> str:
            raise RuntimeError("no")

    with fl.capture() as seen, fl.span("work") as span:
        span.set(odd=Odd())
    (record,) = seen.spans
    assert record.name == "work"
