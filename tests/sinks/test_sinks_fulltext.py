"""The sink of full texts follows its store, keeps its trouble to itself, and can be switched off."""

from __future__ import annotations

import sqlite3

import pytest

from contracts.store_lines import Engine, span
from flightlog.records.errors import StoreError
from flightlog.sinks import fulltext
from flightlog.sinks.fulltext import TextSink


@pytest.fixture
def engine(tmp_path):
    found = Engine(tmp_path / "store.db")
    yield found
    found.close()


@pytest.fixture
def sink(engine):
    found = TextSink(engine.place)
    yield found
    found.close()


def indexed(engine: Engine, word: str) -> int:
    index = sqlite3.connect(engine.place.with_name("fulltext.db"))
    try:
        return index.execute("SELECT count(*) FROM span_words WHERE span_words MATCH ?", (word,)).fetchone()[
            0
        ]
    finally:
        index.close()


def test_it_waits_for_a_store_and_follows_it(engine, sink):
    assert not sink.step()
    engine.append(span(1, 1, input="one"))
    assert not sink.run(10)
    engine.append(span(1, 2, input="two"))
    assert not sink.run(10)
    assert (indexed(engine, "one"), indexed(engine, "two")) == (1, 1)


def test_a_gentle_step_is_short(engine):
    engine.append(*(span(1, number, input="word") for number in range(1, 1001)))
    gentle = TextSink(engine.place, is_gentle=True)
    assert gentle.step()
    assert 0 < indexed(engine, "word") < 1000
    assert not gentle.run(60)
    assert indexed(engine, "word") == 1000
    gentle.close()


def test_a_store_that_is_made_anew_is_indexed_anew(engine, sink):
    engine.append(span(1, 1, input="old"))
    sink.run(10)
    for end in ("", "-wal", "-shm"):
        engine.place.with_name(engine.place.name + end).unlink(missing_ok=True)
    engine.append(span(2, 2, input="new"))
    sink.run(10)
    assert (indexed(engine, "old"), indexed(engine, "new")) == (0, 1)


def test_trouble_is_kept_and_tried_again_after_a_while(engine, sink, monkeypatch):
    def fails(*_, **__):
        raise StoreError("no")

    engine.append(span(1, 1, input="word"))
    with monkeypatch.context() as patch:
        patch.setattr(fulltext, "open_texts", fails)
        assert sink.run(10)
        assert sink.trouble == "no"
    assert not sink.step()
    monkeypatch.setattr(fulltext, "RETRY_SECONDS", 0.0)
    sink._retry_at = 0.0
    assert not sink.run(10)
    assert (sink.trouble, indexed(engine, "word")) == ("", 1)


def test_where_it_is_off_it_takes_the_index_away(engine, sink):
    engine.append(span(1, 1, input="word"))
    sink.run(10)
    sink.close()
    off = TextSink(engine.place, is_on=False)
    assert not off.run(10)
    assert sorted(path.name for path in engine.place.parent.iterdir()) == ["store.db"]
