"""What a program's own sinks get: read from its journal, made self-explaining, and handed to each.

One thread reads this process's journal, a tenth of a second behind the program, and lets the lines wait at each
sink's outlet, which has a thread of its own. So a sink that is slow, blocked or failing delays neither the
program nor the store nor another sink. While there is no journal (durability `memory`, or a home that cannot
be used) the lines come from the writer's memory instead, and the store gets them from here.

The reader tells the journal's other readers which segment it still needs (`journal.holding`); it never waits,
so nothing is held for longer than it takes to read. Without the store the journal is only the buffer of the
sinks. It then lies in a directory where nobody indexes, and goes away when they have everything; what a crash
leaves there is brought into the store after all (`adopt`).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import Final

from flightlog.integrations.threads import start_quietly
from flightlog.journal.holding import hold
from flightlog.journal.memory import MEMORY_BYTES
from flightlog.journal.reader import Journal
from flightlog.journal.writer import Writer
from flightlog.place import Place
from flightlog.records.cursor import Cursor
from flightlog.records.line import Line
from flightlog.records.process import Process
from flightlog.settings import KIB, Settings
from flightlog.sinks.open import open_sinks
from flightlog.sinks.outlet import BATCH_BYTES, Asked, Outlet, Parcel, State
from flightlog.sinks.port import Forkable, Lasting, Sink
from flightlog.sinks.stamp import Stamp
from flightlog.unsent import Claim, Unsent

TICK_SECONDS: Final = 0.1
"""How far the sinks are behind the program, about."""

_READ_BYTES: Final = 256 * KIB
_NO_SEGMENT: Final = 2**62
_LAST_WORD: Final = 0.2
"""Seconds that closing takes at least, also when the time is up: a sink may have something to say at its end."""


class Delivery:
    """Feeds the sinks of one recorder, all but the store."""

    def __init__(
        self,
        writer: Writer,
        process: Process,
        settings: Settings,
        say: Callable[[str], object],
        home: Place | None = None,
        *,
        left_out: Collection[object] = (),
    ) -> None:
        """Prepare; nothing starts yet.

        Args:
            writer: this process's journal.
            process: this process, whose fields every line gets.
            settings: they name the sinks.
            say: tells the user something once.
            home: where the next program finds what a sink's other side did not take.
            left_out: sinks that cannot be used here.
        """
        self._writer = writer
        self._settings = settings
        self._say = say
        self._stamp = Stamp(process)
        self.outlets = [
            Outlet(name, sink, settings.sink_bytes, count=writer.counters.increment, say=say)
            for name, sink in self._usable(left_out)
        ]
        self._wake: SimpleQueue[None] = SimpleQueue()
        self._turn = threading.Lock()
        self._journal: Journal | None = None
        self._cursor = Cursor()
        self._discarded = 0
        self._for_store: list[Line] = []
        self._for_store_bytes = 0
        self._stopping = False
        self._unsent = None if home is None else Unsent(home.path, process.process_id, settings.sink_bytes)
        self._head = Line(b"")
        self._claims: list[Claim] | None = None
        """What other programs left for our sinks; None before it was looked for."""
        self._rests: dict[str, tuple[int, int]] = {}
        """Of each sink whose rest could be kept, how many lines that were, and how many were kept."""
        self._thread = threading.Thread(target=self._run, name="flightlog-sinks", daemon=True)
        self._threads = [
            threading.Thread(target=outlet.run, name=f"flightlog-{outlet.name[:40]}", daemon=True)
            for outlet in self.outlets
        ]
        self._look_for_journal()

    def start(self, head: Line) -> None:
        """Start the threads; the process line is the first that each sink gets.

        Raises:
            RuntimeError: no thread can be started.
        """
        self._head = head
        self._give([head], Cursor())
        try:
            for thread in (*self._threads, self._thread):
                start_quietly(thread)
        except RuntimeError:
            self._let_go()
            raise

    def _usable(self, left_out: Collection[object]) -> Iterator[tuple[str, Sink]]:
        for name, sink in open_sinks(self._settings):
            if any(sink is one for one in left_out):
                self._say(f"sink {name} is left out in forked children: it has no method `forked`")
            else:
                yield name, sink

    def wake(self) -> None:
        """Ask for attention now; safe in a signal handler."""
        self._wake.put(None)

    def states(self) -> list[State]:
        """How each sink stands."""
        return [outlet.state() for outlet in self.outlets]

    def ask(self, deadline: float) -> list[tuple[Outlet, Asked]]:
        """Ask for everything recorded so far to be brought to every sink; `wait` has the answer.

        A sink that asks waits neither for itself nor for one that may be waiting for it in turn.
        """
        self._pump(deadline)
        asked = self.outlets
        here = next((outlet for outlet in self.outlets if outlet.is_here()), None)
        if here is not None:
            here.asks = True
            asked = [outlet for outlet in self.outlets if not outlet.asks]
        return [(outlet, outlet.ask(deadline)) for outlet in asked]

    def wait(self, asked: list[tuple[Outlet, Asked]]) -> tuple[str, ...]:
        """Wait until the sinks have it, or their deadline; give the names of those that have not."""
        return tuple(outlet.name for outlet, one in asked if not outlet.wait(one))

    def drain_for_store(self) -> list[Line]:
        """Take the lines of the writer's memory that the store has yet to get."""
        with self._turn:
            if self._is_from_memory():
                self._drain()
            taken, self._for_store, self._for_store_bytes = self._for_store, [], 0
            return taken

    def waiting_for_store(self) -> int:
        """Lines that were in memory alone, and that the store has yet to get."""
        return len(self._for_store)

    def finish(self, deadline: float) -> tuple[str, ...]:
        """Bring to the sinks what they can take until the deadline, and close them.

        Returns:
            The names of the sinks that did not get everything. What they miss `tell_of_rest` says.
        """
        late = self.wait(self.ask(deadline))
        if self._writer.in_memory():  # the disk never came back: the sinks are all that is left
            with self._turn:
                self._drain()
            late = self.wait(self.ask(deadline))
        self._stopping = True
        self.wake()
        for outlet in self.outlets:
            outlet.close()
        self._let_go()
        deadline = max(deadline, time.monotonic() + _LAST_WORD)
        for thread in self._threads:
            if thread.is_alive() and thread is not threading.current_thread():
                thread.join(max(0.0, deadline - time.monotonic()))
        self._keep_rests()
        return late

    def tell_of_rest(self, unstored: int) -> int:
        """Once finished: say and count what each sink did not take.

        Args:
            unstored: records that were in memory alone, and that the store did not get.

        Returns:
            How many records nobody has: neither journal nor store nor any of these sinks.
        """
        states = self.states()
        for state in states:
            self._tell_of_rest_of(state, unstored)
        if self._settings.wants_store:
            lacking = min(map(self._lacking, states), default=unstored)
            return min(unstored, lacking + self._writer.in_memory())
        lacking = min(map(self._lacking, states), default=0)
        return lacking + self._writer.in_memory()

    def discard_journal(self) -> None:
        """Delete the journal, whose writer has been closed, if it was the sinks' alone and they have all of it."""
        waiting = [state.waiting for state in self.states()]
        if self._journal is not None and not self._settings.wants_store and waiting and not any(waiting):
            self._journal.discard(self._cursor)

    def forked(self) -> list[Sink]:
        """In a forked child: let sinks that can live in one let go of what is the parent's; give the others."""
        self._stopping = True
        for claim in self._claims or ():
            claim.leave()
        others = []
        for outlet in self.outlets:
            if isinstance(outlet.sink, Forkable):
                with suppress(Exception):  # the border: the parent's sinks must not break the child
                    outlet.sink.forked()
            else:
                others.append(outlet.sink)
        return others

    def _tell_of_rest_of(self, state: State, unstored: int) -> None:
        waiting, kept = self._rests.get(state.name, (state.waiting, 0))
        why = f" ({state.last_error})" if state.last_error else ""
        if kept:
            self._writer.counters.increment("sink_lines_kept", kept)
            rest = "the next program of this home that has it sends them"
            self._say(f"sink {state.name} did not take {kept:,} records{why}; {rest}")
        if waiting <= kept:
            return
        self._writer.counters.increment("sink_lines_missed", waiting - kept)
        where, nowhere = "journal", max(0, state.memory_waiting - kept)
        if self._settings.wants_store:
            where, nowhere = "store", min(nowhere, unstored)
        rest = f"{nowhere:,} of them are not in the {where} either" if nowhere else f"they are in the {where}"
        self._say(f"sink {state.name} did not take {waiting - kept:,} records{why}; {rest}")

    def _lacking(self, state: State) -> int:
        """Lines that no journal has, and that this sink did not take and nobody will send."""
        _, kept = self._rests.get(state.name, (0, 0))
        return max(0, state.memory_waiting - kept) + state.memory_missed

    def _claim(self) -> None:
        """Hand our sinks what other programs left for them, once."""
        if self._claims is not None or self._unsent is None:
            return
        self._claims = []
        for outlet in self.outlets:
            if not isinstance(outlet.sink, Lasting):
                continue
            for claim in self._unsent.claim(outlet.sink.address):
                self._claims.append(claim)
                portions = list(_portions(claim.lines))
                for number, lines in enumerate(portions, 1):
                    done = claim.done if number == len(portions) else None
                    outlet.give(Parcel(lines, sum(map(len, lines)), Cursor(), done=done, foreign=True))

    def _keep_rests(self) -> None:
        """Leave to the next program what the sinks did not take, where they say that it may."""
        for claim in self._claims or ():
            claim.leave()
        for outlet in self.outlets:
            sink = outlet.sink
            if self._unsent is None or not isinstance(sink, Lasting):
                continue
            rest = outlet.rest()
            with suppress(Exception):  # the border: a sink may be anybody's code
                rest = [*sink.left(), *rest]
            if rest:
                kept = self._unsent.keep(sink.address, self._stamp.on(self._head), rest)
                self._rests[outlet.name] = (len(rest), kept)

    def _run(self) -> None:
        while not self._stopping:
            with suppress(Empty):
                self._wake.get(timeout=TICK_SECONDS)
            try:
                self._pump(time.monotonic() + TICK_SECONDS)
            except Exception:  # noqa: BLE001 - the border: this thread must outlive any trouble
                self._writer.counters.increment("internal_errors")

    def _pump(self, deadline: float) -> None:
        """Hand over all that was recorded so far.

        A signal handler may find its own thread in here; it waits until the deadline, and goes without.
        """
        if not self._turn.acquire(timeout=max(0.0, deadline - time.monotonic())):
            return
        try:
            self._claim()
            if self._is_from_memory():
                self._drain()
            else:
                self._read()
                self._discard()
        finally:
            self._turn.release()

    def _is_from_memory(self) -> bool:
        return self._settings.durability == "memory" or self._writer.path is None

    def _drain(self) -> None:
        """Take the lines that are in memory, for the sinks and for the store."""
        lines = [Line(line) for line in self._writer.drain()]
        if not lines:
            return
        self._give(lines, self._cursor, in_memory=True)
        if not self._settings.wants_store:
            return
        for line in lines:
            if self._for_store_bytes + len(line) <= MEMORY_BYTES:
                self._for_store.append(line)
                self._for_store_bytes += len(line)
            else:
                self._writer.counters.increment("lines_dropped_full")

    def _read(self) -> None:
        """Read on in the journal, to its end."""
        self._look_for_journal()
        if self._journal is None or self._writer.position() == self._cursor:
            return
        while True:
            before = self._cursor.segment
            batch = self._journal.read(self._cursor, _READ_BYTES)
            self._cursor = batch.cursor
            if batch.cursor.segment != before and self._settings.wants_store:
                hold(self._journal.path, batch.cursor.segment)
            if batch.lines:
                self._give(batch.lines, batch.cursor)
            if batch.end:
                return

    def _look_for_journal(self) -> None:
        path = self._writer.path
        if path is not None and (self._journal is None or self._journal.path != path):
            self._journal = Journal(path)
            if self._settings.wants_store:
                hold(path, 1)

    def _discard(self) -> None:
        """Without the store: delete the segments that every sink has, or has kept waiting beyond its bound."""
        if self._settings.wants_store or self._journal is None or not self.outlets:
            return
        reached = min(outlet.reached() for outlet in self.outlets)
        is_behind = reached.segment < self._cursor.segment
        if is_behind and self._journal.backlog(reached) > 2 * self._settings.sink_bytes:
            reached = self._cursor
        if reached.segment > self._discarded:
            self._discarded = reached.segment
            self._journal.discard(reached)

    def _let_go(self) -> None:
        """Read no further in the journal: nothing of it is held back on our account."""
        if self._journal is not None and self._settings.wants_store:
            hold(self._journal.path, _NO_SEGMENT)

    def _give(self, lines: Sequence[Line], upto: Cursor, *, in_memory: bool = False) -> None:
        stamped = [self._stamp.on(line) for line in lines]
        parcel = Parcel(stamped, sum(map(len, stamped)), upto, in_memory)
        for outlet in self.outlets:
            outlet.give(parcel)


def _portions(lines: Sequence[Line]) -> Iterator[list[Line]]:
    """Lines in portions as a sink is given them."""
    portion: list[Line] = []
    size = 0
    for line in lines:
        if portion and size + len(line) > BATCH_BYTES:
            yield portion
            portion, size = [], 0
        portion.append(line)
        size += len(line)
    if portion:
        yield portion
