"""A trace as a tree of lines, once it is over."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from flightlog.analysis.tree import Node, build
from flightlog.records.event import Event
from flightlog.records.narration import View
from flightlog.records.span import Span
from flightlog.sinks.console_line import event_text, span_text
from flightlog.sinks.stream import Look

MOST_LINES: Final = 500
"""Lines of one tree; what is beyond is counted."""

_DEEPEST: Final = 24
_UNICODE: Final = ("├─ ", "└─ ", "│  ", "   ")
_ASCII: Final = ("|- ", "`- ", "|  ", "   ")


def lines(spans: Iterable[Span], events: Iterable[Event], seen: Look, view: View = "human") -> Iterator[str]:
    """Draw the tree, in the order of the starts; deeper than the eye can follow is drawn without its branches."""
    tree = build(spans, events)
    middle, last, beside, blank = _UNICODE if seen.unicode else _ASCII
    rest: list[tuple[Node | Event, str, str]] = [(root, "", "") for root in reversed(tree.roots)]
    drawn = 0
    while rest and drawn < MOST_LINES:
        item, lead, below = rest.pop()
        drawn += 1
        if isinstance(item, Event):
            yield seen.paint("dim", lead) + event_text(item, seen, view, below)
            continue
        yield seen.paint("dim", lead) + span_text(item.record, seen, below)
        inner: list[Node | Event] = [*item.children, *item.events]
        inner.sort(key=lambda one: one.time if isinstance(one, Event) else one.record.start, reverse=True)
        for place, one in enumerate(inner):
            ends = place == 0
            stem = below if len(below) < _DEEPEST * 3 else below[:3] + "…"
            rest.append((one, stem + (last if ends else middle), stem + (blank if ends else beside)))
    if rest:
        yield seen.paint("dim", f"{'…' if seen.unicode else '...'} {len(rest):,} branches more")
