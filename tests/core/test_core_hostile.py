"""Capturing runs no code of the program, however much of it there is; what never ends is never begun."""

from __future__ import annotations

import gc
import json
import sys
from collections import UserDict

import pytest
from hypothesis import given
from hypothesis import strategies as st

import flightlog as fl
from flightlog.core import budget
from flightlog.core.capture import Encoder, Limits
from flightlog.core.outcome import fault_of, said, stack_of, text_of
from flightlog.redaction.gate import DefaultGate

calls: list[str] = []

HOOKS = (
    "__repr__",
    "__str__",
    "__iter__",
    "__len__",
    "__getitem__",
    "__contains__",
    "__getattr__",
    "__getattribute__",
    "__eq__",
    "__lt__",
    "__bool__",
    "__bytes__",
    "__int__",
    "__index__",
    "__float__",
    "__format__",
    "__fspath__",
    "__next__",
    "__call__",
    "__hash__",
    "__reduce__",
    "__dir__",
    "items",
    "keys",
)


def _endless(self, *args):
    calls.append("called")
    while True:
        pass


def hostile(*bases, **body):
    """A class each of whose methods, and whose properties, never end."""
    made = dict.fromkeys(HOOKS, _endless) | {
        name: property(_endless) for name in ("__class__", "shape", "value")
    }
    return type("Hostile", bases, made | body)


def captured(value, **limits):
    failures: list[int] = []
    encoder = Encoder(DefaultGate(b"key"), Limits(**limits), lambda: failures.append(1))
    text, _ = encoder.encode(value, "value")
    return json.loads(text), failures


@pytest.mark.parametrize(
    ("bases", "arguments", "expected"),
    [
        ((), (), f"<{__name__}.Hostile>"),
        ((dict,), ({"a": 1},), {"a": 1}),
        ((list,), ([1, 2],), [1, 2]),
        ((tuple,), ([1, 2],), [1, 2]),
        ((set,), ([1],), [1]),
        ((frozenset,), ([1],), [1]),
        ((str,), ("text",), "text"),
        ((bytes,), (b"bytes",), "bytes"),
        ((int,), (5,), 5),
        ((float,), (1.5,), 1.5),
    ],
)
def test_no_method_of_an_object_is_called(bases, arguments, expected):
    calls.clear()
    kind = hostile(*bases)
    base = bases[0] if bases else object
    value = base.__new__(kind, *(arguments if base in (tuple, frozenset, str, bytes, int, float) else ()))
    if base in (dict, list, set):
        base.__init__(value, *arguments)
    assert captured([value, 1]) == ([expected, 1], [])
    assert calls == []


def test_an_object_with_state_is_told_by_its_state_alone():
    calls.clear()
    value = object.__new__(hostile())
    object.__setattr__(value, "a", 1)
    assert captured(value) == ({"__class__": f"{__name__}.Hostile", "a": 1}, [])
    assert calls == []


def test_a_hostile_key_is_named_and_its_value_kept():
    kind = hostile(__hash__=object.__hash__)
    assert captured({object.__new__(kind): 1}) == ({f"<{__name__}.Hostile>": 1}, [])


def test_a_wrapper_around_a_hostile_value_is_opened_without_it():
    wrapped = UserDict()
    wrapped.__dict__["data"] = object.__new__(hostile())
    assert captured(wrapped) == (f"<{__name__}.Hostile>", [])


class Meta(type):
    def __getattribute__(cls, name):
        raise RuntimeError(name)

    def __hash__(cls):
        raise RuntimeError("hash")

    def __instancecheck__(cls, instance):
        raise RuntimeError("check")


class Strange(metaclass=Meta):
    pass


def test_a_hostile_class_is_named():
    assert captured([Strange(), Strange]) == ([f"<{__name__}.Strange>", f"{__name__}.Strange"], [])


def test_capturing_changes_nothing_and_calls_no_property():
    class Lazy:
        def __init__(self):
            self.a = 1

        @property
        def loaded(self):
            self.touched = True
            return 1

    value = Lazy()
    before = dict(vars(value))
    captured(value)
    assert vars(value) == before


def test_deep_wide_and_circular_values_stay_within_bounds():
    deep = loop = []
    for _ in range(100_000):
        deep = [deep]
    assert "too deep" in json.dumps(captured(deep)[0], ensure_ascii=False)
    loop.append({"again": loop})
    assert captured(loop) == ([{"again": "… itself"}], [])
    while deep:  # taken apart by hand: the interpreter would recurse to free it
        deep = deep.pop() if type(deep[0]) is list else None


def test_long_keys_do_not_make_long_paths():
    value = {"k" * 100_000: {"j" * 100_000: ["x" * 100_000] * 3}}
    text, cuts = Encoder(DefaultGate(b"key"), Limits(), lambda: None).encode(value, "value")
    assert json.loads(text)
    assert cuts
    assert max(len(cut.path) for cut in cuts) <= 512


class Endless(Exception):
    def __str__(self):  # noqa: PLE0307 - that it returns no text is the point
        while True:
            pass


