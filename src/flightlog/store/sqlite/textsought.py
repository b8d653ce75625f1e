"""What the index of texts says of a question: which spans may hold some words. Whoever asks looks at those themselves.

The answer is never too small: spans that are not indexed yet, that are open, that were rewritten since or of which only
the beginning of a text is indexed are among it. It is None where the index cannot help: there is none, it is far
behind, the words are in too many texts, or they have no whole beginning of a word.
"""

# ruff: noqa: S608 - every statement here is put together from constants; values are bound
from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Final

from flightlog.records.question import Pattern
from flightlog.store.sqlite import layout, textnotes
from flightlog.store.sqlite.numbered import CONNECTION
from flightlog.store.sqlite.statements import as_array
from flightlog.store.sqlite.textindex import VERSION, is_possible, path_of
from flightlog.store.textport import TextState
from flightlog.store.words import expression, pieces_of

MOST: Final = 200_000
"""Spans that are remembered as candidates; of words that are in more, one meets some soon without an index."""

MOST_BEHIND: Final = 50_000
"""Spans that are not indexed yet and still are looked at one by one."""

_FIELDS: Final = {
    "input": ("input", layout.INPUT),
    "output": ("output", layout.OUTPUT),
    "message": ("", layout.INPUT | layout.OUTPUT),
    "text": ("", layout.INPUT | layout.OUTPUT | layout.MESSAGE),
    "error": ("", layout.MESSAGE),
}
"""Of each field its column in the index, and the parts that are payloads."""

FIELDS: Final = frozenset(_FIELDS)
"""The fields that words are looked for in."""

_OF_PAYLOADS: Final = """WITH RECURSIVE up (id) AS (SELECT value FROM json_each(?1)
  UNION SELECT x.whole FROM up CROSS JOIN payload_parts x ON x.part = up.id AND x.place >= 0)
SELECT DISTINCT r.span FROM up CROSS JOIN payload_refs r ON r.payload = up.id WHERE r.part & ?2 LIMIT ?3"""
_NEW: Final = "SELECT id FROM spans WHERE id > ? LIMIT ?"
_NEW_PAYLOADS: Final = "SELECT span FROM payload_refs WHERE payload > ? LIMIT ?"
_STILL_OPEN: Final = (
    "SELECT id FROM spans WHERE (more & 1024) <> 0 AND status IN ('running', 'paused') LIMIT ?"
)


