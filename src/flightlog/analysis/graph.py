"""What became of a declared workflow: its graph with the steps of a run laid over it.

A run is a span that carries a declaration, a step one that names a node; a step belongs to the nearest run above it. A
snapshot is made from the tree alone, so making it twice, or of records that were delivered twice, gives the same. What
is undeclared but ran is shown all the same, marked so. Everything is bounded, whatever a trace claims.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Any, Final, TypeVar

from msgspec import Struct, ValidationError, convert

from flightlog.analysis.tree import Node
from flightlog.records.attributes import GRAPH, ITEM, NODE
from flightlog.records.event import Event
from flightlog.records.graph import (
    MOST_EDGES,
    MOST_NODES,
    MOST_OCCURRENCES,
    Child,
    Declaration,
    EdgeState,
    GraphEdge,
    GraphNode,
    NodeState,
    Occurrence,
    Snapshot,
    State,
)

BRANCH: Final = "branch"
_Part = TypeVar("_Part", GraphNode, GraphEdge)
_MOST_CHILDREN: Final = 1_000
_MOST_WAYS: Final = 100


class _Place(Struct, eq=False):
    """Where in the graphs a span stands."""

    run: _Run | None = None
    step: str = ""
    """The nearest step of that run, if it stands in one."""
    number: int = 0


def graphs(roots: Iterable[Node]) -> list[Snapshot]:
    """Every run of a declared graph at or below these nodes, outer ones first, then by start."""
    found: list[_Run] = []
    pending = [(node, _Place()) for node in reversed(list(roots))]
    while pending:
        node, place = pending.pop()
        inner = _entered(node, place, found)
        pending.extend((child, inner) for child in reversed(node.children))
    return [run.snapshot() for run in found]


def newest(branch: object, declaration: Mapping[str, Any]) -> Snapshot:
    """The outermost graph at or below a span that was read back; the declaration alone where nothing was recorded."""
    found = graphs([branch]) if isinstance(branch, Node) and branch.trace_id else []
    return (
        found[0]
        if found
        else _Run(declared({GRAPH: declaration}) or Declaration(""), None, _Place()).snapshot()
    )


def declared(attributes: Mapping[str, Any]) -> Declaration | None:
    """The declaration that a span carries, without those of its nodes and edges that are none; None for no name."""
    value = attributes.get(GRAPH)
    if not isinstance(value, Mapping) or not isinstance(name := value.get("name"), str) or not name:
        return None
    title, description, left_out = (value.get(key) for key in ("title", "description", "left_out"))
    return Declaration(
        name,
        title if isinstance(title, str) else "",
        description if isinstance(description, str) else "",
        list(_read(value.get("nodes"), GraphNode)),
        list(_read(value.get("edges"), GraphEdge)),
        left_out if isinstance(left_out, int) and left_out > 0 else 0,
    )


def _read(values: object, kind: type[_Part]) -> Iterator[_Part]:
    for value in values if isinstance(values, list) else ():
        with suppress(ValidationError):
            yield convert(value, kind)


def _entered(node: Node, place: _Place, found: list[_Run]) -> _Place:
    """Take one span in; give the place of what is below it."""
    here = place
    step = node.attributes.get(NODE)
    if place.run is not None and isinstance(step, str) and step:
        here = _Place(place.run, step, place.run.ran(step, node))
    declaration = declared(node.attributes)
    if declaration is not None:
        run = _Run(declaration, node, here)
        found.append(run)
        if here.run is not None:
            here.run.has_child(Child(here.step, here.number, node.span_id, declaration.name, node.status))
        here = _Place(run)
    if here.run is not None:
        for event in node.events:
            if event.name == BRANCH:
                here.run.branched(event, here.step)
    return here


class _Run:
    """One run while it is put together."""

    def __init__(self, declaration: Declaration, node: Node | None, place: _Place) -> None:
        self._declaration, self._node, self._place = declaration, node, place
        self._nodes: dict[str, NodeState] = {}
        self._edges: dict[tuple[str, str], EdgeState] = {}
        self._children: list[Child] = []
        self._ends: dict[str, int] = {}
        """Node to when a run of it first ended."""
        self._left_out = declaration.left_out
        for one in declaration.nodes:
            self._node_of(one, is_declared=True)
        for edge in declaration.edges:
            self._edge_of(edge, is_declared=True)

    @property
    def graph_id(self) -> str:
        return self._node.span_id if self._node else ""

    def ran(self, name: str, node: Node) -> int:
        """Count a run of a node; which one it is, from 1."""
        state = self._node_of(GraphNode(name, node.kind), is_declared=False)
        if state is None:
            return 0
        state.occurrences += 1
        state.by_status[node.status] = state.by_status.get(node.status, 0) + 1
        state.start = node.start if state.start is None else min(state.start, node.start)
        if node.end is not None:
            state.end = node.end if state.end is None else max(state.end, node.end)
            state.busy_ns += max(0, node.duration_ns or 0)
            self._ends[name] = min(node.end, self._ends.get(name, node.end))
        if node.status == "error":
            state.error = _told(node)
        state.runs.append(_occurrence(state.occurrences, node))
        if len(state.runs) > MOST_OCCURRENCES:
            del state.runs[MOST_OCCURRENCES // 2]
        return state.occurrences

    def branched(self, event: Event, step: str) -> None:
        """Take in which ways were chosen and which not."""
        named, told = event.attributes.get("node"), event.attributes.get("rejected")
        origin = named if isinstance(named, str) and named else step
        chosen = [edge for way in _ways(event.attributes.get("chosen")) if (edge := self._way(origin, way))]
        for edge in chosen:
            edge.chosen += 1
        if told is not None:
            rejected = [edge for way in _ways(told) if (edge := self._way(origin, way))]
        else:
            origins = {edge.origin for edge in chosen}
            rejected = [one for one in self._edges.values() if one.origin in origins and one not in chosen]
        for edge in rejected:
            edge.rejected += 1

    def has_child(self, child: Child) -> None:
        """Note a run of another graph within this one."""
        if len(self._children) < _MOST_CHILDREN:
            self._children.append(child)
        else:
            self._left_out += 1

    def snapshot(self) -> Snapshot:
        """What is known of it."""
        for state in self._nodes.values():
            state.state = _state(state)
        told = {edge.origin for edge in self._edges.values() if edge.chosen or edge.rejected}
        for edge in self._edges.values():
            self._select(edge, is_told=edge.origin in told)
        node, declaration = self._node, self._declaration
        return Snapshot(
            self.graph_id,
            node.trace_id if node else "",
            declaration.name,
            declaration.title,
            declaration.description,
            node.status if node else "not_seen",
            node.start if node else None,
            node.end if node else None,
            self._place.run.graph_id if self._place.run else "",
            self._place.step,
            list(self._nodes.values()),
            list(self._edges.values()),
            self._children,
            self._left_out,
        )

    def _node_of(self, node: GraphNode, *, is_declared: bool) -> NodeState | None:
        found = self._nodes.get(node.id)
        if found is None:
            if len(self._nodes) >= MOST_NODES:
                self._left_out += 1
                return None
            found = NodeState(node.id, node.kind, node.title, node.description, is_declared)
            self._nodes[node.id] = found
        return found

    def _edge_of(self, edge: GraphEdge, *, is_declared: bool) -> EdgeState | None:
        key = (edge.origin, edge.target)
        found = self._edges.get(key)
        if found is None:
            if len(self._edges) >= MOST_EDGES:
                self._left_out += 1
                return None
            found = EdgeState(edge.id or _arrow(*key), edge.origin, edge.target, edge.label, is_declared)
            self._edges[key] = found
        return found

    def _way(self, origin: str, way: str) -> EdgeState | None:
        """The edge from a node that somebody calls by its id, its target or its label; made where there is none."""
        leaving = [edge for edge in self._edges.values() if not origin or edge.origin == origin]
        for names in (_ids, _targets, _labels):
            if found := [edge for edge in leaving if names(edge) == way]:
                return found[0]
        if not origin:
            return None
        return self._edge_of(GraphEdge(origin, way), is_declared=False)

    def _select(self, edge: EdgeState, *, is_told: bool) -> None:
        if edge.chosen:
            edge.selection = "chosen"
        elif edge.rejected:
            edge.selection = "rejected"
        elif not is_told and edge.origin in self._ends and edge.target in self._nodes:
            starts = [run.start for run in self._nodes[edge.target].runs]
            if starts and max(starts) >= self._ends[edge.origin]:
                edge.selection = "taken"


def _arrow(origin: str, target: str) -> str:
    return f"{origin} -> {target}"


def _ids(edge: EdgeState) -> str:
    return edge.id


def _targets(edge: EdgeState) -> str:
    return edge.target


def _labels(edge: EdgeState) -> str:
    return edge.label


def _ways(value: object) -> Iterator[str]:
    named = value if isinstance(value, list) else [value]
    yield from (one for one in named[:_MOST_WAYS] if isinstance(one, str) and one)


def _state(node: NodeState) -> State:
    if not node.runs:
        return "not_seen"
    open_ones = [one for one in ("running", "paused") if node.by_status.get(one)]
    if open_ones:
        return "running" if open_ones[0] == "running" else "paused"
    return max(node.runs, key=lambda run: (run.start, run.number)).status


def _occurrence(number: int, node: Node) -> Occurrence:
    item = node.attributes.get(ITEM)
    is_plain = isinstance(item, str) or (isinstance(item, int) and not isinstance(item, bool))
    return Occurrence(
        number,
        node.span_id,
        node.status,
        node.start,
        node.end,
        item if is_plain else None,
        _told(node),
    )


def _told(node: Node) -> str:
    error = node.error
    return ": ".join(filter(None, (error.type, error.message))) if error else ""