class Stubborn(Exception):
    def __str__(self):  # noqa: PLE0307 - that it returns no text is the point
        while True:
            try:
                len("")
            except Exception:
                continue


class Wrong(Exception):
    def __str__(self):
        return 5  # noqa: PLE0307 - that it is no text is the point


class Loud(Exception):
    def __str__(self):
        raise RuntimeError("no")


class Custom(Exception):
    def __str__(self):
        return f"custom {self.args[0]}"


untraced = pytest.mark.skipif(
    sys.gettrace() is not None, reason="a tracer that is there already is left in place"
)


@untraced
@pytest.mark.parametrize("kind", [Endless, Stubborn])
def test_what_an_exception_says_without_end_is_not_waited_for(kind):
    assert said(kind()) == f"<{kind.__name__}, its str did not end>"
    assert said(KeyError(object.__new__(hostile()))) == "<KeyError, its str did not end>"
    assert sys.gettrace() is None


class Finalized:
    """Has a finalizer that takes long, by a clock of its own."""

    def __init__(self, finalize):
        self.finalize = finalize

    def __del__(self):
        self.finalize()


@untraced
def test_a_finalizer_that_runs_in_between_is_not_cut_short(monkeypatch):
    """What is raised in there nobody can catch: the interpreter tells of it on stderr, and its work is half done."""
    now, done = [0], []

    def work():
        now[0] += budget.MOST_NS + 1
        done.append("all of it")

    class Long(Exception):
        def __str__(self):
            Finalized(work)
            return _endless(self)

    monkeypatch.setattr(budget, "monotonic_ns", lambda: now[0])
    gc.disable()  # what else it would run in between is not what this is about
    try:
        assert said(Long()).endswith("Long, its str did not end>")
    finally:
        gc.enable()
    assert done == ["all of it"]


@untraced
def test_what_a_finalizer_tells_is_not_waited_for_either():
    told = []
    Finalized(lambda: told.append(said(Endless())))
    assert told == ["<Endless, its str did not end>"]


@untraced
def test_a_name_without_end_is_not_waited_for():
    assert text_of(object.__new__(hostile())) == "<Hostile, its str did not end>"


def test_what_an_exception_says_is_kept_where_it_says_something():
    assert said(Custom(1)) == "custom 1"
    assert said(ValueError("a", 1)) == "('a', 1)"
    assert said(FileNotFoundError(2, "gone", "f")) == "[Errno 2] gone: 'f'"
    assert said(Wrong()) == "<Wrong, its str raised TypeError>"
    assert said(Loud()) == "<Loud, its str raised RuntimeError>"


@untraced
def test_a_stack_without_end_is_told_with_its_frames_and_causes():
    def fail():
        try:
            raise KeyError("first")
        except KeyError as error:
            raise Endless from error

    with pytest.raises(Endless) as raised:
        fail()
    stack = stack_of(raised.value)
    assert stack.index("KeyError: 'first'") < stack.index("direct cause") < stack.index("in fail", 200)
    assert stack.endswith(f"{__name__}.Endless: <Endless, its str did not end>")


def test_a_group_of_exceptions_is_told_with_its_members():
    fault = fault_of(ExceptionGroup("both", [ValueError("one"), OSError("two")]))
    assert fault["message"] == "both (2 sub-exceptions)"
    assert "ValueError: one" in fault["stack"]


@untraced
def test_a_span_that_an_endless_exception_leaves_is_recorded():
    with fl.capture() as seen, pytest.raises(Endless), fl.span("s"):
        raise Endless
    assert seen.span("s").error.message == "<Endless, its str did not end>"


odd = [object.__new__(hostile()), Strange, Strange(), sys, len, ..., Loud(), {1: Strange()}, iter([])]
anything = st.recursive(
    st.integers(0, len(odd) - 1).map(lambda at: odd[at])
    | st.complex_numbers()
    | st.fractions()
    | st.decimals()
    | st.datetimes()
    | st.timedeltas()
    | st.ip_addresses()
    | st.binary()
    | st.text()
    | st.integers()
    | st.builds(ValueError, st.text()),
    lambda inner: (
        st.lists(inner)
        | st.dictionaries(st.text() | st.integers() | st.tuples(st.integers(), st.text()), inner)
        | st.tuples(inner)
        | st.builds(lambda value: type("Any", (), {"held": value})(), inner)
    ),
    max_leaves=30,
)


@given(anything, st.integers(1, 50), st.integers(1, 500))
def test_any_garbage_becomes_json_within_its_bounds(value, nodes, value_bytes):
    encoder = Encoder(
        DefaultGate(b"key"), Limits(value_bytes=value_bytes, nodes=nodes, depth=8), lambda: None
    )
    text, _ = encoder.encode(value, "value")
    json.loads(text)
    assert not set(text) & {"\x00", "\x1e", "\n"}
    assert len(text) <= 6 * (value_bytes + 100) + 60 * (nodes + 10) * 2
