"""Batches with very many traces, as an import has them: they go in another order, and the store ends up the same."""

from __future__ import annotations

import random
import sqlite3
from pathlib import Path

import pytest

from contracts.store_lines import PROCESS, Engine, event, span, span_id
from flightlog.records.line import Line
from flightlog.store.port import Chunk
from flightlog.store.sqlite import tracerows
from flightlog.store.sqlite.connect import CHECKPOINT_PAGES, PAGE_BYTES, connect_writer
from store.store_dump import dump


def _lines(count: int) -> list[Line]:
    """A span for each of so many traces, some with an event, an error, a parent elsewhere, or a second span."""
    draw = random.Random(count)
    numbers = draw.sample(range(1, 10_000), count)
    lines = []
    for place, number in enumerate(numbers):
        more = {"status": "error"} if place % 5 == 0 else {"attributes": {"gen_ai.request.model": "m"}}
        if place % 7 == 0:
            more["kind"] = "llm"
        parent = number + 50_000 if place % 11 == 0 else 0
        lines.append(span(number, number, parent=parent, at=place, took=5, **more))
        if place % 3 == 0:
            lines.append(event(number, trace=number, name="retry", span_id=span_id(number)))
        if place % 13 == 0:
            lines.append(span(number, number + 20_000, at=place + 1))
    return lines


def _stored(path: Path, lines: list[Line]):
    engine = Engine(path / "store.db")
    try:
        writer = engine.writer()
        for half in (lines[::2], lines[1::2]):
            writer.append([Chunk(PROCESS, half)])
        assert engine.reader().verify() == []
        return dump(engine.place), [row.trace_id for row in engine.reader().traces(5)]
    finally:
        engine.close()


def test_many_traces_are_stored_as_few_are(tmp_path, monkeypatch):
    lines = _lines(120)
    (tmp_path / "few").mkdir()
    few = _stored(tmp_path / "few", lines)
    monkeypatch.setattr(tracerows, "MANY", 1)
    (tmp_path / "many").mkdir()
    assert _stored(tmp_path / "many", lines) == few
    ids = sqlite3.connect(tmp_path / "many" / "store.db")
    first = [row[0] for row in ids.execute("SELECT trace_id FROM traces ORDER BY id LIMIT 60")]
    ids.close()
    assert first == sorted(first)


@pytest.mark.parametrize(
    ("cache_kib", "pages"), [(1024, CHECKPOINT_PAGES), (128 * 1024, 128 * 1024 * 1024 // PAGE_BYTES)]
)
def test_a_writer_with_much_memory_moves_its_log_seldom(tmp_path, cache_kib, pages):
    connection = connect_writer(str(tmp_path / "store.db"), cache_kib=cache_kib)
    assert connection.execute("PRAGMA wal_autocheckpoint").fetchone() == (pages,)
    connection.close()
