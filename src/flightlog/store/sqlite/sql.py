"""SQL that somebody types: one statement that reads the views of `sqlviews.py`, and nothing else, within limits.

It runs on a connection of its own that cannot write; SQLite's authorizer is asked of each table, function and pragma
when the statement is compiled, and refuses what is not a view. How long it runs is looked at every few thousand
steps of SQLite's machine, so no statement goes on for ever.
"""

# ruff: noqa: S608 - every statement but the one that is asked is put together from constants
from __future__ import annotations

import re
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, cast

from flightlog.records.errors import BadQuestion, StoreError
from flightlog.records.question import Pattern
from flightlog.store.prices import Price
from flightlog.store.sqlite.askedfunctions import AskedFunctions
from flightlog.store.sqlite.connect import answering, connect_reader
from flightlog.store.sqlite.migrate import migrate
from flightlog.store.sqlite.numbered import CONNECTION
from flightlog.store.sqlite.sqlviews import COUNTED, VIEWS
from flightlog.store.words import holds, pieces_of, plain

SECONDS: Final = 10.0
"""How long a query may take, unless it is told otherwise."""

VALUE_BYTES: Final = 64 * 1024 * 1024
"""No value that a query makes may be longer."""

MEMORY_BYTES: Final = 512 * 1024 * 1024
"""Memory that SQLite may take in this process while a query runs."""

_STEPS: Final = 5000
_VIEWS: Final = frozenset(view.name for view in VIEWS)
_COUNT: Final = re.compile(
    rf"""(\s*SELECT\s+count\s*\(\s*\*\s*\)(?:\s+(?:AS\s+)?\w+)?\s+FROM\s+)"?({"|".join(_VIEWS)})"?(\s*;?\s*)""",
    re.IGNORECASE,
)
"""Nothing but how many rows there are."""
_OF_JSON: Final = ("json_each", "json_tree")
_INTERNAL: Final = re.compile(r"asked_|sql_value|load_extension$|fts3_tokenizer$")
_SCHEMA: Final = ("sqlite_master", "sqlite_temp_master")
_CALLED: Final = {
    sqlite3.SQLITE_ATTACH: "ATTACH",
    sqlite3.SQLITE_DETACH: "DETACH",
    sqlite3.SQLITE_PRAGMA: "PRAGMA",
    sqlite3.SQLITE_INSERT: "INSERT",
    sqlite3.SQLITE_UPDATE: "UPDATE",
    sqlite3.SQLITE_DELETE: "DELETE",
    sqlite3.SQLITE_TRANSACTION: "a transaction",
    sqlite3.SQLITE_SAVEPOINT: "SAVEPOINT",
    sqlite3.SQLITE_ANALYZE: "ANALYZE",
    sqlite3.SQLITE_REINDEX: "REINDEX",
}
_FREE: Final = (sqlite3.SQLITE_SELECT, sqlite3.SQLITE_RECURSIVE)


class Query:
    """The answer to one query, row by row; closed by its owner."""

    def __init__(
        self,
        store: str,
        price: Price | None,
        price_version: Callable[[], int] | None,
        statement: str,
        seconds: float = SECONDS,
    ) -> None:
        """Begin to answer.

        Raises:
            BadQuestion: it is no SQL, does more than read the views, or takes too long.
            StoreError: the store cannot be read.
        """
        self._store = store
        self._clock = _Clock(seconds)
        self._guard = _Guard()
        with answering(store):
            self._connection, self._aside = _connected(store), _connected(store)
            try:
                # Functions ask on a connection of their own: on this one the guard would refuse them the tables.
                both = cast("sqlite3.Connection", _Both(self._connection, self._aside))
                functions = self._functions = AskedFunctions(both, price, price_version)
                functions.add("sql_value", 2, lambda span, part: functions.payload(span, part).decode())
                functions.add("has_words", 2, _has_words)
                for view in VIEWS:
                    self._connection.execute(view.sql)
                    self._connection.execute(view.counting_sql)
                self._limit()
            except BaseException:
                self.close()
                raise
        try:
            with self._answering():
                self._cursor = self._connection.execute(with_plain_count(statement))
        except BaseException:
            self.close()
            raise
        self.columns: Sequence[str] = _distinct([name for name, *_ in self._cursor.description or ()])

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        """The rows, as they are found.

        Raises:
            BadQuestion: it takes too long, or too much memory.
        """
        while True:
            with self._answering():
                row = self._cursor.fetchone()
            if row is None:
                return
            yield row

    def close(self) -> None:
        """Give back every handle; closing twice is harmless."""
        self._connection.close()
        self._aside.close()

    def _limit(self) -> None:
        connection = self._connection
        for table in _OF_JSON:  # made at its first use, which the guard would take for a change
            connection.execute(f"SELECT 1 FROM {table}('[]')").fetchall()
        connection.execute("PRAGMA query_only = ON")
        connection.execute(f"PRAGMA hard_heap_limit = {MEMORY_BYTES}")
        connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, VALUE_BYTES)
        connection.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, 0)
        connection.set_authorizer(self._guard)
        connection.set_progress_handler(self._clock.is_over, _STEPS)
        connection.text_factory = _text

    def _answering(self) -> _Answering:
        return _Answering(self._store, self._guard, self._functions, self._clock)


