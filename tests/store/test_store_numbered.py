"""Numbered parameters mean the same when they are written as names, which Python 3.12.0 to 3.12.3 need."""

from __future__ import annotations

import sqlite3
import warnings
from contextlib import closing

import pytest

from flightlog.store.sqlite import numbered


def test_numbers_become_names_and_a_bare_mark_goes_on_after_the_greatest() -> None:
    assert numbered.named("SELECT ?1, ?2, ?1") == "SELECT :p1, :p2, :p1"
    assert numbered.named("SELECT ?2, ?1, ?, ?") == "SELECT :p2, :p1, :p3, :p4"
    assert numbered.as_names(["a", 2]) == {"p1": "a", "p2": 2}


@pytest.mark.parametrize(
    ("sql", "values"),
    [
        ("SELECT ?1, ?2, ?1", ("a", 2)),
        ("SELECT ?, ?", (1, 2)),
        ("SELECT ?1, ?, ?3, ?2", [1, 2, 3]),
        ("SELECT :a", {"a": 5}),
        ("SELECT 1", ()),
    ],
)
def test_a_connection_with_names_answers_as_one_without(sql: str, values: object) -> None:
    with (
        closing(sqlite3.connect(":memory:")) as plain,
        closing(sqlite3.connect(":memory:", factory=numbered.Named)) as named,
        warnings.catch_warnings(),
    ):
        found = named.execute(sql, values).fetchall()
        warnings.simplefilter("ignore", DeprecationWarning)
        assert found == plain.execute(sql, values).fetchall()  # type: ignore[arg-type]  # whatever sqlite3 takes
