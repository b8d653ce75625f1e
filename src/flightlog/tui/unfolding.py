"""Which spans of a tree have a line: those whose parents are all open.

A tree of any size is opened as far as a reader can follow; the rest is opened by hand. What was opened or closed by
hand stays so when the trace has grown. Nothing here recurses, and of a line no more is made than is needed to find it:
a hundred thousand of them are laid out at once.
"""

from __future__ import annotations

from collections import Counter
from typing import Final

from flightlog.analysis.tree import Node, Tree

MOST_OPENED: Final = 2_000
"""Lines that a tree has at most before somebody opens more, but for the children of its roots."""

GUIDED: Final = 8
"""Levels that are drawn with guides; the depth of deeper ones is told as a number."""

Row = tuple[Node, int, bool]
"""A line: its span, the number of its parent's line (-1 for a root), and whether it is the last of its siblings."""


class Unfolding:
    """The lines of a tree."""

    def __init__(self) -> None:
        self._by_hand: frozenset[str] = frozenset()
        """Ids of spans that are the other way round than their depth says."""
        self._depth = 0
        self.tree: Tree | None = None
        self.rows: list[Row] = []

    def show(self, tree: Tree) -> None:
        """Take a tree, or the same one as it has grown; may be done by another thread than the rest."""
        depth = self._depth if self.tree is not None else _followed(tree)
        while True:
            by_hand = self._by_hand
            rows = _laid(tree, depth, by_hand)
            self._depth, self.tree, self.rows = depth, tree, rows
            if by_hand is self._by_hand:  # else somebody opened or closed a span meanwhile
                return

    def node(self, number: int) -> Node:
        """The span on a line."""
        return self.rows[number][0]

    def parent(self, number: int) -> int:
        """The line of its parent; -1 for that of a root."""
        return self.rows[number][1]

    def is_open(self, number: int) -> bool:
        """Whether the children of the span on this line follow it; not where it has none."""
        return _is_open(self.rows[number][0], self._depth, self._by_hand)

    def turn(self, number: int, *, is_open: bool) -> bool:
        """Open or close the span on this line; False where nothing changes."""
        node = self.node(number)
        if not node.children or self.is_open(number) is is_open or self.tree is None:
            return False
        self._by_hand ^= {node.span_id}
        self.rows = _laid(self.tree, self._depth, self._by_hand)
        return True

    def number_of(self, span_id: str) -> int | None:
        """The line of a span; None where it has none."""
        return next((number for number, row in enumerate(self.rows) if row[0].span_id == span_id), None)

    def reveal(self, node: Node) -> int:
        """Open everything above a span; the number of its line."""
        closed = {
            above.span_id for above in self._above(node) if not _is_open(above, self._depth, self._by_hand)
        }
        if closed and self.tree is not None:
            self._by_hand ^= closed
            self.rows = _laid(self.tree, self._depth, self._by_hand)
        return next((number for number, row in enumerate(self.rows) if row[0] is node), 0)

    def path(self, number: int) -> list[Node]:
        """The spans from the root down to the one on this line."""
        path: list[Node] = []
        while number >= 0:
            path.append(self.node(number))
            number = self.parent(number)
        return path[::-1]

    def guides(self, number: int) -> str:
        """What stands before the span on this line."""
        node, parent, is_last = self.rows[number]
        sign = ("▾ " if self.is_open(number) else "▸ ") if node.children else ("─ " if parent >= 0 else "")
        if parent < 0:
            return sign
        branch = ("└" if is_last else "├") + sign
        if node.depth > GUIDED:
            return f"⋯{node.depth} {branch}"
        stems: list[str] = []
        while (above := self.rows[parent])[1] >= 0:
            stems.append("  " if above[2] else "│ ")
            parent = above[1]
        return "".join(reversed(stems)) + branch

    def _above(self, node: Node) -> list[Node]:
        """The spans from the root down to this one, which need not have a line; without itself."""
        path: list[Node] = []
        for each in self.tree.walk() if self.tree else ():
            del path[each.depth :]
            if each is node:
                break
            path.append(each)
        return path


def _is_open(node: Node, depth: int, by_hand: frozenset[str]) -> bool:
    return bool(node.children) and (node.depth < depth) is not (node.span_id in by_hand)


def _laid(tree: Tree, depth: int, by_hand: frozenset[str]) -> list[Row]:
    """The lines of a tree in their order."""
    rows: list[Row] = []
    pending: list[Row] = [(root, -1, False) for root in reversed(tree.roots)]
    while pending:
        row = pending.pop()
        node = row[0]
        if _is_open(node, depth, by_hand):
            number = len(rows)
            pending.append((node.children[-1], number, True))
            pending += [(child, number, False) for child in node.children[-2::-1]]
        rows.append(row)
    return rows


def _followed(tree: Tree) -> int:
    """How many levels are open at first: the roots', and as many more as make no more lines than can be followed."""
    levels = Counter(node.depth for node in tree.walk())
    total = levels[0] + levels[1]
    depth = 1
    while (more := levels[depth + 1]) and total + more <= MOST_OPENED:
        total += more
        depth += 1
    return depth