class _Guard:
    """Says of each thing that a statement wants to do whether it may."""

    def __init__(self) -> None:
        self.refused = ""
        """Why the statement was refused; empty where it was not."""

    def __call__(
        self, action: int, one: str | None, two: str | None, database: str | None, view: str | None
    ) -> int:
        if action in _FREE:
            return sqlite3.SQLITE_OK
        if action == sqlite3.SQLITE_READ:
            # No column: rows are only counted, as of a part of a view or of a query within the query.
            is_view = one in _VIEWS and database == "temp"
            if view is not None or is_view or one in _OF_JSON or not two:
                return sqlite3.SQLITE_OK
            self.refused = f"{one} is no view; there are {', '.join(one.name for one in VIEWS)}"
        elif action == sqlite3.SQLITE_FUNCTION:
            if view is not None or not _INTERNAL.match((two or "").lower()):
                return sqlite3.SQLITE_OK
            self.refused = f"{two}() may not be called here"
        else:
            what = "a change of the schema" if one in _SCHEMA else _CALLED.get(action, "a change")
            self.refused = f"{what} is not allowed: `flightlog sql` only reads"
        return sqlite3.SQLITE_DENY


class _Clock:
    """How long SQLite worked; whoever takes the rows takes the time that they want."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._left = seconds
        self._since = time.monotonic()

    def start(self) -> None:
        self._since = time.monotonic()

    def stop(self) -> None:
        self._left -= time.monotonic() - self._since

    def is_over(self) -> bool:
        return time.monotonic() - self._since >= self._left


class _Both:
    """Functions are made on one connection, and ask another one."""

    def __init__(self, called: sqlite3.Connection, asked: sqlite3.Connection) -> None:
        self.create_function = called.create_function
        self.execute = asked.execute


class _Answering:
    """Turns what SQLite raises while a query runs into a sentence for who wrote it."""

    def __init__(
        self,
        store: str,
        guard: _Guard,
        functions: AskedFunctions,
        clock: _Clock,
    ) -> None:
        self._store = store
        self._guard = guard
        self._functions = functions
        self._clock = clock

    def __enter__(self) -> None:
        self._guard.refused = ""
        self._clock.start()

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        is_over = error is not None and self._clock.is_over()
        self._clock.stop()
        if error is None:
            return
        if self._functions.trouble is not None:
            raise self._functions.trouble from None
        if isinstance(error, MemoryError) or "out of memory" in str(error):
            raise BadQuestion(f"the query takes more than {MEMORY_BYTES >> 20} MiB of memory") from error
        if isinstance(error, UnicodeEncodeError):
            raise BadQuestion("the query is no text: it has bytes that are not UTF-8") from error
        if not isinstance(error, sqlite3.Error | sqlite3.Warning):
            return
        if self._guard.refused:
            raise BadQuestion(self._guard.refused) from error
        if "interrupted" in str(error) and is_over:
            raise BadQuestion(
                f"the query took longer than {self._clock.seconds:g} s; narrow it by start, or give it more "
                "with --seconds"
            ) from error
        if "interrupted" in str(error):  # by Ctrl-C, which came while the time was looked at
            raise KeyboardInterrupt from error
        if "cannot modify" in str(error):
            raise BadQuestion("a change is not allowed: `flightlog sql` only reads") from error
        if isinstance(error, sqlite3.DatabaseError) and "malformed" in str(error):
            raise StoreError(f"store {self._store}: {error}") from error
        raise BadQuestion(f"SQL: {error}") from error


def _connected(store: str) -> sqlite3.Connection:
    connection = connect_reader(store)
    if connection is None:
        connection = sqlite3.connect(":memory:", isolation_level=None, factory=CONNECTION)
        migrate(connection, 0)
    connection.execute("PRAGMA query_only = OFF")
    return connection


def with_plain_count(statement: str) -> str:
    """The same statement; a plain count asks an index and not the joined tables, which take seconds for millions."""
    found = _COUNT.fullmatch(statement)
    if found is None:
        return statement
    before, name, after = found.groups()
    return f'{before}temp."{COUNTED}{name.lower()}"{after}'


def _text(data: bytes) -> str:
    """A text; what a cast made of bytes need not be one."""
    return data.decode("utf-8", "replace")


def _has_words(text: object, words: object) -> bool:
    if not isinstance(text, str) or not isinstance(words, str):
        return False
    pieces = pieces_of(Pattern(tuple(re.split(r"\*+", words))))
    return bool(pieces) and holds(plain(text), pieces)


def _distinct(names: list[str]) -> list[str]:
    """The names of the columns, each once."""
    found: list[str] = []
    for name in names:
        shown, number = name, 2
        while shown in found:
            shown, number = f"{name}_{number}", number + 1
        found.append(shown)
    return found
