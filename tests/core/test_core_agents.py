"""Hand-overs, attachments, how turns and calls end, raw requests, and hashes that others can compute."""

from __future__ import annotations

import hashlib
import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

import flightlog as fl
from flightlog.records.agents import END_REASONS, end_reason

ABC = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
"""SHA-256 of `abc`: FIPS 180-4, example 1."""


def test_an_attachment_is_told_by_size_and_hash_and_never_by_its_content(seen):
    with fl.span("ask"):
        fl.attachment(bytearray(b"abc"), type="image/png", name="a.png")
        fl.attachment("abc")
        fl.attachment(memoryview(b"a.b.c.")[::2])
    known = [event.attributes for event in seen.events]
    assert known[:2] == [
        {"name": "a.png", "type": "image/png", "size": 3, "sha256": ABC},
        {"size": 3, "sha256": ABC},
    ]
    assert "abc" not in repr(seen.records)


@pytest.mark.parametrize("data", [None, 7, object(), ["abc"]])
def test_what_has_no_bytes_is_no_attachment_and_does_no_harm(seen, data):
    fl.attachment(data)
    assert seen.events == []


def test_a_hand_over_says_what_is_known_of_it(seen):
    with fl.span("triage", kind="agent"):
        fl.handoff("refunds")
    (event,) = seen.events
    assert (event.name, event.attributes) == ("handoff", {"to": "refunds"})
    assert event.span_id == seen.span("triage").span_id


def test_a_turn_says_why_it_is_over(seen):
    with fl.turn(1), fl.span("turn", kind="agent"):
        fl.done("max_turns")
    assert seen.span("turn").attributes == {"flightlog.turn.done_reason": "max_turns"}
    fl.done("nobody is there to be done")


def test_a_raw_request_is_kept_at_level_trace_up_to_a_bound(seen):
    with fl.llm("m") as call:
        call.request({"model": "m", "messages": ["hello"]}, endpoint="/chat")
        call.request({"messages": ["x" * 100_000]})
    small, large = (event for event in seen.events if event.name == "request")
    assert small.level == "trace"
    assert small.attributes["content"] == {"model": "m", "messages": ["hello"]}
    assert small.attributes["size"] == len('{"model":"m","messages":["hello"]}')
    assert (large.attributes["size"], large.attributes["omitted"]) == (100_017, "size")
    assert "content" not in large.attributes
    assert small.attributes["hash"] != large.attributes["hash"]


def test_a_failure_says_its_code_whether_to_try_again_and_what_came(seen):
    with fl.llm("m") as call:
        call.fail("busy", type="overloaded_error", code="529", retryable=True, raw={"error": "busy"})
    (span,) = seen.spans
    told = {name: span.attributes[f"flightlog.error.{name}"] for name in ("code", "retryable", "raw")}
    assert told == {"code": "529", "retryable": True, "raw": {"error": "busy"}}
    assert (span.status, span.error.type) == ("error", "overloaded_error")


@pytest.mark.parametrize(
    ("reasons", "status", "error", "reason"),
    [
        (["stop"], "ok", "", "stop"),
        (["STOP"], "ok", "", "stop"),
        (["end_turn"], "ok", "", "stop"),
        (["tool_calls"], "ok", "", "tool_use"),
        (["tool_use"], "ok", "", "tool_use"),
        (["stop", "length"], "ok", "", "output_limit"),
        (["MAX_TOKENS"], "ok", "", "output_limit"),
        (["model_context_window_exceeded"], "ok", "", "context_overflow"),
        (["SAFETY"], "ok", "", "content_filter"),
        (["refusal"], "ok", "", "content_filter"),
        (["of_the_future"], "ok", "", "unknown"),
        (None, "ok", "", "unknown"),
        (None, "error", "RateLimitError busy", "provider_error"),
        (None, "error", "BadRequest context_length_exceeded", "context_overflow"),
        (None, "cancelled", "", "cancelled"),
        (["stop"], "running", "", ""),
    ],
)
def test_why_a_call_ended_is_one_of_eight_words(reasons, status, error, reason):
    attributes = {} if reasons is None else {"gen_ai.response.finish_reasons": reasons}
    assert end_reason(attributes, status, error) == reason
    assert reason in {*END_REASONS, ""}


def test_the_hash_of_bytes_is_what_everybody_computes():
    assert fl.sha256_hex(b"abc") == fl.sha256_hex("abc") == ABC
    assert fl.sha256_hex("é") == hashlib.sha256("é".encode()).hexdigest()


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(VALUES)
def test_the_hash_of_a_value_does_not_depend_on_the_order_of_its_members(value):
    def turned(part):
        if isinstance(part, dict):
            return {key: turned(part[key]) for key in reversed(part)}
        return [turned(item) for item in part] if isinstance(part, list) else part

    assert fl.json_hash(value) == fl.json_hash(turned(value)) == fl.json_hash(json.loads(json.dumps(value)))


def test_the_canonical_form_is_compact_sorted_and_utf_8():
    form = '{"a":[1,1.0,null],"é":"ü"}'.encode()
    assert fl.json_hash({"é": "ü", "a": (1, 1.0, None)}) == hashlib.sha256(form).hexdigest()


@pytest.mark.parametrize(("value", "error"), [(math.nan, ValueError), ({1, 2}, TypeError), (b"x", TypeError)])
def test_what_json_does_not_have_has_no_hash(value, error):
    with pytest.raises(error):
        fl.json_hash(value)
