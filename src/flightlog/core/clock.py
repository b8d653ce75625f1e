"""Wall time that never runs backwards inside a span.

A span's start is the monotonic clock plus an anchor to the wall clock; its end is its start plus monotonic
time. The anchor is compared with the wall clock about once a second and moved when the two have drifted apart
by more than 5 ms: a laptop that slept (CLOCK_MONOTONIC does not count sleep), an administrator, NTP. Spans that
are open keep the anchor they started with, so no duration is ever wrong.
"""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic_ns, time_ns
from typing import Final

CHECK_NS: Final = 1_000_000_000
"""How long an anchor is trusted without looking, in monotonic nanoseconds."""

DRIFT_NS: Final = 5_000_000
"""How far wall and anchored clock may be apart before new spans get a new anchor."""


_NO_MEMBERS: Final[tuple[str, ...]] = ()
"""The members are those of the class that is made of it: Python's, or numbers that C reads."""


class Anchored:
    """An anchor between the monotonic and the wall clock.

    The hot path reads `offset` and `due` itself: `now = monotonic(); if now >= clock.due: clock.check(now)`.
    Two threads may check at once; both compute the same answer.
    """

    __slots__ = _NO_MEMBERS
    _monotonic: Callable[[], int]
    _wall: Callable[[], int]
    due: int
    offset: int

    def __init__(
        self,
        monotonic: Callable[[], int] = monotonic_ns,
        wall: Callable[[], int] = time_ns,
    ) -> None:
        self._monotonic = monotonic
        self._wall = wall
        now = monotonic()
        self.offset = wall() - now
        """Unix nanoseconds minus monotonic nanoseconds."""
        self.due = now + CHECK_NS
        """Monotonic time from which on `check` should be called."""

    def check(self, now: int) -> None:
        """Look at the wall clock and move the anchor if it has drifted."""
        offset = self._wall() - self._monotonic()
        if abs(offset - self.offset) > DRIFT_NS:
            self.offset = offset
        self.due = now + CHECK_NS

    def wall_ns(self) -> int:
        """Unix nanoseconds now, by the anchor."""
        now = self._monotonic()
        if now >= self.due:
            self.check(now)
        return now + self.offset


class Clock(Anchored):
    """The anchor whose two numbers are Python's; the compiled engine keeps them where C can read them."""

    __slots__ = ("_monotonic", "_wall", "due", "offset")
