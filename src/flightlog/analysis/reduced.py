"""Many spans as a small graph: one box for all that do the same, one arrow for all calls from one to another.

Spans are the same when their service, kind and name are, names that differ in nothing but numbers included. What is
said of a box is summed up, so one graph can hold one trace or a thousand, and its size depends on how many different
things a program does. It is bounded all the same: beyond so many boxes, what is new goes into one box for the rest.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from msgspec import Struct

from flightlog.analysis.tree import Node, Tree
from flightlog.records import genai
from flightlog.records.span import Span

MOST_BOXES: Final = 120
"""Boxes of one graph unless somebody says otherwise; programs that draw them are slow with more."""

_DIGITS: Final = re.compile(r"\d+")
_MODELS: Final = frozenset({"llm", "embedding", "rerank"})
"""Kinds whose tokens are counted: an agent may repeat those of the calls below it."""


class Box(Struct, eq=False):
    """All spans that do the same."""

    number: int
    """From 1, in the order in which they were met."""
    service: str
    kind: str
    name: str
    """As the first of them has it."""
    calls: int = 0
    errors: int = 0
    total_ns: int = 0
    """Sum of the durations of those that have ended."""
    self_ns: int = 0
    """Sum of their self times."""
    tokens: int = 0
    """Sum of what models read and wrote, as far as they told."""
    names: int = 1
    """Different names, where some differ in numbers alone."""
    is_rest: bool = False
    """Stands for everything beyond the limit."""


class Arrow(Struct, eq=False):
    """All calls from one box to another."""

    origin: Box
    target: Box
    calls: int = 0
    errors: int = 0


class Graph(Struct, eq=False):
    """What was done, and what called what."""

    boxes: list[Box]
    arrows: list[Arrow]
    """In the order in which they were met."""
    traces: int = 0
    spans: int = 0


def reduced(trees: Iterable[Tree], most: int = MOST_BOXES) -> Graph:
    """Reduce traces to one graph; holds one of them at a time.

    Args:
        trees: the traces.
        most: boxes beyond which the rest is one.
    """
    making = _Making(most)
    for tree in trees:
        making.add(tree)
    return making.graph


class _Making:
    def __init__(self, most: int) -> None:
        self.graph = Graph([], [])
        self._most = most
        self._boxes: dict[tuple[str, str, str], Box] = {}
        self._names: dict[int, set[str]] = {}
        self._arrows: dict[tuple[int, int], Arrow] = {}
        self._rest: Box | None = None

    def add(self, tree: Tree) -> None:
        self.graph.traces += 1
        pending: list[tuple[Node, Box | None]] = [(root, None) for root in reversed(tree.roots)]
        while pending:
            node, above = pending.pop()
            box = self._box(node.record)
            _count(box, node)
            self.graph.spans += 1
            if above is not None:
                self._count_call(above, box, node.record)
            pending.extend((child, box) for child in reversed(node.children))

    def _box(self, span: Span) -> Box:
        key = (span.service, span.kind, _DIGITS.sub("#", span.name))
        box = self._boxes.get(key)
        if box is None:
            box = self._new(key, span)
        names = self._names.get(box.number)
        if names is not None and span.name not in names and len(names) < self._most:
            names.add(span.name)
            box.names = len(names)
        return box

    def _new(self, key: tuple[str, str, str], span: Span) -> Box:
        if len(self.graph.boxes) < self._most:
            box = Box(len(self.graph.boxes) + 1, span.service, span.kind, span.name)
            self._boxes[key] = box
            self._names[box.number] = {span.name}
            self.graph.boxes.append(box)
            return box
        if self._rest is None:
            self._rest = Box(self._most + 1, "", "", "everything else", is_rest=True)
            self.graph.boxes.append(self._rest)
        return self._rest

    def _count_call(self, above: Box, box: Box, span: Span) -> None:
        key = (above.number, box.number)
        arrow = self._arrows.get(key)
        if arrow is None:
            arrow = self._arrows[key] = Arrow(above, box)
            self.graph.arrows.append(arrow)
        arrow.calls += 1
        arrow.errors += span.status == "error"


def _count(box: Box, node: Node) -> None:
    span = node.record
    box.calls += 1
    box.errors += span.status == "error"
    box.total_ns += max(0, span.duration_ns or 0)
    box.self_ns += node.self_ns or 0
    if span.kind in _MODELS:
        told = (span.attributes.get(name) for name in (genai.INPUT_TOKENS, genai.OUTPUT_TOKENS))
        box.tokens += sum(number for number in told if type(number) is int)
