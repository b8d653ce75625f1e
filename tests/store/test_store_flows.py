"""Flows in a store that is older than their indexes."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from store_older import make_older

from contracts.store_lines import Engine, event, span, span_id
from flightlog.store.sqlite import migrate

INDEXES = ("events_correlation", "events_bound_correlation", "span_context_correlation")


@pytest.fixture
def older(tmp_path: Path) -> Iterator[Engine]:
    """A store of the version before, with a flow in it."""
    engine = Engine(tmp_path / "store.db")
    engine.append(
        span(1, 1, context={"correlation_id": "x"}), event(1, attributes={"correlation_id": "x"}), event(2)
    )
    make_older(engine.place, 3)
    yield engine
    engine.close()


def _found(engine: Engine) -> tuple[list[str], list[str]]:
    flow = engine.reader().flow("x", 10)
    return [one.span_id for one in flow.spans], [one.event_id for one in flow.events]


def _indexes(engine: Engine) -> set[str]:
    with closing(sqlite3.connect(engine.place)) as connection:
        rows = connection.execute("SELECT name FROM sqlite_master WHERE type = 'index'").fetchall()
    return {name for (name,) in rows}


def test_an_older_store_gets_the_indexes_when_it_is_opened(older: Engine) -> None:
    assert not _indexes(older) & set(INDEXES)
    assert _found(older) == ([span_id(1)], [span_id(1)])
    assert _indexes(older) >= set(INDEXES)
    with closing(sqlite3.connect(older.place)) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (migrate.NEWEST,)


def test_an_older_store_that_cannot_be_written_answers_without_them(
    older: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = older.place.read_bytes()
    monkeypatch.setattr("os.access", lambda *_: False)
    assert _found(older) == ([span_id(1)], [span_id(1)])
    assert older.place.read_bytes() == before
