"""What the values of the standard library, and objects of the program, become."""

from __future__ import annotations

import array
import asyncio
import collections
import ctypes
import dataclasses
import datetime as dt
import decimal
import enum
import fractions
import functools
import gc
import io
import ipaddress
import itertools
import json
import re
import socket
import threading
import types
import weakref
import zoneinfo
from collections import ChainMap, Counter, OrderedDict, UserDict, UserList, UserString, defaultdict, deque

import attrs
import msgspec
import pydantic
import pytest
from pydantic import v1

from flightlog.core import values
from flightlog.core.capture import Encoder, Limits
from flightlog.redaction.gate import DefaultGate


def captured(value, **limits):
    failures: list[int] = []
    encoder = Encoder(DefaultGate(b"key"), Limits(**limits), lambda: failures.append(1))
    text, _ = encoder.encode(value, "value")
    assert failures == []
    return json.loads(text)


class Colour(enum.Enum):
    RED = "red"


class Word(enum.StrEnum):
    YES = "yes"


class Access(enum.Flag):
    READ = 1
    WRITE = 2


class Point(collections.namedtuple("Point", "x y")):  # noqa: PYI024 - a class derived from a namedtuple is the case
    __slots__ = ()


class Slotted:
    __slots__ = ("_hidden", "a", "unset")

    def __init__(self):
        self.a, self._hidden = 1, 2


class Money:
    def __init__(self):
        self._amount = 5


class Secret:
    def __init__(self):
        self._value = "hunter2"


@dataclasses.dataclass
class Login:
    user: str
    phrase: str = dataclasses.field(repr=False)


@attrs.define
class Tool:
    name: str
    _calls: int = 0
    handle: str = attrs.field(default="h", repr=False)


class Struct(msgspec.Struct):
    a: int
    password: str = "x"


class Model(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(extra="allow")
    n: int
    key: pydantic.SecretStr
    big: str = pydantic.Field("b", repr=False)

    @functools.cached_property
    def derived(self):
        return 1


class OldModel(v1.BaseModel):
    n: int = 1
    key: v1.SecretStr = v1.SecretStr("hunter2")
    big: str = v1.Field("b", repr=False)


def function():
    yield 1


async def coroutine():
    await asyncio.sleep(0)


def _moved():
    ordered = OrderedDict(a=1, b=2)
    ordered.move_to_end("a")
    return list(captured(ordered))


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (Colour.RED, {"type": "Colour", "name": "RED", "value": "red"}),
        (Access.READ, {"type": "Access", "name": "READ", "value": 1}),
        (Word.YES, "yes"),
        (Point(1, 2), {"x": 1, "y": 2}),
        (decimal.Decimal("1.10"), "1.10"),
        (fractions.Fraction(1, 3), "1/3"),
        (fractions.Fraction(4, 2), "2"),
        (1 + 2j, "(1+2j)"),
        ({1, "a", (2, 3)}, ["a", 1, [2, 3]]),
        (frozenset({"b", "a"}), ["a", "b"]),
        (range(3), "range(0, 3)"),
        (deque([1]), [1]),
        (defaultdict(list, a=[1]), {"a": [1]}),
        (Counter("aab"), {"a": 2, "b": 1}),
        (types.MappingProxyType({"a": 1}), {"a": 1}),
        (UserDict(a=1), {"a": 1}),
        (UserList([1]), [1]),
        (UserString("u"), "u"),
        (ChainMap({"a": 1}), {"__class__": "collections.ChainMap", "maps": [{"a": 1}]}),
        (array.array("d", [1.5]), [1.5]),
        (dt.date(2026, 1, 2), "2026-01-02"),
        (dt.time(3, 4), "03:04:00"),
        (dt.timedelta(minutes=1), 60.0),
        (dt.UTC, "UTC"),
        (zoneinfo.ZoneInfo("UTC"), "UTC"),
        (ipaddress.ip_address("10.0.0.1"), "10.0.0.1"),
        (ipaddress.ip_network("::/8"), "::/8"),
        (re.compile("a+"), "a+"),
        (function, "test_core_values.function"),
        (len, "builtins.len"),
        (Money().__init__, "test_core_values.Money.__init__"),
        (Money, "test_core_values.Money"),
        (int, "builtins.int"),
        (json, "<module json>"),
        (
            functools.partial(int, "5", base=10),
            {
                "__class__": "functools.partial",
                "func": "builtins.int",
                "args": ["5"],
                "keywords": {"base": 10},
            },
        ),
        (io.BytesIO(b"x"), "<_io.BytesIO>"),
        (threading.Lock(), "<_thread.lock>"),
        (threading.Event(), "<threading.Event>"),
        (weakref.ref(Money), "<weakref to type>"),
        (ctypes.c_int(5), 5),
        (ctypes.c_char_p(b"x"), "<ctypes.c_char_p>"),
        (slice(1, 2), {"__class__": "slice", "start": 1, "stop": 2, "step": None}),
        (..., "Ellipsis"),
        (object(), "<object>"),
        (memoryview(b"abcd")[::2], "<memoryview, 2 bytes>"),
        (memoryview(array.array("h", [97])), "a\x00"),
        (10**700, hex(10**700)),
        (types.SimpleNamespace(a=1), {"__class__": "types.SimpleNamespace", "a": 1}),
        (Slotted(), {"__class__": "test_core_values.Slotted", "a": 1}),
        (Money(), {"__class__": "test_core_values.Money", "_amount": 5}),
        (Secret(), "[REDACTED]"),
        (Login("ada", "s"), {"user": "ada"}),
        (Tool("t"), {"name": "t", "_calls": 0}),
        (Struct(1), {"a": 1, "password": "[REDACTED]"}),
        (Model(n=1, key="hunter2", more=2), {"n": 1, "key": "[REDACTED]", "more": 2}),
        (OldModel(), {"n": 1, "key": "[REDACTED]"}),
    ],
)
def test_each_kind_of_value_becomes_what_a_reader_would_write(value, expected):
    assert captured(value) == expected


