"""Whether two sets of numbers differ by more than chance: Mann and Whitney's test, and Fisher's for shares.

Mann and Whitney compare every number of one set with every number of the other, so no shape of the distribution is
assumed and one outlier decides nothing. Small sets without ties are counted out exactly, others by the normal
approximation with corrections for ties and continuity. Of several measures at once p is Holm's.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from math import comb, erfc, sqrt
from typing import Final

LEVEL: Final = 0.05
"""A difference is significant where chance alone would make one as large less often than this."""

MOST_EXACT: Final = 400
"""Numbers of one set times numbers of the other up to which every order is counted."""

MOST_FISHER: Final = 2_000
"""Of more traces than these, shares are compared by the normal approximation."""


def mann_whitney(one: Sequence[float], two: Sequence[float]) -> float:
    """How often chance alone would make two sets differ as much, from 0 to 1, to either side; 1 where one is empty."""
    if not one or not two:
        return 1.0
    counts = Counter([*one, *two])
    below, ranks = 0, {}
    for value in sorted(counts):
        ranks[value] = below + (counts[value] + 1) / 2
        below += counts[value]
    size = len(one) * len(two)
    wins = sum(ranks[value] for value in one) - len(one) * (len(one) + 1) / 2
    if size <= MOST_EXACT and len(counts) == len(one) + len(two):
        return _exact(len(one), len(two), round(min(wins, size - wins)))
    total = len(one) + len(two)
    ties = sum(n**3 - n for n in counts.values()) / (total * (total - 1))
    spread = sqrt(size / 12 * (total + 1 - ties))
    if not spread:
        return 1.0
    far = max(0.0, abs(wins - size / 2) - 0.5) / spread
    return min(1.0, erfc(far / sqrt(2)))


def surest(one: int, two: int) -> float:
    """The least p that sets of these sizes can come to: every number of one is beyond every number of the other."""
    return 2 / comb(one + two, one) if one and two else 1.0


def _exact(one: int, two: int, wins: int) -> float:
    """The share of all orders with no more wins than these, for both sides together."""
    most = one * two
    ways = [1, *[0] * most]
    for size in range(1, one + 1):  # Gauss's binomial coefficient: its factors one after the other
        for total in range(most, two + size - 1, -1):
            ways[total] -= ways[total - two - size]
        for total in range(size, most + 1):
            ways[total] += ways[total - size]
    return min(1.0, 2 * sum(ways[: wins + 1]) / comb(one + two, one))


def fisher(hits: int, of: int, other_hits: int, other_of: int) -> float:
    """How often chance alone would make two shares differ as much: `hits` of `of`, `other_hits` of `other_of`."""
    if not of or not other_of:
        return 1.0
    total, all_hits = of + other_of, hits + other_hits
    if total > MOST_FISHER:
        shared = all_hits / total
        spread = sqrt(shared * (1 - shared) * (1 / of + 1 / other_of))
        return erfc(abs(hits / of - other_hits / other_of) / spread / sqrt(2)) if spread else 1.0
    least, most = max(0, all_hits - other_of), min(of, all_hits)
    ways = [comb(of, at) * comb(other_of, all_hits - at) for at in range(least, most + 1)]
    here = ways[hits - least]
    return min(1.0, sum(way for way in ways if way <= here) / comb(total, all_hits))


def adjusted(found: Mapping[str, float]) -> dict[str, float]:
    """Holm's correction: looking at many measures, one of them differs by chance sooner or later."""
    result: dict[str, float] = {}
    least = 0.0
    for place, name in enumerate(sorted(found, key=lambda each: found[each])):
        least = max(least, min(1.0, found[name] * (len(found) - place)))
        result[name] = least
    return {name: result[name] for name in found}


def middle(values: Sequence[float]) -> float | None:
    """The median; None of nothing."""
    if not values:
        return None
    ordered = sorted(values)
    half = len(ordered) // 2
    return ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) / 2
