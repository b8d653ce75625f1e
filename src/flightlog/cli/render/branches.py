"""The rows of a tree in the order they are drawn, each with the guide lines that lead to it.

Spans, long repetitions (folds), events that matter, errors and whatever a depth limit hides become rows. The
guides are kept short: below a certain depth they are replaced by the depth's number, so that a chain of
100,000 spans is drawn in as many lines and not in as many columns.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from heapq import merge
from typing import Final

from msgspec import Struct

from flightlog.analysis.likeness import Fold, Likeness
from flightlog.analysis.pace import DEFAULT, Pace
from flightlog.analysis.summary import is_noteworthy, repeats
from flightlog.analysis.tree import Node, Tree
from flightlog.narration.hot import is_hot
from flightlog.records.event import Event
from flightlog.records.narration import View
from flightlog.records.span import Span

EVENTS_SHOWN: Final = 8
"""Events of one span that get a row; the rest are counted in one more."""

QUIET_SHOWN: Final = 50
"""Where everything is wanted, so many events of one span that matter little get a row: lines of output, logs."""


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
    """No folds, every noteworthy event, and the first of those that are not."""
    preview: int = 0
    """Characters of each input and output that are shown; -1 for all of them."""
    pace: Pace = DEFAULT
    """From when on a step is slow."""
    faint: frozenset[str] = frozenset()
    """Ids of spans that are there only because they lead to others."""
    now: int | None = None
    """Unix nanoseconds: how far an open span has run; None where that is not known."""
    view: View = "human"
    """The voice of narrations."""
    cost: Callable[[Span], str] | None = None
    """Tells what a span cost, in a few letters; empty for what is unknown, or nobody charges for."""

    def cost_of(self, span: Span) -> str:
        """What a span cost; empty where that is not known."""
        return self.cost(span) if self.cost else ""


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


def has_below(node: Node, limits: Limits) -> bool:
    """Whether rows that hang on a node follow it."""
    return bool(node.children) or any(_has_row(event, limits) for event in _news(node))


def _news(node: Node) -> Iterator[Event]:
    """The events that say more than the line under their span does."""
    return (event for event in node.events if not repeats(event, node.record.error))


def _items(
    nodes: Sequence[Node], events: Iterable[Event], likeness: Likeness, limits: Limits
) -> Sequence[Item]:
    told = [event for event in events if _has_row(event, limits)]
    shown = _loud_and_first(told) if limits.everything else _first(told)
    breaks = [event.time for event in shown if is_noteworthy(event)]
    siblings: Iterable[Node | Fold] = nodes if limits.everything else likeness.folded(nodes, breaks)
    timed: Iterable[Node | Fold | Event] = merge(siblings, shown, key=_time)
    items: list[Item] = list(timed)
    if len(shown) < len(told):
        where = ", all of them in `flightlog show` of this step" if limits.everything else ""
        items.append(Hidden(f"{len(told) - len(shown):,} more events{where}"))
    return items


def _has_row(event: Event, limits: Limits) -> bool:
    """Whether an event is drawn: it matters, was recorded at level trace to be seen, or everything is wanted."""
    return is_noteworthy(event) or is_hot(event) or (limits.everything and event.name != "chunk")


def _loud_and_first(events: Sequence[Event]) -> list[Event]:
    """All that have a row in any case, and of the quiet ones (lines of output, logs) the first."""
    loud = Limits()
    left = QUIET_SHOWN
    shown = []
    for event in events:
        if not _has_row(event, loud):
            left -= 1
            if left < 0:
                continue
        shown.append(event)
    return shown


def _first(events: Sequence[Event]) -> list[Event]:
    """As many as there is room for, in their order; those that matter go before calls of the hot tier."""
    places = sorted(range(len(events)), key=lambda place: not is_noteworthy(events[place]))
    return [events[place] for place in sorted(places[:EVENTS_SHOWN])]


def _time(item: Node | Fold | Event) -> int:
    if isinstance(item, Event):
        return item.time
    return item.record.start if isinstance(item, Node) else item.nodes[0].record.start
