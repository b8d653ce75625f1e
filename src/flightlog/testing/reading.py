"""What a test has in hand, read: the records of a capture or a trace, each span once, as its last line says it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from msgspec import Struct

from flightlog.analysis.tree import Node, Tree, build
from flightlog.codecs.lines import decode
from flightlog.records.event import Event
from flightlog.records.kinds import RANKS
from flightlog.records.narration import is_narration
from flightlog.records.record import Record
from flightlog.records.span import Span


class Reading(Struct, eq=False):
    """Spans and events, by the time at which they began and happened."""

    spans: list[Span]
    events: list[Event]
    places: dict[str, Span]
    """Each span by its id."""

    def above(self, span: Span) -> Span | None:
        """The span that it is directly under; None for a root."""
        return self.places.get(span.parent_id) if span.parent_id else None

    def path(self, span: Span) -> list[str]:
        """The names from its root down to it."""
        names: list[str] = []
        seen: set[str] = set()
        here: Span | None = span
        while here is not None and here.span_id not in seen:
            seen.add(here.span_id)
            names.append(here.name)
            here = self.above(here)
        return names[::-1]

    def in_time(self) -> list[Span | Event]:
        """Everything, a parent before what it caused even where the clock did not move."""
        timed: list[tuple[int, int, Span | Event]] = [
            (span.start, self._depth(span), span) for span in self.spans
        ]
        timed += [(event.time, 1 << 30, event) for event in self.events]
        return [record for _, _, record in sorted(timed, key=lambda each: each[:2])]

    def _depth(self, span: Span) -> int:
        return len(self.path(span))

    @property
    def narrations(self) -> list[Event]:
        """The events that say something in words."""
        return [event for event in self.events if is_narration(event)]


def read(trace: object) -> Reading:
    """Read a capture, a tree, a part of one, or records.

    Raises:
        TypeError: it is none of these.
    """
    records = list(_records(trace))
    spans: dict[str, Span] = {}
    for record in records:
        if isinstance(record, Span):
            before = spans.get(record.span_id)
            if before is None or _rank(record) >= _rank(before):
                spans[record.span_id] = record
    return Reading(
        sorted(spans.values(), key=lambda span: span.start),
        sorted((record for record in records if isinstance(record, Event)), key=lambda event: event.time),
        spans,
    )


def roots(reading: Reading) -> list[Node]:
    """The spans as trees, siblings by start."""
    return build(reading.spans, reading.events).roots


def lines(framed: Iterable[bytes]) -> list[Record]:
    """The records of framed lines."""
    return [decode(line[1:-1]) for line in list(framed)]


def _records(trace: Any) -> Iterator[Record]:
    if isinstance(trace, (Tree, Node)):
        for node in trace.walk():
            yield node.record
            yield from node.events
        yield from trace.loose_events if isinstance(trace, Tree) else ()
        return
    given = getattr(trace, "records", trace)
    if isinstance(given, (str, bytes)) or not isinstance(given, Iterable):
        raise TypeError(
            f"a trace is a capture, what flightlog.load gives, or records; not {type(trace).__name__}"
        )
    for record in given:
        if not isinstance(record, Record):
            raise TypeError(f"a trace is made of records, not of {type(record).__name__}")
        yield record


def _rank(span: Span) -> tuple[int, int, int]:
    return RANKS[span.status], span.revision, span.end or 0
