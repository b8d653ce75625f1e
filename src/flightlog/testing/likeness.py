"""Whether two traces have the same shape, and which span of the one stands for which of the other."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from typing import Literal

import msgspec
from msgspec import Struct

from flightlog.testing.shape import Shape, walk


class Pair(Struct, eq=False):
    """A span that is wanted, one that was recorded, or both where one stands for the other."""

    wanted: Shape | None
    found: Shape | None
    same: bool = False
    """Also in all that is below."""


class Likeness:
    """Numbers for shapes: two that are alike share one."""

    def __init__(self, *, ordered: bool) -> None:
        self._ordered = ordered
        self._numbers: dict[int, int] = {}
        self._known: dict[tuple[str, tuple[int, ...]], int] = {}
        self._kept: list[Shape] = []

    def learn(self, shapes: Sequence[Shape]) -> list[int]:
        """The numbers of these, from the leaves up."""
        every = list(walk(shapes))
        self._kept += every  # an object that is gone would lend its identity to another
        for shape in reversed(every):
            below = [self._numbers[id(child)] for child in shape.children]
            key = (_own(shape), tuple(below if self._ordered else sorted(below)))
            self._numbers[id(shape)] = self._known.setdefault(key, len(self._known))
        return [self._numbers[id(shape)] for shape in shapes]

    def is_same(self, wanted: Sequence[Shape], found: Sequence[Shape]) -> bool:
        """Whether siblings are alike, in their order or in any."""
        mine, theirs = self.learn(wanted), self.learn(found)
        return mine == theirs if self._ordered else Counter(mine) == Counter(theirs)

    def pairs(self, wanted: Sequence[Shape], found: Sequence[Shape]) -> Iterator[Pair]:
        """Siblings beside those that they stand for; `learn` has seen both."""
        if self._ordered:
            yield from self._in_order(wanted, found)
            return
        free: dict[int, deque[Shape]] = {}
        for shape in found:
            free.setdefault(self._numbers[id(shape)], deque()).append(shape)
        met: dict[int, Shape] = {}
        for shape in wanted:
            if alike := free.get(self._numbers[id(shape)]):
                met[id(shape)] = alike.popleft()
        taken = {id(shape) for shape in met.values()}
        others = list(
            self._likely(
                [shape for shape in wanted if id(shape) not in met],
                [shape for shape in found if id(shape) not in taken],
            )
        )
        like = {id(pair.wanted): pair for pair in others if pair.wanted is not None}
        for shape in wanted:
            yield Pair(shape, met[id(shape)], same=True) if id(shape) in met else like[id(shape)]
        yield from (pair for pair in others if pair.wanted is None)

    def _in_order(self, wanted: Sequence[Shape], found: Sequence[Shape]) -> Iterator[Pair]:
        mine = [self._numbers[id(shape)] for shape in wanted]
        theirs = [self._numbers[id(shape)] for shape in found]
        for what, start, end, first, last in SequenceMatcher(
            None, mine, theirs, autojunk=False
        ).get_opcodes():
            if what == "equal":
                for left, right in zip(wanted[start:end], found[first:last], strict=True):
                    yield Pair(left, right, same=True)
            else:
                yield from self._likely(wanted[start:end], found[first:last])

    def _likely(self, wanted: Sequence[Shape], found: Sequence[Shape]) -> Iterator[Pair]:
        """Those that differ: by name and kind, then by name, then by what is below."""
        free = list(found)
        met: dict[int, Shape] = {}
        for how in ("kind", "name", "below"):
            keys: dict[object, deque[Shape]] = {}
            for shape in free:
                keys.setdefault(self._key(shape, how), deque()).append(shape)
            for shape in wanted:
                key = self._key(shape, how)
                if id(shape) not in met and key is not None and keys.get(key):
                    met[id(shape)] = keys[key].popleft()
            taken = {id(shape) for shape in met.values()}
            free = [shape for shape in free if id(shape) not in taken]
        for shape in wanted:
            yield Pair(shape, met.get(id(shape)))
        for shape in free:
            yield Pair(None, shape)

    def _key(self, shape: Shape, how: Literal["kind", "name", "below"]) -> object:
        if how == "kind":
            return shape.name, shape.kind
        if how == "name":
            return shape.name
        return tuple(sorted(self._numbers[id(child)] for child in shape.children)) or None


def _own(shape: Shape) -> str:
    """What a shape is without its children."""
    told = (shape.name, shape.kind, shape.status, shape.error, shape.fields, shape.events)
    return msgspec.json.encode(told, order="sorted").decode()
