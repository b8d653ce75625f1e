"""The one background thread of a recording process: what can wait is done here, and the program does not notice.

It writes the running lines of spans that have been open for a while, makes the next journal segment ahead,
makes lines durable where that is asked, and, if nobody else does, indexes the home. Beside a busy program an
indexer is a burden, so it works about a seventh of the time at most (counted in processor time, which is what it
takes from the program), until the journals are half full; somebody who waits (`flush`, exit) lifts the limit.

It never raises: trouble is counted, said once, and tried again later.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Final

from flightlog.core import engine
from flightlog.core.control import control
from flightlog.integrations.threads import start_quietly
from flightlog.journal.writer import Writer
from flightlog.lock import FileLock
from flightlog.place import Place
from flightlog.records.errors import FlightlogError, StoreBusy
from flightlog.records.line import Line
from flightlog.records.process import Process

if TYPE_CHECKING:
    from flightlog.home import Home
    from flightlog.sinks.fulltext import TextSink
    from flightlog.sinks.store import Indexer

TICK_SECONDS: Final = 0.1
OVERDUE_NS: Final = 150_000_000
"""With a tick of 0.1 s a span gets its running line when it has been open for about 0.2 s."""

SHARE: Final = 0.15
"""Most of the time that indexing may take beside a program."""

_LOCK_SECONDS: Final = 1.0
_WANTED_SECONDS: Final = 0.3
_RETRY_SECONDS: Final = 2.0
_SYNC_SECONDS: Final = 0.5
_BUSY_MS: Final = 200
"""How long a step waits for another process that writes the store; then the program's own limits count."""

_BATCH_BYTES: Final = 1024 * 1024

_PRUNE_SECONDS: Final = 60.0
"""Between two looks whether it is time for old traces to leave, which is so once an hour at most."""


_carried_over: Final[list[object]] = []
"""What a forked child must neither use nor close."""


