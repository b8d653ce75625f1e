"""What leaves can be made to say less than what was recorded, and never more."""

from __future__ import annotations

import export_records
import pytest
from export_records import PROCESSES, event, row, span
from msgspec import UNSET

from flightlog.codecs.lines import decode, encode
from flightlog.core.content import content_from
from flightlog.export.stricter import Stricter
from flightlog.records.annotation import Annotation
from flightlog.records.span import Fault, Link
from flightlog.redaction.gate import DefaultGate
from flightlog.redaction.policy import policy_from

MAIL = "ann.smith@example.com"


@pytest.fixture
def hiding():
    """Hides mail addresses, which nothing hides unless it is asked."""
    return Stricter(DefaultGate(b"key", policy_from({"email": "mask"}, keys=["shoe*"])))


def holding() -> list:
    text = f"to {MAIL}"
    return [
        span(1, 0, text, 0, 1, input={"to": MAIL, "deep": [{"of": text}]}, output=text, error=Fault("E", text, text),
             attributes={"mail.to": MAIL, "n": 2**63 - 1, "f": 0.5}, context={"user": MAIL},
             otel={"scope": {"name": text}}, links=[Link("c" * 32, "", "", {"to": MAIL})], task=text),
        event(1, 1, 0, text, body=text, attributes={"to": MAIL}),
        Annotation(annotation_id="n", trace_id="c" * 32, time=0, name="n", note=text, label=MAIL, by=MAIL),
        row(name=text, user=MAIL, session=text, tags=[MAIL]),
    ]  # fmt: skip


def test_every_text_of_every_record_passes_the_gate(hiding):
    for record in holding():
        made = hiding.record(record)
        assert MAIL in repr(record)
        assert MAIL not in repr(made)
        assert "[REDACTED]" in repr(made)
        assert type(made) is type(record)


def test_numbers_ids_times_and_what_is_no_secret_stay_as_they_are(hiding):
    before = holding()[0]
    after = hiding.record(before)
    assert (after.trace_id, after.span_id, after.start, after.end) == (
        before.trace_id,
        before.span_id,
        before.start,
        before.end,
    )
    assert (after.attributes["n"], after.attributes["f"], after.error.type) == (2**63 - 1, 0.5, "E")
    for record in [*export_records.spans()[:12], *PROCESSES.values()]:
        assert hiding.record(record) == record
        assert decode(hiding.line(encode(record))) == record


def test_a_key_that_hides_takes_what_is_under_it_of_any_kind(hiding):
    made = hiding.record(
        span(1, 0, "n", 0, 1, attributes={"shoe_size": 42, "size": 42}, input={"shoe": [1, 2]})
    )
    assert made.attributes["shoe_size"] != 42
    assert made.attributes["size"] == 42
    assert made.input == {"shoe": "[REDACTED]"}


def test_twice_is_as_good_as_once(hiding):
    for record in holding():
        once = hiding.record(record)
        assert hiding.record(once) == once


def test_inputs_and_outputs_of_the_kinds_that_a_policy_names_stay_here():
    stricter = Stricter(content=content_from("all,llm=metadata"))
    made = {one.name: stricter.record(one) for one in export_records.spans()}
    call, tool = made["chat gpt-4.1"], made["find_order"]
    assert (call.input, call.output, call.attributes["flightlog.content"]) == (UNSET, UNSET, "metadata")
    assert (tool.input, "flightlog.content" in tool.attributes) == ({"order": 8812}, False)
    nothing = Stricter(content=content_from("metadata")).record(made["SELECT orders"])
    assert nothing == made["SELECT orders"], "nothing was withheld of what had nothing"


def test_a_line_that_nobody_understands_leaves_only_where_nothing_is_to_be_hidden(hiding):
    line = b'{"type":"dream","v":1,"of":"ann.smith@example.com"}'
    assert hiding.line(line) is None
    assert Stricter().line(line) == line
    assert Stricter().is_idle
