"""One sink to several: each gets every line, and one that fails fails alone.

`configure(sinks=[…])` takes several sinks by itself, and gives each branch of a tee a thread of its own. A tee
by itself is for a program that hands a single sink on: what a branch could not take waits for its next try.
"""

from __future__ import annotations

import time
from collections import deque
from typing import Final

from flightlog.records.line import Line
from flightlog.sinks.port import Batch, Forkable, Sink

MOST_WAITING: Final = 10_000
"""Lines that wait for a branch that fails; older ones go, counted."""


class Tee:
    """Hands each batch to several sinks."""

    def __init__(self, *sinks: Sink) -> None:
        """Prepare.

        Raises:
            ValueError: no sink is given.
        """
        if not sinks:
            raise ValueError("a tee needs at least one sink")
        self.sinks = sinks
        self._branches = [_Branch(sink) for sink in sinks]

    @property
    def errors(self) -> list[int]:
        """How often each sink failed, in the order given."""
        return [branch.errors for branch in self._branches]

    @property
    def missed(self) -> list[int]:
        """How many lines each sink will never get, in the order given."""
        return [branch.missed for branch in self._branches]

    def append(self, batch: Batch, /) -> None:
        """Hand the lines to each sink; those that fail get them again with the next batch."""
        for branch in self._branches:
            branch.append(batch)

    def flush(self, timeout: float, /) -> bool:
        """Flush each sink with what is left of the time; say whether all of them did."""
        deadline = time.monotonic() + timeout
        flushed = [branch.flush(max(0.0, deadline - time.monotonic())) for branch in self._branches]
        return all(flushed)

    def close(self) -> None:
        """Close each sink."""
        for branch in self._branches:
            branch.close()

    def forked(self) -> None:
        """Keep the sinks that know how to live in a child."""
        self._branches = [_Branch(sink) for sink in self.sinks if isinstance(sink, Forkable)]
        for branch in self._branches:
            branch.forked()


class _Branch:
    """One sink of a tee, with what waits for it."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._waiting: deque[Line] = deque()
        self.errors = 0
        self.missed = 0

    def append(self, batch: Batch) -> None:
        self._waiting.extend(batch)
        self._push()
        while len(self._waiting) > MOST_WAITING:
            self._waiting.popleft()
            self.missed += 1

    def flush(self, timeout: float) -> bool:
        self._push()
        if self._waiting:
            return False
        try:
            return self._sink.flush(timeout)
        except Exception:  # noqa: BLE001 - the border: a sink may be anybody's code
            self.errors += 1
            return False

    def close(self) -> None:
        self._push()
        try:
            self._sink.close()
        except Exception:  # noqa: BLE001 - the border, as above
            self.errors += 1

    def forked(self) -> None:
        if isinstance(self._sink, Forkable):
            self._sink.forked()

    def _push(self) -> None:
        """Try to hand over all that waits."""
        if not self._waiting:
            return
        try:
            self._sink.append(list(self._waiting))
        except Exception:  # noqa: BLE001 - the border, as above
            self.errors += 1
        else:
            self._waiting.clear()
