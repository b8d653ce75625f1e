"""The writer of one process's journal: what a recorded line costs, and what becomes of it.

`write_framed` is the hot path: one C call into the mapped segment, no system call, no lock. Once it returns,
the line survives the death of the process however it comes about, because the page cache holds it. Everything
else happens when that call refuses: the writer walks along the chain of places (`place.py`) to one that takes
the line, and makes a new one at its end. The lock around making is re-entrant, is never waited for without
limit, and is not needed for correctness; it keeps ten threads from allocating ten segments.

What takes time is done by `tend`, which a background thread calls often and which nothing depends on for
correctness: making the next segment ahead, sealing old ones, moving lines from memory to a disk that works
again, and noticing that the program closed our descriptors or that somebody deleted the directory or a file.

After `os.fork` the child must call `abandon` before it records anything: it shares the parent's maps.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from flightlog._speed.presence import ENGINE
from flightlog.border import let_through
from flightlog.journal.chain import Chain
from flightlog.journal.counters import Counters
from flightlog.journal.framing import FRAME_BYTES
from flightlog.journal.mapped import Mapped
from flightlog.journal.memory import Memory
from flightlog.journal.mending import Mending
from flightlog.journal.place import Place
from flightlog.journal.supply import Supply
from flightlog.records.cursor import Cursor
from flightlog.records.line import Line
from flightlog.settings import Settings

_PATIENCE: Final = 5.0
"""Seconds that `close` waits for a `tend` under way; a signal handler may close what it interrupted."""
_WAIT_STEP: Final = 0.01


if TYPE_CHECKING or ENGINE is None:

    class _Door:
        """Holds `append`; the compiled core has one of its own, into which it looks for each record."""

        __slots__ = ("append",)

else:
    _Door = ENGINE.Door


class Writer(_Door):
    """The journal of this process. It never raises into the program and never blocks it without limit."""

    __slots__ = (
        "_chain",
        "_clock",
        "_finished",
        "_longest",
        "_mending",
        "_on_pressure",
        "_say",
        "_settings",
        "_supply",
        "_tender",
        "_tending",
        "_uncounted",
    )

    append: Callable[[bytes], object]
    """The place's own C call, for a caller to whom even `write_framed` is too much: it takes one framed record
    no longer than `line_bytes`, or raises ValueError, and then `write_framed` takes it. Fetch it anew for each
    record: it changes."""

    def __init__(
        self,
        root: Path,
        process_id: str,
        head: Line,
        settings: Settings,
        *,
        say: Callable[[str], None],
        on_pressure: Callable[[], None] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Open the journal, or stay in memory when that cannot be; no exception either way.

        Args:
            root: directory of all journals of the home.
            process_id: 32 hexadecimal digits, never used before.
            head: the process line, which begins every segment.
            settings: bounds, durability and overflow policy.
            say: tells the user, once a kind of trouble; called with no lock held.
            on_pressure: told that `tend` has something to do; must be safe in a signal handler.
            clock: monotonic seconds.
        """
        self._settings = settings
        self._say = say
        self._on_pressure = on_pressure
        self._clock = clock
        self._longest = settings.line_bytes + FRAME_BYTES
        self._supply = Supply(root, process_id, head, settings, self._wait_for_room)
        self._chain = Chain(self._supply, clock)
        self._mending = Mending(self._chain, clock)
        self._tending = threading.Lock()
        self._tender = 0
        self._finished = False
        self._uncounted = 0
        self.append = self._chain.tail.append
        self._speak()

    @property
    def counters(self) -> Counters:
        """What was lost; shared with the rest of the recorder, which counts its own losses here."""
        return self._supply.counters

    @property
    def path(self) -> Path | None:
        """Directory of this journal; None while there is none on the disk."""
        directory = self._supply.directory
        return None if directory is None else directory.path

    def write(self, line: Line) -> None:
        """Append one line; see `write_framed`."""
        self.write_framed(b"\x1e" + line + b"\n")

    def write_framed(self, data: bytes) -> None:
        r"""Append one record that has its frame already (`b"\x1e{…}\n"`), from any thread or signal handler.

        Never raises. A record that cannot be kept, or is longer than `line_bytes`, is counted.
        """
        try:
            if len(data) <= self._longest:
                self.append(data)
            else:
                self.counters.increment("lines_dropped_long")
        except Exception as failure:  # noqa: BLE001  # a ValueError says that the place is full; the border for the rest
            try:
                let_through(failure)
                self._append_further(data)
            except RecursionError:  # so near the limit that not even counting is possible now
                self._uncounted += 1

    def position(self) -> Cursor:
        """Where the next line would go: a reader that is there has every line acknowledged before this call.

        While lines wait in memory this lies beyond every segment there is.
        """
        return self._chain.last().position()

    def drain(self) -> list[bytes]:
        """Take the lines that wait in memory, without frames, in order: the way out under durability `memory`."""
        place = self._chain.last()
        with self._tending:
            return place.drain() if isinstance(place, Memory) else []

    def in_memory(self) -> int:
        """Count the lines that wait in memory, because the disk cannot be used or the durability is `memory`."""
        return sum(len(place) for place in self._chain.places() if isinstance(place, Memory))

    def tend(self) -> bool:
        """Do what can wait; return whether anything was done. Safe to call from any thread, at any time."""
        if self._finished or not self._tending.acquire(blocking=False):
            return False
        self._tender = threading.get_ident()
        try:
            return self._tend()
        except Exception:  # noqa: BLE001  # the recorder's border: a background duty never ends its thread
            self.counters.increment("internal_errors")
            return False
        finally:
            self._tender = 0
            self._tending.release()
            self._speak()

    def room_made(self) -> None:
        """Say that journals were indexed, and deleted if they were done with: a home that was full may have room."""
        if self._mending.expects_room():
            self.tend()

    def sync(self) -> bool:
        """Make every line acknowledged before this call survive a power cut; False when the disk refused."""
        directory = self._supply.directory
        if directory is None:
            return False
        try:
            for place in (*self._chain.left, *self._chain.places()):
                place.sync()
            directory.sync()
        except OSError:
            self.counters.increment("internal_errors")
            return False
        return True

    def close(self) -> None:
        """Seal everything, keep the files, give up the lock. Lines that come later are dropped and counted."""
        held = self._tending.acquire(timeout=_PATIENCE)
        try:
            if not self._finished:
                self._close()
        except Exception:  # noqa: BLE001  # the recorder's border: the program ends as it would without us
            self.counters.increment("internal_errors")
        finally:
            if held:
                self._tending.release()
        self._speak()

    def abandon(self) -> None:
        """Let go of everything in a forked child, without touching what is the parent's.

        The parent's lock, files and counters stay as they are; the child opens a journal of its own.
        """
        self._finished = True
        self._tending = threading.Lock()
        self.counters.detach()
        self._chain.abandon()
        self.append = self._chain.tail.append
        if self._supply.directory is not None:
            self._supply.directory.let_go()

    def _append_further(self, data: bytes) -> None:
        """Find or make a place for a record that the remembered one refused."""
        try:
            start = self._chain.tail
            place = self._chain.walk(start, data)
            self._become(place)
            if place is not start and self._on_pressure is not None:
                self._on_pressure()
        except Exception as failure:  # noqa: BLE001  # the recorder's border: the program must not see our failure
            let_through(failure)
            self.counters.increment("internal_errors")
        self._speak()

    def _become(self, place: Place) -> None:
        """Start from here next time. Two threads may set these crosswise, which costs a walk and no more."""
        self._chain.tail = place
        self.append = place.append

    def _speak(self) -> None:
        for message in self._supply.messages():
            try:
                self._say(message)
            except Exception:  # noqa: BLE001  # the recorder's border: telling must not break what it tells of
                self.counters.increment("internal_errors")

    def _wait_for_room(self, place: Place) -> bool:
        """Wait until the journals have room again, at most `overflow_wait` seconds (policy `block`)."""
        if self._tender == threading.get_ident():
            return False  # the one that would make room
        self.counters.increment("blocked_waits")
        deadline = self._clock() + self._settings.overflow_wait
        while place.successor is None and not self._finished:
            if self._clock() >= deadline:
                return False
            self.tend()
            time.sleep(_WAIT_STEP)
        return True

    def _tend(self) -> bool:
        minded = self._mending.mind_directory()
        recovered = self._settings.durability != "memory" and self._mending.recover()
        if minded or recovered:
            self._become(self._chain.tail)
        prepared = self._prepare()
        sealed = self._seal()
        self._count_up()
        return minded or recovered or prepared or sealed

    def _prepare(self) -> bool:
        """Make the next segment ahead when this one is half full or will soon be."""
        last = self._chain.last()
        if not isinstance(last, Mapped) or not (self._chain.hurried or last.is_half_full()):
            return False
        self._chain.hurried = False
        return self._supply.prepare()

    def _seal(self) -> bool:
        """Seal the segments that were left."""
        left = self._chain.left
        worked = bool(left)
        while left:
            left[0].seal()
            if self._settings.durability == "power":
                left[0].sync()
            left.popleft()
        return worked

    def _count_up(self) -> None:
        uncounted, self._uncounted = self._uncounted, 0
        if uncounted:
            self.counters.increment("internal_errors", uncounted)
        self.counters.save()

    def _close(self) -> None:
        with suppress(OSError):
            self._mending.mind_directory(at_once=True)
        if self._settings.durability != "memory":
            self._mending.recover(at_once=True)
        self._finished = True
        self._supply.close()
        end = self._chain.end()
        self.append = self._chain.tail.append
        if isinstance(end, Memory) and self._settings.durability != "memory":
            self.counters.increment("lines_dropped_closed", len(end))
        self._chain.left.append(end)
        self._seal()
        if self._settings.durability == "power":
            self.sync()
        self._count_up()
        if self._supply.directory is not None:
            self._supply.directory.let_go()
