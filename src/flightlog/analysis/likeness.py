"""Siblings that look alike: long runs of them say little one by one, so a reader gets a few and a sum.

Two nodes are alike when their names differ only in digits and their kinds, statuses, error types and marks
are the same, and so are, in turn, their children's, however often each kind of child is repeated. A failing
one is therefore never hidden among those that went well.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator, Sequence
from typing import Final

from msgspec import Struct

from flightlog.analysis.tree import Node, Tree, walk

Shape = int
"""A number that equal-looking nodes share, within one tree."""

SHOWN: Final = 2
"""How many of a kind are shown before the rest of their siblings is folded."""

FOLD_AT_LEAST: Final = 3
"""Fewer than this are not worth a fold."""

_DIGITS: Final = re.compile(r"\d+")


class Fold(Struct, frozen=True, eq=False):
    """Siblings that look like one that was shown before them."""

    nodes: tuple[Node, ...]
    """All of one shape, by start."""
    span_count: int
    """Spans in them, all that is below included."""
    durations: tuple[int, int, int] | None
    """Least, median and greatest duration in nanoseconds; None when none has ended."""


class Likeness:
    """The shapes of one tree's nodes, worked out once, from the leaves up."""

    def __init__(self, tree: Tree) -> None:
        self._shapes: dict[int, Shape] = {}
        self._sizes: dict[int, int] = {}
        known: dict[tuple[object, ...], Shape] = {}
        for node in reversed(list(walk(tree))):
            below = _without_repeats([self._shapes[id(child)] for child in node.children])
            self._shapes[id(node)] = known.setdefault((*_look(node), below), len(known))
            self._sizes[id(node)] = 1 + sum(self._sizes[id(child)] for child in node.children)

    def size(self, node: Node) -> int:
        """Spans in the subtree of this node, itself included."""
        return self._sizes[id(node)]

    def folded(self, siblings: Sequence[Node], breaks: Sequence[int] = ()) -> Iterator[Node | Fold]:
        """Give the siblings in order, long repetitions as folds.

        Interleaved repetitions (a, b, a, b, …) fold as well: one fold for each shape, where the first of
        them would have stood. No fold reaches over a break, so what is drawn there stands between what came
        before it and what came after.

        Args:
            siblings: by start.
            breaks: Unix nanoseconds, ascending: when something happened that is drawn between them.
        """
        pending = deque(breaks)
        seen: dict[Shape, int] = {}
        held: list[Node] = []
        for node in siblings:
            while pending and pending[0] <= node.record.start:
                pending.popleft()
                yield from self._released(held)
                held = []
            shape = self._shapes[id(node)]
            seen[shape] = seen.get(shape, 0) + 1
            if seen[shape] > SHOWN:
                held.append(node)
                continue
            yield from self._released(held)
            held = []
            yield node
        yield from self._released(held)

    def _released(self, held: Sequence[Node]) -> Iterator[Node | Fold]:
        by_shape: dict[Shape, list[Node]] = {}
        for node in held:
            by_shape.setdefault(self._shapes[id(node)], []).append(node)
        for alike in by_shape.values():
            if len(alike) < FOLD_AT_LEAST:
                yield from alike
            else:
                yield self._fold(alike)

    def _fold(self, alike: Sequence[Node]) -> Fold:
        known = sorted(d for d in (node.record.duration_ns for node in alike) if d is not None)
        spread = (known[0], known[len(known) // 2], known[-1]) if known else None
        return Fold(tuple(alike), sum(self._sizes[id(node)] for node in alike), spread)


def _look(node: Node) -> tuple[object, ...]:
    record = node.record
    fault = record.error.type if record.error else ""
    return _DIGITS.sub("#", record.name), record.kind, record.status, fault, node.marks


def _without_repeats(shapes: Sequence[Shape]) -> tuple[Shape, ...]:
    return tuple(dict.fromkeys(shapes))
