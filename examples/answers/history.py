"""What was asked before, in a database that somebody else may be holding.

The tool here really fails: it opens its database with a timeout of 0 while another connection holds it, gets
"database is locked", waits, and tries again until the other one has let go.
"""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from contextlib import closing
from pathlib import Path
from typing import Final

import flightlog as fl

ATTEMPTS: Final = 8
FIRST_DELAY: Final = 0.05
"""Seconds before the second attempt; each further delay is twice as long."""
_FINISHES_AFTER: Final = 0.08


class Housekeeping:
    """Another user of the history: holds it locked, and lets go a moment after being asked to."""

    def __init__(self, path: Path) -> None:
        self._connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._connection.execute("CREATE TABLE IF NOT EXISTS questions (question, sources)")
        self._connection.execute("BEGIN EXCLUSIVE")
        self._timer: threading.Timer | None = None

    def finish_soon(self) -> None:
        """Let a timer's thread finish the work, once."""
        if self._timer is None:
            self._timer = threading.Timer(_FINISHES_AFTER, self.finish)
            self._timer.name = "housekeeping"
            self._timer.start()

    def finish(self) -> None:
        """Unlock the history."""
        with fl.span("finish_housekeeping", kind="db"):
            self._connection.commit()
            fl.event("state", name="history", before="locked", after="free")

    def close(self) -> None:
        """Wait for the timer and close the connection."""
        if self._timer is not None:
            self._timer.join()
        self._connection.close()


async def remember(path: Path, question: str, sources: list[str], housekeeping: Housekeeping) -> None:
    """Write a question down, and try again while the history is locked.

    Raises:
        sqlite3.OperationalError: it is still locked at the last attempt.
    """
    with fl.span("remember", kind="tool", input={"question": question, "sources": sources}) as tool:
        failed: object = None
        for attempt in range(1, ATTEMPTS + 1):
            try:
                with fl.span("write_history", kind="db", attempt=attempt) as span:
                    if failed is not None:
                        span.link(failed, relation="retry_of")
                    await asyncio.to_thread(_write, path, question, sources)
                break
            except sqlite3.OperationalError as error:
                if attempt == ATTEMPTS:
                    raise
                delay = FIRST_DELAY * 2 ** (attempt - 1)
                fl.event("retry", level="warn", attempt=attempt, reason=str(error), delay=delay)
                failed = span
                housekeeping.finish_soon()
                await asyncio.sleep(delay)
        tool.set(attempts=attempt)


def _write(path: Path, question: str, sources: list[str]) -> None:
    with closing(sqlite3.connect(path, timeout=0)) as connection, connection:
        connection.execute("INSERT INTO questions VALUES (?, ?)", (question, ", ".join(sources)))
