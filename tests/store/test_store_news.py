"""How news are found: no statement walks over all spans."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest

from flightlog.store.sqlite import news
from flightlog.store.sqlite.migrate import migrate

FACTS = news._FACTS.format(condition="true")


@pytest.mark.parametrize(
    ("statement", "way"),
    [
        (news._LAST, "SEARCH spans"),
        (news._OPEN, "USING INDEX spans_unsettled"),
        (f"{FACTS} {news._CAME}", "SEARCH s USING INTEGER PRIMARY KEY (rowid>?)"),
        (f"{FACTS} {news._ENDED}", "SEARCH s USING INTEGER PRIMARY KEY (rowid=?)"),
    ],
)
def test_news_are_found_by_number_or_among_what_is_open(statement, way):
    with closing(sqlite3.connect(":memory:")) as connection:
        migrate(connection, 0)
        values = (None,) * statement.count("?")
        plan = [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {statement}", values)]
    assert any(way in step for step in plan), plan
    assert not [step for step in plan if step.startswith("SCAN s") and "INDEX" not in step]
