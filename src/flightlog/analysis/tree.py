"""The tree of a trace: which span belongs under which, whatever the links between them say.

Spans arrive as a flat list, written by several processes that may have died, whose clocks may disagree, and
whose ids may be anything. `build` gives every one of them exactly one place: what does not fit is kept where
a reader would look for it, marked on its node and counted on the tree. Nothing here recurses, so a chain of
100,000 spans is as good as a flat list.

Two spans with one id: the children belong to the earlier one. Parents that lead in a circle: the circle is
cut above its earliest span, which becomes a root.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, Literal

from msgspec import UNSET, Struct

from flightlog.analysis.waiting import waited_ns
from flightlog.records.attributes import AGAIN
from flightlog.records.event import Event
from flightlog.records.kinds import Status
from flightlog.records.span import Fault, Span

Mark = Literal[
    "backwards",
    "cycle",
    "duplicate",
    "orphan",
    "outside",
    "own_parent",
    "placeholder",
    "resumed_twice",
    "skewed",
]
"""What is odd about a span or its place in its trace; one word each, explained in `MARKS`."""

MARKS: Final[Mapping[Mark, str]] = {
    "backwards": "ends before it starts",
    "cycle": "its parents lead back to itself; cut above the earliest of them",
    "duplicate": "an earlier span of the trace has the same id",
    "orphan": "its parent is not in this trace",
    "outside": "runs outside its parent's time",
    "own_parent": "names itself as its parent",
    "placeholder": "stands for a parent that was never written",
    "resumed_twice": "went on in more places than it had been paused; the last one's end is shown",
    "skewed": "starts before its parent, in another process: their clocks disagree",
}

LEEWAY_NS: Final = 10_000_000
"""A span of another process may start this much before its parent, and end this much after it, without a word: the
clocks of two processes, and of two machines that keep theirs right (NTP), differ by less, and a server may still be
closing when its client has its answer."""

PLACEHOLDER: Final = "(not recorded)"
"""Name of the `interrupted` span that a store makes for a parent nobody wrote."""

_UNSEEN, _ON_PATH, _SETTLED = 0, 1, 2


class Node(Struct, eq=False):
    """One span in its place."""

    record: Span
    children: list[Node] = []
    """By start, then id."""
    events: list[Event] = []
    """By time, then id."""
    self_ns: int | None = None
    """Duration without the time in which a child ran and without what the span itself waited for somebody
    (`flightlog.waiting_ns`); never below 0, None while it is open."""
    depth: int = 0
    """0 for a root."""
    marks: tuple[Mark, ...] = ()

    @property
    def name(self) -> str:
        """What was done."""
        return self.record.name

    @property
    def kind(self) -> str:
        """What sort of work it was."""
        return self.record.kind

    @property
    def status(self) -> Status:
        """How it ended; `running` while it is open."""
        return self.record.status

    @property
    def trace_id(self) -> str:
        """The trace it belongs to."""
        return self.record.trace_id

    @property
    def span_id(self) -> str:
        """Its own id."""
        return self.record.span_id

    @property
    def start(self) -> int:
        """Unix nanoseconds."""
        return self.record.start

    @property
    def end(self) -> int | None:
        """Unix nanoseconds; None while it is open."""
        return self.record.end

    @property
    def duration_ns(self) -> int | None:
        """End minus start in nanoseconds; None while it is open."""
        return self.record.duration_ns

    @property
    def attributes(self) -> dict[str, Any]:
        """What else is known of it, by name."""
        return self.record.attributes

    @property
    def input(self) -> Any:
        """What it was given, as it was captured; None when nothing was."""
        return None if self.record.input is UNSET else self.record.input

    @property
    def output(self) -> Any:
        """What it gave back, as it was captured; None when nothing was."""
        return None if self.record.output is UNSET else self.record.output

    @property
    def error(self) -> Fault | None:
        """What went wrong; None when nothing did."""
        return self.record.error

    def walk(self) -> Iterator[Node]:
        """This node and every one below it, a parent before its children, siblings by start."""
        return _walk([self])

    def find(self, name: str) -> Node | None:
        """The first node of this name, here or below, in the order of `walk`; None when there is none."""
        return _first(self.walk(), name)

    def find_all(self, name: str) -> list[Node]:
        """Every node of this name, here or below, in the order of `walk`."""
        return [node for node in self.walk() if node.record.name == name]

    def __repr__(self) -> str:
        """Show the span, not the tree under it, which may be deeper than Python can print."""
        return f"Node({self.record.name!r}, id={self.record.span_id!r}, children={len(self.children)})"


class Tree(Struct, eq=False):
    """All spans of one trace, each exactly once."""

    roots: list[Node]
    """By start, then id: spans without a parent, and those whose parent cannot be used."""
    span_count: int
    start: int
    """Unix nanoseconds: the earliest time in the trace; 0 for an empty one."""
    end: int
    """Unix nanoseconds: the latest time in the trace, which is how far an open span is known to have run."""
    marks: dict[Mark, int]
    """How many spans carry each mark; only those that occur."""
    loose_events: list[Event] = []
    """Events of no span in this trace."""

    @property
    def root(self) -> Node:
        """The root that speaks for the trace: the earliest without a parent, else the earliest.

        Raises:
            LookupError: the trace has no span.
        """
        if not self.roots:
            raise LookupError("this trace has no span")
        return next((node for node in self.roots if not node.record.parent_id), self.roots[0])

    @property
    def trace_id(self) -> str:
        """The id of the trace."""
        return self.root.trace_id

    @property
    def name(self) -> str:
        """The name of its root."""
        return self.root.name

    @property
    def kind(self) -> str:
        """The kind of its root."""
        return self.root.kind

    @property
    def status(self) -> Status:
        """The status of its root."""
        return self.root.status

    @property
    def duration_ns(self) -> int | None:
        """From the earliest start to the latest end, in nanoseconds; None while nothing has ended."""
        ends = [node.end for node in self.walk() if node.end is not None]
        return max(ends) - min(node.start for node in self.walk()) if ends else None

    @property
    def attributes(self) -> dict[str, Any]:
        """The attributes of its root."""
        return self.root.attributes

    @property
    def input(self) -> Any:
        """What its root was given."""
        return self.root.input

    @property
    def output(self) -> Any:
        """What its root gave back."""
        return self.root.output

    @property
    def error(self) -> Fault | None:
        """What went wrong with its root."""
        return self.root.error

    @property
    def events(self) -> list[Event]:
        """The events of its root."""
        return self.root.events

    @property
    def children(self) -> list[Node]:
        """The children of its root; other roots stand in `roots`."""
        return self.root.children

    def walk(self) -> Iterator[Node]:
        """Every node, a parent before its children, siblings by start."""
        return _walk(self.roots)

    def find(self, name: str) -> Node | None:
        """The first node of this name in the order of `walk`; None when there is none."""
        return _first(self.walk(), name)

    def find_all(self, name: str) -> list[Node]:
        """Every node of this name in the order of `walk`."""
        return find(self, name)

    def __repr__(self) -> str:
        """Show the root, not the tree under it."""
        shown = f"{self.root.record.name!r}, " if self.roots else ""
        return f"Tree({shown}spans={self.span_count}, roots={len(self.roots)})"


def build(spans: Iterable[Span], events: Iterable[Event] = ()) -> Tree:
    """Arrange the spans of one trace as a tree, with its events beside them."""
    records = sorted(spans, key=lambda span: (span.start, span.span_id))
    points = sorted(events, key=lambda event: (event.time, event.event_id))
    nodes = [Node(record) for record in records]
    owners = _owners(nodes)
    parents = _parents(nodes, owners)
    _cut_cycles(parents, nodes)
    roots = _attach(parents, nodes)
    loose = _hang_events(points, nodes, owners)
    _set_depths(roots)
    for node in nodes:
        _measure(node)
        if node.events:
            _compare_resumptions(node)
    return Tree(
        roots=roots,
        span_count=len(nodes),
        start=min(_starts(records, points), default=0),
        end=max(_ends(records, points), default=0),
        marks=dict(sorted(Counter(mark for node in nodes for mark in node.marks).items())),
        loose_events=loose,
    )


def walk(tree: Tree) -> Iterator[Node]:
    """Every node, a parent before its children, siblings by start."""
    return _walk(tree.roots)


def find(tree: Tree, name: str) -> list[Node]:
    """Every node whose span has this name, in the order of `walk`."""
    return [node for node in walk(tree) if node.record.name == name]


def _walk(roots: Sequence[Node]) -> Iterator[Node]:
    pending = [*reversed(roots)]
    while pending:
        node = pending.pop()
        yield node
        pending.extend(reversed(node.children))


def _first(nodes: Iterable[Node], name: str) -> Node | None:
    return next((node for node in nodes if node.record.name == name), None)


def self_time(start: int, end: int, covered: Iterable[tuple[int, int]]) -> int:
    """Nanoseconds from `start` to `end` that no interval covers; these may overlap and stick out."""
    free = 0
    reached = start
    for begins, ends in sorted(covered):
        if ends <= begins:
            continue
        if begins > reached:
            free += max(0, min(begins, end) - reached)
        reached = max(reached, ends)
        if reached >= end:
            return free
    return free + max(0, end - reached)


def _owners(nodes: Sequence[Node]) -> dict[str, int]:
    """Position of the first node of each id; later ones are marked."""
    owners: dict[str, int] = {}
    for position, node in enumerate(nodes):
        if owners.setdefault(node.record.span_id, position) != position:
            _mark(node, "duplicate")
    return owners


def _parents(nodes: Sequence[Node], owners: Mapping[str, int]) -> list[int]:
    """Position of each node's parent, or -1 for a root."""
    parents = []
    for node in nodes:
        record = node.record
        if record.name == PLACEHOLDER and record.status == "interrupted":
            _mark(node, "placeholder")
        parent = owners.get(record.parent_id, -1) if record.parent_id else -1
        if record.parent_id and record.parent_id == record.span_id:
            _mark(node, "own_parent")
            parent = -1
        elif record.parent_id and parent < 0:
            _mark(node, "orphan")
        parents.append(parent)
    return parents


