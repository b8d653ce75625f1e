"""A store as an older version left it: without the tables and indexes that later steps add."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from flightlog.store.sqlite import migrate

_NAMES = "SELECT type, name FROM sqlite_master WHERE sql IS NOT NULL"


def make_older(place: Path, version: int) -> None:
    """Take a store back to a version, in a single file."""
    with closing(sqlite3.connect(place, isolation_level=None)) as connection:
        for kind, name in sorted(set(connection.execute(_NAMES)) - _there_were(version)):
            connection.execute(f"DROP {kind} IF EXISTS {name}")
        connection.execute(f"PRAGMA user_version = {version}")
        connection.execute("PRAGMA journal_mode = DELETE")


def _there_were(version: int) -> set[tuple[str, str]]:
    with pytest.MonkeyPatch.context() as patch, closing(sqlite3.connect(":memory:")) as built:
        patch.setattr(migrate, "STEPS", migrate.STEPS[:version])
        migrate.migrate(built, 0)
        return set(built.execute(_NAMES))
