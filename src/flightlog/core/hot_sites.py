"""What a call site leaves out: one of so many, or no more than so many a second, and how many those were.

A site is an instruction of a code object. Sites are remembered within bounds; beyond them all begin anew, each with
a call that is recorded. Counts are single statements on one object, which no other thread comes in between under
CPython's interpreter lock.
"""

from __future__ import annotations

import os
from sys import version_info
from time import monotonic_ns
from types import CodeType, FrameType
from typing import TYPE_CHECKING, Final

from flightlog._speed.presence import ENGINE

MOST_SITES: Final = 8_192

_NO_MEMBERS: Final[tuple[str, ...]] = ()
"""The numbers are those of the class that is made of it: Python's, or those that C counts with."""


_MOST_RATE: Final = 1e9
"""A second, up to which a float says the same as any number."""


def are_plain(every: object, per_second: object) -> bool:
    """Whether these are numbers with which C counts as this does."""
    is_rate = isinstance(per_second, float) or type(per_second) is int
    return type(every) is int and is_rate and -_MOST_RATE <= per_second <= _MOST_RATE  # type: ignore[operator]  # a number


class Calling:
    """One place that calls, and what it has left out since it last recorded."""

    __slots__ = _NO_MEMBERS
    seen: int
    left: int
    _room: float
    _due: int

    def __init__(self, code: CodeType | None = None) -> None:
        self.code = code
        """Held, so that its identity belongs to nobody else."""
        self.seen = 0
        self.left = 0
        self._room = -1.0
        self._due = 0

    def admits(self, every: int, per_second: float) -> bool:
        """Whether its next call is recorded; counts it if it is not.

        Args:
            every: the first of so many calls is; 1 and less means each.
            per_second: at most so many a second, after a burst of as many; 0 for no limit.
        """
        seen = self.seen
        self.seen = seen + 1
        if (every > 1 and seen % every) or (per_second > 0 and not self.has_room(per_second)):
            self.leave_out()
            return False
        return True

    def has_room(self, per_second: float) -> bool:
        """Whether one more fits under this rate; takes its room if it does."""
        now = monotonic_ns()
        most = max(1.0, per_second)
        room = most if self._room < 0 else min(most, self._room + (now - self._due) * per_second / 1e9)
        self._due = now
        self._room = room - 1.0 if room >= 1.0 else room
        return room >= 1.0

    def leave_out(self) -> None:
        """Count a call that is not recorded."""
        self.left += 1
        tally.left_out += 1

    def taken(self) -> int:
        """How many were left out since this was last asked."""
        left, self.left = self.left, 0
        return left


if TYPE_CHECKING or ENGINE is None:

    class Site(Calling):
        """The site whose numbers are Python's."""

        __slots__ = ("_due", "_room", "code", "left", "seen")

else:

    class Site(ENGINE.Site, Calling):
        """The site whose numbers C counts with."""

        __slots__ = ("code",)


class Counting:
    """What all sites of this process have left out and no counter tells of yet."""

    __slots__ = _NO_MEMBERS
    left_out: int

    def __init__(self) -> None:
        self.left_out = 0

    def taken(self) -> int:
        """How many were left out since this was last asked."""
        left_out, self.left_out = self.left_out, 0
        return left_out


if TYPE_CHECKING or ENGINE is None:

    class Tally(Counting):
        """The tally whose number is Python's."""

        __slots__ = ("left_out",)

else:

    class Tally(ENGINE.Tally, Counting):
        """The tally whose number C counts with."""

        __slots__ = ()


tally: Final = Tally()
"""The one of this process."""

os.register_at_fork(after_in_child=tally.taken)  # what the parent left out, the parent counts

_sites: Final[dict[tuple[int, int], Site]] = {}


_PRECALL: Final = 4 if version_info < (3, 12) else 0
"""Bytes by which a frame that calls a function in C may stand before its CALL instruction, once Python 3.11 knows the
function; no two calls are so close."""


def site_at(frame: FrameType) -> Site:
    """The site at which a frame stands."""
    code = frame.f_code
    key = (id(code), frame.f_lasti)
    site = _sites.get(key)
    if ENGINE is not None and (site is None or site.code is not code) and _PRECALL:
        site = _sites.get((key[0], key[1] + _PRECALL)) or _sites.get((key[0], key[1] - _PRECALL))
    if site is None or site.code is not code:
        if len(_sites) >= MOST_SITES:
            _sites.clear()
            if ENGINE is not None:
                ENGINE.forget_sites()
        site = _sites[key] = Site(code)
    return site
