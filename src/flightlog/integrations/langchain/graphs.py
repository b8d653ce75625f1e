"""LangGraph's graphs: what they declare, which run is one of which, and which way a router chose."""

from __future__ import annotations

import sys
import uuid
from collections.abc import Mapping
from typing import Any, Final
from weakref import WeakKeyDictionary

_ENDS: Final = frozenset({"__start__", "__end__"})
_END: Final = "__end__"
_PUSHED: Final = "__pregel_push"
_MOST_EXPECTED: Final = 1_000
_MOST_NODES: Final = 500
_MOST_EDGES: Final = 1_000
_DESCRIPTION: Final = 400
_IDS: Final = "langchain_core.utils.uuid"


class Graph:
    """One graph as it was compiled."""

    __slots__ = ("_branches", "declaration")

    def __init__(self, pregel: Any) -> None:
        self.declaration = _declaration(pregel)
        """As `records/graph.py` has it, without a name."""
        builder = getattr(pregel, "builder", None)
        self._branches: Mapping[str, Mapping[str, Any]] = getattr(builder, "branches", None) or {}

    def chosen(self, node: str, router: str, said: object) -> tuple[list[str], list[str]] | None:
        """The ways that a router chose and rejected; None where this is none of this node.

        Args:
            node: the node that it leads away from.
            router: the name of the run.
            said: what it returned.
        """
        spec = self._branches.get(node, {}).get(router)
        if spec is None:
            return None
        ends: Mapping[Any, str] = getattr(spec, "ends", None) or {}
        answers = said if isinstance(said, list | tuple) else [said]
        targets = [_target(one, ends) for one in answers]
        chosen = [one for one in dict.fromkeys(targets) if one and one != _END]
        rejected = [one for one in dict.fromkeys(ends.values()) if one not in targets and one != _END]
        return chosen, rejected


def _target(said: object, ends: Mapping[Any, str]) -> str:
    node = getattr(said, "node", None)
    if isinstance(node, str):  # a `Send`
        return node
    try:
        return str(ends.get(said, said))
    except TypeError:  # no key of anything
        return ""


class Graphs:
    """The graphs that are known, and the runs of them that are about to begin."""

    def __init__(self) -> None:
        self._expected: dict[Any, Graph] = {}
        self._known: WeakKeyDictionary[Any, Graph] = WeakKeyDictionary()

    def expect(self, pregel: Any, run_id: object = None) -> object:
        """Say that a run of a graph is about to begin; gives the id that it shall have.

        Args:
            pregel: the graph.
            run_id: the id that the program has given it.
        """
        known = self._known.get(pregel)
        if known is None:
            known = self._known[pregel] = Graph(pregel)
        if run_id is None:
            make = getattr(sys.modules.get(_IDS), "uuid7", uuid.uuid4)
            run_id = make()
        self._expected[run_id] = known
        while len(self._expected) > _MOST_EXPECTED:  # streams that were never read
            self._expected.pop(next(iter(self._expected)), None)
        return run_id

    def take(self, run_id: object) -> Graph | None:
        """The graph that the run with this id is one of, asked once."""
        return self._expected.pop(run_id, None)


def item_of(metadata: Mapping[str, Any]) -> int | None:
    """Which of many items a node was sent; None where it was not."""
    path = metadata.get("langgraph_path")
    if isinstance(path, tuple | list) and len(path) > 1 and path[0] == _PUSHED and isinstance(path[1], int):
        return path[1]
    return None


def _declaration(pregel: Any) -> dict[str, Any]:
    drawn = pregel.get_graph()
    nodes = [_node(name, node) for name, node in drawn.nodes.items() if name not in _ENDS]
    edges: dict[tuple[str, str], dict[str, str]] = {}
    for edge in drawn.edges:
        if edge.source not in _ENDS and edge.target not in _ENDS:
            told = edges.setdefault((edge.source, edge.target), {"from": edge.source, "to": edge.target})
            if edge.data and str(edge.data) != edge.target:
                told["label"] = str(edge.data)[:120]
    ways = list(edges.values())
    left_out = max(0, len(nodes) - _MOST_NODES) + max(0, len(ways) - _MOST_EDGES)
    said: dict[str, Any] = {"nodes": nodes[:_MOST_NODES], "edges": ways[:_MOST_EDGES]}
    return said | ({"left_out": left_out} if left_out else {})


def _node(name: str, node: Any) -> dict[str, str]:
    said = {"id": name[:100], "kind": "step"}
    function = getattr(node.data, "func", None) or getattr(node.data, "afunc", None)
    text = getattr(function, "__doc__", None) if hasattr(function, "__code__") else None
    if text and text.strip():
        said["description"] = text.strip().partition("\n")[0][:_DESCRIPTION]
    return said
