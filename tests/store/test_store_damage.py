"""A file that was damaged: every answer is the right one or an error of the store, and verifying reads it all."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest

from contracts.store_lines import Engine, event, span, trace_id
from flightlog.records.errors import StoreCorrupt, StoreError
from flightlog.store.open import open_reader, open_writer
from flightlog.store.port import Reader
from flightlog.store.sqlite.connect import PAGE_BYTES

QUESTIONS: tuple[Callable[[Reader], object], ...] = (
    lambda reader: reader.traces(50),
    lambda reader: [reader.spans(trace_id(number)) for number in range(1, 40)],
    lambda reader: [reader.events(trace_id(number)) for number in range(1, 40)],
    lambda reader: list(reader.lines()),
    lambda reader: reader.figures(("name", "kind", "model")),
    lambda reader: reader.trace_figures(),
    lambda reader: reader.failures(20),
    lambda reader: reader.counters(),
    lambda reader: reader.sizes(),
    lambda reader: reader.verify(),
)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Engine]:
    engine = Engine(tmp_path / "store.db")
    yield engine
    engine.close()


def _filled(store: Engine) -> bytes:
    fault = {"type": "ValueError", "message": "bad", "stack": "line\n" * 50}
    for number in range(1, 40):
        store.append(
            span(number, 1, input="question " * 70 * number, context={"session": "s", "more": [1]}),
            span(number, 2, parent=1, kind="llm", attributes={"gen_ai.request.model": "m"}),
            span(number, 3, parent=1, status="error", error=fault, links=[{"trace_id": trace_id(9)}]),
            event(number, trace=number, attributes={"hit": True}, environment="test"),
        )
    return store.place.read_bytes()


def _change(store: Engine, statement: str) -> None:
    with closing(sqlite3.connect(store.place, isolation_level=None)) as connection:
        connection.execute("PRAGMA writable_schema = ON")
        connection.execute(statement)


def test_whatever_a_page_holds_an_answer_is_an_answer_or_an_error_of_the_store(store: Engine) -> None:
    whole = _filled(store)
    chance = random.Random(7)
    for _ in range(250):
        data = bytearray(whole)
        page = chance.randrange(len(whole) // PAGE_BYTES) * PAGE_BYTES
        used = [place for place in range(page, page + PAGE_BYTES) if whole[place]]
        for _ in range(chance.choice((1, 3, 10, 1000)) if used else 0):
            data[chance.choice(used)] = chance.randrange(256)
        store.place.write_bytes(data)
        with suppress(StoreError), closing(open_reader(store.place)) as reader:
            for question in QUESTIONS:
                with suppress(StoreError):
                    question(reader)


def test_verifying_finds_a_page_that_no_sum_comes_from(store: Engine) -> None:
    whole = _filled(store)
    with closing(sqlite3.connect(store.place)) as connection:
        roots = connection.execute(
            "SELECT name, rootpage FROM sqlite_master WHERE name IN ('span_context', 'links', 'events_trace')"
        ).fetchall()
    assert len(roots) == 3
    for name, page in roots:
        data = bytearray(whole)
        data[(page - 1) * PAGE_BYTES : page * PAGE_BYTES] = bytes(PAGE_BYTES)
        store.place.write_bytes(data)
        with closing(open_reader(store.place)) as reader, pytest.raises(StoreCorrupt):
            pytest.fail(f"{name}: {reader.verify()}")


def test_verifying_compares_each_payload_with_its_address(store: Engine) -> None:
    _filled(store)
    _change(store, "UPDATE payloads SET z = (SELECT z FROM payloads WHERE id = 2) WHERE id = 3")
    _change(
        store,
        "UPDATE totals SET value = (SELECT sum(length(z)) FROM payloads) WHERE name = 'payload_bytes'",
    )
    (difference,) = store.reader().verify()
    assert (difference.table, difference.key) == ("payloads", "3 hash")
    assert difference.stored != difference.recomputed


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE spans SET level = 'loud'",
        "UPDATE spans SET attributes = '{not json', more = more & ~4",
        "DELETE FROM span_errors",
        "UPDATE events SET level = 'loud'",
        """UPDATE events SET rest = '{"nobody":1}'""",
    ],
)
def test_a_row_that_no_flightlog_wrote_is_told_as_damage(store: Engine, statement: str) -> None:
    _filled(store)
    _change(store, statement)
    with pytest.raises(StoreCorrupt, match="malformed row"):
        list(store.reader().lines())


@pytest.mark.parametrize("table", ["series", "sources"])
def test_a_name_that_is_not_found_where_it_was_just_written_is_told_as_damage(
    store: Engine, table: str
) -> None:
    """A trigger stands in for a damaged index: what is put in is not there."""
    _filled(store)
    line = span(99, 1, name="new", version="2.0")
    _change(store, f"CREATE TRIGGER gone BEFORE INSERT ON {table} BEGIN SELECT RAISE(IGNORE); END")
    with pytest.raises(StoreCorrupt, match=f"malformed index: a row of {table}"):
        store.append(line)
    _change(store, "DROP TRIGGER gone")
    store.append(line)
    assert store.reader().verify() == []


def test_a_trace_is_deleted_although_a_total_is_gone(store: Engine) -> None:
    _filled(store)
    _change(store, "DELETE FROM totals WHERE name = 'payloads'")
    with closing(open_writer(store.place)) as writer:
        assert writer.delete_trace(trace_id(3)).spans == 3
    assert store.reader().trace(trace_id(3)) is None
    assert "totals" in {found.table for found in store.reader().verify()}


@pytest.mark.parametrize("version", [0, -3])
def test_tables_without_a_version_are_no_store(store: Engine, version: int) -> None:
    _filled(store)
    _change(store, f"PRAGMA user_version = {version}")
    for opened in (open_reader, open_writer):
        with pytest.raises(StoreCorrupt):
            opened(store.place)


def test_a_link_into_a_directory_that_is_gone_is_told_and_not_taken_for_an_empty_store(
    tmp_path: Path,
) -> None:
    link = tmp_path / "store.db"
    link.symlink_to(tmp_path / "elsewhere" / "store.db")
    for opened in (open_reader, open_writer):
        with pytest.raises(StoreError, match="elsewhere"):
            opened(link)


def test_a_link_into_a_directory_that_is_there_is_where_the_store_is_made(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    link = tmp_path / "store.db"
    link.symlink_to(tmp_path / "elsewhere" / "store.db")
    engine = Engine(link)
    assert engine.reader().traces(5) == []
    engine.append(span())
    assert (tmp_path / "elsewhere" / "store.db").is_file()
    assert len(engine.reader().traces(5)) == 1
    engine.close()


def test_a_link_that_leads_to_itself_is_trouble(tmp_path: Path) -> None:
    link = tmp_path / "store.db"
    link.symlink_to(link)
    for opened in (open_reader, open_writer):
        with pytest.raises(StoreError):
            opened(link)
