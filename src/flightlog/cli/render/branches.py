"""The rows of a tree in the order they are drawn, each with the guide lines that lead to it.

Spans, long repetitions (folds), events that matter, errors and whatever a depth limit hides become rows. The
guides are kept short: below a certain depth they are replaced by the depth's number, so that a chain of
100,000 spans is drawn in as many lines and not in as many columns.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from heapq import merge
from typing import Final

from msgspec import Struct

from flightlog.analysis.likeness import Fold, Likeness
from flightlog.analysis.pace import DEFAULT, Pace
from flightlog.analysis.summary import is_noteworthy, repeats
from flightlog.analysis.tree import Node, Tree
from flightlog.narration.hot import is_hot
from flightlog.records.event import Event

EVENTS_SHOWN: Final = 8
"""Events of one span that get a row; the rest are counted in one more."""


class Guides(Struct, frozen=True):
    """The letters that guide lines are made of, each of one width."""

    branch: str
    last: str
    passing: str
    blank: str
    deep: str
    """What stands before the depth's number where the guides would be too long."""


UNICODE: Final = Guides("├─ ", "└─ ", "│  ", "   ", "⋯")
NARROW: Final = Guides("├ ", "└ ", "│ ", "  ", "⋯")
ASCII: Final = Guides("|- ", "`- ", "|  ", "   ", ":")


class Hidden(Struct, frozen=True):
    """What is there and is not drawn: spans below the depth limit, or the rest of many events."""

    text: str


Item = Node | Fold | Event | Hidden
"""What a row can be about."""


class Row(Struct, frozen=True, eq=False):
    """One row: what it is about, the guides before it, and those before further lines of it."""

    item: Item
    guides: str
    below: str


class Limits(Struct, frozen=True):
    """How much of a tree is drawn."""

    depth: int | None = None
    """Levels that are drawn, 1 for roots alone; None for all."""
    everything: bool = False
    """No folds, every noteworthy event."""
    preview: int = 0
    """Characters of each input and output that are shown; -1 for all of them."""
    pace: Pace = DEFAULT
    """From when on a step is slow."""
    faint: frozenset[str] = frozenset()
    """Ids of spans that are there only because they lead to others."""
    now: int | None = None
    """Unix nanoseconds: how far an open span has run; None where that is not known."""


def rows(tree: Tree, guides: Guides, limits: Limits, indent: int) -> Iterator[Row]:
    """Every row of the tree, from top to bottom; levels below `indent` get their number for guides."""
    likeness = Likeness(tree)
    pending: list[Row] = [
        Row(item, "", "") for item in reversed(_items(tree.roots, tree.loose_events, likeness, limits))
    ]
    while pending:
        row = pending.pop()
        yield row
        if not isinstance(row.item, Node):
            continue
        items = _below(row.item, likeness, limits)
        depth = row.item.depth + 1
        start = row.below if depth <= indent else f"{guides.deep}{depth} "
        for position, item in enumerate(reversed(items)):
            pending.append(_row(item, start, guides, is_last=position == 0))


def _row(item: Item, start: str, guides: Guides, *, is_last: bool) -> Row:
    return Row(
        item,
        start + (guides.last if is_last else guides.branch),
        start + (guides.blank if is_last else guides.passing),
    )


def _below(node: Node, likeness: Likeness, limits: Limits) -> Sequence[Item]:
    if limits.depth is not None and node.depth + 1 >= limits.depth:
        hidden = likeness.size(node) - 1
        return [Hidden(f"{hidden:,} more below")] if hidden else []
    return _items(node.children, _news(node), likeness, limits)


def has_below(node: Node) -> bool:
    """Whether rows that hang on a node follow it."""
    return bool(node.children) or any(_has_row(event) for event in _news(node))


def _news(node: Node) -> Iterator[Event]:
    """The events that say more than the line under their span does."""
    return (event for event in node.events if not repeats(event, node.record.error))


def _items(
    nodes: Sequence[Node], events: Iterable[Event], likeness: Likeness, limits: Limits
) -> Sequence[Item]:
    told = [event for event in events if _has_row(event)]
    shown = told if limits.everything else _first(told)
    breaks = [event.time for event in shown if is_noteworthy(event)]
    siblings: Iterable[Node | Fold] = nodes if limits.everything else likeness.folded(nodes, breaks)
    timed: Iterable[Node | Fold | Event] = merge(siblings, shown, key=_time)
    items: list[Item] = list(timed)
    if len(shown) < len(told):
        items.append(Hidden(f"{len(told) - len(shown):,} more events"))
    return items


def _has_row(event: Event) -> bool:
    """Whether an event is drawn: it matters, or was recorded at level trace to be seen."""
    return is_noteworthy(event) or is_hot(event)


def _first(events: Sequence[Event]) -> list[Event]:
    """As many as there is room for, in their order; those that matter go before calls of the hot tier."""
    places = sorted(range(len(events)), key=lambda place: not is_noteworthy(events[place]))
    return [events[place] for place in sorted(places[:EVENTS_SHOWN])]


def _time(item: Node | Fold | Event) -> int:
    if isinstance(item, Event):
        return item.time
    return item.record.start if isinstance(item, Node) else item.nodes[0].record.start
