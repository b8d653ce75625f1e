"""CrewAI's flows as graphs: which methods there are, what each waits for, and which way a router chose."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

_MOST_NODES: Final = 500
_MOST_EDGES: Final = 1_000
_DESCRIPTION: Final = 400
_DEEPEST: Final = 8


class Graph:
    """One flow as it was written."""

    __slots__ = ("_listening", "_routers", "declaration")

    def __init__(self, flow: Any) -> None:
        """Read it.

        Args:
            flow: an object of a class of flows; one whose definition is not to be found has no nodes.
        """
        methods: Mapping[str, Any] = getattr(getattr(flow, "_definition", None), "methods", None) or {}
        self._routers = {
            str(name): method.emit or ()
            for name, method in methods.items()
            if getattr(method, "router", False)
        }
        self._listening: dict[str, list[str]] = {}
        """The words that routers say, and the methods that wait for each."""
        edges: dict[tuple[str, str], dict[str, str]] = {}
        for name, method in methods.items():
            for word in _words((getattr(method, "listen", None), getattr(method, "start", None))):
                if word not in methods:
                    self._listening.setdefault(word, []).append(str(name))
                for origin in [word] if word in methods else self._sayers(word):
                    label = {} if word in methods else {"label": word}
                    edges.setdefault((origin, str(name)), {"from": origin, "to": str(name), **label})
        nodes = [_node(flow, str(name)) for name in methods]
        ways = list(edges.values())
        left_out = max(0, len(nodes) - _MOST_NODES) + max(0, len(ways) - _MOST_EDGES)
        self.declaration: dict[str, Any] = {"nodes": nodes[:_MOST_NODES], "edges": ways[:_MOST_EDGES]}
        """As `records/graph.py` has it, without a name."""
        if left_out:
            self.declaration["left_out"] = left_out

    def chosen(self, method: str, said: object) -> tuple[list[str], list[str]] | None:
        """The ways that a router chose and rejected; None for a method that is no router.

        Args:
            method: its name.
            said: what it returned.
        """
        if method not in self._routers:
            return None
        word = said if isinstance(said, str) else str(getattr(said, "value", said))
        chosen = self._listening.get(word, [])
        known = (
            one for other, several in self._listening.items() if self._says(method, other) for one in several
        )
        return chosen, [one for one in dict.fromkeys(known) if one not in chosen]

    def _sayers(self, word: str) -> list[str]:
        """The routers that may say a word: one that declares nothing may say any."""
        return [name for name in self._routers if self._says(name, word)]

    def _says(self, router: str, word: str) -> bool:
        declared = self._routers[router]
        return not declared or word in declared


def _words(condition: object, depth: int = 0) -> Iterator[str]:
    """The methods and words in what a method waits for."""
    if isinstance(condition, str):
        yield condition
    elif depth < _DEEPEST and isinstance(condition, Mapping | list | tuple):
        for member in condition.values() if isinstance(condition, Mapping) else condition:
            yield from _words(member, depth + 1)


def _node(flow: Any, name: str) -> dict[str, str]:
    said = {"id": name[:100], "kind": "step"}
    text = getattr(getattr(type(flow), name, None), "__doc__", None)
    if isinstance(text, str) and text.strip():
        said["description"] = text.strip().partition("\n")[0][:_DESCRIPTION]
    return said
