"""The longest common subsequence of two sequences: which elements of both can stand beside each other in order.

Worked out on whole rows at once, as bits of one large number (Crochemore, Hyyrö), so that ten thousand elements on
either side take a fraction of a second.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Final

MOST_WORK: Final = 200_000_000
"""Elements of one side times those of the other; of more only the equal ends are found."""


def common(one: Sequence[Hashable], two: Sequence[Hashable]) -> list[tuple[int, int]]:
    """Positions of elements that are the same on both sides, rising on both; as many as there can be."""
    head, most = 0, min(len(one), len(two))
    while head < most and one[head] == two[head]:
        head += 1
    tail = 0
    while tail < most - head and one[-1 - tail] == two[-1 - tail]:
        tail += 1
    left, right = len(one) - tail, len(two) - tail
    inside = _inside(one[head:left], two[head:right])
    return [
        *((place, place) for place in range(head)),
        *((head + place, head + other) for place, other in inside),
        *((left + place, right + place) for place in range(tail)),
    ]


def _inside(one: Sequence[Hashable], two: Sequence[Hashable]) -> list[tuple[int, int]]:
    if not one or not two or len(one) * len(two) > MOST_WORK:
        return []
    where: dict[Hashable, int] = {}
    for place, element in enumerate(one):
        where[element] = where.get(element, 0) | 1 << place
    full = (1 << len(one)) - 1
    row = full
    rows = [row]
    for element in two:
        here = row & where.get(element, 0)
        row = ((row + here) | (row - here)) & full
        rows.append(row)
    return _traced(rows, len(one), len(two))


def _traced(rows: Sequence[int], one: int, two: int) -> list[tuple[int, int]]:
    """Back from the end: a bit that is set says that its element adds nothing up to that row."""
    found = []
    while one and two:
        if rows[two] >> (one - 1) & 1:
            one -= 1
            continue
        two -= 1
        if rows[two] >> (one - 1) & 1:
            one -= 1
            found.append((one, two))
    return found[::-1]
