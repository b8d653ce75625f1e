"""What went wrong and can be put right: a disk that works again, a home with room again, a directory or file gone.

All of it is tried now and then in the background; nothing here runs on the path of a record.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from flightlog.journal.chain import Chain
from flightlog.journal.directory import Directory
from flightlog.journal.memory import Memory
from flightlog.journal.place import Place
from flightlog.journal.segment import File

RETRY_SECONDS: Final = 0.25
"""How long a disk that failed, or a home that is full, is left alone before the next try."""
LOOK_SECONDS: Final = 1.0
"""How often it is looked whether the segment in use still has its name; so long lines may go to a deleted one."""


class Mending:
    """Tries again what failed. Used by one thread at a time."""

    __slots__ = ("_chain", "_clock", "_next_look", "_next_try")

    def __init__(self, chain: Chain, clock: Callable[[], float]) -> None:
        self._chain = chain
        self._clock = clock
        self._next_look = 0.0
        self._next_try = 0.0

    def mind_directory(self, *, at_once: bool = False) -> bool:
        """Notice closed descriptors, a deleted directory or segment, and start anew where that is needed.

        Args:
            at_once: look after the segment even if that was done a moment ago.

        Raises:
            OSError: the lock cannot be had at this moment; the next call tries again.
        """
        directory = self._chain.supply.directory
        if directory is None:
            return False
        if not directory.is_locked():
            self._relock(directory)
        last = self._chain.last()
        is_there = directory.is_there()
        is_lost = self._is_lost(last, at_once=at_once or not is_there)
        if is_lost:
            self._chain.supply.counters.increment("segments_lost")
        if not is_there:
            self._chain.supply.leave()
        elif last.is_sound() and not is_lost:
            return False
        if isinstance(last, File):
            self._chain.tail = self._chain.step(last, 0)
        return True

    def expects_room(self) -> bool:
        """Whether the home is full; if so, it is tried at the next call of `recover` and not later."""
        place = self._chain.last()
        if not isinstance(place, Memory) or not place.keeps_nothing:
            return False
        self._next_try = 0.0
        return True

    def recover(self, *, at_once: bool = False) -> bool:
        """Move from memory to the disk, lines first, if the disk takes them; return whether it did."""
        place, now = self._chain.last(), self._clock()
        if not isinstance(place, Memory) or (now < self._next_try and not at_once):
            return False
        self._next_try = now + RETRY_SECONDS
        with self._chain.growing():
            heir = place.heir or self._heir(place)
            if heir is None:
                return False
            self._move(place, heir)
        return True

    def _is_lost(self, last: Place, *, at_once: bool) -> bool:
        """Whether somebody deleted the segment that lines go to.

        The segment that has a successor is no concern of ours: it is deleted once it is indexed. A successor
        is there before that, so one that came while we looked explains what we saw.
        """
        now = self._clock()
        if not isinstance(last, File) or (now < self._next_look and not at_once):
            return False
        self._next_look = now + LOOK_SECONDS
        return not last.is_there() and last.successor is None

    def _relock(self, directory: Directory) -> None:
        """Somebody closed every descriptor: let go of those that the maps hold, and take the lock anew."""
        chain = self._chain
        for place in (*chain.left, *chain.places(), *chain.supply.spares()):
            place.disown()
        chain.supply.counters.disown()
        if directory.has_lock_file():
            directory.lock_again()

    def _heir(self, place: Memory) -> Place | None:
        """Make the segment that takes over from memory; None when the disk still does not work."""
        try:
            heir = self._chain.supply.segment(place.number + 1, 0)
        except OSError:
            return None
        if heir is None:
            return None
        try:
            heir.publish()
        except OSError:
            heir.seal()
            heir.unlink()
            return None
        place.heir = heir
        return heir

    def _move(self, place: Memory, heir: Place) -> None:
        """Move every line: most while new ones still go to memory, so that order is kept, the rest after."""
        end = heir

        def write(data: bytes) -> None:
            nonlocal end
            end = self._chain.walk(end, data)

        place.move(write, at_most=len(place))
        place.hand_over(heir)
        place.retire()
        place.move(write, at_most=len(place))
        self._chain.tail = end
