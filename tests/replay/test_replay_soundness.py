"""Which recorded answers are whole, and how two questions are told apart."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET

from flightlog.core.rerun import RECORDED, RETURNED
from flightlog.records.span import Fault, Span
from flightlog.replay.asking import asked_by, differences, is_answer
from flightlog.replay.soundness import trouble_of

values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


def span(**more):
    return Span(
        **{
            "trace_id": "a" * 32,
            "span_id": "b" * 16,
            "name": "ask",
            "kind": "tool",
            "start": 1,
            "end": 2,
            "status": "ok",
            "output": "fine",
            "attributes": {RECORDED: "function"},
            **more,
        }
    )


def model(**more):
    attributes = {
        "flightlog.instrumentation": "openai",
        "gen_ai.operation.name": "chat",
        "gen_ai.request.model": "m",
        **more.pop("attributes", {}),
    }
    return span(name="chat m", kind="llm", attributes=attributes, **more)


@pytest.mark.parametrize("output", [None, "", "fine", {"a": [1, {"b": "…"}]}, "and 3 more", "REDACTED", []])
def test_a_whole_answer_has_no_trouble(output):
    if output == {"a": [1, {"b": "…"}]}:
        output = {"a": [1, {"b": "… and so on"}]}
    assert trouble_of(span(output=output)) == ""


TROUBLES = [
    ({"status": "running", "end": None}, "it was running"),
    ({"status": "interrupted"}, "it was interrupted"),
    ({"status": "paused", "end": None}, "it was paused"),
    ({"status": "cancelled"}, "cancelled before"),
    ({"output": UNSET}, "not in the store"),
    ({"attributes": {"flightlog.content": "metadata"}, "output": UNSET}, "withheld"),
    (
        {"attributes": {"flightlog.capture_error": "TooLong: the record is without output (9 bytes)"}},
        "not whole",
    ),
    ({"output": {"a": ["x", "the key [REDACTED #12ab]"]}}, "masked at $.output.a[1]"),
    ({"output": {"[REDACTED]": 1}}, "masked"),
    ({"output": UNSET, "status": "error", "error": Fault("E", "no [REDACTED]")}, "masked at $.error.message"),
    ({"attributes": {RETURNED: "[REDACTED]"}}, "masked"),
    ({"output": [1, 2, "… 998 more"]}, "cut at $.output[2]"),
    ({"output": {"a": 1, "…": "7 more"}}, "cut"),
    ({"output": {"a": {"b": "… too deep"}}}, "cut"),
    ({"output": {"a": "… itself"}}, "cut"),
    ({"output": {"type": "image/png", "bytes": 9, "digest": "ab"}}, "an image"),
    ({"output": "see [image/png, 912 bytes, 0123456789abcdef]"}, "an image"),
    ({"output": {"flightlog.capture_error": "ValueError"}}, "a gap"),
    (
        {"attributes": {"flightlog.cut": [{"path": "output.a", "length": 9, "kept": 5, "hash": "x"}]}},
        "of output.a 5 of 9 are left",
    ),
]


@pytest.mark.parametrize(("more", "said"), TROUBLES, ids=lambda value: str(value)[:40])
def test_an_answer_that_is_not_whole_says_why(more, said):
    assert said in trouble_of(span(**more))


def test_an_input_that_was_cut_is_no_trouble_of_the_answer():
    cut = {"path": "input.text", "length": 9, "kept": 5, "hash": "x"}
    assert trouble_of(span(attributes={RECORDED: "function", "flightlog.cut": [cut]})) == ""


def test_inputs_that_were_cut_at_other_lengths_are_other_questions():
    def asked(length):
        cut = {"path": "input.text", "length": length, "kept": 5, "hash": "x"}
        return asked_by(span(input={"text": "begin"}, attributes={RECORDED: "f", "flightlog.cut": [cut]}))

    assert asked(9).key == asked(9).key
    assert asked(9).key != asked(10).key


def test_only_calls_that_can_be_answered_are_asked_for():
    assert is_answer(span())
    assert is_answer(model())
    assert not is_answer(span(attributes={}))
    assert not is_answer(span(kind="llm", attributes={"gen_ai.operation.name": "chat"}))


@given(values, values)
def test_questions_have_the_same_key_exactly_where_nothing_differs(one, two):
    first, second = asked_by(span(input=one)), asked_by(span(input=two))
    assert (first.key == second.key) == (differences(first, second) == [])
    assert first.key == asked_by(span(input=one, span_id="c" * 16, start=5, end=9, output="other")).key


@given(values)
def test_a_difference_names_its_path_and_both_values(value):
    recorded = asked_by(span(input={"a": [{"b c": value}]}))
    now = asked_by(span(input={"a": [{"b c": "something else entirely"}]}))
    (found,) = differences(recorded, now)
    assert (found.path, found.recorded, found.now) == (
        '$.input.a[0]["b c"]',
        value,
        "something else entirely",
    )


def test_a_model_is_asked_the_same_whether_it_streams_or_says_null():
    plain = model(input={"messages": [{"role": "user", "content": "hi"}]})
    other = model(
        input={"messages": [{"role": "user", "content": "hi", "name": None}]},
        attributes={"gen_ai.request.stream": True, "gen_ai.embeddings.dimension.count": 3, "server.port": 1},
    )
    assert asked_by(plain).key == asked_by(other).key


@pytest.mark.parametrize(
    "attributes",
    [{"gen_ai.request.model": "n"}, {"gen_ai.request.temperature": 0.5}, {"flightlog.request.x": 1}],
)
def test_a_model_with_another_parameter_is_asked_something_else(attributes):
    assert asked_by(model(input=1)).key != asked_by(model(input=1, attributes=attributes)).key
