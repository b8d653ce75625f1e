"""Which span of one trace stands for which of another, however the program around them changed.

Spans are paired in rounds, the surest first: siblings under paired parents that are the same in all they hold, then
those of the same name and input, with the same names below, of the same name; then what is the same elsewhere in the
tree (it moved), siblings with other names that share enough to be one step renamed, and at last what has the same name
and input, or a name of its own, elsewhere. Of siblings each round takes as many as stand in the same order, then equal
ones from the front. It costs about as much as there are spans, and nothing here recurses.

What a pair means is said when all are found: it moved when its parents are no pair, or when it changed places with a
sibling; it was renamed when its names differ.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Hashable, Iterable, Sequence
from difflib import SequenceMatcher
from hashlib import blake2b
from typing import Any, Final, Literal

import msgspec
from msgspec import UNSET, Struct

from flightlog.analysis.sequences import common
from flightlog.analysis.tree import Node, Tree, walk

How = Literal["same place", "moved", "added", "removed"]

ALIKE: Final = 0.6
"""How much two names share, of 1, that may be those of one step."""
MOST_RENAMED: Final = 200
"""Siblings without a like on one side that are compared by their names."""

_encode: Final = msgspec.json.Encoder(order="deterministic").encode
_Key = Callable[[Node], Hashable]


class Pair(Struct, eq=False):
    """A span of the earlier trace, one of the later, or both where one stands for the other."""

    before: Node | None
    after: Node | None
    how: How = "same place"
    children: list[Pair] = []
    """In the order of the later trace, with what was removed where it had stood."""

    @property
    def node(self) -> Node:
        """The later of both, or the one there is."""
        node = self.after or self.before
        assert node is not None
        return node

    @property
    def is_renamed(self) -> bool:
        """Whether both are there, under different names."""
        return bool(self.before and self.after) and self.before.name != self.after.name  # type: ignore[union-attr]  # both are there


class Alignment(Struct, frozen=True, eq=False):
    """Two traces laid over each other."""

    roots: Sequence[Pair]
    pairs: Sequence[Pair]
    """Every pair, a parent before its children."""


def align(before: Tree, after: Tree) -> Alignment:
    """Lay two traces over each other."""
    matching = _Matching(before, after)
    matching.pair_siblings(before.roots, after.roots)
    matching.pair_elsewhere(sure=True)
    matching.pair_renamed(before.roots, after.roots)
    matching.pair_elsewhere(sure=False)
    return matching.laid(before, after)


class _Digests:
    """What spans hold, as short hashes; of subtrees from the leaves up."""

    def __init__(self, trees: Iterable[Tree]) -> None:
        self.inputs: dict[int, bytes] = {}
        self.shapes: dict[int, bytes] = {}
        """Of names and kinds alone."""
        self.whole: dict[int, bytes] = {}
        for tree in trees:
            for node in reversed(list(walk(tree))):
                self._learn(node)

    def _learn(self, node: Node) -> None:
        record = node.record
        given = _digest(record.input)
        self.inputs[id(node)] = given
        below = b"".join(self.whole[id(child)] for child in node.children)
        fault = record.error.type if record.error else ""
        named = f"{record.name}\0{record.kind}\0".encode("utf-8", "surrogatepass")
        names = b"".join(self.shapes[id(child)] for child in node.children)
        self.shapes[id(node)] = blake2b(named + names, digest_size=12).digest()
        told = named + f"{record.status}\0{fault}\0".encode("utf-8", "surrogatepass")
        self.whole[id(node)] = blake2b(told + given + _digest(record.output) + below, digest_size=12).digest()


def _digest(value: Any) -> bytes:
    return b"" if value is UNSET else blake2b(_encode(value), digest_size=12).digest()


class _Matching:
    """The pairs found so far, in both directions."""

    def __init__(self, before: Tree, after: Tree) -> None:
        self._before, self._after = list(walk(before)), list(walk(after))
        digests = _Digests((before, after))
        self._mates: dict[int, Node] = {}
        """Identity of a span, of either trace, to the one it is paired with."""
        self._by_all: _Key = lambda node: digests.whole[id(node)]
        self._by_input: _Key = lambda node: (node.name, node.kind, digests.inputs[id(node)] or id(node))
        self._by_shape: _Key = lambda node: digests.shapes[id(node)]
        self._by_name: _Key = lambda node: (node.name, node.kind)
        self._inputs = digests.inputs

    def mate(self, node: Node) -> Node | None:
        """What a span is paired with."""
        return self._mates.get(id(node))

    def pair_siblings(self, mine: Sequence[Node], theirs: Sequence[Node]) -> None:
        """Pair what these and all below them have in common, by what they hold, by input, then by name."""
        levels: deque[tuple[Sequence[Node], Sequence[Node]]] = deque([(mine, theirs)])
        while levels:
            ours, others = levels.popleft()
            for pick, key in (
                (self._in_step, self._by_all),
                (self._in_order, self._by_all),
                (self._in_step, self._by_input),
                (self._in_order, self._by_input),
                (self._in_step, self._by_shape),
                (self._in_step, self._by_name),
                (self._in_order, self._by_name),
            ):
                for one, other in pick(ours, others, key):
                    self._join(one, other)
                    levels.append((one.children, other.children))

    def pair_elsewhere(self, *, sure: bool) -> None:
        """Pair what stands under other parents than it did, from the top; what is below goes with it.

        Args:
            sure: only what holds the same; else also what has the same name and input, or a name that is left once
                on either side.
        """
        for key in (self._by_all,) if sure else (self._by_input, self._by_name):
            for one, other in self._in_order(self._before, self._after, key, once=key is self._by_name):
                if self.mate(one) is None and self.mate(other) is None:
                    self._join(one, other)
                    self.pair_siblings(one.children, other.children)

    def pair_renamed(self, roots: Sequence[Node], others: Sequence[Node]) -> None:
        """Pair siblings under paired parents that have other names, where one is like the other."""
        levels: deque[tuple[Sequence[Node], Sequence[Node]]] = deque([(roots, others)])
        while levels:
            mine, theirs = levels.popleft()
            free = [node for node in theirs if self.mate(node) is None][:MOST_RENAMED]
            for node in [node for node in mine if self.mate(node) is None][:MOST_RENAMED]:
                like = max(free, key=lambda other: self._likeness(node, other), default=None)
                alone = len(roots) == len(others) == 1 and node is roots[0]
                if like is not None and (alone or self._likeness(node, like) >= ALIKE):
                    self._join(node, like)
                    free.remove(like)
                    self.pair_siblings(node.children, like.children)
            for node in mine:
                mate = self.mate(node)
                if mate is not None:
                    levels.append((node.children, mate.children))

    def _join(self, one: Node, other: Node) -> None:
        self._mates[id(one)], self._mates[id(other)] = other, one

    def _in_order(
        self, mine: Sequence[Node], theirs: Sequence[Node], key: _Key, *, once: bool = False
    ) -> list[tuple[Node, Node]]:
        """Those that have the same key and no mate, the first with the first; `once`: where no other has it."""
        free = self._free(theirs, key)
        if not once:
            return [
                (node, free[found].popleft()) for found, node in self._keyed(mine, key) if free.get(found)
            ]
        ours = self._free(mine, key)
        return [
            (some[0], free[found][0])
            for found, some in ours.items()
            if len(some) == len(free.get(found, ())) == 1
        ]

    def _free(self, nodes: Sequence[Node], key: _Key) -> dict[object, deque[Node]]:
        free: dict[object, deque[Node]] = {}
        for found, node in self._keyed(nodes, key):
            free.setdefault(found, deque()).append(node)
        return free

    def _keyed(self, nodes: Sequence[Node], key: _Key) -> list[tuple[object, Node]]:
        """Those without a mate, each with its key."""
        return [(key(node), node) for node in nodes if id(node) not in self._mates]

    def _in_step(self, mine: Sequence[Node], theirs: Sequence[Node], key: _Key) -> list[tuple[Node, Node]]:
        """Those without a mate that have the same key and stand in the same order."""
        ours = [node for node in mine if id(node) not in self._mates]
        others = [node for node in theirs if id(node) not in self._mates]
        keys = [key(node) for node in ours], [key(node) for node in others]
        return [(ours[place], others[other]) for place, other in common(*keys)]

    def _likeness(self, one: Node, other: Node) -> float:
        """From 0 to 1; of another kind nothing is alike."""
        if one.kind != other.kind:
            return 0.0
        mine, theirs = (Counter(map(self._by_name, node.children)) for node in (one, other))
        if (mine & theirs).total() * 2 > max(mine.total(), theirs.total()):
            return 1.0
        given = self._inputs[id(one)]
        if given and given == self._inputs[id(other)] and one.record.input not in (None, "", [], {}):
            return 0.9
        return SequenceMatcher(None, one.name[:100], other.name[:100], autojunk=False).ratio()

    # -- what came of it ---------------------------------------------------------------------------------------

    def laid(self, before: Tree, after: Tree) -> Alignment:
        """The pairs as a tree."""
        roots = self._row(before.roots, after.roots)
        pairs: list[Pair] = []
        rest = [*reversed(roots)]
        while rest:
            pair = rest.pop()
            pairs.append(pair)
            mine = pair.before.children if pair.before else ()
            theirs = pair.after.children if pair.after else ()
            pair.children = self._row(mine, theirs)
            rest += reversed(pair.children)
        return Alignment(roots, pairs)

    def _row(self, mine: Sequence[Node], theirs: Sequence[Node]) -> list[Pair]:
        """Siblings of the later trace, and between them those of the earlier that are gone."""
        places = {id(node): place for place, node in enumerate(mine)}
        here = [places.get(id(mate)) if (mate := self.mate(node)) else None for node in theirs]
        steady = _rising([place for place in here if place is not None])
        gone = deque((place, node) for place, node in enumerate(mine) if self.mate(node) is None)
        row: list[Pair] = []
        for node, place in zip(theirs, here, strict=True):
            mate = self.mate(node)
            if place is not None and place in steady:
                while gone and gone[0][0] < place:
                    row.append(Pair(gone.popleft()[1], None, "removed"))
            if mate is None:
                row.append(Pair(None, node, "added"))
            else:
                row.append(Pair(mate, node, "same place" if place in steady else "moved"))
        return row + [Pair(node, None, "removed") for _, node in gone]


def _rising(places: Sequence[int]) -> set[int]:
    """A longest part of the places that rises: those that kept their order."""
    return {places[at] for at, _ in common(places, sorted(places))}
