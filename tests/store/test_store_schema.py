"""The schema, its migrations, and what a file must be to be opened."""

from __future__ import annotations

import re
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import closing
from importlib.resources import files
from pathlib import Path

import pytest

from contracts.store_lines import PROCESS, Engine, span, trace_id
from flightlog.records.errors import StoreCorrupt, StoreError, StoreTooNew
from flightlog.store.open import open_reader, open_writer
from flightlog.store.port import Chunk
from flightlog.store.sqlite import migrate
from flightlog.store.sqlite.connect import APPLICATION_ID

SCHEMA = files("flightlog.store.sqlite").joinpath("schema.sql").read_text(encoding="utf-8")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Engine]:
    engine = Engine(tmp_path / "store.db")
    yield engine
    engine.close()


def _tables(connection: sqlite3.Connection) -> dict[str, str]:
    found = connection.execute("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL").fetchall()
    return {name: " ".join(re.sub(r"--.*", "", sql).split()) for name, sql in found}


def test_the_schema_is_what_all_migrations_lead_to() -> None:
    with closing(sqlite3.connect(":memory:")) as shown, closing(sqlite3.connect(":memory:")) as built:
        shown.executescript(SCHEMA)
        migrate.migrate(built, 0)
        assert _tables(built) == _tables(shown)
        assert built.execute("PRAGMA user_version").fetchone() == (migrate.NEWEST,)
        assert (
            built.execute("SELECT * FROM totals").fetchall()
            == shown.execute("SELECT * FROM totals").fetchall()
        )


def test_every_migration_is_a_file_and_numbered_without_a_gap() -> None:
    names = {entry.name for entry in files("flightlog.store.sqlite").joinpath("migrations").iterdir()}
    assert {f"{step}.sql" for step in migrate.STEPS} == {name for name in names if name.endswith(".sql")}
    assert [int(step.split("_")[0]) for step in migrate.STEPS] == list(range(1, migrate.NEWEST + 1))


def test_a_script_is_split_where_its_statements_end() -> None:
    script = "CREATE TABLE a (x); -- one; more\nCREATE TRIGGER t AFTER INSERT ON a BEGIN\nSELECT 1;\nEND;\n"
    assert len(list(migrate.statements(script))) == 2


def test_a_store_is_its_owner_s_alone(store: Engine) -> None:
    store.writer().append([Chunk(PROCESS, [span()])])
    names = [found.name for found in store.place.parent.iterdir()]
    assert sorted(names) == ["store.db", "store.db-shm", "store.db-wal"]
    modes = {name: stat.S_IMODE((store.place.parent / name).stat().st_mode) for name in names}
    assert set(modes.values()) == {0o600}


def test_a_store_is_set_up_as_measured(store: Engine) -> None:
    writer = store.writer()
    asked = (
        "journal_mode",
        "page_size",
        "synchronous",
        "application_id",
        "busy_timeout",
        "journal_size_limit",
    )
    found = {name: writer._connection.execute(f"PRAGMA {name}").fetchone()[0] for name in asked}  # type: ignore[attr-defined]  # the port has no connection
    assert found == {
        "journal_mode": "wal",
        "page_size": 8192,
        "synchronous": 1,
        "application_id": APPLICATION_ID,
        "busy_timeout": 15_000,
        "journal_size_limit": 64 * 1024 * 1024,
    }


def test_a_reader_s_connection_cannot_write(store: Engine) -> None:
    store.append(span())
    reader = store.reader()
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        reader._connection.execute("DELETE FROM spans")  # type: ignore[attr-defined]  # the port has no connection


def test_a_reader_makes_no_file(tmp_path: Path) -> None:
    with closing(open_reader(tmp_path / "store.db")) as reader:
        assert reader.traces(5) == []
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("opened", [open_reader, open_writer])
def test_a_store_of_a_newer_version_is_refused(store: Engine, opened: type) -> None:
    store.append(span())
    with closing(sqlite3.connect(store.place)) as connection:
        connection.execute(f"PRAGMA user_version = {migrate.NEWEST + 1}")
    with pytest.raises(StoreTooNew, match="upgrade Flightlog"):
        opened(store.place)


def _garbage(place: Path) -> None:
    place.write_bytes(b"this is not a database, whatever its name says " * 500)


def _another_database(place: Path) -> None:
    with closing(sqlite3.connect(place)) as connection:
        connection.execute("CREATE TABLE notes (x)")


def _another_program_s_version(place: Path) -> None:
    _another_database(place)
    with closing(sqlite3.connect(place)) as connection:
        connection.execute("PRAGMA user_version = 900")


@pytest.mark.parametrize("opened", [open_reader, open_writer])
@pytest.mark.parametrize("spoil", [_garbage, _another_database, _another_program_s_version])
def test_a_file_that_is_no_store_is_refused_and_left_alone(
    tmp_path: Path, spoil: object, opened: type
) -> None:
    place = tmp_path / "store.db"
    spoil(place)  # type: ignore[operator]  # one of the functions above
    before = place.read_bytes()
    with pytest.raises(StoreCorrupt, match="move it away"):
        opened(place)
    if spoil is _garbage:
        assert place.read_bytes() == before


def test_a_damaged_store_says_so(store: Engine) -> None:
    store.append(*(span(number, number, input=str(number) * 600) for number in range(1, 300)))
    data = bytearray(store.place.read_bytes())
    data[8192:] = b"\xa5" * (len(data) - 8192)
    store.place.write_bytes(data)
    with pytest.raises(StoreCorrupt), closing(open_reader(store.place)) as reader:
        reader.traces(5)


def test_a_place_that_cannot_be_opened_is_an_error_of_the_store(tmp_path: Path) -> None:
    with pytest.raises(StoreError):
        open_writer(tmp_path / "absent" / "store.db")
    with pytest.raises(StoreError):
        open_writer(tmp_path)


def test_an_empty_file_is_a_store_that_was_not_made_yet(tmp_path: Path) -> None:
    place = tmp_path / "store.db"
    place.touch()
    with closing(open_reader(place)) as reader:
        assert reader.traces(5) == []
        with closing(open_writer(place)) as writer:
            writer.append([Chunk(PROCESS, [span()])])
        assert [trace.trace_id for trace in reader.traces(5)] == [trace_id(1)]


def test_every_column_whose_name_does_not_explain_it_has_a_comment() -> None:
    """Ids of other rows, units and encodings are never left to guessing."""
    for line in SCHEMA.splitlines():
        column = line.strip().split(" ")[0]
        if column in {"more", "line_hash", "distance", "bucket", "z", "rest", "root", "model_span", "part"}:
            assert "--" in line, line
