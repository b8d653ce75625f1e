"""What is slow: from which duration on a step or a trace is slowish, and from which on it is slow.

Slow is a meaning, computed when asked: the same record is slow for one reader and not for another. A limit that
names the step wins over one for its kind, that over the limit for everything.
"""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Final, Literal

from msgspec import Struct

Slowness = Literal["", "slowish", "slow"]
"""What a duration is called; empty for an ordinary one."""

_MS: Final = 1_000_000


class Pace(Struct, frozen=True):
    """The limits, in milliseconds; those by name or kind in the order in which they were given."""

    warn: float = 900.0
    limit: float = 1500.0
    warns: Mapping[str, float] = {}
    limits: Mapping[str, float] = {}

    def limit_ns(self, name: str, kind: str) -> int:
        """From how many nanoseconds on a step of this name and kind is slow."""
        return round(_chosen(self.limits, name, kind, self.limit) * _MS)

    def warn_ns(self, name: str, kind: str) -> int:
        """From how many nanoseconds on it is slowish: as much sooner than slow as it is for everything."""
        own = _chosen(self.limits, name, kind, self.limit)
        share = self.warn / self.limit if self.limit else 1.0
        return round(_chosen(self.warns, name, kind, own * min(1.0, share)) * _MS)

    def of(self, name: str, kind: str, duration_ns: int | None) -> Slowness:
        """What a duration is called for a step of this name and kind; nothing while it is not known."""
        if duration_ns is None:
            return ""
        if duration_ns >= self.limit_ns(name, kind):
            return "slow"
        return "slowish" if duration_ns >= self.warn_ns(name, kind) else ""


DEFAULT: Final = Pace()
"""The limits that hold when no setting says otherwise."""


def _chosen(rules: Mapping[str, float], name: str, kind: str, otherwise: float) -> float:
    if not rules:
        return otherwise
    if name in rules:
        return rules[name]
    patterns = (limit for word, limit in rules.items() if fnmatchcase(name, word))
    return next(patterns, rules.get(kind, otherwise))