def _cut_cycles(parents: list[int], nodes: Sequence[Node]) -> None:
    """Make the earliest node of each circle a root."""
    state = bytearray(len(nodes))
    for position in range(len(nodes)):
        path = []
        at = position
        while at >= 0 and state[at] == _UNSEEN:
            state[at] = _ON_PATH
            path.append(at)
            at = parents[at]
        if at >= 0 and state[at] == _ON_PATH:
            earliest = min(path[path.index(at) :])
            parents[earliest] = -1
            _mark(nodes[earliest], "cycle")
        for seen in path:
            state[seen] = _SETTLED


def _attach(parents: Sequence[int], nodes: Sequence[Node]) -> list[Node]:
    """Put each node under its parent, in the order of the nodes; give the roots."""
    roots = []
    for node, parent in zip(nodes, parents, strict=True):
        if parent < 0:
            roots.append(node)
        else:
            nodes[parent].children.append(node)
            _compare_times(node, nodes[parent].record)
    return roots


def _compare_times(node: Node, parent: Span) -> None:
    record = node.record
    elsewhere = record.process_id != parent.process_id
    leeway = LEEWAY_NS if elsewhere else 0
    early = record.start < parent.start - leeway
    late = (
        parent.end is not None and (record.start if record.end is None else record.end) > parent.end + leeway
    )
    if early and elsewhere:
        _mark(node, "skewed")
    elif early or late:
        _mark(node, "outside")


