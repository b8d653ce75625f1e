"""Migrations: numbered, named, forward-only steps from an empty file to today's schema.

A released step never changes. Each runs in the caller's transaction together with the version it reaches, so
a store is at one version or at the next, never between.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from functools import cache
from typing import Final

STEPS: Final = (
    "0001_first",
    "0002_payload_parts",
    "0003_days",
    "0004_correlation",
    "0005_trace_context",
    "0006_costs",
)
"""Every step, in order; step n leads to version n."""

NEWEST: Final = len(STEPS)
"""The version of today's schema."""


def migrate(connection: sqlite3.Connection, version: int) -> None:
    """Take a store from `version` to the newest, within the transaction that is open."""
    for number, name in enumerate(STEPS[version:], version + 1):
        for statement in statements(_text(name)):
            connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {number}")


def stand_in(connection: sqlite3.Connection, version: int) -> None:
    """Give one connection, of its own, the tables that a store of `version` which cannot be written lacks.

    They are filled as a migration fills them. Steps that change a table that is there cannot be stood in for.
    """
    for name in STEPS[version:]:
        for statement in map(str.strip, statements(_text(name))):
            if statement.startswith("CREATE TABLE"):
                connection.execute(statement.replace("CREATE TABLE", "CREATE TEMP TABLE", 1))
            elif statement.startswith("INSERT"):
                connection.execute(statement)


def statements(script: str) -> Iterator[str]:
    """The statements of a script, one by one: `executescript` would commit the transaction first."""
    pending = ""
    for line in script.splitlines(keepends=True):
        pending += line
        if sqlite3.complete_statement(pending):
            yield pending
            pending = ""


@cache
def _text(name: str) -> str:
    from importlib.resources import files  # brings all that packs files: some milliseconds of each start

    return files(__package__).joinpath("migrations", f"{name}.sql").read_text(encoding="utf-8")
