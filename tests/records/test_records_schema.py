"""Versions of a line: the road to this one, with versions invented for the purpose."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flightlog.records.schema import SCHEMA_VERSION, UPCASTS, Upcast, current_version, upcast
from strategies import objects


def _rename_colour(fields: dict[str, Any]) -> dict[str, Any]:
    """Version 1 wrote `colour`, version 2 `color`."""
    return {"color" if name == "colour" else name: value for name, value in fields.items()}


def _count_in_cents(fields: dict[str, Any]) -> dict[str, Any]:
    """Version 2 counted euros, version 3 cents."""
    return {**fields, "price": fields.get("price", 0) * 100}


INVENTED: Mapping[int, Upcast] = {1: _rename_colour, 2: _count_in_cents}


@given(objects(), st.integers(min_value=1, max_value=3), st.integers(min_value=0, max_value=10**6))
def test_upcasting_twice_is_upcasting_once(fields: dict[str, Any], version: int, price: int) -> None:
    old = {**fields, "v": version, "price": price}
    once = upcast(old, INVENTED, 3)
    assert upcast(once, INVENTED, 3) == once
    assert once["v"] == 3
    assert once["price"] == (price if version == 3 else price * 100)


@given(objects(), st.integers(min_value=1, max_value=3))
def test_upcasting_by_stages_is_upcasting_at_once(fields: dict[str, Any], version: int) -> None:
    old = {**fields, "v": version, "colour": "red", "price": 1}
    assert upcast(upcast(old, INVENTED, 2), INVENTED, 3) == upcast(old, INVENTED, 3)


def test_upcasting_leaves_its_argument_alone() -> None:
    old = {"v": 1, "colour": "red", "price": 2}
    assert upcast(old, INVENTED, 3) == {"v": 3, "color": "red", "price": 200}
    assert old == {"v": 1, "colour": "red", "price": 2}


def test_a_record_without_a_version_is_of_the_first() -> None:
    assert upcast({"colour": "red"}, INVENTED, 2) == {"v": 2, "color": "red"}


def test_a_newer_record_is_returned_as_it_is() -> None:
    newer = {"v": 9, "colour": "red"}
    assert upcast(newer, INVENTED, 3) is newer


def test_a_version_without_a_road_is_an_error() -> None:
    with pytest.raises(KeyError):
        upcast({"v": 0}, INVENTED, 3)


def test_there_is_an_upcast_from_every_released_version() -> None:
    assert sorted(UPCASTS) == list(range(1, SCHEMA_VERSION))
    assert current_version() == SCHEMA_VERSION
