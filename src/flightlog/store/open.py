"""Opening a store: the one place that knows which engine a path belongs to."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from flightlog.settings import BY_NAME
from flightlog.store.port import Price
from flightlog.store.sqlite.connect import BUSY_MS, CACHE_KIB
from flightlog.store.sqlite.names import SERIES_LIMIT
from flightlog.store.sqlite.reader import Reader
from flightlog.store.sqlite.writer import Writer

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

    Raises:
        StoreTooNew: a newer Flightlog wrote it.
        StoreCorrupt: it is another kind of file, or damaged.
        StoreError: it cannot be opened.
    """
    return Writer(str(path), series_limit, durable=durable, busy_ms=busy_ms, cache_kib=cache_kib)


def open_reader(
    path: str | Path, *, slow_limit_ns: int = SLOW_LIMIT_NS, price: Price | None = None
) -> Reader:
    """Open the store at `path` for reading; one that does not exist yet answers as an empty one does.

    Args:
        path: of the file.
        slow_limit_ns: from this duration on a trace is marked `slow`, in nanoseconds.
        price: what a model call costs, for questions about cost; without it none is answered.

    Raises:
        StoreTooNew, StoreCorrupt, StoreError: as for `open_writer`.
    """
    return Reader(str(path), slow_limit_ns, price)
