"""Indexes a home for as long as somebody watches it: in a thread of its own, beside any number of programs.

Whoever watches is the one who should index: a recording program then need not (its keeper steps back where it sees
that somebody wants to). Where another process has the lock and keeps it, that one indexes and we only read.

A home may be deleted and made anew while it is watched. The lock is that of a file, so it is looked at once a second
whether that file is still the home's.
"""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from types import TracebackType
from typing import Final, Self

from flightlog.home import Home
from flightlog.lock import FileLock
from flightlog.records.errors import FlightlogError, StoreBusy
from flightlog.sinks.store import Indexer
from flightlog.upkeep import retention

REST_SECONDS: Final = 0.1
"""How long it rests when nothing is left to do."""

_RETRY_SECONDS: Final = 1.0
_LOOK_SECONDS: Final = 1.0
_BATCH_BYTES: Final = 256 * 1024
"""A transaction is short: others read and write the store meanwhile."""
_BUSY_MS: Final = 200
_END_SECONDS: Final = 5.0
_PRUNE_SECONDS: Final = 60.0
_PRUNE_REST: Final = 2.0


class Indexing:
    """A thread that carries what the journals of a home hold into its store; a context manager."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._want = FileLock(home.path / "index.want")
        self._lock = home.index_lock()
        self._inode = 0
        self._indexer: Indexer | None = None
        self._texts = home.texts(is_gentle=True)
        self._looked_at = 0.0
        self._prune_at = 0.0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, name="flightlog-indexing", daemon=True)
        self.trouble = ""
        """Why the store cannot be written; empty while it can."""

    @property
    def is_ours(self) -> bool:
        """Whether this is the process that indexes the home."""
        return self._lock.held

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop.set()
        self._thread.join(_END_SECONDS)

    def _work(self) -> None:
        pause = 0.0
        try:
            while not self._stop.wait(pause):
                pause = self._turn()
        finally:
            self._let_go()

    def _turn(self) -> float:
        """Do one step; how many seconds to rest afterwards."""
        try:
            indexer = self._ours()
            more = indexer is not None and (indexer.step().more or self._texts.step())
        except StoreBusy:  # somebody else writes; the lines wait in their journals
            return REST_SECONDS
        except (FlightlogError, OSError) as error:
            self.trouble = str(error)
            self._let_go()
            return _RETRY_SECONDS
        self.trouble = ""
        if not more and self._lock.held:
            self._prune()
        return 0.0 if more else REST_SECONDS

    def _prune(self) -> None:
        """Have old traces leave, where the settings say so; looked at once a minute."""
        now = time.monotonic()
        if now >= self._prune_at:
            self._prune_at = now + _PRUNE_SECONDS
            retention.begin(self._home, _PRUNE_REST)

    def _ours(self) -> Indexer | None:
        """The indexer, if the lock of the home as it is now is ours, or can be."""
        now = time.monotonic()
        if self._indexer is not None and now >= self._looked_at + _LOOK_SECONDS:
            self._looked_at = now
            if self._inode_now() != self._inode:
                self._let_go()
        if self._indexer is None and self._home.journal_root.is_dir():
            self._want.share()
            if self._lock.acquire():
                self._inode, self._looked_at = self._inode_now(), now
                self._indexer = self._home.indexer(_BATCH_BYTES, _BUSY_MS)
        return self._indexer

    def _inode_now(self) -> int:
        """Of the file that is the lock by now; 0 where there is none."""
        with suppress(OSError):
            return self._lock.path.stat().st_ino
        return 0

    def _let_go(self) -> None:
        indexer, self._indexer = self._indexer, None
        self._texts.close()
        if indexer is not None:
            with suppress(FlightlogError, OSError):
                indexer.close()
        self._lock.release()
        self._want.release()
