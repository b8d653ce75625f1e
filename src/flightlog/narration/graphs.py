"""An execution graph in words: what is said of a node and of an edge, the same in every drawing of it."""

from __future__ import annotations

from flightlog.narration.words import duration, of_them
from flightlog.records.graph import EdgeState, NodeState, Snapshot


def facts(node: NodeState) -> list[str]:
    """How a node stands, how often it ran, how often not well, and how long in all."""
    said = [node.state.replace("_", " ")]
    if not node.is_declared:
        said.append("not declared")
    if node.occurrences > 1:
        said.append(of_them(node.occurrences, "run"))
        said += [f"{number:,} {status}" for status, number in node.by_status.items() if status != node.state]
    if node.end is not None:
        said.append(duration(node.busy_ns))
    return said


def way(edge: EdgeState) -> str:
    """What became of an edge; how often, where that is more than once or both happened; empty for unknown."""
    if edge.selection in {"unknown", "taken"}:
        return "" if edge.selection == "unknown" else "taken"
    counts = [
        (edge.chosen, "chosen" if edge.chosen == 1 else f"chosen {edge.chosen:,} times"),
        (edge.rejected, "rejected" if edge.rejected == 1 else f"rejected {edge.rejected:,} times"),
    ]
    return ", ".join(text for number, text in counts if number)


def summed_up(graph: Snapshot) -> list[str]:
    """How a run of a graph went."""
    seen = sum(node.occurrences > 0 for node in graph.nodes)
    runs = sum(node.occurrences for node in graph.nodes)
    said = [graph.state.replace("_", " ")]
    if graph.start is not None and graph.end is not None:
        said.append(duration(graph.end - graph.start))
    said += [f"{seen:,} of {of_them(len(graph.nodes), 'step')} seen", of_them(runs, "run")]
    if failed := sum(node.by_status.get("error", 0) for node in graph.nodes):
        said.append(f"{failed:,} failed")
    if graph.left_out:
        said.append(f"{graph.left_out:,} more than can be shown")
    return said
