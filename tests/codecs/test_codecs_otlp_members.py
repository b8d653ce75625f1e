"""What is remembered of attributes that came before: it never changes what is read, and it is bounded."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

from flightlog.codecs.otlp.members import MOST
from flightlog.codecs.otlp.protobuf import members
from flightlog.imports.pen import Pen
from flightlog.redaction.gate import DefaultGate

_NAMES = {str: "string_value", bool: "bool_value", int: "int_value", float: "double_value"}
_values = (
    st.integers(-(2**63), 2**63 - 1)
    | st.integers(0, 2**22)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20)
    | st.booleans()
)


def _members():
    return members(Pen(DefaultGate(b"key"), 1024))


def _encoded(value, key: str = "a") -> bytes:
    return KeyValue(key=key, value=AnyValue(**{_NAMES[type(value)]: value})).SerializeToString()


@settings(deadline=None)
@given(st.lists(_values, max_size=30))
def test_an_attribute_that_comes_again_is_read_as_when_it_came_first(values):
    remembered = _members()
    for value in [*values, *values]:
        name, member = remembered[_encoded(value)]
        assert (name, msgspec.json.decode("{" + member + "}")) == ('"a"', {"a": value})


@pytest.mark.parametrize(
    "make",
    [float, lambda place: 2**14 + place, lambda place: 2**40 + place],
    ids=["floats", "tokens", "long"],
)
def test_numbers_that_never_come_again_take_a_part_of_the_room_and_put_nothing_out_of_it(make):
    remembered = _members()
    common = _encoded("often")
    assert remembered[_encoded("first")] == ('"a"', '"a":"first"')
    remembered[common]
    for place in range(2 * MOST):
        value = make(place)
        assert remembered[_encoded(value)] == ('"a"', f'"a":{value!r}')
    assert common in remembered
    assert len(remembered) <= MOST // 4 + 2


def test_texts_that_never_come_again_put_all_out_of_the_room_when_it_is_full():
    remembered = _members()
    for place in range(2 * MOST):
        remembered[_encoded(0.5 + place)]
        assert remembered[_encoded(f"text {place}")] == ('"a"', f'"a":"text {place}"')
        assert len(remembered) <= MOST
    numbers = [raw for raw in remembered if b"text" not in raw]
    assert len(numbers) == MOST // 4, "and numbers have their part again"