class Sought:
    """The index of one store, as those see it who read both."""

    def __init__(self, store: str) -> None:
        self._store = store
        self._path = path_of(store)
        self._index: sqlite3.Connection | None = None
        self._file = (0, 0)
        self.forget()

    def forget(self) -> None:
        """Begin a snapshot of the store."""
        self._unindexed: frozenset[int] | None = None
        self._is_known = False
        self._found: dict[tuple[str, Pattern, int], frozenset[int] | None] = {}

    def candidates(
        self, connection: sqlite3.Connection, field: str, pattern: Pattern, most: int
    ) -> frozenset[int] | None:
        """The spans that may hold these words; None for any may, and for more than so many."""
        key = (field, pattern, most)
        if key not in self._found:
            self._found[key] = None
            with suppress(sqlite3.DatabaseError):
                self._found[key] = self._candidates(connection, field, pattern, most)
        return self._found[key]

    def events(self, connection: sqlite3.Connection, asked: str, most: int) -> list[int] | None:
        """The newest events that FTS5 finds, and those that are not indexed yet; None without an index."""
        index = self._opened()
        if index is None:
            return None
        sql = "SELECT rowid FROM event_words WHERE event_words MATCH ? ORDER BY rowid DESC LIMIT ?"
        with suppress(sqlite3.DatabaseError):
            (known,) = index.execute(
                "SELECT coalesce(max(value), 0) FROM state WHERE name = 'events'"
            ).fetchone()
            new = connection.execute(
                "SELECT id FROM events WHERE id > ? ORDER BY id DESC LIMIT ?", (known, most)
            )
            found = [*new, *index.execute(sql, (asked, most))]
            return [number for (number,) in found]
        return None

    def behind(self, connection: sqlite3.Connection) -> frozenset[int] | None:
        """The spans that are not in the index as they stand; None where they are too many, or there is no index."""
        if not self._is_known:
            self._is_known = True
            index = self._opened()
            self._unindexed = None if index is None else self._behind(connection, index)
        return self._unindexed

    def state(self, connection: sqlite3.Connection) -> TextState:
        """How the index stands."""
        try:
            index = self._opened()
            if index is None:
                return TextState(is_possible=is_possible())
            known = dict(index.execute("SELECT name, value FROM state"))
            behind = sum(
                connection.execute(
                    f"SELECT count(*) FROM {name} WHERE id > ?", (known.get(name, 0),)
                ).fetchone()[0]
                for name in ("spans", "events", "payloads")
            )
            texts, cut = index.execute(
                "SELECT (SELECT count(*) FROM payload_words_docsize) + (SELECT count(*) FROM span_words_docsize)"
                " + (SELECT count(*) FROM error_words_docsize) + (SELECT count(*) FROM event_words_docsize),"
                " (SELECT count(*) FROM cut)"
            ).fetchone()
        except sqlite3.DatabaseError as error:
            return TextState(is_there=True, trouble=str(error))
        files = (Path(f"{self._path}{end}") for end in ("", "-wal"))
        size = sum(file.stat().st_size for file in files if file.exists())
        return TextState(is_there=True, rows_behind=behind, texts=texts, cut=cut, bytes_on_disk=size)

    def close(self) -> None:
        """Give back every handle; closing twice is harmless."""
        if self._index is not None:
            self._index.close()
            self._index = None

    def _candidates(
        self, connection: sqlite3.Connection, field: str, pattern: Pattern, most: int
    ) -> frozenset[int] | None:
        column, parts = _FIELDS[field]
        pieces = pieces_of(pattern)
        asked, in_column = expression(pieces), expression(pieces, column)
        behind = self.behind(connection)
        if asked is None or in_column is None or behind is None:
            return None
        index = self._opened()
        assert index is not None
        found = [] if field == "error" else _matching(index, "span_words", in_column, most)
        payloads = _matching(index, "payload_words", asked, most)
        if found is None or payloads is None:
            return None
        if field in ("text", "error"):
            errors = _matching(index, "error_words", asked, most)
            if errors is None:
                return None
            found += errors
        payloads += [number for (number,) in index.execute("SELECT payload FROM cut")]
        found += [
            number
            for (number,) in connection.execute(
                _OF_PAYLOADS, (as_array(payloads), parts, most + 1)
            ).fetchall()
        ]
        return None if len(found) > most else behind.union(found)

    def _behind(self, connection: sqlite3.Connection, index: sqlite3.Connection) -> frozenset[int] | None:
        with suppress(sqlite3.DatabaseError):
            known = dict(index.execute("SELECT name, value FROM state"))
            notes = textnotes.waiting(self._store)
            if known.get("version") != VERSION or notes is None:
                return None
            most = MOST_BEHIND + 1
            new = connection.execute(_NEW, (known.get("spans", 0), most)).fetchall()
            new += connection.execute(_NEW_PAYLOADS, (known.get("payloads", 0), most)).fetchall()
            new += connection.execute(_STILL_OPEN, (most,)).fetchall()
            if len(new) <= MOST_BEHIND:
                noted: Iterable[int] = (note.id for note in notes if note.table in ("spans", "errors"))
                return frozenset(number for (number,) in new).union(noted)
        return None

    def _opened(self) -> sqlite3.Connection | None:
        """The index, if there is one; another one at its place is opened anew."""
        try:
            found = self._path.stat()
        except OSError:
            self.close()
            return None
        file = (found.st_dev, found.st_ino)
        if self._index is None or file != self._file:
            self.close()
            try:
                self._index = sqlite3.connect(
                    f"{self._path.absolute().as_uri()}?mode=rw",
                    uri=True,
                    timeout=1,
                    isolation_level=None,
                    check_same_thread=False,
                    factory=CONNECTION,
                )
                self._index.execute("PRAGMA query_only = ON")
            except sqlite3.DatabaseError:
                self.close()
                return None
            self._file = file
        return self._index


def _matching(index: sqlite3.Connection, table: str, asked: str, most: int) -> list[int] | None:
    """The newest texts that FTS5 finds; None for more than so many."""
    rows = index.execute(
        f"SELECT rowid FROM {table} WHERE {table} MATCH ? ORDER BY rowid DESC LIMIT ?", (asked, most + 1)
    ).fetchall()
    return None if len(rows) > most else [number for (number,) in rows]