def _hang_events(events: Iterable[Event], nodes: Sequence[Node], owners: Mapping[str, int]) -> list[Event]:
    """Put each event on its span; give those that have none."""
    loose: list[Event] = []
    for event in events:
        position = owners.get(event.span_id)
        (loose if position is None else nodes[position].events).append(event)
    return loose


def _set_depths(roots: Sequence[Node]) -> None:
    level: list[Node] = list(roots)
    depth = 0
    while level:
        for node in level:
            node.depth = depth
        level = [child for node in level for child in node.children]
        depth += 1


def _measure(node: Node) -> None:
    record = node.record
    if record.end is None:
        return
    if record.end < record.start:
        _mark(node, "backwards")
    covered = (
        (child.record.start, record.end if child.record.end is None else child.record.end)
        for child in node.children
    )
    node.self_ns = max(0, self_time(record.start, record.end, covered) - waited_ns(record))


def _compare_resumptions(node: Node) -> None:
    """Mark what two processes went on with. Going on again after a death needs no other pause (`again`)."""
    names = [event.name for event in node.events if not event.attributes.get(AGAIN)]
    if names.count("resume") > names.count("pause") > 0:
        _mark(node, "resumed_twice")


def _starts(spans: Iterable[Span], events: Iterable[Event]) -> Iterator[int]:
    yield from (span.start for span in spans)
    yield from (event.time for event in events)


def _ends(spans: Iterable[Span], events: Iterable[Event]) -> Iterator[int]:
    yield from (span.start if span.end is None else max(span.start, span.end) for span in spans)
    yield from (event.time for event in events)


def _mark(node: Node, mark: Mark) -> None:
    node.marks = (*node.marks, mark)
