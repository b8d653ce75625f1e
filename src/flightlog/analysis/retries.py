"""Whether what was tried again went well in the end, as far as spans and their `retry` events tell."""

from __future__ import annotations

from flightlog.analysis.tree import Node, Tree, walk


def number(node: Node) -> int:
    """`retry` events that a span carries."""
    return sum(event.name == "retry" for event in node.events)


def have_helped(tree: Tree) -> bool:
    """Whether the trace went well, and so did every span of it that was tried again.

    A caller that catches the error of the last attempt does not make it one that helped. A `retry` of no span
    in the trace tells nothing, so then the answer is no.
    """
    if not tree.roots or tree.status != "ok" or any(event.name == "retry" for event in tree.loose_events):
        return False
    return all(node.status == "ok" for node in walk(tree) if number(node))
