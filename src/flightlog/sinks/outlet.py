"""One sink at work: what waits for it, its own thread, its retries and its counts.

A sink that is slow, blocked or failing is nobody else's business: lines wait for it here up to a bound, and
beyond that the oldest are skipped and counted. Whoever hands lines over never waits.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Final

from msgspec import Struct

from flightlog.core.context import Remote, variable
from flightlog.narration.safe import clean
from flightlog.records.cursor import Cursor
from flightlog.records.line import Line
from flightlog.sinks.port import Counting, Sink, Ticking

BATCH_BYTES: Final = 256 * 1024
"""About how much a sink is given at a time."""

_TICK: Final = 0.1
_FIRST_PAUSE: Final = 0.05
_LONGEST_PAUSE: Final = 30.0
_HURRIED_PAUSE: Final = 0.1
_UNHEARD: Final = Remote("f" * 32, "f" * 16, sampled=False)
"""The parent of whatever a sink records itself: an instrumented HTTP client, say, that would never come to an
end if each delivery made a span."""


class Parcel(Struct, frozen=True):
    """Lines on their way, and how far their journal is read with them."""

    lines: Sequence[Line]
    bytes: int
    upto: Cursor
    in_memory: bool = False
    """Whether the lines come from memory, and no journal has them."""
    done: Callable[[], object] | None = None
    """Told when the sink took them, or they were skipped."""
    foreign: bool = False
    """Whether another program recorded them: it left them to this one, and they have a place of their own."""


class State(Struct, frozen=True):
    """How a sink stands."""

    name: str
    taken: int
    """Lines that the sink took."""
    waiting: int
    """Lines of this program that wait for it."""
    missed: int
    """Lines that were skipped because too much was waiting."""
    errors: int
    """Times that it failed."""
    last_error: str = ""
    memory_waiting: int = 0
    """Of the lines that wait, those that no journal has."""
    memory_missed: int = 0
    """Of the lines that were skipped, those that no journal has."""


class Asked:
    """Somebody waits until a sink has come this far."""

    __slots__ = ("answer", "deadline", "number")

    def __init__(self, number: int, deadline: float) -> None:
        self.number = number
        self.deadline = deadline
        self.answer: bool | None = None


class Outlet:
    """Feeds one sink. `run` is its thread; every other method may be called from any thread."""

    def __init__(
        self,
        name: str,
        sink: Sink,
        bound: int,
        *,
        count: Callable[[str, int], object],
        say: Callable[[str], object],
    ) -> None:
        """Prepare.

        Args:
            name: what the user calls the sink.
            sink: where lines go.
            bound: bytes that may wait.
            count: told of failures and skipped lines, by the name of their counter.
            say: tells the user something once.
        """
        self.name = name
        self.sink = sink
        self.asks = False
        """Whether the sink is at work and has itself asked for other sinks to be flushed: it may be waiting."""
        self._bound = bound
        self._count = count
        self._say = say
        # Re-entrant underneath: a signal handler may flush while its own thread is in here.
        self._changed = threading.Condition()
        self._waiting: deque[Parcel] = deque()
        self._bytes = 0
        self._given = self._done = 0
        self._upto = Cursor()
        self._asked: list[Asked] = []
        self._closing = self._ended = False
        self._in_hand = 0
        self._ticks = False
        self._thread = 0
        self._taken = self._missed = self._memory_missed = self._errors = 0
        self._last_error = ""
        self._told_refusal = False

    def give(self, parcel: Parcel) -> None:
        """Let these lines wait for the sink; skip the oldest when that is too much."""
        with self._changed:
            self._waiting.append(parcel)
            self._given += 1
            self._bytes += parcel.bytes
            first, skipped = not self._missed, 0
            while self._bytes > self._bound and len(self._waiting) > self._in_hand + 1:
                skipped += self._skip()
            self._changed.notify_all()
        if skipped:
            self._count("sink_lines_missed", skipped)
            if first:
                self._say(f"sink {self.name} is too slow; it misses records, which `flightlog doctor` counts")

    def _skip(self) -> int:
        """Skip the oldest parcel that the sink does not have in hand; give its number of lines."""
        oldest = self._waiting[self._in_hand]
        del self._waiting[self._in_hand]
        self._bytes -= oldest.bytes
        self._done += 1
        self._missed += len(oldest.lines)
        if oldest.done is not None:
            oldest.done()
        self._memory_missed += len(oldest.lines) * oldest.in_memory
        return len(oldest.lines)

    def ask(self, deadline: float) -> Asked:
        """Ask for all that was given so far to be brought where it belongs; `wait` has the answer."""
        with self._changed:
            asked = Asked(self._given, deadline)
            if self._ended:
                asked.answer = not self._waiting
            else:
                self._asked.append(asked)
                self._changed.notify_all()
            return asked

    def wait(self, asked: Asked) -> bool:
        """Wait for the answer, until its deadline at most."""
        with self._changed:
            remaining = max(0.0, asked.deadline - time.monotonic())
            self._changed.wait_for(lambda: asked.answer is not None, remaining)
            return bool(asked.answer)

    def close(self) -> None:
        """Let the thread end, when it has done what it has in hand; what waits is left."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()

    def reached(self) -> Cursor:
        """How far the journal is in the sink, or skipped."""
        with self._changed:
            return self._upto

    def state(self) -> State:
        """How the sink stands."""
        with self._changed:
            return State(
                self.name,
                self._taken,
                sum(len(parcel.lines) for parcel in self._waiting if not parcel.foreign),
                self._missed,
                self._errors,
                self._last_error,
                sum(len(parcel.lines) for parcel in self._waiting if parcel.in_memory),
                self._memory_missed,
            )

    def rest(self) -> list[Line]:
        """What of this program's own lines still waits."""
        with self._changed:
            return [line for parcel in self._waiting if not parcel.foreign for line in parcel.lines]

    def is_here(self) -> bool:
        """Whether it is this sink that calls: waiting for it would be waiting for oneself."""
        return self._thread == threading.get_ident()

    def run(self) -> None:
        """Feed the sink until `close`."""
        variable.set(_UNHEARD)
        self._thread = threading.get_ident()
        pause = 0.0
        while self._wait_for_work(pause):
            taken = self._taken
            if not self._try(self._feed):
                pause = min(max(_FIRST_PAUSE, pause * 2), _LONGEST_PAUSE)
                continue
            pause = 0.0
            self._try(self._answer)
            self._try(lambda: self._tick(after_lines=self._taken > taken))  # noqa: B023 - called at once
        self._try(lambda: self.sink.close())  # noqa: PLW0108 - looking the method up may raise as well
        self._try(self._count_losses)
        self._thread = 0  # another thread may get its number
        with self._changed:
            self._ended = True
            for asked in self._asked:
                asked.answer = False
            self._changed.notify_all()

    def _wait_for_work(self, pause: float) -> bool:
        """Wait until there is something to do, and after a failure for a while; False when it is over."""
        with self._changed:
            begun = time.monotonic()
            while not self._closing:
                now = time.monotonic()
                self._asked = [asked for asked in self._asked if asked.deadline > now or not pause]
                remaining = begun + (min(pause, _HURRIED_PAUSE) if self._asked else pause) - now
                if remaining <= 0 and (self._waiting or self._asked):
                    return True
                if remaining > 0:
                    self._changed.wait(remaining)
                elif not self._changed.wait(_TICK if self._ticks else None):
                    return True
            return False

    def _feed(self) -> None:
        """Give the sink its next lines; whatever it raises is raised."""
        lines = self._take_in_hand()
        taken = len(lines)  # the sink may do with the list as it likes
        if lines:
            try:
                self.sink.append(lines)
            finally:
                self._count_losses()
        self._settle(taken)

    def _count_losses(self) -> None:
        """Count what the sink's other side refused."""
        if not isinstance(self.sink, Counting):
            return
        for name, lost in self.sink.losses().items():
            self._count(name, lost)
            if not self._told_refusal:
                self._told_refusal = True
                why = f" ({self.sink.last_refusal})" if self.sink.last_refusal else ""
                self._say(f"sink {self.name}: records are refused{why}; `flightlog doctor` counts them")

    def _tick(self, *, after_lines: bool) -> None:
        """Let the sink do what it has to do when no lines come."""
        if isinstance(self.sink, Ticking) and (self._ticks or after_lines):
            sink = self.sink
            self._ticks = self._answered(lambda: sink.tick())  # noqa: PLW0108 - as above

    def _take_in_hand(self) -> list[Line]:
        """The next lines for the sink; they stay here until it took them."""
        with self._changed:
            lines: list[Line] = []
            size = 0
            self._in_hand = 0
            for parcel in self._waiting:
                if lines and size + parcel.bytes > BATCH_BYTES:
                    break
                lines += parcel.lines
                size += parcel.bytes
                self._in_hand += 1
            return lines

    def _settle(self, taken: int) -> None:
        """Forget what the sink took."""
        with self._changed:
            for _ in range(self._in_hand):
                parcel = self._waiting.popleft()
                self._bytes -= parcel.bytes
                if parcel.done is not None:
                    parcel.done()
                if not parcel.foreign:
                    self._upto = parcel.upto
            self._done += self._in_hand
            self._in_hand = 0
            self._taken += taken

    def _answer(self) -> None:
        """Flush the sink for those whose lines it has by now."""
        with self._changed:
            due = [asked for asked in self._asked if asked.number <= self._done]
        if not due:
            return
        remaining = max(0.0, max(asked.deadline for asked in due) - time.monotonic())
        flushed = self._answered(lambda: self.sink.flush(remaining))
        with self._changed:
            self._asked = [asked for asked in self._asked if asked not in due]
            for asked in due:
                asked.answer = flushed
            self._changed.notify_all()

    def _answered(self, call: Callable[[], bool]) -> bool:
        """Ask the sink; a failure is a no, also that of an answer which is neither true nor false."""
        answers: list[bool] = []
        self._try(lambda: answers.append(bool(call())))
        return any(answers)

    def _try(self, call: Callable[[], object]) -> bool:
        """Call the sink; say whether it did not raise."""
        try:
            call()
        except BaseException as error:  # noqa: BLE001 - the border: a sink may be anybody's code
            self._failed(error)
            return False
        finally:
            self.asks = False
        return True

    def _failed(self, error: BaseException) -> None:
        reason = _reason(error)
        with self._changed:
            self._errors += 1
            first = not self._last_error
            self._last_error = reason
        self._count("sink_errors", 1)
        if first:
            self._say(f"sink {self.name} failed ({reason}); it is tried again")


def _reason(error: BaseException) -> str:
    """What a user is told of an exception: anybody's, which may hold what a terminal obeys, or fail to be told."""
    name = type(error).__name__
    try:
        text = f"{error}"
    except BaseException:  # noqa: BLE001 - the border: as in `_try`, whose thread must go on
        return f"{name}, which cannot be shown"
    return f"{name}: {clean(text)}" if text else name
