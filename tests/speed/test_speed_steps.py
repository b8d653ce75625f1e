"""The compiled writer of execution traces writes what the one in Python writes, byte for byte, or leaves it to that."""

from __future__ import annotations

import datetime as dt
import sys
from enum import StrEnum

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from speed_kit import needs_core

from flightlog.steps import ExecutionTrace, StepType, TraceStep, wire

pytestmark = needs_core

_TEXTS = st.text(st.characters(), max_size=24)
_PLAIN = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(min_value=-(2**70), max_value=2**70),
    st.floats(),
    _TEXTS,
    st.binary(max_size=4),
    st.datetimes(),
)
_VALUES = st.recursive(
    _PLAIN,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.tuples(inner, inner),
        st.dictionaries(st.one_of(_TEXTS, st.integers()), inner, max_size=4),
        st.frozensets(st.integers(), max_size=2),
    ),
    max_leaves=12,
)
_TIMES = st.one_of(st.integers(min_value=0, max_value=2**63 - 1), st.integers(), st.none(), st.floats())


@st.composite
def _steps(draw: st.DrawFn) -> TraceStep:
    kind = draw(st.one_of(st.sampled_from(StepType), _TEXTS))
    start = draw(st.integers(min_value=0, max_value=2**62))
    step = TraceStep.started(start, kind, draw(_TEXTS), draw(_VALUES))
    step.duration_ns = draw(st.integers(min_value=0, max_value=2**61))
    step.output, step.error = draw(_VALUES), draw(st.one_of(st.none(), _TEXTS))
    step.notes = draw(st.one_of(st.none(), st.dictionaries(_TEXTS, _TEXTS, max_size=3)))
    return step


def _traced(steps: list[TraceStep], **about: object) -> ExecutionTrace:
    trace = ExecutionTrace("a trace")
    for step in steps:
        trace.add_step(step)
    trace.metadata.update(about)
    return trace


def _both(trace: ExecutionTrace, *, precise: bool = False) -> tuple[str | None, str]:
    """What the compiled writer says, None where it leaves it to the other one, and what that says."""
    about = trace.metadata or None
    said = wire._write(
        trace.trace_id, trace.conversation_id, trace.turn_number, about, trace.steps(), precise
    )
    return said, wire._encoded(trace, precise=precise)


def _is_the_same(trace: ExecutionTrace, *, precise: bool = False) -> bool:
    said, pure = _both(trace, precise=precise)
    return said is None or said == pure


@given(st.lists(_steps(), min_size=1, max_size=5), st.booleans(), _VALUES)
def test_whatever_is_in_the_steps_the_bytes_are_those_of_python(steps, precise, about):
    assert _is_the_same(_traced(steps, about=about), precise=precise)


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"])), min_size=1, max_size=4))
def test_every_text_is_written_by_the_compiled_writer(texts):
    trace = _traced([TraceStep("own", text, 1.0, input={text: text}, output=[text]) for text in texts])
    said, pure = _both(trace)
    assert said == pure


def test_every_character_is_escaped_as_msgspec_escapes_it():
    for start in range(0, sys.maxunicode + 1, 4096):
        text = "".join(chr(code) for code in range(start, start + 4096) if not 0xD800 <= code < 0xE000)
        said, pure = _both(_traced([TraceStep("own", "all", 1.0, output=text)]))
        assert said == pure


def test_a_character_that_is_escaped_is_escaped_wherever_it_stands():
    for size in range(20):
        for place in range(size):
            text = "a" * place + '"' + "b" * (size - place - 1)
            said, pure = _both(_traced([TraceStep("own", text, 1.0, output={text: "\n" + text + "\\"})]))
            assert said == pure


@given(st.integers(min_value=-(2**64), max_value=2**65))
def test_numbers_have_their_digits(number):
    step = TraceStep("own", "n", 1.0, output={"n": number, "l": [number, -number]})
    assert _is_the_same(_traced([step]))


@pytest.mark.parametrize("digits", range(20))
def test_numbers_of_every_length_have_their_digits(digits):
    for number in (10**digits - 1, 10**digits, 10**digits + 1):
        if number < 2**63:
            said, pure = _both(_traced([TraceStep("own", "n", 1.0, output=[number, -number])]))
            assert said == pure


@given(_TIMES, _TIMES)
def test_unusual_times_are_left_to_python(start, took):
    step = TraceStep("own", "n", 1.0)
    step.start_ns, step.duration_ns = start, took
    usual = type(start) is int and type(took) is int and start >= 0 and took >= 0 and max(start, took) < 2**63
    said = wire._write("t", None, None, None, [step], False)
    assert (said is not None) == usual
    if usual:
        assert _is_the_same(_traced([step]))


