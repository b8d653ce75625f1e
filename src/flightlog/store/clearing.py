"""Traces leave a store a little at a time, so that no writer waits long for its turn.

Each part is one transaction. How much goes at once follows from how long the last part held the write lock; where
somebody else works on the same home, the lock is let go of as long as it was held.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Final

from flightlog.store.clearport import Deleted, Room
from flightlog.store.port import Writer

AIM_SECONDS: Final = 0.03
"""How long a part should hold the write lock."""

FIRST: Final = 200
"""Spans and events of the first part."""

_LEAST: Final = 16
_MOST: Final = 10_000
_LOOK_SECONDS: Final = 0.5
_GIVEN_BACK: Final = 1024 * 1024
"""Bytes that go back to the disk in the first part."""

NOTHING: Final = Deleted()


def added(one: Deleted, other: Deleted) -> Deleted:
    """What two deletions took away."""
    return Deleted(*(getattr(one, name) + getattr(other, name) for name in Deleted.__struct_fields__))


class Clearing:
    """Takes traces out of one store; whoever has it closes the store."""

    def __init__(
        self,
        store: Writer,
        is_shared: Callable[[], bool] = lambda: True,
        rest: float = 1.0,
    ) -> None:
        """Prepare.

        Args:
            store: which.
            is_shared: whether somebody else works on the home; asked now and then.
            rest: how long it then rests after each part, as a multiple of what that took.
        """
        self._rest = rest
        self._store = store
        self._is_shared = is_shared
        self._shared = True
        self._look_at = 0.0
        self._size = FIRST
        self._back = _GIVEN_BACK
        self.longest = 0.0
        """Seconds that one part took at most."""

    def step(self, trace_ids: Sequence[str], project: str | None = None) -> Deleted:
        """Take a part of these traces away, the first ones first; those of one project alone, or of all."""
        begun = time.monotonic()
        gone = self._store.delete_some(trace_ids, self._size, project)
        self._size = _next(self._size, self._rested(begun), _LEAST, _MOST)
        return gone

    def clear(
        self,
        trace_ids: Sequence[str],
        progress: Callable[[Deleted], object] = lambda _gone: None,
        project: str | None = None,
    ) -> Deleted:
        """Take all of these traces away.

        Args:
            trace_ids: full ids; one that is not there removes nothing.
            progress: told after each part of what it took.
            project: of this one alone, where projects share an id; None for all.

        Raises:
            StoreBusy, StoreError: the store refused; what went before is gone.
        """
        total, place = NOTHING, 0
        while place < len(trace_ids):
            gone = self.step(trace_ids[place : place + _MOST], project)
            place += gone.traces
            total = added(total, gone)
            progress(gone)
        return total

    def give_back(self, within: float | None = None) -> Room:
        """Hand free room back to the disk, a little at a time.

        Args:
            within: the longest this takes, in seconds; a part may run over it.

        Raises:
            StoreBusy, StoreError: the store refused; what went before is given back.
        """
        deadline = None if within is None else time.monotonic() + within
        room = self._store.room()
        while room.free_bytes and room.gives_back and (deadline is None or time.monotonic() < deadline):
            begun = time.monotonic()
            left = self._store.give_back(self._back)
            self._back = _next(self._back, self._rested(begun), 64 * 1024, 64 * _GIVEN_BACK)
            if left.free_bytes >= room.free_bytes:  # somebody else frees as much, or nothing can go
                return left
            room = left
        return room

    def _rested(self, begun: float) -> float:
        """Let others have their turn; how long the part took."""
        now = time.monotonic()
        took = now - begun
        self.longest = max(self.longest, took)
        if now >= self._look_at:
            self._look_at = now + _LOOK_SECONDS
            self._shared = self._is_shared()
        if self._shared:
            time.sleep(took * self._rest)
        return took


def _next(size: int, took: float, least: int, most: int) -> int:
    """How large the next part is, after one of this size took so long; at most double, at least a quarter."""
    wanted = size * AIM_SECONDS / max(took, 1e-6)
    return int(max(least, min(most, max(size / 4, min(size * 2, wanted)))))
