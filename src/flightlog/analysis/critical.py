"""The critical path of a trace: the one chain of work that its duration is made of.

Walked from the end back to the beginning: what ran last, before that what had to be over first, and so on, down
into each child. Every moment from the trace's start to its end belongs to exactly one stretch, so the stretches add
up to the duration, and making anything that is on none of them faster makes nothing faster. Nothing here recurses.

Of children that ran side by side the one that ended last before its successor began is on the path; where none had
ended and others ran, the one of these that began first. A time in which a span itself ran and no child of it is
its own. Between two roots nothing was recorded.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from heapq import heappop, heappush

from msgspec import Struct

from flightlog.analysis.tree import Node, Tree
from flightlog.analysis.waiting import waited_ns


class Stretch(Struct, frozen=True, eq=False):
    """A time in which one span held everything up."""

    node: Node | None
    """Whose own time it is; None where nothing was recorded."""
    start: int
    """Unix nanoseconds."""
    end: int

    @property
    def ns(self) -> int:
        """How long it lasted, in nanoseconds."""
        return self.end - self.start


class Share(Struct, frozen=True, eq=False):
    """What one span has of the critical path."""

    node: Node
    ns: int
    """Its own stretches together, in nanoseconds."""
    waited_ns: int
    """How much of that it waited for somebody (`pause`, `resume`)."""

    @property
    def worked_ns(self) -> int:
        """The rest of it."""
        return self.ns - self.waited_ns


class Path(Struct, frozen=True, eq=False):
    """The critical path."""

    stretches: Sequence[Stretch]
    """By time, without gaps between them."""
    shares: Sequence[Share]
    """One for each span that is on it, greatest first."""
    ns: int
    """From its beginning to its end, in nanoseconds."""

    @property
    def waited_ns(self) -> int:
        """How long somebody was waited for."""
        return sum(share.waited_ns for share in self.shares)

    @property
    def unrecorded_ns(self) -> int:
        """How long no span ran at all."""
        return sum(stretch.ns for stretch in self.stretches if stretch.node is None)

    @property
    def worked_ns(self) -> int:
        """What is neither waiting nor unrecorded."""
        return self.ns - self.waited_ns - self.unrecorded_ns


def critical_path(tree: Tree) -> Path:
    """The path of a whole trace; what has not ended counts up to the latest time that is known."""
    begin = min((root.start for root in tree.roots), default=0)
    end = max((_end(node, tree.end) for node in tree.roots), default=0)
    stretches = list(_walked(tree, begin, end))[::-1]
    return Path(stretches, _shares(stretches), sum(stretch.ns for stretch in stretches))


class _Frame:
    """A span on the way down: what is left of its time, and its children that may still be on the path."""

    __slots__ = ("_ended", "_last", "_running", "begin", "node", "reached")

    def __init__(
        self, node: Node | None, children: Sequence[Node], begin: int, reached: int, last: int
    ) -> None:
        self.node = node
        self.begin = begin
        self.reached = reached
        self._last = last
        self._ended = sorted(children, key=lambda child: _end(child, last))
        self._running: list[tuple[int, int, Node]] = []

    def before(self) -> tuple[Node, int] | None:
        """The child that what was reached had to wait for, and up to when; None when there is none."""
        while self._ended and _end(self._ended[-1], self._last) > self.reached:
            child = self._ended.pop()
            heappush(self._running, (child.start, len(self._ended), child))
        ended = self._ended[-1] if self._ended else None
        running = self._running[0][2] if self._running else None
        if running is not None and running.start >= self.reached:
            running = None
        if ended is not None and (running is None or _end(ended, self._last) > running.start):
            self._ended.pop()
            return ended, _end(ended, self._last)
        if running is not None:
            heappop(self._running)
            return running, self.reached
        return None


def _walked(tree: Tree, begin: int, end: int) -> Iterator[Stretch]:
    """The stretches, the latest first."""
    path = [_Frame(None, tree.roots, begin, end, tree.end)]
    while path:
        here = path[-1]
        found = here.before() if here.reached > here.begin else None
        if found is None:
            if here.reached > here.begin:
                yield Stretch(here.node, here.begin, here.reached)
            path.pop()
            continue
        child, until = found
        since = max(child.start, here.begin)
        until = max(until, here.begin)
        if until < here.reached:
            yield Stretch(here.node, until, here.reached)
        here.reached = min(since, until)
        if until > since:
            path.append(_Frame(child, child.children, since, until, tree.end))


def _end(node: Node, last: int) -> int:
    return max(node.start, last if node.end is None else node.end)


def _shares(stretches: Iterable[Stretch]) -> list[Share]:
    sums: dict[int, list[Stretch]] = {}
    for stretch in stretches:
        if stretch.node is not None:
            sums.setdefault(id(stretch.node), []).append(stretch)
    shares = [_share(some) for some in sums.values()]
    return sorted(shares, key=lambda share: -share.ns)


def _share(some: Sequence[Stretch]) -> Share:
    node = some[0].node
    assert node is not None
    total = sum(stretch.ns for stretch in some)
    return Share(node, total, min(total, waited_ns(node.record)))
