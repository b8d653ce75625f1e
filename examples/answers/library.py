"""The passages in an SQLite file, and three ways to search it.

The index is FTS5, SQLite's full-text search. Where this Python's SQLite was built without it, a plain table and
LIKE take its place: the answers get coarser, and the trace says so in a `fallback` event.
"""

from __future__ import annotations

import sqlite3
import sys
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Final, Literal, NamedTuple

from sources import Passage

import flightlog as fl

Way = Literal["near", "all", "names"]
"""Words close together, all words anywhere, or any word with names counting most."""

MOST_HITS: Final = 12
_NEAR_WORDS: Final = 8


class Hit(NamedTuple):
    """A passage that a search found."""

    passage: Passage
    weight: float
    """1.0 for the best hit of its search, less for the others."""


class Library:
    """Passages on disk. Each search opens a connection of its own, so threads may search at the same time."""

    def __init__(self, path: Path, *, full_text: bool) -> None:
        self._path = path
        self.full_text = full_text

    @fl.traced(name="search_passages", kind="db", capture_result=False)
    def search(self, way: Way, words: Sequence[str]) -> list[Hit]:
        """The passages that fit best, best first."""
        condition, parameters = (_full_text if self.full_text else _plain)(way, words)
        rank = "bm25(passages, 6.0, 1.0)" if self.full_text else "-1.0 / length(text)"
        statement = (
            f"SELECT name, module, line, text, {rank} AS rank FROM passages"
            f" WHERE {condition} ORDER BY rank, rowid LIMIT {MOST_HITS}"
        )
        with closing(sqlite3.connect(self._path)) as connection:
            rows = connection.execute(statement, parameters).fetchall()
        fl.current().set_attributes({"db.query.text": statement, "db.response.returned_rows": len(rows)})
        return [Hit(Passage(*row[:4]), row[4] / rows[0][4]) for row in rows]

    def count(self, word: str) -> int:
        """How many passages have this word."""
        condition, parameters = (_full_text if self.full_text else _plain)("all", [word])
        with closing(sqlite3.connect(self._path)) as connection:
            row = connection.execute(
                f"SELECT count(*) FROM passages WHERE {condition}", parameters
            ).fetchone()
        return int(row[0])


def build_library(path: Path, passages: Sequence[Passage]) -> Library:
    """Write all passages into a new index."""
    with (
        fl.span("build_library", kind="db", passages=len(passages)) as span,
        closing(sqlite3.connect(path)) as connection,
        connection,
    ):
        full_text = _make_table(connection)
        connection.executemany(
            "INSERT INTO passages (name, module, line, text) VALUES (?, ?, ?, ?)", passages
        )
        fl.event("state", name="library", before="empty", after="ready")
        span.set(full_text=full_text)
    return Library(path, full_text=full_text)


def _make_table(connection: sqlite3.Connection) -> bool:
    try:
        connection.execute(
            "CREATE VIRTUAL TABLE passages USING fts5"
            "(name, text, module UNINDEXED, line UNINDEXED, tokenize = 'porter')"
        )
    except sqlite3.OperationalError as error:
        print(f"searching without full text: {error}", file=sys.stderr)
        fl.event("fallback", level="warn", error=str(error))
        connection.execute("CREATE TABLE passages (name, text, module, line)")
        return False
    return True


def _full_text(way: Way, words: Sequence[str]) -> tuple[str, list[str]]:
    quoted = [f'"{word}"' for word in words]
    if way == "near":
        return "passages MATCH ?", [f"text : NEAR({' '.join(quoted)}, {_NEAR_WORDS})"]
    return "passages MATCH ?", [(" AND " if way == "all" else " OR ").join(quoted)]


def _plain(way: Way, words: Sequence[str]) -> tuple[str, list[str]]:
    column, glue = ("name", " OR ") if way == "names" else ("text", " AND ")
    return glue.join(f"{column} LIKE ?" for _ in words), [f"%{word}%" for word in words]
