"""Siblings that look alike, told by one and a number: a reader of a story wants to hear of the 43rd page once.

Two spans are alike when their names differ only in digits, their kinds are the same, and so are, in turn, the
shapes of what is under them, however often each is repeated. How they ended does not matter: of those that are
folded away the failed ones are counted. Two narrations are alike when who did what is the same and what they
say differs only in digits. Nothing here recurses.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from typing import Final, Generic, Protocol, TypeVar

from msgspec import Struct

from flightlog.records.event import Event
from flightlog.records.span import Span

SHOWN: Final = 2
"""How many of a kind are told before the rest is folded."""
FOLD_AT_LEAST: Final = 3
"""Fewer than this are not worth a fold."""

_DIGITS: Final = re.compile(r"\d+")
_MOST_COMPARED: Final = 500

T = TypeVar("T")


class Place(Protocol):
    """One span in its place in a trace; `analysis.tree.Node` is one."""

    @property
    def record(self) -> Span:
        """The span."""

    @property
    def children(self) -> Sequence[Place]:
        """What is under it, by start."""

    @property
    def events(self) -> Sequence[Event]:
        """What happened on it, by time."""


class Fold(Struct, Generic[T], frozen=True, eq=False):
    """Siblings of one shape."""

    items: tuple[T, ...]
    """Those that are folded away, in order; never empty."""
    all: tuple[T, ...]
    """The same with those that stay."""


class Shapes:
    """The shapes of all spans under some roots, worked out once, from the leaves up."""

    def __init__(self, roots: Iterable[Place]) -> None:
        self._shapes: dict[int, int] = {}
        self._sizes: dict[int, int] = {}
        known: dict[Hashable, int] = {}
        for place in reversed(list(walk(roots))):
            record = place.record
            below = tuple(dict.fromkeys(self._shapes[id(child)] for child in place.children))
            look = (_DIGITS.sub("#", record.name[:_MOST_COMPARED]), record.kind, below)
            self._shapes[id(place)] = known.setdefault(look, len(known))
            self._sizes[id(place)] = 1 + sum(self._sizes[id(child)] for child in place.children)

    def of(self, place: Place) -> int:
        """A number that alike places share."""
        return self._shapes[id(place)]

    def size(self, place: Place) -> int:
        """Spans under this place, itself included."""
        return self._sizes[id(place)]


def walk(roots: Iterable[Place]) -> Iterator[Place]:
    """Every place, one before those under it, siblings in their order."""
    rest = list(reversed(list(roots)))
    while rest:
        place = rest.pop()
        yield place
        rest.extend(reversed(place.children))


def event_shape(event: Event) -> Hashable:
    """What alike events share."""
    attributes = event.attributes
    said = _DIGITS.sub("#", event.body[:_MOST_COMPARED])
    where = [_DIGITS.sub("#", str(attributes.get(name, ""))[:_MOST_COMPARED]) for name in ("actor", "target")]
    return event.name, event.level, said, *where


def folded(
    items: Sequence[T],
    shape: Callable[[T], Hashable],
    shown: int = SHOWN,
    is_odd: Callable[[T], bool] | None = None,
) -> Iterator[T | Fold[T]]:
    """Give the items in order, those beyond the first few of one shape as one fold, where the first of them stood.

    Args:
        items: siblings, in order.
        shape: what alike ones share.
        shown: how many of a shape stay; with 0 all of them are in the fold.
        is_odd: what must not be folded away without an example; the first such one stays.
    """
    groups: dict[Hashable, list[int]] = {}
    for place, item in enumerate(items):
        groups.setdefault(shape(item), []).append(place)
    folds: dict[int, Fold[T]] = {}
    hidden: set[int] = set()
    for places in groups.values():
        if len(places) < shown + FOLD_AT_LEAST:
            continue
        kept, rest = places[:shown], places[shown:]
        if is_odd is not None and not any(is_odd(items[place]) for place in kept):
            odd = next((place for place in rest if is_odd(items[place])), None)
            rest = [place for place in rest if place != odd]
        folds[rest[0]] = Fold(tuple(items[place] for place in rest), tuple(items[place] for place in places))
        hidden.update(rest)
    for place, item in enumerate(items):
        if place in folds:
            yield folds[place]
        elif place not in hidden:
            yield item
