"""A place in memory: where lines go when the disk cannot take them, and where they go to be dropped.

Three situations, one place: the disk is unusable and lines wait here until it works again (a bound, and lines
beyond it are dropped, so what is kept is the unbroken beginning); the journals are as large as they may be
(a bound of zero: every line is dropped, after a wait where the policy says so); the journal is closed (the
same, for good). Whatever is dropped is counted.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from typing import Final

from flightlog.journal.framing import FRAME_BYTES
from flightlog.journal.place import Place
from flightlog.records.cursor import Cursor
from flightlog.settings import MIB

MEMORY_BYTES: Final = 16 * MIB
"""How much of the lines is kept while the disk is unusable."""


class Memory(Place):
    """Keeps framed records up to a bound and drops what does not fit."""

    __slots__ = (
        "_before",
        "_dropped",
        "_kept",
        "_lines",
        "_lock",
        "_retired",
        "_room",
        "_wait",
        "heir",
        "keeps_nothing",
    )

    def __init__(
        self,
        before: Cursor,
        *,
        room: int,
        kept: Callable[[], None],
        dropped: Callable[[], None],
        wait: Callable[[Place], bool] | None = None,
    ) -> None:
        """Take over from a segment.

        Args:
            before: where the lines before this place end.
            room: bytes of records to keep.
            kept: told of each line that is kept.
            dropped: told of each line that is not.
            wait: asked before a line is dropped; waits for room and says whether there is some.
        """
        super().__init__(number=before.segment)
        self._before = before
        self._room = room
        self.keeps_nothing = not room
        self._kept = kept
        self._dropped = dropped
        self._wait = wait
        self._lines: deque[bytes] = deque()
        # Re-entrant: a signal handler may record while its own thread is in here.
        self._lock = threading.RLock()
        self._retired = False
        self.heir: Place | None = None
        """The segment that the lines are being moved to."""
        self.append = self._keep

    def _keep(self, data: bytes) -> None:
        with self._lock:
            if self._retired:
                raise ValueError("retired")
            if len(data) <= self._room:
                self._room -= len(data)
                self._lines.append(data)
                self._kept()
                return
        if self._wait is not None and self._wait(self):
            raise ValueError("there is room elsewhere")
        self._dropped()

    def retire(self) -> None:
        """Keep no further line; those that are kept stay until they are taken."""
        with self._lock:
            self._retired = True

    def position(self) -> Cursor:
        """Where the lines before this place end; beyond every segment while lines wait here."""
        return Cursor(self.number + 1) if self._lines else self._before

    def move(self, write: Callable[[bytes], None], at_most: int) -> int:
        """Hand the oldest records to `write`, each forgotten once it returned, and return how many."""
        moved = 0
        while self._lines and moved < at_most:
            write(self._lines[0])
            self._room += len(self._lines.popleft())
            moved += 1
        return moved

    def drain(self) -> list[bytes]:
        """Take every line that waits here, without its frame, in order."""
        taken: list[bytes] = []
        self.move(lambda data: taken.append(data[1 : 1 - FRAME_BYTES]), len(self._lines))
        return taken

    def __len__(self) -> int:
        return len(self._lines)
