"""Connections: how a file is opened, what it must be, and what SQLite's errors mean.

WAL mode lets any number of readers work beside a writer. Every change is one `BEGIN IMMEDIATE`: a transaction
that first reads and later writes would be refused without waiting when another process wrote in between.
"""

from __future__ import annotations

import errno
import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import get_ident
from typing import Final

from flightlog.records.errors import (
    BadQuestion,
    StoreBusy,
    StoreCorrupt,
    StoreError,
    StoreTooNew,
    StoreUnwritable,
)
from flightlog.store.sqlite.migrate import NEWEST, migrate, stand_in
from flightlog.store.sqlite.numbered import CONNECTION

APPLICATION_ID: Final = 0x466C6F67
"""`Flog` in the header of every store; says that a file is ours."""

BUSY_MS: Final = 15_000
"""How long a writer waits for another one, unless it is told otherwise."""

CACHE_KIB: Final = 16 * 1024
"""Memory for pages at most, unless a writer is told otherwise."""

PAGE_BYTES: Final = 8192
"""A fifth smaller than with pages of 4,096 where values lie in the row."""

CHECKPOINT_PAGES: Final = 4000
"""Pages in the write-ahead log at which a commit moves them into the file, or as many as are kept in memory where those
are more: what is written all over is then moved once, and not after each transaction."""

LOG_BYTES: Final = 64 * 1024 * 1024
"""A write-ahead log that is longer is cut back to nothing."""

_LOG_INDEX_BYTES: Final = 32 * 1024

_UNWRITABLE: Final = frozenset({errno.EROFS, errno.EACCES, errno.EPERM, errno.ENOSPC, errno.EDQUOT})
_NOT_WRITTEN: Final = ("disk is full", "readonly database")
_NOT_OURS: Final = ("file is not a database", "malformed", "unsupported file format", "encrypted")


class _NoText(BadQuestion, StoreError):
    """A text with half letters: of somebody's question; trouble like any other where records are written."""


