"""When SQLite refuses: nothing is applied, the error is ours, and the next append works."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from contracts.store_lines import HOUR, MS, PROCESS, Engine, span
from flightlog.records.cursor import Cursor
from flightlog.records.errors import StoreError
from flightlog.store.port import Chunk
from flightlog.store.sqlite import connect
from flightlog.store.sqlite import writer as writer_module
from flightlog.store.sqlite.writer import Writer
from store.store_dump import dump


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Engine]:
    engine = Engine(tmp_path / "store.db")
    yield engine
    engine.close()


def _writer(store: Engine) -> Writer:
    writer = store.writer()
    assert isinstance(writer, Writer)
    return writer


def test_a_full_disk_applies_nothing_and_spoils_nothing(store: Engine) -> None:
    writer = _writer(store)
    writer.append([Chunk(PROCESS, [span(1, 1)], Cursor(0, 1))])
    before = dump(store.place)
    (pages,) = writer._connection.execute("PRAGMA page_count").fetchone()
    writer._connection.execute(f"PRAGMA max_page_count = {pages}")
    batch = [
        Chunk(PROCESS, [span(2, n, name=f"new_{n}", input=str(n) * 700) for n in range(2, 400)], Cursor(0, 2))
    ]
    with pytest.raises(StoreError, match="full"):
        writer.append(batch)
    assert dump(store.place) == before
    assert writer.cursor(PROCESS.process_id) == Cursor(0, 1)
    writer._connection.execute("PRAGMA max_page_count = 1000000")
    assert writer.append(batch).spans == 398
    assert store.reader().verify() == []


def test_a_writer_that_waits_too_long_says_so(store: Engine) -> None:
    writer = _writer(store)
    writer._connection.execute("PRAGMA busy_timeout = 1")
    with closing(sqlite3.connect(store.place, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError, match="written by another process"):
            writer.append([Chunk(PROCESS, [span()])])
        other.execute("ROLLBACK")
    assert writer.append([Chunk(PROCESS, [span()])]).spans == 1


def test_readers_see_only_what_was_committed_and_do_not_wait(store: Engine) -> None:
    store.append(span(1, 1))
    reader = store.reader()
    with closing(sqlite3.connect(store.place, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        other.execute("DELETE FROM traces")
        assert len(reader.traces(5)) == 1
        other.execute("COMMIT")
    assert reader.traces(5) == []


def test_a_long_write_ahead_log_is_cut_back(store: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connect, "LOG_BYTES", 100_000)
    monkeypatch.setattr(writer_module, "_TRIM_EVERY", 1)
    log = Path(f"{store.place}-wal")
    writer = _writer(store)
    for number in range(1, 5):
        writer.append([Chunk(PROCESS, [span(number, n, input=f"{n}" * 600) for n in range(1, 200)])])
        assert log.stat().st_size <= 100_000 + 50_000


def test_a_reader_in_the_way_is_not_waited_for(store: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """The log stays long while the reader reads, and goes when it is done."""
    monkeypatch.setattr(connect, "LOG_BYTES", 1)
    monkeypatch.setattr(writer_module, "_TRIM_EVERY", 1)
    log = Path(f"{store.place}-wal")
    writer = _writer(store)
    with closing(sqlite3.connect(store.place, isolation_level=None)) as other:
        other.execute("BEGIN")
        other.execute("SELECT count(*) FROM spans").fetchone()
        writer.append([Chunk(PROCESS, [span()])])
        assert log.stat().st_size > 0
        other.execute("ROLLBACK")
    writer.append([Chunk(PROCESS, [span(2, 2)])])
    assert log.stat().st_size == 0
    assert writer._connection.execute("PRAGMA busy_timeout").fetchone() == (15_000,)


def test_an_append_is_a_handful_of_statements_whatever_it_holds(store: Engine) -> None:
    """Each call gives up the interpreter lock; beside a busy thread it comes back up to 5 ms later."""
    writer = _writer(store)
    seen: list[str] = []
    lines = [
        span(n // 20, n + 1, parent=n // 20 * 20 + 1 if n % 20 else 0, name=f"s{n % 40}") for n in range(2000)
    ]
    writer.append([Chunk(PROCESS, lines[:1000], Cursor(0, 1))])
    writer._connection.set_trace_callback(seen.append)
    writer.append([Chunk(PROCESS, lines[1000:], Cursor(0, 2))])
    writer._connection.set_trace_callback(None)
    assert len(seen) <= 12, [text[:60] for text in seen]


def test_each_derived_row_that_is_wrong_is_named(store: Engine) -> None:
    store.append(
        span(1, 1, input="x" * 600, kind="llm", context={"tags": ["a"]}),
        span(1, 2, parent=1, output="y" * 600),
        span(2, 1, at=48 * HOUR // MS),
    )
    spoiled = {
        "traces": "UPDATE traces SET errors = 7 WHERE id = 1",
        "trace_tags": "DELETE FROM trace_tags",
        "rollups": "UPDATE rollups SET duration_ns = duration_ns + 1",
        "durations": "DELETE FROM durations",
        "day_rollups": "UPDATE day_rollups SET error = error + 1",
        "day_durations": "UPDATE day_durations SET spans = spans + 1",
        "past_rollups": "UPDATE past_rollups SET input_tokens = 7",
        "past_durations": "DELETE FROM past_durations",
        "payload_refs": "DELETE FROM payload_refs WHERE part = 1",
        "payloads": "INSERT INTO payloads VALUES (99, 'p', x'00', 1, 1, x'00')",
        "totals": "UPDATE totals SET value = value + 1 WHERE name = 'payloads'",
    }
    for table, statement in spoiled.items():
        with closing(sqlite3.connect(store.place, isolation_level=None)) as connection:
            connection.execute(statement)
        assert table in {found.table for found in store.reader().verify()}, table
    (difference,) = [found for found in store.reader().verify() if found.table == "traces"]
    assert difference.key == "1"
    assert difference.stored.replace(", 7, ", ", 0, ") == difference.recomputed
