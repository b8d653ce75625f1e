"""Execution graphs on a terminal: each node with its state, under it the ways that lead on, and what became of them.

Nodes stand so that each comes after those that lead to it, as far as the graph has no circles, and otherwise in the
order in which they were declared.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from flightlog.cli.render.cells import cut, fill, flow, width
from flightlog.cli.render.marks import status_sign, status_style
from flightlog.cli.render.safe import clean
from flightlog.cli.render.terminal import Style, Terminal
from flightlog.narration.graphs import facts, summed_up, way
from flightlog.records.graph import Child, EdgeState, NodeState, Snapshot

_LEAST_NAME, _MOST_NAME = 8, 32
_ERROR: Final = 400
"""Letters of an error that are shown."""
_STYLES: Final[dict[str, Style]] = {"chosen": "green", "taken": "green", "rejected": "dim", "unknown": "dim"}
_SIGNS: Final = {
    "chosen": ("─▶", "=>"),
    "taken": ("─▶", "=>"),
    "rejected": ("─✗", "-x"),
    "unknown": ("─▷", "->"),
}


def lines(graphs: Sequence[Snapshot], terminal: Terminal) -> Iterator[str]:
    """Draw the runs of one trace, one below the other."""
    for number, graph in enumerate(graphs):
        if number:
            yield ""
        yield from _Drawing(graph, terminal).lines()


class _Drawing:
    def __init__(self, graph: Snapshot, terminal: Terminal) -> None:
        self._graph, self._terminal = graph, terminal
        longest = max((width(clean(node.id)) for node in graph.nodes), default=0)
        self._name = max(_LEAST_NAME, min(longest, _MOST_NAME, terminal.width // 3))
        self._leaving: dict[str, list[EdgeState]] = {}
        for edge in graph.edges:
            self._leaving.setdefault(edge.origin, []).append(edge)
        self._children: dict[str, list[Child]] = {}
        for child in graph.children:
            self._children.setdefault(child.node, []).append(child)

    def lines(self) -> Iterator[str]:
        graph, terminal = self._graph, self._terminal
        title = clean(graph.name) + (f"  {clean(graph.title)}" if graph.title else "")
        yield terminal.paint("bold", cut(title, terminal.width, terminal.ellipsis()))
        yield from flow(summed_up(graph), terminal.dot(), terminal.width, terminal.ellipsis())
        if graph.description:
            yield from self._wrapped(graph.description, 0)
        if graph.parent_graph_id:
            within = f"within {clean(graph.parent_node)}" if graph.parent_node else "within another graph"
            yield terminal.paint("dim", cut(within, terminal.width, terminal.ellipsis()))
        yield ""
        for node in in_order(graph):
            yield from self._node(node)
        for child in self._children.get("", ()):
            yield self._child(child, "")

    def _node(self, node: NodeState) -> Iterator[str]:
        terminal = self._terminal
        sign = self._sign(node)
        name = fill(cut(clean(node.id), self._name, terminal.ellipsis()), self._name)
        said = terminal.dot().join(facts(node))
        room = terminal.width - self._name - 4
        title = clean(node.title) if node.title != node.id else ""
        style = status_style(node.state) if node.occurrences else "dim"
        first = f"{terminal.paint(style, sign)} {terminal.paint('bold' if node.occurrences else 'dim', name)}"
        if title and width(title) + width(said) + 2 > room:
            yield f"{first}  {terminal.paint(style, cut(said, room, terminal.ellipsis()))}"
            yield "  " + cut(title, terminal.width - 2, terminal.ellipsis())
        else:
            shown = cut(said, max(1, room - (width(title) + 2 if title else 0)), terminal.ellipsis())
            yield f"{first}  {terminal.paint(style, shown)}" + (f"  {title}" if title else "")
        if node.description:
            yield from self._wrapped(node.description, 2)
        if node.error:
            yield "  " + terminal.paint(
                "red", cut(clean(node.error[:_ERROR]), terminal.width - 2, terminal.ellipsis())
            )
        for child in self._children.get(node.id, ()):
            yield self._child(child, "  ")
        leaving = self._leaving.get(node.id, ())
        for place, edge in enumerate(leaving):
            yield self._edge(edge, is_last=place == len(leaving) - 1)

    def _edge(self, edge: EdgeState, *, is_last: bool) -> str:
        terminal = self._terminal
        sign, ascii_sign = _SIGNS[edge.selection]
        corner = ("└" if is_last else "├") if terminal.unicode else ("`" if is_last else "|")
        style = _STYLES[edge.selection]
        told = way(edge) + ("" if edge.is_declared else ", not declared" if way(edge) else "not declared")
        label = f'"{clean(edge.label)}"' if edge.label else ""
        text = "  ".join(filter(None, (clean(edge.target), label, told)))
        head = f"  {corner}{sign if terminal.unicode else ascii_sign} "
        return terminal.paint(style, head + cut(text, terminal.width - width(head), terminal.ellipsis()))

    def _child(self, child: Child, indent: str) -> str:
        terminal = self._terminal
        which = f" in run {child.occurrence:,}" if child.occurrence > 1 else ""
        facts = (f"{indent}ran graph {clean(child.name)}{which}", child.status, child.graph_id)
        text = terminal.dot().join(facts)
        return terminal.paint("cyan", cut(text, terminal.width, terminal.ellipsis()))

    def _sign(self, node: NodeState) -> str:
        if node.occurrences:
            return status_sign(node.state, self._terminal)
        return "○" if self._terminal.unicode else "o"

    def _wrapped(self, text: str, indent: int) -> Iterator[str]:
        words = clean(" ".join(text.split())).split(" ")
        for line in flow(words, " ", max(1, self._terminal.width - indent), self._terminal.ellipsis()):
            yield " " * indent + self._terminal.paint("dim", line)


def in_order(graph: Snapshot) -> list[NodeState]:
    """The nodes, each after those that lead to it; where they lead in a circle, in the order of the graph."""
    waiting = {node.id: 0 for node in graph.nodes}
    onward: dict[str, list[str]] = {}
    for edge in graph.edges:
        if edge.origin in waiting and edge.target in waiting and edge.origin != edge.target:
            waiting[edge.target] += 1
            onward.setdefault(edge.origin, []).append(edge.target)
    nodes = {node.id: node for node in graph.nodes}
    found: list[NodeState] = []
    while waiting:
        free = next((name for name, number in waiting.items() if not number), None)
        name = free if free is not None else next(iter(waiting))
        del waiting[name]
        found.append(nodes[name])
        for target in onward.get(name, ()):
            if target in waiting:
                waiting[target] -= 1
    return found
