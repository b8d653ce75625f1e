"""A store that cannot be written: said as that, and read all the same, with what is still in its log."""

from __future__ import annotations

import errno
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from contracts.store_lines import PROCESS, Engine, span
from flightlog.records.errors import StoreError, StoreUnwritable
from flightlog.store.open import open_reader, open_writer
from flightlog.store.port import Chunk
from flightlog.store.sqlite import connect
from flightlog.store.sqlite.connect import answering


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Engine]:
    engine = Engine(tmp_path / "store.db")
    yield engine
    engine.close()


@pytest.mark.parametrize("number", [errno.EROFS, errno.EACCES, errno.ENOSPC, errno.EDQUOT])
def test_what_the_system_does_not_let_us_write_is_said_as_that(number: int) -> None:
    with pytest.raises(StoreUnwritable, match=os.strerror(number)), answering("a.db"):
        raise OSError(number, os.strerror(number))


def test_any_other_trouble_of_the_system_is_trouble_with_the_store() -> None:
    with pytest.raises(StoreError) as caught, answering("a.db"):
        raise OSError(errno.EIO, os.strerror(errno.EIO))
    assert not isinstance(caught.value, StoreUnwritable)


def test_a_full_disk_is_said_as_that(store: Engine) -> None:
    writer = open_writer(store.place)
    with closing(writer):
        (pages,) = writer._connection.execute("PRAGMA page_count").fetchone()
        writer._connection.execute(f"PRAGMA max_page_count = {pages}")
        with pytest.raises(StoreUnwritable, match="full"):
            writer.append([Chunk(PROCESS, [span(2, n, input=str(n) * 700) for n in range(1, 400)])])


def test_where_nothing_can_be_written_what_is_in_the_log_is_read_too(
    store: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = store.writer()
    writer.append([Chunk(PROCESS, [span()])])
    assert Path(f"{store.place}-wal").stat().st_size, "nothing was moved into the file yet"
    monkeypatch.setattr(os, "access", lambda *_: False)
    with closing(open_reader(store.place)) as reader:
        assert len(reader.traces(5)) == 1


def test_on_a_full_disk_what_is_stored_is_read_all_the_same(
    store: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.append(span(1, 1))
    store.close()
    monkeypatch.setattr(connect, "_has_room", lambda _path: False)
    with closing(open_reader(store.place)) as reader:
        assert [found.span_count for found in reader.traces(5)] == [1]
    with pytest.raises(StoreUnwritable, match=os.strerror(errno.ENOSPC)), answering("a.db"):
        raise sqlite3.OperationalError("disk I/O error")


def test_where_a_disk_has_room_trouble_with_it_is_trouble_with_the_store(tmp_path: Path) -> None:
    with pytest.raises(StoreError) as caught, answering(str(tmp_path / "a.db")):
        raise sqlite3.OperationalError("disk I/O error")
    assert not isinstance(caught.value, StoreUnwritable)
