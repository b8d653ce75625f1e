"""A trace as a row of moments, and a playhead that goes along it: what is played, and when; nothing is drawn here.

Times are the trace's own, in Unix nanoseconds. Between two moments that lie far apart the playhead hurries: a gap
takes no more than `LONGEST_GAP` seconds of those who watch.
"""

from __future__ import annotations

from bisect import bisect_right
from typing import Final, Literal

from msgspec import Struct

from flightlog.analysis.tree import Node, Tree, walk
from flightlog.records.event import Event

LONGEST_GAP: Final = 2.0
"""Seconds that a gap between two moments takes at most, however long it was."""
JUMPS: Final = 20
"""Jumps from the beginning to the end."""


class Moment(Struct, frozen=True, eq=False):
    """One point in time at which something happens."""

    time: int
    sort: Literal["opens", "closes", "happens"]
    node: Node
    """The span that opens or closes, or to which it happens."""
    event: Event | None = None


def moments(tree: Tree) -> list[Moment]:
    """Everything that happens in a trace, in order; of events those of level `trace` are left out.

    At one time spans close before others open, children before their parents; a span that took no time closes
    after it opened. One that never ended does not close.
    """
    found: list[tuple[int, int, int, Moment]] = []
    for number, node in enumerate(walk(tree)):
        begin, end = node.start, node.end
        found.append((begin, 1, number, Moment(begin, "opens", node)))
        for event in node.events:
            if event.level != "trace":
                when = max(begin, event.time)
                found.append((when, 2, number, Moment(when, "happens", node, event)))
        if end is not None:
            rank = 0 if end > begin else 3
            found.append((max(begin, end), rank, -number, Moment(max(begin, end), "closes", node)))
    return [moment for _, _, _, moment in sorted(found, key=lambda each: each[:3])]


class Playhead:
    """A place on the way from the first moment to the last, at which everything up to `at` has happened."""

    def __init__(self, row: list[Moment], speed: float = 1.0) -> None:
        self._row = row
        self._times = [moment.time for moment in row]
        self.speed = speed
        """Seconds of the trace a second of those who watch."""
        self.paused = False
        self.at = self._times[0] if row else 0
        """Unix nanoseconds."""
        self.passed = bisect_right(self._times, self.at)
        """Moments that are over."""

    @property
    def is_over(self) -> bool:
        """Whether everything has happened."""
        return self.passed == len(self._row)

    @property
    def last(self) -> Moment | None:
        """What happened last; None before anything has."""
        return self._row[self.passed - 1] if self.passed else None

    @property
    def haste(self) -> tuple[int, float] | None:
        """How long the gap is in which it hurries, in nanoseconds, and the seconds that this takes; else None."""
        if self.is_over or not self.passed:
            return None
        gap = self._times[self.passed] - self._times[self.passed - 1]
        return (gap, LONGEST_GAP) if gap / 1e9 / self.speed > LONGEST_GAP else None

    @property
    def seconds_to_next(self) -> float:
        """Seconds of those who watch until the next moment."""
        if self.is_over:
            return 0.0
        return (self._times[self.passed] - self.at) / 1e9 / self._pace()

    def _pace(self) -> float:
        haste = self.haste
        return self.speed if haste is None else haste[0] / 1e9 / LONGEST_GAP

    def advance(self, seconds: float) -> None:
        """Go on for so many seconds of those who watch."""
        left = seconds
        while left > 0 and not self.is_over:
            until = self.seconds_to_next
            if until > left:
                self.at += int(left * 1e9 * self._pace())
                return
            left -= until
            self._go(self._times[self.passed])

    def step(self) -> None:
        """Go to the next moment, and stay there."""
        self.paused = True
        if not self.is_over:
            self.at = self._times[self.passed]
            self.passed += 1

    def jump(self, by: int) -> None:
        """Go so many twentieths of the way on, or back; at least as far as something happens."""
        if not self._times:
            return
        first, final = self._times[0], self._times[-1]
        wanted = self.at + by * (final - first) // JUMPS
        if by > 0 and not self.is_over:
            wanted = max(wanted, self._times[self.passed])
        elif by < 0:
            before = [time for time in self._times[: self.passed] if time < self.at]
            wanted = min(wanted, before[-1] if before else first)
        self._go(min(max(first, wanted), final))

    def begin_at(self, time: int) -> None:
        """Go to this time."""
        self._go(time)

    def _go(self, time: int) -> None:
        self.at = time
        self.passed = bisect_right(self._times, time)
