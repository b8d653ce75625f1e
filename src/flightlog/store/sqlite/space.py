"""Room on the disk: what the file of a store takes, and how what is free in it goes back.

A store is made so that its free pages can be handed back a few at a time (`auto_vacuum = INCREMENTAL`): each of them
costs moving a page from the end of the file into it. One that was made before has to be written anew for that.
"""

from __future__ import annotations

import sqlite3
from typing import Final

from flightlog.store.clearport import Room

INCREMENTAL: Final = 2
"""What `PRAGMA auto_vacuum` answers of a file whose pages can be given back."""


def room(connection: sqlite3.Connection) -> Room:
    """How much the file takes, and how much of it is free."""
    page_bytes, pages, free, kind = (
        connection.execute(f"PRAGMA {name}").fetchone()[0]
        for name in ("page_size", "page_count", "freelist_count", "auto_vacuum")
    )
    return Room(pages * page_bytes, free * page_bytes, kind == INCREMENTAL)


def give_back(connection: sqlite3.Connection, most_bytes: int) -> None:
    """Hand up to so many bytes back, in one transaction; the file itself is cut at the next checkpoint."""
    (page_bytes,) = connection.execute("PRAGMA page_size").fetchone()
    pages = max(1, most_bytes // page_bytes)
    # Each page is a row without columns, of which `execute` would take the first alone.
    connection.executescript(f"PRAGMA incremental_vacuum({pages:d})")
    connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()


def compact(connection: sqlite3.Connection) -> None:
    """Write the whole file anew, from now on with pages that can be given back."""
    connection.execute(f"PRAGMA auto_vacuum = {INCREMENTAL}")
    connection.execute("VACUUM")
    connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
