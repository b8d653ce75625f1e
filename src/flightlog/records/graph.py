"""An execution graph: what a workflow may do, as it declares it, and what a run of it did, node by node.

The declaration stands in an attribute of the span that is the run (`flightlog.graph`), and each step names its node in
one of its own (`flightlog.graph.node`); which way was taken is told by events `branch`. All else is found out when
somebody asks (`analysis/graph.py`). Ids are the program's own words.
"""

from __future__ import annotations

from typing import Final, Literal

from msgspec import Struct, field

from flightlog.records.kinds import Status

MOST_NODES: Final = 1_000
MOST_EDGES: Final = 4_000
MOST_OCCURRENCES: Final = 100
"""Runs of one node that a snapshot holds one by one, the first half and the last; it counts all."""

Seen = Literal["not_seen"]
State = Status | Seen
"""Where a node stands: as its newest run does, or `running` while any of them is; `not_seen` before the first."""

Selection = Literal["unknown", "taken", "chosen", "rejected"]
"""What became of an edge: `chosen` or `rejected` by a `branch` event at least once (chosen counts), `taken` where
nothing was told and its target began after its origin, `unknown` otherwise."""


class GraphNode(Struct, frozen=True, omit_defaults=True):
    """Something that a workflow does."""

    id: str
    kind: str = "step"
    title: str = ""
    """For people; empty where the id says it."""
    description: str = ""


class GraphEdge(Struct, frozen=True, omit_defaults=True):
    """A way from one node to the next."""

    origin: str = field(name="from")
    target: str = field(name="to")
    label: str = ""
    id: str = ""
    """Empty where its two nodes are enough to name it."""


class Declaration(Struct, frozen=True, omit_defaults=True):
    """What a workflow may do."""

    name: str
    title: str = ""
    description: str = ""
    nodes: list[GraphNode] = []
    edges: list[GraphEdge] = []
    left_out: int = 0
    """Nodes and edges that were too many to be told."""


class Occurrence(Struct, frozen=True):
    """One run of a node."""

    number: int
    """From 1, in the order of the tree: a parent before its children, siblings by start."""
    span_id: str
    status: Status
    start: int
    """Unix nanoseconds."""
    end: int | None
    """Unix nanoseconds; None while it runs."""
    item: str | int | None
    error: str
    """What went wrong, type and message; empty for nothing."""


class NodeState(Struct):
    """A node and what became of it."""

    id: str
    kind: str
    title: str
    description: str
    is_declared: bool
    state: State = "not_seen"
    occurrences: int = 0
    by_status: dict[str, int] = {}
    """Status to how many of its runs have it."""
    start: int | None = None
    """Of the first run, Unix nanoseconds."""
    end: int | None = None
    """Of the last run that ended, Unix nanoseconds."""
    busy_ns: int = 0
    """Sum of what its runs took, as far as they have ended."""
    error: str = ""
    """Of the newest run that failed."""
    runs: list[Occurrence] = []


class EdgeState(Struct):
    """An edge and what became of it."""

    id: str
    origin: str = field(name="from")
    target: str = field(name="to")
    label: str
    is_declared: bool
    selection: Selection = "unknown"
    chosen: int = 0
    """How often it was chosen."""
    rejected: int = 0


class Child(Struct, frozen=True):
    """A run of another graph within one of this."""

    node: str
    """The node within which it ran; empty where it ran beside them."""
    occurrence: int
    """Which run of that node, from 1; 0 without a node."""
    graph_id: str
    name: str
    status: Status


class Snapshot(Struct):
    """A graph with what one run of it did."""

    graph_id: str
    """The id of the span that is the run; empty where none was recorded."""
    trace_id: str
    name: str
    title: str
    description: str
    state: State
    start: int | None
    end: int | None
    parent_graph_id: str
    """The run that it ran in; empty for none."""
    parent_node: str
    nodes: list[NodeState]
    """Those that were declared, in that order; then what ran besides, in the order in which it was met."""
    edges: list[EdgeState]
    children: list[Child]
    left_out: int = 0
    """Nodes and edges beyond the bounds, which are nowhere here."""
