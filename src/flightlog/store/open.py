"""Opening a store: the one place that knows which engine a path belongs to."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

from flightlog.settings import BY_NAME
from flightlog.store.port import Answer
from flightlog.store.prices import Price
from flightlog.store.sqlite import textindex
from flightlog.store.sqlite.connect import BUSY_MS, CACHE_KIB
from flightlog.store.sqlite.names import SERIES_LIMIT
from flightlog.store.sqlite.reader import Reader
from flightlog.store.sqlite.sql import SECONDS, Query
from flightlog.store.sqlite.writer import Writer
from flightlog.store.textport import TextIndex

SLOW_LIMIT_NS: Final = int(BY_NAME["slow_limit"].default * 1e6)
"""From here on a trace is slow, unless the caller says otherwise."""


def open_writer(
    path: str | Path,
    *,
    series_limit: int = SERIES_LIMIT,
    durable: bool = False,
    busy_ms: int = BUSY_MS,
    cache_kib: int = CACHE_KIB,
) -> Writer:
    """Open the store at `path` for writing, made or migrated first when needed.

    Args:
        path: of the file; its directory exists.
        series_limit: series a project may have; the names of further ones are counted together.
        durable: a batch survives a power cut once `append` returns.
        busy_ms: how long opening and each `append` wait for another process that writes, in milliseconds.
        cache_kib: memory for pages at most. Ids are random, so a store of millions of traces is written all over.
            The write-ahead log grows to about as much.

    Raises:
        StoreTooNew: a newer Flightlog wrote it.
        StoreCorrupt: it is another kind of file, or damaged.
        StoreError: it cannot be opened.
    """
    return Writer(str(path), series_limit, durable=durable, busy_ms=busy_ms, cache_kib=cache_kib)


def open_reader(
    path: str | Path,
    *,
    slow_limit_ns: int = SLOW_LIMIT_NS,
    price: Price | None = None,
    price_version: Callable[[], int] | None = None,
) -> Reader:
    """Open the store at `path` for reading; one that does not exist yet answers as an empty one does.

    Args:
        path: of the file.
        slow_limit_ns: from this duration on a trace is marked `slow`, in nanoseconds.
        price: what a model call costs, for questions about cost; without it none is answered.
        price_version: the version of these prices, so that what a store remembers of costs can be used.

    Raises:
        StoreTooNew, StoreCorrupt, StoreError: as for `open_writer`.
    """
    return Reader(str(path), slow_limit_ns, price, price_version)


def open_query(
    path: str | Path,
    statement: str,
    *,
    seconds: float = SECONDS,
    price: Price | None = None,
    price_version: Callable[[], int] | None = None,
) -> Answer:
    """Ask the store at `path` in SQL, on the views of `store/sqlite/sqlviews.py`; a store that is not there is empty.

    Args:
        path: of the file.
        statement: one that reads.
        seconds: how long it may take.
        price: what a model call costs, for the columns that say it.
        price_version: the version of these prices.

    Raises:
        BadQuestion: it is no SQL, does more than read the views, or takes too long.
        StoreError: the store cannot be read.
    """
    return Query(str(path), price, price_version, statement, seconds)


def open_texts(path: str | Path, *, is_gentle: bool = False) -> TextIndex:
    """Open the index of the texts of the store at `path` to keep it up to date, made anew when needed.

    Args:
        path: of the store's file, which must be there.
        is_gentle: its steps are so short that a program beside it hardly notices.

    Raises:
        StoreError: it cannot be made.
    """
    return textindex.TextIndex(str(path), is_gentle=is_gentle)


def remove_texts(path: str | Path) -> None:
    """Take the index of the texts of the store at `path` away; the store loses nothing."""
    textindex.remove(str(path))


def texts_are_possible() -> bool:
    """Whether an index of texts can be had here; a library of SQLite may come without it."""
    return textindex.is_possible()
