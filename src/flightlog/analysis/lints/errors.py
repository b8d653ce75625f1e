"""A lint about errors: a tool failed and its caller went on as though it had not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import msgspec
from msgspec import UNSET

from flightlog.analysis.lints.finding import Finding, evidence
from flightlog.analysis.tree import Node, Tree, walk

TOOLS: Final = frozenset({"tool", "retrieval", "rerank", "embedding", "http", "db"})
"""Kinds of spans whose failure a caller has to deal with."""

_DEALT_WITH: Final = frozenset({"retry", "fallback", "exception", "skip", "branch", "coercion"})
"""Events that say that somebody noticed."""
_LEAST_TOLD: Final = 8
"""Characters of a message below which finding it in a prompt proves nothing."""
_MOST_LOOKED_FOR: Final = 80


def swallowed_error(tree: Tree) -> Iterator[Finding]:
    """A failed tool whose caller went well, and of which nothing says that anybody noticed."""
    groups: dict[tuple[str, str], list[Node]] = {}
    told = _Told(tree)
    for parent in walk(tree):
        for node in parent.children:
            if node.status == "error" and node.kind in TOOLS and _is_swallowed(parent, node, told):
                groups.setdefault((parent.name, node.name), []).append(node)
    for (caller, name), failed in groups.items():
        spans, count = evidence(failed)
        times = "" if count == 1 else f" {count:,} times"
        yield Finding(
            lint="swallowed-error",
            severity="error",
            name=name,
            text=(
                f"{name} failed{times}{_why(failed[0])}, and {caller} ended well without a retry, a fallback or a word"
            ),
            advice="raise it, try again, or tell the model what failed",
            spans=spans,
            count=count,
        )


def _is_swallowed(parent: Node, node: Node, told: _Told) -> bool:
    if parent.status != "ok":
        return False
    if any(event.name in _DEALT_WITH and event.time >= node.start for event in parent.events):
        return False
    if any(event.level in {"warn", "error", "fatal"} and event.time >= node.start for event in parent.events):
        return False
    later = (other for other in parent.children if other.start >= node.start and other is not node)
    if any(other.name == node.name and other.status == "ok" for other in later):
        return False
    return not told.of(node)


class _Told:
    """What models were told, and when."""

    def __init__(self, tree: Tree) -> None:
        self._tree = tree
        self._inputs: list[tuple[int, str]] | None = None

    def of(self, failed: Node) -> bool:
        """Whether the message of an error, or what the tool gave all the same, stands in a later model call's input."""
        words = [failed.error.message if failed.error else "", failed.record.output]
        looked_for = [
            msgspec.json.encode(one[:_MOST_LOOKED_FOR]).decode()[1:-1]
            for one in words
            if isinstance(one, str) and len(one) >= _LEAST_TOLD
        ]
        return any(
            start >= failed.start and any(one in text for one in looked_for) for start, text in self._read()
        )

    def _read(self) -> list[tuple[int, str]]:
        if self._inputs is None:
            self._inputs = [
                (node.start, msgspec.json.encode(node.record.input).decode())
                for node in walk(self._tree)
                if node.kind == "llm" and node.record.input is not UNSET
            ]
        return self._inputs


def _why(node: Node) -> str:
    return f" ({node.error.type})" if node.error and node.error.type else ""
