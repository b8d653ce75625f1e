"""Times that statistics are about, and what changed from an earlier one to a later one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from msgspec import Struct

from flightlog.records.traces import Figures

_HOUR_NS: Final = 3_600 * 10**9
_FEW_HOURS: Final = 6
"""Shorter times are not rounded to whole hours, which would change them by a sixth and more."""


class Period(Struct, frozen=True):
    """From one time on, before another; None is without a bound. Unix nanoseconds."""

    since: int | None = None
    until: int | None = None

    @property
    def seconds(self) -> float | None:
        """How long it is; None without both bounds."""
        if self.since is None or self.until is None:
            return None
        return max(0, self.until - self.since) / 1e9

    def earlier(self, ns: int) -> Period:
        """The same so much earlier."""
        return Period(
            None if self.since is None else self.since - ns, None if self.until is None else self.until - ns
        )

    @property
    def is_short(self) -> bool:
        """Whether whole hours are too coarse for it."""
        seconds = self.seconds
        return seconds is not None and seconds * 1e9 < _FEW_HOURS * _HOUR_NS

    def whole_hours(self) -> Period:
        """The same, beginning and ending with a whole hour, as near as it can be."""
        return Period(_nearest_hour(self.since), _nearest_hour(self.until))


def _nearest_hour(ns: int | None) -> int | None:
    return None if ns is None else (ns + _HOUR_NS // 2) // _HOUR_NS * _HOUR_NS


class Change(Struct, frozen=True):
    """One group in both times; None in the one in which it had no span."""

    before: Figures | None
    after: Figures | None

    @property
    def row(self) -> Figures:
        """The group as it was last."""
        found = self.after or self.before
        assert found is not None
        return found


def changes(before: Sequence[Figures], after: Sequence[Figures]) -> list[Change]:
    """Each group of either time, in the order of the later one; those that are gone come last."""
    known = {row.common(): row for row in before}
    found = [Change(known.pop(row.common(), None), row) for row in after]
    return found + [Change(row, None) for row in known.values()]


def relative(before: float | None, after: float | None) -> float | None:
    """By which share something grew: 0.5 is half more; None where either is unknown, or it began with nothing."""
    return None if before is None or after is None or not before else after / before - 1


def failing(row: Figures | None) -> float | None:
    """Which share of the spans failed."""
    return row.errors / row.spans if row is not None and row.spans else None
