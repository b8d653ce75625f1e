"""A tree narrowed to the spans that somebody asked for, with the way that leads to each of them.

What is kept is a new tree: the nodes that are wanted, and above each its ancestors up to the root. Times, marks
and self times are those of the whole tree, so a narrowed drawing lies over the whole one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from msgspec import Struct

from flightlog.analysis.names import fits_name
from flightlog.analysis.tree import Mark, Node, Tree, walk
from flightlog.records import genai


class Wanted(Struct, frozen=True):
    """Which spans are asked for; what is empty or 0 narrows nothing, and all that is given must hold."""

    kinds: tuple[str, ...] = ()
    """Any of these."""
    statuses: tuple[str, ...] = ()
    """Any of these."""
    name: str = ""
    """With `*`, `?` or `[…]` a pattern for the whole name; without, a part of it, whatever its case."""
    least_ns: int = 0
    """Spans that took at least so long; an open one counts as long as the trace is known to have run."""
    least_tokens: int = 0
    """Spans that told at least so many tokens, input and output together."""

    @property
    def is_everything(self) -> bool:
        """Whether every span is wanted."""
        return self == Wanted()


class Narrowed(Struct, frozen=True, eq=False):
    """What is left of a tree."""

    tree: Tree
    wanted: int
    """Spans that were asked for and are there."""
    on_the_way: frozenset[str]
    """Ids of the spans that are there only because they lead to others."""


def narrow(tree: Tree, wanted: Wanted) -> Narrowed:
    """The spans that are wanted, and their ancestors."""
    if wanted.is_everything:
        return Narrowed(tree, tree.span_count, frozenset())
    test = _test(wanted, tree.end)
    nodes = list(walk(tree))
    hits = {id(node) for node in nodes if test(node)}
    copies: dict[int, Node] = {}
    for node in reversed(nodes):
        children = [copies[id(child)] for child in node.children if id(child) in copies]
        if children or id(node) in hits:
            copies[id(node)] = Node(node.record, children, node.events, node.self_ns, node.depth, node.marks)
    kept = [node for node in nodes if id(node) in copies]
    narrowed = Tree(
        roots=[copies[id(root)] for root in tree.roots if id(root) in copies],
        span_count=len(kept),
        start=tree.start,
        end=tree.end,
        marks=_marks(kept),
        loose_events=[],
    )
    aside = frozenset(node.record.span_id for node in kept if id(node) not in hits)
    return Narrowed(narrowed, len(hits), aside)


def _test(wanted: Wanted, end: int) -> Callable[[Node], bool]:
    def is_wanted(node: Node) -> bool:
        record = node.record
        lasted = (end if record.end is None else record.end) - record.start
        return (
            (not wanted.kinds or record.kind in wanted.kinds)
            and (not wanted.statuses or record.status in wanted.statuses)
            and (not wanted.name or fits_name(wanted.name, record.name))
            and lasted >= wanted.least_ns
            and (not wanted.least_tokens or _tokens(node) >= wanted.least_tokens)
        )

    return is_wanted


def _tokens(node: Node) -> int:
    told = (node.record.attributes.get(name) for name in (genai.INPUT_TOKENS, genai.OUTPUT_TOKENS))
    return sum(number for number in told if isinstance(number, int))


def _marks(nodes: list[Node]) -> dict[Mark, int]:
    return dict(sorted(Counter(mark for node in nodes for mark in node.marks).items()))
