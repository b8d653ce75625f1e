"""The output of a child process: passed on byte for byte, and each line kept as an event on the current span.

A thread for each stream reads, writes on to our own descriptor of the same number at once, and only then looks at
what it was. So the child waits for whoever reads our output, as it would if it had the descriptor itself, and for
nobody else; neither pipe can fill up while the other is read. If our reader goes away the child is told as always:
its pipe is closed, and it dies of SIGPIPE if it does not mind that.

Of a long output the first and the last lines are kept, and the rest is counted. A grandchild may hold a pipe open for
as long as it lives: what it writes later is passed on until we end ourselves, and not kept.
"""

from __future__ import annotations

import os
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from contextvars import copy_context
from typing import Final

from flightlog.core.engine import lose
from flightlog.core.memo import redacted
from flightlog.core.past_event import PastEvent, record_event
from flightlog.integrations.child_heard import Ear
from flightlog.integrations.child_lines import LINE_BYTES, Lines
from flightlog.integrations.child_meaning import Understanding
from flightlog.integrations.child_terminal import open_stream, pending
from flightlog.integrations.heard import VARIABLE, Digests, Mouth
from flightlog.integrations.threads import start_quietly

FIRST_LINES: Final = 1000
"""Lines of a child that are kept as they come."""
FIRST_CHARACTERS: Final = 1024 * 1024
"""Characters of those, at most."""
LAST_LINES: Final = 100
"""Of the rest, as many are kept at the end: a program says last why it fails."""
LEFT_OUT: Final = "flightlog.output.left_out"
LINES: Final = "flightlog.output.lines"
BYTES: Final = "flightlog.output.bytes"
CUT: Final = "flightlog.output.cut_bytes"

_PIECE: Final = 64 * 1024
_QUIET_SECONDS: Final = 0.1
"""After the child's death a stream that is silent for this long is taken to be at its end."""
_LINGER_SECONDS: Final = 2.0
"""The longest that somebody else who holds a pipe open is listened to."""
_STEP_SECONDS: Final = 0.01
_NAMES: Final = {1: "stdout", 2: "stderr"}


