"""Runs out of a SQLite file of flujo, one after the other.

The file is copied with the log that stands beside it (`-wal`), for a run that goes on writes there, and the copy is
read: the file of the program is left as it is, and nobody waits for a lock of ours.
"""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from flightlog.records.errors import BadDocument

if TYPE_CHECKING:
    from flightlog.imports.document import Document

MAGIC: Final = b"SQLite format 3\x00"
_BLOCK: Final = 1 << 20
_TABLES: Final = {"spans": "rowid", "steps": "rowid"}
"""What belongs to a run, and the order in which it was stored."""


def is_database(data: Any, _size: int) -> bool:
    """Whether a document is a SQLite file."""
    return bytes(data[: len(MAGIC)]) == MAGIC


def runs(document: Document, bad: Callable[[str, str], object]) -> Iterator[tuple[str, str, Any]]:
    """The runs of a file of flujo: the place of each, nothing, and its rows.

    Raises:
        BadDocument: it is a file of something else, or damaged.
    """
    with tempfile.TemporaryDirectory(prefix="flightlog-import-") as place:
        copy = Path(place, "copy.db")
        with copy.open("wb") as file:
            for start in range(0, document.size, _BLOCK):
                file.write(document.data[start : start + _BLOCK])
        if document.path:
            with suppress(OSError):
                shutil.copyfile(f"{document.path}-wal", f"{copy}-wal")
        try:
            with closing(sqlite3.connect(copy)) as store:
                store.row_factory = sqlite3.Row
                store.text_factory = _text
                yield from _runs(store, bad)
        except sqlite3.Error as error:
            raise BadDocument(f"it cannot be read as a database ({error})") from error


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "replace")


def _runs(store: sqlite3.Connection, bad: Callable[[str, str], object]) -> Iterator[tuple[str, str, Any]]:
    tables = {row["name"] for row in store.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    if "runs" not in tables or tables.isdisjoint(_TABLES):
        raise BadDocument("it is a database, but none of flujo: it has no table of runs")
    for run in store.execute("SELECT * FROM runs ORDER BY rowid"):
        told = _plain(run)
        place = f"run {told.get('run_id')}"
        if not told.get("run_id"):
            bad(place, "a run without an id")
            continue
        rows = {
            table: [
                _plain(row)
                for row in store.execute(
                    f"SELECT * FROM {table} WHERE run_id = ? ORDER BY {order}",  # noqa: S608 - names of ours
                    (told["run_id"],),
                )
            ]
            for table, order in _TABLES.items()
            if table in tables
        }
        yield place, "", {"run": told, **rows}


def _plain(row: sqlite3.Row) -> dict[str, Any]:
    """A row; bytes, which JSON has not, as a text."""
    return {name: _text(row[name]) if isinstance(row[name], bytes) else row[name] for name in row.keys()}  # noqa: SIM118 - a row gives its values otherwise
