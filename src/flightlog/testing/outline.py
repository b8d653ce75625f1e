"""What was recorded as a tree of lines, for whoever wonders why a test failed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from flightlog.analysis.tree import Node
from flightlog.narration.words import duration
from flightlog.records.event import Event
from flightlog.records.narration import ATTRIBUTES, MARK, is_narration, spoken
from flightlog.testing.nearest import shown
from flightlog.testing.reading import Reading, roots

MOST_LINES: Final = 60
"""Lines that are shown; what is more is counted."""

_MOST_FIELDS: Final = 4
_OWN: Final = frozenset({*ATTRIBUTES, MARK})


def outline(reading: Reading) -> str:
    """Spans and events, each under what it belongs to, by time; then the events of no span."""
    told = list(_spans(reading))
    told += [_event(event, 0) for event in reading.events if event.span_id not in reading.places]
    if len(told) > MOST_LINES:
        told = [*told[:MOST_LINES], f"… and {len(told) - MOST_LINES:,} more"]
    return "\n".join(told) or "nothing"


def _spans(reading: Reading) -> Iterator[str]:
    rest: list[tuple[Node | Event, int]] = [(root, 0) for root in reversed(roots(reading))]
    while rest:
        here, depth = rest.pop()
        if isinstance(here, Event):
            yield _event(here, depth)
            continue
        yield _span(here)
        below: list[Node | Event] = sorted([*here.events, *here.children], key=_time)
        rest += [(each, depth + 1) for each in reversed(below)]


def _time(each: Node | Event) -> int:
    return each.time if isinstance(each, Event) else each.start


def _span(node: Node) -> str:
    kind = f" ({node.kind})" if node.kind else ""
    said = [f"{'  ' * node.depth}{shown(node.name)[1:-1]}{kind}", node.status, duration(node.duration_ns)]
    said += [shown(f"{node.error.type}: {node.error.message}", 80)[1:-1]] if node.error else []
    return "  ".join([part for part in (*said, _fields(node.attributes)) if part])


def _event(event: Event, depth: int) -> str:
    lead = f"{'  ' * depth}· {shown(event.name)[1:-1]}"
    text = spoken(event) if is_narration(event) else event.body
    own = {
        name: value for name, value in event.attributes.items() if not is_narration(event) or name not in _OWN
    }
    return "  ".join([part for part in (lead, shown(text, 80) if text else "", _fields(own)) if part])


def _fields(attributes: Mapping[str, Any]) -> str:
    some = [f"{name}={shown(value, 40)}" for name, value in list(attributes.items())[:_MOST_FIELDS]]
    return " ".join([*some, "…"] if len(attributes) > _MOST_FIELDS else some)