class Keeper:
    """Looks after one writer and, when its turn comes, one home."""

    def __init__(
        self,
        home: Place | None,
        writer: Writer,
        process: Process,
        say: Callable[[str], None],
        each_tick: Callable[[], None],
        *,
        indexes: bool = True,
        memory: Callable[[], list[Line]] | None = None,
    ) -> None:
        """Prepare.

        Args:
            home: the home of the journals.
            writer: this process's journal.
            process: this process.
            say: tells the user something once.
            each_tick: called about ten times a second.
            indexes: False when the store is none of this program's sinks.
            memory: takes the lines that are in memory alone, when somebody else wants them as well.
        """
        self._indexes = indexes
        self._memory = memory
        self._home = home
        self._writer = writer
        self._process = process
        self._say = say
        self._each_tick = each_tick
        self._wake: SimpleQueue[None] = SimpleQueue()
        self._turn = threading.Lock()
        self._hurried = 0
        self._stopping = False
        self._stuck = False
        """Whether indexing failed for a reason that waiting does not mend."""
        self._lock: FileLock | None = None
        self._indexer: Indexer | None = None
        self._texts: TextSink | None = None
        self._rest_until = 0.0
        self._more = False
        self._lock_at = time.monotonic() + _LOCK_SECONDS
        self._sync_at = 0.0
        self._pressed_at = 0.0
        self._is_full = False
        self._wanted_at = 0.0
        self._told = False
        self._prune_at = time.monotonic() + _PRUNE_SECONDS
        self._share = SHARE
        self._undelivered: list[Line] = []
        self._thread = threading.Thread(target=self._run, name="flightlog", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        start_quietly(self._thread)

    def work_freely(self) -> None:
        """Say that there is no program in this process to be disturbed."""
        self._share = 1.0

    def abandon(self) -> None:
        """In a forked child: let go of the home's lock, which is the parent's.

        The store's connection is left as it is and never closed: SQLite's documentation forbids both to carry
        one across a fork and to close it there.
        """
        if self._lock is not None:
            self._lock.release()
        _carried_over.append((self._indexer, self._texts))
        self._stopping = True

    def wake(self) -> None:
        """Ask for attention now; safe in a signal handler."""
        self._wake.put(None)

    def deliver(self, deadline: float, *, wait_for_others: bool) -> bool:
        """Index on the caller's thread, at full speed, until everything is in the store or time is up.

        Args:
            deadline: monotonic seconds.
            wait_for_others: when another process indexes this home, wait until it has come this far.

        Returns:
            Whether everything that this process has recorded is in the store.
        """
        if not self._indexes:
            return True
        self._hurried += 1
        self._stuck = False
        try:
            while True:
                caught_up = self._take_turn(deadline)
                if caught_up or (caught_up is None and self._is_done_elsewhere()):
                    return not self._waits_for_the_disk()
                if time.monotonic() >= deadline or self._stuck or (caught_up is None and not wait_for_others):
                    return False
                if caught_up is None:
                    time.sleep(TICK_SECONDS / 10)
        finally:
            self._hurried -= 1

    def _take_turn(self, deadline: float) -> bool | None:
        """One step when it is our turn; a signal handler may find it taken by the very code it interrupted."""
        if not self._turn.acquire(timeout=max(0.0, deadline - time.monotonic())):
            return None
        try:
            self._writer.tend()
            return self._index(patient=False)
        finally:
            self._turn.release()

    def _waits_for_the_disk(self) -> bool:
        """Whether lines are in memory alone because no journal can be written: the indexer does not see them."""
        wants_journal = self._home is not None and self._home.settings.durability != "memory"
        return wants_journal and self._writer.in_memory() > 0

    @property
    def is_indexing(self) -> bool:
        """Whether this process has been indexing its home."""
        return self._indexer is not None

    def waiting_bytes(self) -> int:
        """Bytes in the journals that are not in the store; -1 when the store cannot say."""
        if not self._indexes:
            return 0
        return -1 if self._home is None else _opened(self._home).waiting_bytes()

    def stop(self) -> None:
        """End the thread and let go of the home; what is left stays in the journal."""
        self._stopping = True
        self.wake()
        if self._thread is not threading.current_thread() and self._thread.is_alive():
            self._thread.join(TICK_SECONDS * 10)
        if self._turn.acquire(timeout=TICK_SECONDS * 10):
            self._let_go()
            self._turn.release()

    def _run(self) -> None:
        with control.undivided:  # a child that is forked in the middle could never import it
            # The first exception of the program would pay 4 ms for it.
            import traceback  # noqa: F401 - imported to be there

        while not self._stopping:
            with contextlib.suppress(Empty):
                self._wake.get(timeout=self._until_next())
            if self._stopping:
                return
            try:
                self._tick()
            except Exception:  # noqa: BLE001 - the border: this thread must outlive any trouble
                self._writer.counters.increment("internal_errors")

    def _until_next(self) -> float:
        """Seconds to sleep: a tick, or less when there is more to index and its rest is over before."""
        if not self._more:
            return TICK_SECONDS
        return min(TICK_SECONDS, max(0.0, self._rest_until - time.monotonic()))

    def _tick(self) -> None:
        engine.announce_overdue(OVERDUE_NS)
        self._writer.tend()
        self._each_tick()
        now = time.monotonic()
        if self._writer_is_power and now >= self._sync_at:
            self._writer.sync()
            self._sync_at = now + _SYNC_SECONDS
        if self._hurried or (now < self._rest_until and not self._pressed()):
            return
        with self._turn:
            spent, begun = time.thread_time(), time.monotonic()
            self._more = False
            while (done := self._index(patient=True)) is False and not self._stopping and not self._hurried:
                busy = time.thread_time() - spent
                self._more = True
                if not self._pressed():
                    # Waiting for the interpreter's lock took nothing from the program: it counts as rest.
                    self._rest_until = begun + busy / self._share
                    return
                self._writer.tend()
            if done and self._follow():
                self._more = True
            elif done and now >= self._prune_at:
                self._prune_at = now + _PRUNE_SECONDS
                self._prune()
            self._rest_until = begun + (time.thread_time() - spent) / self._share

    def _follow(self) -> bool:
        """Index the words of a few records, where all that was recorded is in the store; whether there are more."""
        if self._stopping or self._hurried or self._indexer is None or self._home is None:
            return False
        if self._texts is None:
            self._texts = _opened(self._home).texts(is_gentle=self._share < 1)
        return self._texts.step()

    def _prune(self) -> None:
        """Have old traces leave, where the settings say so, all that was recorded is in the store, and it is ours."""
        home = self._home
        if home is None or self._indexer is None or self._stopping:
            return
        if home.settings.prune_older_than or home.settings.prune_max_size:
            from flightlog.upkeep import retention  # for those who set how long they keep what they recorded

            retention.begin(_opened(home), 1 / self._share)

    @property
    def _writer_is_power(self) -> bool:
        return self._home is not None and self._home.settings.durability == "power"

    def _pressed(self) -> bool:
        """Whether the journals are so full that indexing comes first; looked at once a second."""
        if self._home is None or self._indexer is None:
            return False
        now = time.monotonic()
        if now >= self._pressed_at:
            self._pressed_at = now + _LOCK_SECONDS
            self._is_full = self._indexer.backlog()[0] * 2 > self._home.settings.journal_bytes
        return self._is_full

    def _index(self, *, patient: bool) -> bool | None:
        """Do one step. True: nothing is left; False: there is more; None: it is not ours to do."""
        try:
            indexer = self._ours(patient=patient)
            if indexer is None:
                return None
            self._deliver_memory(indexer)
            return not self._step(indexer)
        except StoreBusy:
            return None
        except (FlightlogError, OSError) as error:
            self._writer.counters.increment("index_errors")
            self._stuck = True
            self._tell(f"the store cannot be written ({error}); records wait {self._where_records_wait()}")
            self._let_go()
            self._lock_at = time.monotonic() + _RETRY_SECONDS
            return None

    def _step(self, indexer: Indexer) -> bool:
        """Index a batch, and have the writer use what room that made; whether there is more."""
        more = indexer.step().more
        self._writer.room_made()
        return more

    def _where_records_wait(self) -> str:
        in_memory = self._home is not None and self._home.settings.durability == "memory"
        if in_memory or self._undelivered or self._writer.path is None:
            return "in memory, and are lost if the program ends first"
        return "in the journal"

    def _deliver_memory(self, indexer: Indexer) -> None:
        """With durability `memory` there is no journal: the lines go from the ring straight to the store."""
        if self._memory is not None:
            self._undelivered += self._memory()
        elif self._home is not None and self._home.settings.durability == "memory":
            self._undelivered += [Line(line) for line in self._writer.drain()]
        if self._undelivered:
            indexer.take(self._process, self._undelivered)
            self._undelivered = []

    def _ours(self, *, patient: bool) -> Indexer | None:
        """The indexer, if this process holds or gets the home's lock."""
        if self._home is None or not self._indexes:
            return None
        if self._indexer is not None:
            now = time.monotonic()
            if patient and now >= self._wanted_at:
                self._wanted_at = now + _WANTED_SECONDS
                if self._home.is_wanted():
                    self._let_go()
                    self._lock_at = now + _LOCK_SECONDS
            return self._indexer
        now = time.monotonic()
        if patient and now < self._lock_at:
            return None
        self._lock_at = now + _LOCK_SECONDS
        lock = self._home.index_lock()
        if not lock.acquire():
            self._stuck = not self._home.path.is_dir()
            return None
        self._lock = lock
        self._indexer = _opened(self._home).indexer(_BATCH_BYTES, _BUSY_MS)
        return self._indexer

    def _is_done_elsewhere(self) -> bool:
        """Whether whoever holds the lock has indexed all that this process wrote."""
        if self._home is None:
            return False
        try:
            return _opened(self._home).has_indexed(self._process.process_id, self._writer.position())
        except (FlightlogError, OSError):
            return False

    def _let_go(self) -> None:
        indexer, lock = self._indexer, self._lock
        self._indexer = self._lock = None
        if self._texts is not None:
            self._texts.close()
        if indexer is not None:
            indexer.close()
        if lock is not None:
            lock.release()

    def _tell(self, message: str) -> None:
        if not self._told:
            self._told = True
            self._say(message)


def _opened(place: Place) -> Home:
    """The home at this place. The store's modules are loaded here: most programs end before they need them."""
    with control.undivided:
        from flightlog.home import (
            Home,
        )  # 50 ms, on the keeper's thread and not before the first second is over

    return Home(place.path, place.settings)
