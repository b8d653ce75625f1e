"""The chain of places, walked and grown by any number of threads at once.

See `place.py` for why remembering an old place is harmless. The lock around growing is re-entrant, is never
waited for without limit, and is not needed for correctness: it keeps ten threads from allocating ten segments.
A signal handler may record in the middle of any line here, on the thread that it interrupted.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Final

from flightlog.journal.place import Place
from flightlog.journal.segment import File
from flightlog.journal.supply import Supply
from flightlog.records.cursor import Cursor

HURRY_SECONDS: Final = 1.0
"""When a segment was filled faster than this, the next one is made without waiting until it is half full."""
_PATIENCE: Final = 1.0


class Chain:
    """Every place that may still take lines, and those that were left but not sealed yet."""

    __slots__ = ("_clock", "_growing", "_grown", "hurried", "left", "supply", "tail")

    def __init__(self, supply: Supply, clock: Callable[[], float]) -> None:
        self.supply = supply
        self.left: deque[Place] = deque()
        """Segments that have a successor and wait for being sealed."""
        self.hurried = False
        """The last segment was filled in less than `HURRY_SECONDS`."""
        self._clock = clock
        self._grown = clock()
        self._growing = threading.RLock()
        self.tail = supply.place_after(Cursor(), 0)
        """Where walks begin: the last place, or one before it."""

    def places(self) -> Iterator[Place]:
        """Every place from the remembered one on."""
        place: Place | None = self.tail
        while place is not None:
            yield place
            place = place.successor

    def last(self) -> Place:
        """The place at the end."""
        *_, last = self.places()
        return last

    def walk(self, place: Place, data: bytes) -> Place:
        """Append to the first place from `place` on that takes the record, and return that place."""
        while True:
            try:
                place.append(data)
            except ValueError:
                place = self.step(place, len(data))
            else:
                return place

    def step(self, place: Place, need: int) -> Place:
        """Go on to the successor, which is made if there is none, with room for `need` bytes."""
        following = place.successor or self._grow(place, need)
        try:
            following.publish()
        except OSError as error:
            following.trouble = str(error)
            following.retire()
        return following

    @contextmanager
    def growing(self) -> Iterator[None]:
        """Keep other threads from making the same thing, but never for longer than they can bear.

        A finaliser that runs in here may wait for a lock of the program's, whose holder may wait for us in a
        signal handler. Going on without the lock costs a superfluous segment at most.
        """
        held = self._growing.acquire(timeout=_PATIENCE)
        try:
            yield
        finally:
            if held:
                self._growing.release()

    def end(self) -> Place:
        """Let everything that comes from now on be dropped; return the last place that took lines."""
        end = self.last()
        closed = self.supply.closed(end.position())
        while (winner := end.hand_over(closed)) is not closed:
            self.left.append(end)
            end = winner
            with suppress(OSError):
                end.publish()
        end.retire()
        self.tail = closed
        return end

    def abandon(self) -> None:
        """Give back what a forked child inherited."""
        inherited = [*self.left, *self.places(), *self.supply.spares()]
        self._growing = threading.RLock()
        self.left.clear()
        self.tail = self.supply.closed(Cursor())
        for place in inherited:
            place.abandon()

    def _grow(self, place: Place, need: int) -> Place:
        """Retire the place and give it a successor, in this order: readers rely on it."""
        with self.growing():
            if (following := place.successor) is not None:
                return following
            place.retire()
            before = Cursor(place.number, place.position().offset)
            candidate = self.supply.place_after(before, need, place.trouble)
            following = place.hand_over(candidate)
        if following is not candidate:
            self.supply.put_back(candidate)
            return following
        if isinstance(place, File):
            self.left.append(place)
        now = self._clock()
        self.hurried = now - self._grown < HURRY_SECONDS
        self._grown = now
        return following