class _Own(StrEnum):
    A = "a"


class _Step(TraceStep):
    __slots__ = ()


def _unusual() -> dict[str, TraceStep]:
    bare = TraceStep.__new__(TraceStep)
    steps = {
        "a type of another enumeration": TraceStep(_Own.A, "n", 1.0),
        "a name that is no text": TraceStep("own", 7, 1.0),
        "a step of another class": _Step("own", "n", 1.0),
        "a step that nobody filled": bare,
        "an open step": TraceStep.started(1, "own", "n", None),
        "an error that is no text": TraceStep("own", "n", 1.0, error=ValueError("x")),
        "metadata that is no dict": TraceStep("own", "n", 1.0, metadata=[1]),
        "a key that is no text": TraceStep("own", "n", 1.0, output={1: 2}),
        "a lone surrogate": TraceStep("own", "\ud800", 1.0),
        "a value that holds itself": TraceStep("own", "n", 1.0),
    }
    steps["a value that holds itself"].output = [steps]
    loop: list[object] = []
    loop.append(loop)
    steps["a value that holds itself"].output = loop
    return steps


@pytest.mark.parametrize("name", _unusual())
def test_what_is_unusual_is_left_to_python(name):
    assert wire._write("t", None, None, None, [_unusual()[name]], False) is None


def test_no_step_at_all_is_left_to_python():
    assert wire._write("t", None, None, None, [], False) is None


def test_a_value_that_msgspec_alone_knows_is_written_by_it():
    moment = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    step = TraceStep("own", "n", 1.0, output={"at": moment, "share": 0.1, "raw": b"x", "big": 2**64 - 1})
    said, pure = _both(_traced([step]))
    assert said == pure
    assert msgspec.json.decode(said)["steps"][0]["output"]["share"] == 0.1


def _writer(encode):
    return type(wire._write.__self__)(TraceStep, StepType, encode)


def _raises(error):
    def encode(_value):
        raise error

    return encode


def test_what_stops_the_program_goes_through():
    step = TraceStep("own", "n", 1.0, output=1.5)
    with pytest.raises(KeyboardInterrupt):
        _writer(_raises(KeyboardInterrupt)).write("t", None, None, None, [step], False)


def test_a_value_that_cannot_be_written_is_left_to_python():
    step = TraceStep("own", "n", 1.0, output=1.5)
    assert _writer(_raises(ValueError("x"))).write("t", None, None, None, [step], False) is None
    assert _writer(lambda _value: "no bytes").write("t", None, None, None, [step], False) is None


class _Once:
    def __init__(self, act):
        self.act = act

    def __repr__(self):
        self.act()
        return "once"


def test_containers_may_change_while_they_are_written():
    values: dict[str, object] = {}
    items: list[object] = []
    values["first"] = _Once(lambda: values.update({str(number): number for number in range(100)}))
    items.extend([_Once(items.clear), 1, 2, 3])
    step = TraceStep("own", "n", 1.0, input=values, output=items)
    step.notes = {"k": "v"}
    said = wire._write("t", None, None, None, [step], False)
    assert said is None or msgspec.json.decode(said)


def test_a_step_may_lose_what_is_written():
    step = TraceStep("own", "n", 1.0)
    step.output = [1]

    def forget():
        step.input = step.output = step.notes = step.error = None

    step.input, step.output, step.notes, step.error = [_Once(forget)], [2] * 50, {"a": "b"}, "e" * 50
    said = wire._write("t", None, None, None, [step], False)
    assert msgspec.json.decode(said)["steps"][0]["error"] == "e" * 50


def test_a_class_of_the_program_s_own_is_asked_its_own_questions():
    class Late(ExecutionTrace):
        def extent_ms(self):
            return 7, 9

    trace = Late("t")
    trace.add_step(TraceStep("own", "n", 1.0))
    assert msgspec.json.decode(trace.to_json())["total_duration_ms"] == 2


@pytest.mark.parametrize("arguments", [(), ("t", None, None, None, (), False), ("t",) * 7])
def test_a_call_that_does_not_fit_is_a_type_error(arguments):
    with pytest.raises(TypeError):
        wire._write(*arguments)


def test_a_class_without_the_slots_is_refused():
    with pytest.raises((TypeError, AttributeError)):
        type(wire._write.__self__)(int, StepType, repr)
