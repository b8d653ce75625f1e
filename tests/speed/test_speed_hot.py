"""What only the compiled halves of the hot tier, of `traced` and of capturing have to be tested for."""

from __future__ import annotations

import inspect
import traceback
from contextlib import ExitStack
from sys import getrefcount

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from speed_kit import needs_core

import flightlog as fl
from flightlog import hot
from flightlog._speed import presence
from flightlog.core import engine, memo
from flightlog.core.capture import Encoder, Limits
from flightlog.core.context import Captured, variable

pytestmark = [
    needs_core,
    pytest.mark.skipif(
        engine.NAME != "compiled", reason="run with FLIGHTLOG_ENGINE=compiled, as `make test` does"
    ),
]

SECRET = "sk-" + "ant-" + "api03-" + "Ab1" * 4
WORDS = [
    "a",
    "name",
    "key",
    "value",
    "val",
    "password",
    "a.b",
    "ü",
    "k" * 65,
    SECRET,
    "-p",
    "--token",
    "plain text",
]
SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.sampled_from(WORDS), st.text(max_size=60)
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=5),
        st.tuples(inner, inner),
        st.dictionaries(st.sampled_from(WORDS) | st.integers(), inner, max_size=5),
    ),
    max_leaves=20,
)


@pytest.fixture
def seen():
    """A capture; within it the gate and its encoder are in place."""
    with fl.capture() as captured:
        yield captured


@pytest.fixture
def lines(seen):
    """The lines of what is recorded while level trace is on for everybody: as C has it while nobody captures."""
    taken: list[bytes] = []
    before = dict(engine.verdicts)
    engine.verdicts.update(dict.fromkeys(before, True))
    presence.ENGINE.hot_listen(True)
    outer = variable.get()
    variable.set(Captured(taken.append))
    stack = ExitStack()
    stack.enter_context(fl.span("root"))  # by a function: in a generator's own frame, C leaves it to Python
    yield taken
    stack.close()
    variable.set(outer)
    engine.verdicts.update(before)
    presence.ENGINE.hot_listen(None)


@settings(deadline=None)
@given(value=VALUES)
def test_a_small_value_is_written_as_python_writes_it_or_left_to_python(value):
    with fl.capture():
        told = presence.ENGINE.small(value, "input")
        encoder = memo._encoder
        assert told in {None, encoder.encode(value, "input")[0]}


@pytest.mark.parametrize("value", [1, "x", None, 1.5, {"a": 1, "b": [2]}, [1, [2]], {"a": {"b": (1, None)}}])
def test_what_most_arguments_are_is_small(seen, value):
    assert presence.ENGINE.small(value, "input") == memo._encoder.encode(value, "input")[0]


@pytest.mark.parametrize(
    "value",
    [
        "x" * 41,
        2**63,
        float("nan"),
        {1: 2},
        {"value": "x"},
        {"password": 1},
        ["-p", "x"],
        {"a": {1}},
        list(range(17)),
    ],
)
def test_what_is_not_plain_is_left_to_python(seen, value):
    assert presence.ENGINE.small(value, "input") is None


def test_nothing_is_small_under_a_key_that_hides(seen):
    assert presence.ENGINE.small(1, "password") is None


def test_nothing_is_small_where_the_limits_are(seen):
    before = memo._encoder
    memo.use(Encoder(before.gate, Limits(value_bytes=10), before.failed))
    assert presence.ENGINE.small(1, "input") is None
    memo.use(before)
    assert presence.ENGINE.small(1, "input") == "1"


def test_rules_that_change_are_heeded_by_what_c_remembers(lines):
    class Hiding:
        def __getattr__(self, name):
            return getattr(before.gate, name)

        def hides(self, key):
            return key == "before" or before.gate.hides(key)

    hot.state("depth", "five", "six")
    before = memo._encoder
    memo.use(Encoder(Hiding(), before.limits, before.failed))
    hot.state("depth", "five", "six")
    memo.use(before)
    hot.state("depth", "five", "six")
    assert [line.count(b'"before":"five"') for line in lines if b'"name":"state"' in line] == [1, 0, 1]


def test_calls_that_do_not_fit_are_refused_as_those_in_python(lines):
    with pytest.raises(TypeError, match=r"missing 1 required positional argument: 'action'"):
        hot.tiny("queue")
    with pytest.raises(TypeError, match="unexpected keyword argument"):
        hot.state("depth", 1, 2, often=3)
    with pytest.raises(TypeError, match="missing"):
        hot.iteration()
    presence.ENGINE.hot_listen(False)
    with pytest.raises(TypeError, match="missing"):
        hot.tiny("queue")


def test_what_is_said_comes_from_c(lines):
    hot.tiny("queue", "dispatch", "job-1", "sent", every=1)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("flightlog.core.hot_telling._write", None)
        hot.tiny("queue", "dispatch", "job-1", "sent {}", "away")
    assert [line.count(b'"target":"job-1"') for line in lines[-2:]] == [1, 1]
    assert b'"body":"sent away"' in lines[-1]


def test_a_level_that_goes_off_is_heard_at_once(lines):
    count = len(lines)
    presence.ENGINE.hot_listen(False)
    hot.tiny("queue", "dispatch")
    assert len(lines) == count


def test_a_loop_hands_on_what_its_items_raise(lines):
    def items():
        yield 1
        raise ValueError("no more")

    rounds = hot.loop(items(), name="items")
    assert next(rounds) == 1
    with pytest.raises(ValueError, match="no more"):
        next(rounds)
    assert next(rounds, None) is None
    assert sum(b'"name":"loop"' in line for line in lines) == 1


def test_a_traced_function_is_a_function_and_adds_one_entry_to_a_traceback(seen):
    @fl.traced
    def fail(a):
        raise ValueError(a)

    assert inspect.isfunction(fail)
    with pytest.raises(ValueError, match="why") as caught:
        fail("why")
    names = [frame.name for frame in traceback.extract_tb(caught.value.__traceback__)]
    assert names[1:] == ["call", "fail"]
    (span,) = seen.spans
    assert (span.status, span.input, span.error.message) == ("error", {"a": "why"}, "why")
    assert span.error.stack.count("in fail") == 1


def test_a_span_that_an_argument_or_a_result_cannot_be_told_of_is_ended(seen):
    class Odd:
        def __getattribute__(self, name):
            raise RuntimeError(name)

    @fl.traced
    def work(it):
        return it

    work(Odd())
    (span,) = seen.spans
    assert span.status == "ok"
    assert fl.current().trace_id == ""


def test_what_a_traced_function_gives_up_is_held_by_nobody(seen):
    """References are counted right, on every way out."""
    held = [object(), object()]

    @fl.traced
    def work(a, *rest, **more):
        if more:
            raise ValueError("more")
        return a

    def run():
        for _ in range(50):
            work(held[0], held[1])
            with pytest.raises(ValueError, match="more"):
                work(held[0], held[1], b=held[1])

    run()
    before = [getrefcount(one) for one in held]
    run()
    assert [getrefcount(one) for one in held] == before
