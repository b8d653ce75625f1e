"""Execution graphs in the DOT language of Graphviz: a frame for each run, a box for each node, an arrow for each edge.

Texts are escaped as in `dot.py`, and ids are numbers of our own. A way that was chosen or taken is a thick arrow, one
that was rejected a dashed grey one; a node is coloured by its state, and says it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from flightlog.export.dot import escaped
from flightlog.narration.graphs import facts, summed_up, way
from flightlog.records.graph import EdgeState, NodeState, Snapshot

_COLOURS: Final = {
    "ok": "#1a7f37",
    "error": "#d1242f",
    "running": "#0969da",
    "paused": "#bf8700",
    "cancelled": "#bf8700",
    "interrupted": "#bf8700",
    "not_seen": "#8c959f",
}
_DASHED: Final = {"not_seen", "interrupted"}
_ARROWS: Final = {
    "unknown": [],
    "taken": ["penwidth=2"],
    "chosen": ["penwidth=2", 'color="#1a7f37"'],
    "rejected": ["style=dashed", 'color="#8c959f"', 'fontcolor="#8c959f"'],
}


def document(graphs: Sequence[Snapshot]) -> Iterator[bytes]:
    """Draw the runs of one trace."""
    yield from (f"{line}\n".encode() for line in _lines(graphs))


def _lines(graphs: Sequence[Snapshot]) -> Iterator[str]:
    yield "digraph flightlog {"
    yield '  graph [rankdir=TB, compound=true, fontname="sans-serif", bgcolor="transparent"];'
    yield '  node [shape=box, style="rounded,filled", fillcolor="#f6f8fa", fontname="sans-serif"];'
    yield '  edge [color="#57606a", fontname="sans-serif", fontsize=10];'
    names: dict[tuple[str, str], str] = {}
    for number, graph in enumerate(graphs, 1):
        yield f"  subgraph cluster_{number} {{"
        yield f'    label="{escaped(graph.title or graph.name)}\\n{escaped(", ".join(summed_up(graph)), 120)}";'
        yield '    style=rounded; color="#d0d7de"; fontname="sans-serif";'
        for node in graph.nodes:
            name = names[graph.graph_id, node.id] = f"n{len(names) + 1}"
            yield f"    {name} [{_box(node)}];"
        yield "  }"
    for graph in graphs:
        yield from _arrows(graph, names)
    for number, graph in enumerate(graphs, 1):
        outer = names.get((graph.parent_graph_id, graph.parent_node))
        if outer and graph.nodes:
            inner = names[graph.graph_id, graph.nodes[0].id]
            yield f'  {outer} -> {inner} [style=dotted, arrowhead=none, lhead="cluster_{number}"];'
    yield "}"


def _box(node: NodeState) -> str:
    lines = [node.title or node.id, *([node.id] if node.title and node.title != node.id else [])]
    label = "\\n".join([*map(escaped, lines), escaped(", ".join(facts(node)), 120)])
    style = "rounded,filled,dashed" if node.state in _DASHED else "rounded,filled"
    said = [f'label="{label}"', f'color="{_COLOURS[node.state]}"', f'style="{style}"']
    if node.state == "error":
        said.append("penwidth=2")
    if node.description:
        said.append(f'tooltip="{escaped(node.description, 200)}"')
    return ", ".join(said)


def _arrows(graph: Snapshot, names: dict[tuple[str, str], str]) -> Iterator[str]:
    for edge in graph.edges:
        origin, target = (names.get((graph.graph_id, end)) for end in (edge.origin, edge.target))
        if origin and target:
            yield f"  {origin} -> {target} [{', '.join(_said(edge))}];"


def _said(edge: EdgeState) -> list[str]:
    label = ": ".join(filter(None, (edge.label, "" if edge.selection == "taken" else way(edge))))
    return [*([f'label="{escaped(label)}"'] if label else []), *_ARROWS[edge.selection]]