def test_what_runs_is_named_and_never_advanced():
    steps, task, endless = function(), coroutine(), itertools.count()
    assert captured([steps, task, endless, iter([1])]) == [
        "<generator function>",
        "<coroutine coroutine>",
        "<itertools.count>",
        "<list_iterator>",
    ]
    task.close()
    assert (next(steps), next(endless)) == (1, 0)


def test_an_open_file_is_told_by_its_path_and_mode(tmp_path):
    with (tmp_path / "f").open("w") as file:
        assert captured(file) == {"__class__": "_io.TextIOWrapper", "name": str(tmp_path / "f"), "mode": "wb"}


def test_a_socket_is_told_by_its_family():
    with socket.socket() as made:
        assert captured(made)["__class__"] == "socket.socket"


def test_an_ordered_dict_keeps_its_own_order():
    assert _moved() == ["b", "a"]


def test_keys_that_would_be_one_name_stay_two():
    assert captured({1: "a", "1": "b", Colour.RED: 1, (1, "a"): 2, dt.date(2026, 1, 2): 3, Money(): 4}) == {
        "1 (int)": "a",
        "1": "b",
        "Colour.RED": 1,
        "(1, a)": 2,
        "2026-01-02": 3,
        "<test_core_values.Money>": 4,
    }


def test_objects_in_objects_are_told_two_deep_and_within_few_nodes():
    inner = types.SimpleNamespace(deepest=types.SimpleNamespace(a=1), many=list(range(10_000)))
    told = captured(types.SimpleNamespace(inner=inner))
    assert told["inner"]["deepest"] == "<types.SimpleNamespace>"
    assert len(told["inner"]["many"]) < 200
    beside = captured([types.SimpleNamespace(a=n) for n in range(1000)])
    assert beside[-1] == {"__class__": "types.SimpleNamespace", "a": 999}


def test_a_very_large_integer_is_told_by_its_head_and_size():
    assert captured(1 << 1_000_000) == f"{1 << 255:#x}… (1000001 bits)"


def test_a_zone_of_the_program_is_not_asked_for_its_offset():
    class Zone(dt.tzinfo):
        def utcoffset(self, when):
            raise AssertionError("asked")

    told = captured(dt.datetime(2026, 1, 2, tzinfo=Zone()))
    assert told.startswith("2026-01-02T00:00:00[")


def test_a_cut_inside_a_character_leaves_text():
    assert captured("ä".encode() * 1000, value_bytes=101) == "ä" * 101


def test_nothing_that_was_captured_is_held_afterwards():
    made = type("Made", (), {})
    value = made()
    value.a = [1]
    gone = weakref.ref(value), weakref.ref(made)
    assert captured(value) == {"__class__": f"{__name__}.Made", "a": [1]}
    assert id(made) in values._found
    del value, made
    gc.collect()
    assert [reference() for reference in gone] == [None, None]
