"""Sessions and users of traces in a store that is older than the table that holds them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from store_older import make_older

from contracts.store_lines import Engine, span


@pytest.fixture
def older(tmp_path: Path) -> Iterator[Engine]:
    """A store of the version before, with sessions in it."""
    engine = Engine(tmp_path / "store.db")
    engine.append(
        span(1, 1),
        span(1, 3, parent=1, at=1, context={"session": "late", "user": "u"}),
        span(1, 2, parent=1, at=1, context={"session": "first"}),
        span(2, 1, at=1, context={"tags": ["x"]}),
        span(3, 1, at=2, context={"user": 7}),
    )
    make_older(engine.place, 4)
    yield engine
    engine.close()


def _people(engine: Engine) -> list[tuple[str | None, str | None]]:
    return [(trace.session, trace.user) for trace in engine.reader().traces(9)]


EXPECTED = [(None, "7"), (None, None), ("first", "u")]


def test_an_older_store_learns_them_when_it_is_opened(older: Engine) -> None:
    older.append()
    assert _people(older) == EXPECTED
    assert older.reader().verify() == []


def test_an_older_store_that_cannot_be_written_tells_them_as_well(
    older: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = older.place.read_bytes()
    monkeypatch.setattr("os.access", lambda *_: False)
    assert _people(older) == EXPECTED
    assert older.place.read_bytes() == before
