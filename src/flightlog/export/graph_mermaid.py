"""Execution graphs as a Mermaid flowchart: a frame for each run, a box for each node, an arrow for each edge.

Texts are escaped and ids are numbers of our own, as in `mermaid.py`. A way that was chosen or taken is a thick arrow,
one that was rejected a dotted one; a node is coloured by its state, and says it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from flightlog.narration.escaping import escaped
from flightlog.narration.graphs import facts, summed_up, way
from flightlog.records.graph import EdgeState, NodeState, Snapshot

MOST_NODES: Final = 300
MOST_ARROWS: Final = 400
"""Of all graphs together; Mermaid refuses more than 500 arrows, and 50,000 characters."""

_NAME: Final = 48
_CLASSES: Final = {
    "ok": "stroke:#1a7f37",
    "error": "stroke:#d1242f,stroke-width:2px",
    "running": "stroke:#0969da,stroke-width:2px",
    "paused": "stroke:#bf8700",
    "cancelled": "stroke:#bf8700",
    "interrupted": "stroke:#bf8700,stroke-dasharray:4",
    "not_seen": "stroke:#8c959f,stroke-dasharray:4,color:#8c959f",
}
_LINES: Final = {"unknown": "-->", "taken": "==>", "chosen": "==>", "rejected": "-.->"}


def document(graphs: Sequence[Snapshot]) -> Iterator[bytes]:
    """Draw the runs of one trace."""
    yield from (f"{line}\n".encode() for line in _lines(graphs))


def _lines(graphs: Sequence[Snapshot]) -> Iterator[str]:
    yield "flowchart TD"
    names: dict[tuple[str, str], str] = {}
    frames = {graph.graph_id: f"g{number}" for number, graph in enumerate(graphs, 1)}
    states: dict[str, list[str]] = {}
    arrows: list[str] = []
    cut = 0
    for graph in graphs:
        yield f'    subgraph {frames[graph.graph_id]}["{_title(graph)}"]'
        for node in graph.nodes:
            if len(names) >= MOST_NODES:
                cut += 1
                continue
            name = names[graph.graph_id, node.id] = f"n{len(names) + 1}"
            states.setdefault(node.state, []).append(name)
            yield f'        {name}["{_label(node)}"]'
        yield "    end"
        arrows += _arrows(graph, names)
    for graph in graphs:
        if outer := names.get((graph.parent_graph_id, graph.parent_node)):
            arrows.append(f"    {outer} -.- {frames[graph.graph_id]}")
    yield from arrows[:MOST_ARROWS]
    if cut + max(0, len(arrows) - MOST_ARROWS):
        yield f'    left["{escaped(f"{cut} boxes and {max(0, len(arrows) - MOST_ARROWS)} arrows are not drawn")}"]'
    if not graphs:
        yield '    none["no graph was declared"]'
    for state, nodes in states.items():
        yield f"    classDef {state} {_CLASSES[state]}"
        yield f"    class {','.join(nodes)} {state}"


def _title(graph: Snapshot) -> str:
    return f"{escaped(graph.title or graph.name, _NAME)}<br/>{escaped(', '.join(summed_up(graph)))}"


def _label(node: NodeState) -> str:
    lines = [escaped(node.title or node.id, _NAME)]
    if node.title and node.title != node.id:
        lines.append(escaped(node.id, _NAME))
    return "<br/>".join([*lines, escaped(", ".join(facts(node)))])


def _arrows(graph: Snapshot, names: dict[tuple[str, str], str]) -> Iterator[str]:
    for edge in graph.edges:
        origin, target = (names.get((graph.graph_id, end)) for end in (edge.origin, edge.target))
        if origin and target:
            yield f"    {origin} {_LINES[edge.selection]}{_said(edge)} {target}"


def _said(edge: EdgeState) -> str:
    parts = [part for part in (edge.label, way(edge) if edge.selection != "taken" else "") if part]
    return f'|"{escaped(": ".join(parts), _NAME)}"|' if parts else ""
