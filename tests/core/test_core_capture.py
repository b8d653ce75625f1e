"""Any value becomes bounded JSON, and never an exception."""

from __future__ import annotations

import dataclasses
import datetime as dt
import enum
import json
import math
import uuid
from array import array
from collections import OrderedDict, deque
from decimal import Decimal
from pathlib import Path, PurePosixPath
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flightlog.core.capture import Encoder, Limits, OpenGate
from flightlog.redaction.gate import DefaultGate

failures: list[int] = []
encoder = Encoder(DefaultGate(b"key"), Limits(), lambda: failures.append(1))


def captured(value, **limits):
    used = Encoder(DefaultGate(b"key"), Limits(**limits), lambda: failures.append(1)) if limits else encoder
    text, _ = used.encode(value, "value")
    assert not set(text) & {"\x00", "\x1e", "\n"}
    return json.loads(text)


class Colour(enum.Enum):
    RED = "red"


class Number(enum.IntEnum):
    ONE = 1


@dataclasses.dataclass
class Point:
    x: int
    y: object = None


class Pair(NamedTuple):
    a: int
    b: int


class Plain:
    def __repr__(self):
        return "<plain>"


class Raising:
    def __repr__(self):
        raise RuntimeError("no")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, None),
        (True, True),
        (7, 7),
        (2**63 - 1, 2**63 - 1),
        (2**70, str(2**70)),
        (1.5, 1.5),
        (math.nan, "NaN"),
        (-math.inf, "-Infinity"),
        ("text", "text"),
        (b"bytes", "bytes"),
        (b"\xff\x00", "base64:/wA="),
        (bytearray(b"ba"), "ba"),
        (memoryview(b"mv"), "mv"),
        ([1, (2, 3)], [1, [2, 3]]),
        ({"a": {"b": 1}}, {"a": {"b": 1}}),
        ({1: "a", None: "b", (1, 2): "c"}, {"1": "a", "None": "b", "(1, 2)": "c"}),
        ({3, 1, 2}, [1, 2, 3]),
        (frozenset("a"), ["a"]),
        (OrderedDict(a=1), {"a": 1}),
        (deque([1, "a"], maxlen=2), [1, "a"]),
        (array("i", [1, 2]), [1, 2]),
        ({"a": 1}.keys(), ["a"]),
        ({"a": 1}.values(), [1]),
        ({"a": 1}.items(), [["a", 1]]),
        (Pair(1, 2), {"a": 1, "b": 2}),
        (Point(1, [2]), {"x": 1, "y": [2]}),
        (Colour.RED, {"type": "Colour", "name": "RED", "value": "red"}),
        (Number.ONE, 1),
        (Decimal("1.10"), "1.10"),
        (dt.datetime(2026, 1, 2, 3, tzinfo=dt.UTC), "2026-01-02T03:00:00+00:00"),
        (dt.date(2026, 1, 2), "2026-01-02"),
        (dt.timedelta(seconds=90), 90.0),
        (uuid.UUID(int=5), "00000000-0000-0000-0000-000000000005"),
        (Path("/a/b"), "/a/b"),
        (PurePosixPath("c"), "c"),
        (ValueError("bad"), {"type": "ValueError", "message": "bad"}),
        (Plain(), "<test_core_capture.Plain>"),
        (Plain, "test_core_capture.Plain"),
        (Raising(), "<test_core_capture.Raising>"),
    ],
)
def test_ordinary_values_are_readable(value, expected):
    assert captured(value) == expected


def test_a_container_inside_itself_is_named_and_not_followed():
    loop: list = [1]
    loop.append(loop)
    twice = {"same": [1], "again": None}
    twice["again"] = twice["same"]
    assert captured(loop) == [1, "… itself"]
    assert captured(twice) == {"same": [1], "again": [1]}


def test_depth_nodes_and_characters_are_bounded():
    deep: list = []
    for _ in range(1000):
        deep = [deep]
    assert "too deep" in json.dumps(captured(deep), ensure_ascii=False)
    many = captured(list(range(100_000)), nodes=100)
    assert len(many) == 100
    assert many[-1] == "… 99901 more"
    assert captured({str(n): n for n in range(1000)}, nodes=10)["…"] == "991 more"
    assert captured(["x" * 100] * 50, value_bytes=250)[-1] == "… 47 more"


@pytest.mark.parametrize("kind", [set, frozenset, deque, list, tuple, lambda values: array("i", values)])
def test_of_a_large_container_the_rest_is_counted(kind):
    assert captured(kind(range(1000)), nodes=10)[-1] == "… 991 more"
    assert captured(kind(range(10)), nodes=11) == list(range(10))
    assert captured(kind(range(10)), nodes=10)[-1] == "… 1 more"


@pytest.mark.parametrize("kind", [dict, OrderedDict])
def test_of_a_large_mapping_the_rest_is_counted_and_secret_keys_are_nodes_too(kind):
    assert captured(kind.fromkeys(range(1000)), nodes=10)["…"] == "991 more"
    hidden = captured(kind.fromkeys(f"password{n}" for n in range(1000)), nodes=10)
    assert (len(hidden), hidden["…"]) == (10, "991 more")


def test_a_text_that_is_too_long_is_cut_with_its_length_and_the_hash_of_what_was_kept():
    used = Encoder(DefaultGate(b"key"), Limits(value_bytes=1000), lambda: None)
    text, cuts = used.encode({"text": "x" * 5_000_000}, "input")
    assert json.loads(text) == {"text": "x" * 996}  # the key counts as well
    (cut,) = cuts
    assert (cut.path, cut.length, cut.kept) == ("input.text", 5_000_000, 996)
    assert cut.digest == DefaultGate(b"key").digest(b"x" * 996)
    assert cut.digest != DefaultGate(b"other").digest(b"x" * 996)


def test_a_secret_across_the_cut_does_not_leave_its_first_half():
    secret = "ghp_" + "a1B2c3D4" * 5
    used = Encoder(DefaultGate(b"key"), Limits(value_bytes=1000), lambda: None)
    text, _ = used.encode("x " * 490 + secret + " y" * 4000, "input")
    assert "ghp_" not in text


def containers(inner):
    return st.lists(inner) | st.dictionaries(st.text() | st.integers(), inner) | st.tuples(inner, inner)


everything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.binary()
    | st.dates()
    | st.uuids(),
    containers,
    max_leaves=20,
)


@given(everything)
def test_everything_becomes_json_without_control_characters(value):
    failures.clear()
    captured(value)
    assert failures == []


plain_json = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=50,
)


@given(plain_json)
def test_what_is_json_already_comes_back_as_it_was(value):
    text, cuts = Encoder(OpenGate(), Limits(), lambda: failures.append(1)).encode(value, "value")
    assert json.loads(text) == value
    assert cuts == []


@given(everything)
def test_capturing_what_was_captured_changes_nothing(value):
    once = captured(value)
    twice = captured(once)
    # A pair of a key and an object is told as a pair of texts, which may be one of a key and its secret.
    assert twice == once or "NaN" in json.dumps(once) or "[REDACTED" in json.dumps(twice)
