"""Arrays, tables and pictures are told by shape, type and a few first elements, whatever their size."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from flightlog.core.capture import Encoder, Limits
from flightlog.redaction.gate import DefaultGate


def captured(value):
    failures: list[int] = []
    text, _ = Encoder(DefaultGate(b"key"), Limits(), lambda: failures.append(1)).encode(value, "value")
    assert failures == []
    return json.loads(text)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (np.int64(4), 4),
        (np.float32(1.5), 1.5),
        (np.float64(1.5), 1.5),
        (np.bool_(True), True),
        (np.str_("text"), "text"),
        (np.datetime64("2026-01-01"), "2026-01-01"),
        (np.longdouble("1.5"), "1.5"),
        (pd.Timestamp("2026-01-01"), "2026-01-01T00:00:00"),
        (pd.NaT, "NaT"),
        (pd.NA, "<NA>"),
    ],
)
def test_scalars_are_what_they_stand_for(value, expected):
    assert captured(value) == expected


@pytest.mark.parametrize(
    ("value", "shape", "head"),
    [
        (np.arange(20).reshape(4, 5), [4, 5], [0, 1, 2, 3, 4, 5, 6, 7]),
        (np.arange(6).reshape(2, 3).T, [3, 2], [0, 3, 1, 4, 2, 5]),
        (np.array(7), [], [7]),
        (np.array([], dtype=float), [0], []),
        (np.array([1, "a", None], dtype=object), [3], [1, "a", None]),
        (np.array(["ab"]), [1], ["ab"]),
    ],
)
def test_an_array_is_told_by_its_head(value, shape, head):
    told = captured(value)
    assert (told["type"], told["shape"], told["dtype"], told["head"]) == (
        "numpy.ndarray",
        shape,
        str(value.dtype),
        head,
    )


def test_an_array_that_no_memory_could_hold_twice_is_told_like_any_other():
    endless = np.broadcast_to(np.float64(1), (10**9, 10**6))
    assert captured(endless)["head"] == [1.0] * 8
    assert captured(endless.T)["shape"] == [10**6, 10**9]


def test_a_table_is_told_by_its_columns_and_first_rows():
    table = pd.DataFrame({"a": range(100_000), "password": "hunter2", "when": pd.Timestamp("2026-01-01")})
    told = captured(table)
    assert (told["shape"], told["columns"]) == ([100_000, 3], ["a", "password", "when"])
    assert told["dtypes"][0] == "int64"
    assert told["head"][0] == {"a": 0, "password": "[REDACTED]", "when": "2026-01-01T00:00:00"}
    assert len(told["head"]) == 3
    assert captured(pd.DataFrame(columns=["a"]))["head"] == []


def test_a_wide_table_is_told_by_its_first_columns():
    told = captured(pd.DataFrame(np.zeros((2, 2000))))
    assert (told["shape"], len(told["columns"])) == ([2, 2000], 50)


def test_a_column_is_told_under_its_name_and_hidden_under_a_secret_one():
    assert captured(pd.Series(range(100), name="n"))["head"] == {"n": [0, 1, 2, 3, 4, 5, 6, 7]}
    assert captured(pd.Series(["hunter2"], name="password"))["head"] == {"password": "[REDACTED]"}
    assert captured(pd.Index(["x", "y"]))["head"] == ["x", "y"]


def test_a_picture_is_told_without_being_loaded(tmp_path):
    Image.new("RGB", (30, 20)).save(tmp_path / "p.png")
    with Image.open(tmp_path / "p.png") as lazy:
        assert captured(lazy) == {
            "type": "PIL.Image",
            "format": "PNG",
            "mode": "RGB",
            "width": 30,
            "height": 20,
        }
        assert lazy._im is None, "no pixel was read"
