"""The difference of two traces as a tree: `-` is wanted and not there, `+` is there and not wanted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from flightlog.narration.safe import clean
from flightlog.testing.likeness import Likeness, Pair
from flightlog.testing.nearest import shown
from flightlog.testing.shape import Shape, walk

MOST_LINES: Final = 100
"""Lines of a difference; what is more is counted."""

_LEAST_FOLD: Final = 3
_MOST_LABEL: Final = 100


def diff(wanted: Sequence[Shape], found: Sequence[Shape], likeness: Likeness) -> list[str]:
    """The tree of both, one span a line; what is the same below a span is counted."""
    return list(_siblings(likeness.pairs(wanted, found), likeness, 0))


def cut(told: Sequence[str]) -> list[str]:
    """The first of the lines, and how many there are more."""
    if len(told) <= MOST_LINES:
        return list(told)
    return [*told[:MOST_LINES], f"  … and {len(told) - MOST_LINES:,} more lines"]


def count(told: Sequence[str]) -> int:
    """How many lines are not the same on both sides."""
    return sum(line[:1] in {"-", "+"} for line in told)


def _siblings(pairs: Iterator[Pair], likeness: Likeness, depth: int) -> Iterator[str]:
    same: list[Shape] = []
    for pair in pairs:
        if pair.same and pair.found is not None:
            same.append(pair.found)
            continue
        yield from _alike(same, depth)
        same = []
        yield from _one(pair, likeness, depth)
    yield from _alike(same, depth)


def _alike(same: Sequence[Shape], depth: int) -> Iterator[str]:
    """Siblings that are as wanted, the third and further ones as a number."""
    shown_ones = same if len(same) < _LEAST_FOLD else same[:1]
    for shape in shown_ones:
        below = sum(1 for _ in walk([shape])) - 1
        yield _line(" ", depth, _label(shape) + (f"  … {below} below, as wanted" if below else ""))
    if len(same) > len(shown_ones):
        spans = sum(1 for _ in walk(same[1:]))
        yield _line(" ", depth, f"… {spans} more spans, as wanted")


def _one(pair: Pair, likeness: Likeness, depth: int) -> Iterator[str]:
    wanted, found = pair.wanted, pair.found
    if wanted is None or found is None:
        yield from _whole("+" if wanted is None else "-", wanted or found, depth)
        return
    if wanted.label == found.label:
        yield _line(" ", depth, _label(found))
    else:
        yield _line("-", depth, _label(wanted))
        yield _line("+", depth, _label(found))
    yield from _fields(wanted, found, depth + 1)
    yield from _siblings(likeness.pairs(wanted.children, found.children), likeness, depth + 1)


def _fields(wanted: Shape, found: Shape, depth: int) -> Iterator[str]:
    for name in sorted({*wanted.fields, *found.fields}):
        if name not in found.fields or name not in wanted.fields or wanted.fields[name] != found.fields[name]:
            yield from _field("-", name, wanted, depth)
            yield from _field("+", name, found, depth)
    if wanted.events != found.events:
        yield _line("-", depth, f"events: {_events(wanted)}")
        yield _line("+", depth, f"events: {_events(found)}")


def _field(sign: str, name: str, shape: Shape, depth: int) -> Iterator[str]:
    if name in shape.fields:
        yield _line(sign, depth, f"{name}: {shown(shape.fields[name], _MOST_LABEL)}")


def _events(shape: Shape) -> str:
    return clean(", ".join(shape.events or ())) or "none"


def _whole(sign: str, shape: Shape | None, depth: int) -> Iterator[str]:
    """A span with all that is below, which the other side has not."""
    rest = [(shape, depth)] if shape else []
    while rest:
        here, at = rest.pop()
        yield _line(sign, at, _label(here))
        for name in here.fields:
            yield from _field(sign, name, here, at + 1)
        if here.events:
            yield _line(sign, at + 1, f"events: {_events(here)}")
        rest += [(child, at + 1) for child in reversed(here.children)]


def _label(shape: Shape) -> str:
    label = clean(shape.label)
    return label if len(label) <= _MOST_LABEL else label[: _MOST_LABEL - 1] + "…"


def _line(sign: str, depth: int, said: str) -> str:
    return f"{sign} {'  ' * depth}{said}"