def connect_writer(
    path: str,
    *,
    durable: bool = False,
    busy_ms: int = BUSY_MS,
    cache_kib: int = CACHE_KIB,
) -> sqlite3.Connection:
    """Open a store for writing, and make or migrate it first when needed.

    Raises:
        StoreTooNew: a newer Flightlog wrote it.
        StoreCorrupt: it is another kind of file, or damaged.
        StoreBusy: another process was writing for all of `busy_ms`.
        StoreError: it cannot be opened.
    """
    with answering(path):
        if not _is_there(path):
            _make(path)
        elif not os.access(path, os.R_OK | os.W_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)
        connection = _open(path, busy_ms)
        try:
            if (
                not Path(path).stat().st_size
            ):  # no other takes it, and one that somebody writes to would be waited for
                connection.execute(
                    "PRAGMA auto_vacuum = INCREMENTAL"
                )  # free pages can be given back a few at a time
            _enter_wal(connection, busy_ms)
            # NORMAL loses no batch when the process dies; only FULL keeps the last ones through a power cut.
            connection.execute(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")
            log_pages = max(CHECKPOINT_PAGES, cache_kib * 1024 // PAGE_BYTES)
            connection.execute(f"PRAGMA wal_autocheckpoint = {log_pages}")
            connection.execute(f"PRAGMA journal_size_limit = {LOG_BYTES}")
            connection.execute(f"PRAGMA cache_size = -{cache_kib}")
            connection.execute("PRAGMA secure_delete = ON")
            if _version(connection, path) != NEWEST:
                with change(connection):
                    migrate(connection, _version(connection, path))
                    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        except BaseException:
            connection.close()
            raise
    return connection


def connect_reader(path: str) -> sqlite3.Connection | None:
    """Open a store for reading; None while there is none, or one that is only being made.

    An older store is migrated first; where it cannot be written, it is read as it is.

    Raises:
        StoreTooNew, StoreCorrupt, StoreBusy, StoreError: as for `connect_writer`.
    """
    with answering(path):
        if not _is_there(path):
            return None
        is_writable = os.access(Path(path).parent, os.W_OK) and _has_room(path)
        connection = _open(path) if is_writable else _open_read_only(path)
        try:
            found = _version(connection, path)
            if 0 < found < NEWEST:
                if is_writable and os.access(path, os.W_OK):
                    connect_writer(path).close()
                else:
                    stand_in(connection, found)
            connection.execute("PRAGMA query_only = ON")
            connection.execute("PRAGMA cache_size = -16384")
        except BaseException:
            connection.close()
            raise
        if found:
            return connection
        connection.close()
        return None


@contextmanager
def answering(path: str) -> Iterator[None]:
    """Turn what SQLite raises into our errors."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        if isinstance(error, sqlite3.OperationalError) and "is locked" in str(error):
            raise StoreBusy(path) from error
        if any(word in str(error) for word in _NOT_OURS):
            raise StoreCorrupt(path, str(error)) from error
        if any(word in str(error) for word in _NOT_WRITTEN):
            raise StoreUnwritable(path, str(error)) from error
        if "disk I/O" in str(error) and not _has_room(path):
            raise StoreUnwritable(path, os.strerror(errno.ENOSPC)) from error
        raise StoreError(f"store {path}: {error}") from error
    except OSError as error:
        if error.errno in _UNWRITABLE:
            raise StoreUnwritable(path, error.strerror or str(error)) from error
        raise StoreError(f"store {path}: {error}") from error
    except UnicodeEncodeError as error:  # of what was asked for: an argument of bytes that are no text
        raise _NoText("what was asked for is no text: it has bytes that are not UTF-8") from error
    except (sqlite3.Error, OverflowError, UnicodeError) as error:
        raise StoreError(f"store {path}: {error}") from error


@contextmanager
def change(connection: sqlite3.Connection) -> Iterator[None]:
    """One transaction that writes: all of it, or none."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


@contextmanager
def snapshot(connection: sqlite3.Connection) -> Iterator[None]:
    """One transaction that reads: all its statements see the same commit."""
    connection.execute("BEGIN")
    try:
        yield
    finally:
        connection.execute("ROLLBACK")


def trim_log(connection: sqlite3.Connection, path: str) -> None:
    """Cut the write-ahead log back when it has grown too long; a reader that is in the way is not waited for."""
    try:
        length = Path(path + "-wal").stat().st_size
    except OSError:
        return
    if length > LOG_BYTES:
        (before,) = connection.execute("PRAGMA busy_timeout").fetchone()
        connection.execute("PRAGMA busy_timeout = 50")
        try:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        finally:
            connection.execute(f"PRAGMA busy_timeout = {before}")


def _make(path: str) -> None:
    """Make the file first, so that it and what SQLite lays beside it belong to its owner alone.

    A file that is there is not opened, not even for a moment: to close any descriptor of a file takes all locks that
    this process has on it, also those of SQLite's connections, and another process then takes the log away from under
    them. For the same reason the file gets its name only when it is closed.
    """
    place = Path(path).resolve()
    half = place.with_name(f"{place.name}.{os.getpid()}-{get_ident()}")
    try:
        os.close(os.open(half, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600))
        with suppress(FileExistsError):
            _name(half, place)
    finally:
        half.unlink(missing_ok=True)


def _name(half: Path, place: Path) -> None:
    """Give an empty file its name, unless there is one of this name by now."""
    try:
        place.hardlink_to(half)
    except FileExistsError:
        raise
    except (
        OSError
    ):  # a file system without links: a thread that connects within these microseconds is not guarded
        os.close(os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))


def _is_there(path: str) -> bool:
    """Whether there is a file; a link into a directory that is gone is trouble, and not a store to be made."""
    place = Path(path)
    try:
        place.stat()
    except (FileNotFoundError, NotADirectoryError):
        if place.is_symlink() and not (target := place.resolve()).parent.is_dir():
            raise StoreError(f"store {path} is a link to {target}, and there is no such directory") from None
        return False
    return True


def _open(path: str, busy_ms: int = BUSY_MS) -> sqlite3.Connection:
    uri = f"{Path(path).absolute().as_uri()}?mode=rw"
    connection = sqlite3.connect(
        uri,
        uri=True,
        timeout=busy_ms / 1000,
        isolation_level=None,
        cached_statements=256,
        check_same_thread=False,  # one thread at a time, which the port asks of its callers
        factory=CONNECTION,
    )
    connection.execute(f"PRAGMA page_size = {PAGE_BYTES}")
    return connection


def _has_room(path: str) -> bool:
    """Whether the disk has room for the index of a write-ahead log, without which WAL cannot even be read."""
    if not hasattr(os, "statvfs"):  # Windows
        return True
    with suppress(OSError):
        if Path(path + "-shm").stat().st_size >= _LOG_INDEX_BYTES:
            return True
    try:
        disk = os.statvfs(Path(path).parent)
    except OSError:
        return True
    return disk.f_bavail * disk.f_frsize > _LOG_INDEX_BYTES


def _open_read_only(path: str) -> sqlite3.Connection:
    """Open a store where nothing can be written, not even the files beside it that WAL needs.

    Nobody else can write there either, unless the directory is only ours to read: then, as SQLite's
    documentation of `immutable` says, an answer given while somebody writes may be wrong, never the file.
    It also leaves out what is still in the write-ahead log; with one SQLite needs the two files beside it, and
    they must be there already.
    """
    log = Path(path + "-wal")
    how = "mode=ro" if log.exists() and log.stat().st_size else "immutable=1"
    uri = f"{Path(path).absolute().as_uri()}?{how}"
    return sqlite3.connect(uri, uri=True, isolation_level=None, check_same_thread=False, factory=CONNECTION)


def _enter_wal(connection: sqlite3.Connection, busy_ms: int) -> None:
    """Switch to WAL; SQLite does not wait by itself when another process is switching."""
    deadline = time.monotonic() + busy_ms / 1000
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL").fetchall()
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > deadline:
                raise
            time.sleep(0.005)
        else:
            return


def _version(connection: sqlite3.Connection, path: str) -> int:
    """The schema version of a file; 0 for an empty one."""
    found, owner, tables = connection.execute(
        "SELECT user_version, application_id, (SELECT count(*) FROM sqlite_master)"
        " FROM pragma_user_version, pragma_application_id",
    ).fetchone()
    if tables and (owner != APPLICATION_ID or found < 1):
        raise StoreCorrupt(path, "a database, but not a Flightlog store")
    if found > NEWEST:
        raise StoreTooNew(path, found, NEWEST)
    return int(found)
