"""What differs between two values of a span: by place, and of texts word by word."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

import msgspec
from msgspec import UNSET, Struct

from flightlog.analysis.messages import Message, conversation

MOST_PLACES: Final = 200
"""Places of one value that are told."""


class Change(Struct, frozen=True, eq=False):
    """One place that differs; what is not there is UNSET."""

    place: str
    """`messages.2 (user)`, `top_k`, `items.3.title`; empty for the whole value."""
    before: Any
    after: Any

    @property
    def is_text(self) -> bool:
        """Whether a text became another, which is told word by word."""
        return isinstance(self.before, str) and isinstance(self.after, str)


def changes(before: Any, after: Any) -> list[Change]:
    """The places at which two values differ, the first `MOST_PLACES` of them; messages are compared as messages."""
    if _same(before, after):
        return []
    mine, theirs = conversation(before), conversation(after)
    if mine is None or theirs is None:
        found = _places("", before, after)
    else:
        found = _both(mine.messages, theirs.messages, mine.rest, theirs.rest)
    return [change for change, _ in zip(found, range(MOST_PLACES), strict=False)]


def _both(mine: Sequence[Message], theirs: Sequence[Message], rest: Any, other: Any) -> Iterator[Change]:
    yield from _places("", dict(rest), dict(other))
    head = 0
    while head < min(len(mine), len(theirs)) and mine[head] == theirs[head]:
        head += 1
    tail = 0
    while tail < min(len(mine), len(theirs)) - head and mine[-1 - tail] == theirs[-1 - tail]:
        tail += 1
    for at in range(head, max(len(mine), len(theirs)) - tail):
        one = mine[at] if at < len(mine) - tail else None
        two = theirs[at] if at < len(theirs) - tail else None
        if one == two:
            continue
        if one and two and (one.role, one.about) != (two.role, two.about):
            yield Change(_called(at, one), one.text, UNSET)
            yield Change(_called(at, two), UNSET, two.text)
        else:
            said = two or one
            assert said is not None
            yield Change(_called(at, said), one.text if one else UNSET, two.text if two else UNSET)


def _called(at: int, said: Message) -> str:
    return f"message {at + 1} ({' '.join(filter(None, (said.role, said.about)))})"


def _places(path: str, before: Any, after: Any) -> Iterator[Change]:
    """Compare without recursion, in the order of the earlier value, what is new last."""
    rest: list[tuple[str, Any, Any]] = [(path, before, after)]
    while rest:
        place, one, two = rest.pop()
        if _same(one, two):
            continue
        if isinstance(one, dict) and isinstance(two, dict):
            keys = [*one, *(key for key in two if key not in one)]
            rest += [(_join(place, key), one.get(key, UNSET), two.get(key, UNSET)) for key in reversed(keys)]
        elif isinstance(one, list) and isinstance(two, list):
            most = max(len(one), len(two))
            rest += [(_join(place, str(at)), _item(one, at), _item(two, at)) for at in reversed(range(most))]
        else:
            yield Change(place, one, two)


def _same(one: Any, two: Any) -> bool:
    """Whether two values are the same JSON: `True` is not `1`."""
    if one is UNSET or two is UNSET:
        return one is two
    if type(one) is not type(two) and not {type(one), type(two)} <= {int, float}:
        return False
    if isinstance(one, (dict, list)):
        return bool(one == two) and _encode(one) == _encode(two)
    return bool(one == two)


_encode: Final = msgspec.json.Encoder(order="deterministic").encode


def _join(place: str, key: str) -> str:
    return f"{place}.{key}" if place else key


def _item(values: Sequence[Any], at: int) -> Any:
    return values[at] if at < len(values) else UNSET