class Kept:
    """The lines of all streams of one child: how many there were, and which are kept."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._last: deque[PastEvent] = deque(maxlen=LAST_LINES)
        self._characters = 0
        self.is_over = False
        self.lines = self.bytes = self.left_out = 0

    def take(self, event: PastEvent | None, size: int) -> None:
        """Keep a line: now, or at the end if it is one of the last."""
        with self._lock:
            if self.is_over:
                return
            self.lines += 1
            if event is None:
                return
            self._characters += size
            if self.is_full:
                self.left_out += len(self._last) == LAST_LINES
                self._last.append(event)
                return
        record_event(event)

    @property
    def is_full(self) -> bool:
        """Whether only the last lines can still be kept."""
        return self.lines > FIRST_LINES or self._characters > FIRST_CHARACTERS

    def leave_out(self, lines: int) -> None:
        """Count lines that nobody looked at."""
        with self._lock:
            if not self.is_over:
                self.lines += lines
                self.left_out += lines

    def pass_over(self, lines: int) -> None:
        """Count lines that somebody else has."""
        with self._lock:
            self.lines += 0 if self.is_over else lines

    def count(self, size: int) -> None:
        """Count bytes that came."""
        with self._lock:
            self.bytes += 0 if self.is_over else size

    def finish(self) -> dict[str, object]:
        """Record the last lines; from now on nothing is kept. Gives what the span is to say of them."""
        with self._lock:
            self.is_over = True
            last = list(self._last)
            self._last.clear()
        for event in last:
            record_event(event)
        told: dict[str, object] = {LINES: self.lines, BYTES: self.bytes}
        return {**told, LEFT_OUT: self.left_out} if self.left_out else told


class Output:
    """Standard output and standard error of one child."""

    def __init__(self, is_recorded: Callable[[], bool], home: str, *, collect: bool = False) -> None:
        """Open what the child is to write into.

        Args:
            is_recorded: whether some other process records into our home as well.
            home: where the lines are recorded; empty where they are not.
            collect: keep all bytes for the caller and pass nothing on.
        """
        self._kept = Kept()
        self._started = time.time_ns()
        self._streams = [
            Stream(
                number, self._kept, Understanding(_NAMES[number], self._started, is_recorded), collect=collect
            )
            for number in _NAMES
        ]
        above = "" if collect else next((one.mouth.home for one in self._streams if one.mouth.home), "")
        self._ear = Ear(home or above, self.descriptors)
        for stream in self._streams:
            stream.share(self._ear, home)

    @property
    def offer(self) -> dict[str, str]:
        """What the child is to have in its environment, so that it can say what it records of its output."""
        return {VARIABLE: self._ear.offer} if self._ear.offer else {}

    @property
    def descriptors(self) -> tuple[int, int]:
        """What the child gets as its standard output and standard error."""
        return self._streams[0].theirs, self._streams[1].theirs

    def start(self) -> None:
        """Listen, once the child has its descriptors; in the context of whoever calls, whose span is current."""
        for stream in self._streams:
            stream.start()

    def abandon(self) -> None:
        """Close everything: there is no child."""
        self._ear.close()
        for stream in self._streams:
            stream.abandon()

    def finish(self) -> dict[str, object]:
        """Wait until everything has come that the child wrote; gives what the span is to say of it."""
        deadline = time.monotonic() + _LINGER_SECONDS
        for stream in self._streams:
            stream.wait(deadline)
        self._ear.close()
        return self._kept.finish()

    def collected(self) -> tuple[bytes, bytes]:
        """All bytes of the two streams, where they were to be collected."""
        return bytes(self._streams[0].collected), bytes(self._streams[1].collected)


class Stream:
    """One stream of a child, and the thread that listens to it."""

    def __init__(self, number: int, kept: Kept, understanding: Understanding, *, collect: bool) -> None:
        self._number = number
        self._kept = kept
        self._understanding = understanding
        self._collects = collect
        self.collected = bytearray()
        self._ours, self.theirs = open_stream(number, is_passed_on=not collect)
        self._heard = time.monotonic()
        self._received = self._passed = 0
        self._lines = Lines()
        self._below, self._above = Digests(), Digests()
        self.mouth = Mouth(number)
        self._ear: Ear | None = None
        self._home = ""
        self._thread: threading.Thread | None = None

    def share(self, ear: Ear, home: str) -> None:
        """Take who hears what is recorded below, and where we record ourselves."""
        self._ear = ear
        self._understanding.was_logged = ear.was_logged
        self._home = home

    def start(self) -> None:
        """Begin to listen, in a copy of the context that is current."""
        os.close(self.theirs)
        name = f"flightlog-{_NAMES[self._number]}"
        self._thread = threading.Thread(
            target=copy_context().run, args=(self._listen,), name=name, daemon=True
        )
        start_quietly(self._thread)

    def abandon(self) -> None:
        """Close both ends."""
        self.mouth.close()
        for descriptor in (self._ours, self.theirs):
            with suppress(OSError):
                os.close(descriptor)

    def wait(self, deadline: float) -> None:
        """Wait for the end of the stream, or until it is silent, or until the deadline."""
        thread = self._thread
        if thread is None:
            return
        written = self._received + pending(self._ours)
        while thread.is_alive() and self._passed < written:  # however slow our reader is, this is the child's
            thread.join(_STEP_SECONDS)
        self._heard = max(self._heard, time.monotonic())
        while thread.is_alive():
            now = time.monotonic()
            silent_from = self._heard + _QUIET_SECONDS
            if now >= min(deadline, silent_from):
                return
            thread.join(min(deadline, silent_from) - now)

    def _listen(self) -> None:
        try:
            while data := self._read():
                self._received += len(data)
                known = self._known(data)
                if not self._pass_on(data):
                    break
                self._keep(data, known)
                self._passed += len(data)
                self._heard = time.monotonic()
            self._keep_rest()
        finally:
            self.mouth.close()
            os.close(self._ours)

    def _known(self, data: bytes) -> list[bool]:
        """Which of the lines that end here are recorded below; those that we record, or they, are told of above."""
        try:
            below = [] if self._ear is None else self._ear.known(self._number, self._below, data)
            if self._collects or not self.mouth.home:
                return below
            if self._home == self.mouth.home and not self._kept.is_over:
                self.mouth.tell_all(self._above, data)
            else:
                digests = self._above.feed(data)
                self.mouth.tell([one for one, told in zip(digests, below, strict=False) if told])
        except Exception as failure:  # noqa: BLE001 - the border: the bytes must go on whatever we make of them
            lose(failure)
            return []
        return below

    def _read(self) -> bytes:
        try:
            return os.read(self._ours, _PIECE)
        except OSError:  # a terminal whose last user is gone
            return b""

    def _pass_on(self, data: bytes) -> bool:
        """Write to our own stream; False when nobody reads it any more."""
        if self._collects:
            self.collected += data
            return True
        rest = memoryview(data)
        while rest:
            try:
                rest = rest[os.write(self._number, rest) :]
            except BlockingIOError:
                wait_until_writable(self._number)
            except OSError:
                return False
        return True

    def _keep(self, data: bytes, known: Sequence[bool]) -> None:
        self._kept.count(len(data))
        try:
            if len(known) > 2 and all(known):
                data = self._without_known(data)
                known = ()
            elif any(known):
                for (text, cut), is_known in zip(self._lines.feed(data), known, strict=True):
                    self._tell(text, cut, is_known=is_known)
                return
            if self._kept.is_full:
                data = self._without_middle(data)
            for text, cut in self._lines.feed(data):
                self._tell(text, cut)
        except Exception as failure:  # noqa: BLE001 - the border: the bytes must go on whatever we make of them
            lose(failure)

    def _without_known(self, data: bytes) -> bytes:
        """Lines that are all recorded elsewhere are counted and not looked at."""
        first, last = data.index(b"\n") + 1, data.rindex(b"\n") + 1
        for text, cut in self._lines.feed(data[:first]):
            self._tell(text, cut, is_known=True)
        self._lines.skip(data[first:last])
        self._kept.pass_over(data.count(b"\n", first))
        return data[last:]

    def _without_middle(self, data: bytes) -> bytes:
        """Of many lines only the last ones can be kept: the others are counted and not looked at."""
        lines = data.count(b"\n")
        if lines <= 2 * LAST_LINES:
            return data
        first = data.index(b"\n") + 1
        for text, cut in self._lines.feed(data[:first]):
            self._tell(text, cut)
        last = len(data)
        for _ in range(LAST_LINES + 1):
            last = data.rindex(b"\n", 0, last)
        self._lines.skip(data[first : last + 1])
        self._kept.leave_out(lines - 1 - LAST_LINES)
        return data[last + 1 :]

    def _keep_rest(self) -> None:
        known = self._below.is_within and any(self._known(b"\n"))
        for text, cut in self._lines.end():
            self._tell(text, cut, is_known=known)

    def _tell(self, text: str, cut: int, *, is_known: bool = False) -> None:
        if not text:
            return
        if is_known:
            self._kept.take(None, 0)
            return
        if cut:
            text = redacted(text)[:LINE_BYTES]
        event = self._understanding.event(text, time.time_ns())
        if event is not None and cut:
            event.attributes = {**event.attributes, CUT: cut}
        self._kept.take(event, len(text))


def wait_until_writable(descriptor: int) -> None:
    """Wait for a descriptor that somebody made non-blocking."""
    import select  # only for such a descriptor

    select.select([], [descriptor], [], 1.0)
