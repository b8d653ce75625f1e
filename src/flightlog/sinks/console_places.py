"""Where each step belongs while a program runs, although a child is often heard of before its parent.

A line is written when a span ends, so a short parent comes after its children; a span that takes longer has a
line while it runs. What comes before its parent waits for it a moment. A parent that does not show up is
somebody else's (another process's): what is under it is then the root of what is seen here.

A step that is over soon is told once, at its start, with all that happened within it after that. So a line of
a span that began only just now waits, too: its end may follow.

Nothing here recurses: a chain of any depth is as good as a flat list.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, Literal

from msgspec import Struct

from flightlog.records.event import Event
from flightlog.records.span import Span

PATIENCE: Final = 0.5
"""Seconds that a step waits for its parent. One that is open has a line after a quarter of a second."""

SOON: Final = 0.25
"""Seconds from its start in which a step that ends is told once."""

MOST_WAITING: Final = 50_000
"""Steps that wait for their parents, or for their own end; beyond it nobody waits any more."""

MOST_KNOWN: Final = 100_000
"""Spans that are remembered, for what comes under them late."""


class Place(Struct):
    """What is known of one span's place."""

    depth: int
    root: str
    """Id of the span above it that has no parent here, or its own."""
    thread: str
    started: bool = False
    told: bool = False
    """Whether its end was told with its start."""
    ended: bool = False


class Step(Struct, frozen=True):
    """One thing that happened, in its place."""

    what: Literal["start", "end", "event"]
    record: Span | Event
    depth: int
    root: str
    aside: str = ""
    """Name of the task or thread, when it is another than that of the span above."""
    told: bool = False
    """An end that was told with the start: that step's record had ended by then."""


class _End(Struct, frozen=True):
    """The end of a span, to be told once all under it is."""

    span: Span


class Places:
    """Gives the records of one process their places, in an order that can be shown."""

    def __init__(self, outside: Iterable[str] = ()) -> None:
        """Prepare.

        Args:
            outside: ids of spans that are known to be another process's.
        """
        self._known: dict[str, Place] = {}
        self._waiting: dict[str, tuple[float, list[Span | Event]]] = {}
        self._number = 0
        self._young: dict[str, tuple[float, Span]] = {}
        """Spans that run and could be shown, each with the time until which its end may make that needless."""
        self._outside = dict.fromkeys(outside)

    @property
    def is_waiting(self) -> bool:
        """Whether something waits for its parent, or for its end."""
        return bool(self._waiting or self._young)

    def feed(self, record: Span | Event, now: float, wall_ns: int) -> list[Step]:
        """Take one record; give what can be shown now.

        Args:
            record: a span, running or ended, or an event on one.
            now: monotonic seconds.
            wall_ns: Unix nanoseconds, to know the age of a span that runs.
        """
        above = record.parent_id if isinstance(record, Span) else record.span_id
        if above and above not in self._known and above not in self._outside and not self._is_known(record):
            self._waiting.setdefault(above, (now, []))[1].append(record)
            self._number += 1
            return self._unless_too_many()
        if isinstance(record, Span) and record.end is None and not self._is_known(record):
            age = max(0.0, (wall_ns - record.start) / 1e9)
            if age < SOON:
                self._young.setdefault(record.span_id, (now + SOON - age, record))
                return self._unless_too_many()
        return self._place([record])

    def _unless_too_many(self) -> list[Step]:
        """Nothing, or everything when too much waits."""
        return self.overdue(float("inf")) if self._number + len(self._young) > MOST_WAITING else []

    def overdue(self, now: float) -> list[Step]:
        """What has waited for too long; a parent that did not come is taken to be somebody else's."""
        grown = [span for until, span in self._young.values() if now >= until]
        steps = self._place(grown)
        late = [above for above, (since, _) in self._waiting.items() if now - since >= PATIENCE]
        parents = self._parents() if late else {}
        for above in late:
            if above in self._waiting:
                missing = _top(above, parents)
                self._outside[missing] = None
                steps += self._place(self._below(missing))
        while len(self._outside) > MOST_WAITING:
            del self._outside[next(iter(self._outside))]
        return steps

    def _is_known(self, record: Span | Event) -> bool:
        return isinstance(record, Span) and record.span_id in self._known

    def _parents(self) -> dict[str, str]:
        """Of each span that waits, the one that it waits for."""
        return {
            record.span_id: above
            for above, (_, records) in self._waiting.items()
            for record in records
            if isinstance(record, Span)
        }

    def _below(self, above: str) -> list[Span | Event]:
        """What waited for this span; of one that has ended only the end."""
        records = self._waiting.pop(above, (0.0, []))[1]
        self._number -= len(records)
        over = {one.span_id for one in records if isinstance(one, Span) and one.end is not None}
        return [
            one for one in records if not (isinstance(one, Span) and one.end is None and one.span_id in over)
        ]

    def _place(self, records: Sequence[Span | Event]) -> list[Step]:
        """Place records and whatever waited for them."""
        steps: list[Step] = []
        rest: list[Span | Event | _End] = list(reversed(records))
        while rest:
            item = rest.pop()
            if isinstance(item, _End):
                steps.append(self._step("end", item.span, self._known[item.span.span_id]))
            elif isinstance(item, Event):
                steps.append(self._event(item))
            else:
                below = self._below(item.span_id)
                place = self._placed(item)
                if (below or item.end is None) and not place.started and not place.ended:
                    place.started, place.told = True, item.end is not None
                    steps.append(self._step("start", item, place))
                if item.end is not None and not place.ended:
                    place.ended = True
                    rest.append(_End(item))
                rest += reversed(below)
        self._forget()
        return steps

    def _placed(self, span: Span) -> Place:
        self._young.pop(span.span_id, None)
        place = self._known.get(span.span_id)
        if place is None:
            above = self._known.get(span.parent_id)
            thread = span.task or span.thread
            depth, root = (0, span.span_id) if above is None else (above.depth + 1, above.root)
            place = Place(depth, root, thread)
            self._known[span.span_id] = place
        return place

    def _step(self, what: Literal["start", "end"], span: Span, place: Place) -> Step:
        above = self._known.get(span.parent_id)
        aside = "" if above is None or above.thread == place.thread else place.thread
        return Step(what, span, place.depth, place.root, aside, told=what == "end" and place.told)

    def _event(self, event: Event) -> Step:
        above = self._known.get(event.span_id)
        return Step(
            "event", event, 0 if above is None else above.depth + 1, "" if above is None else above.root
        )

    def _forget(self) -> None:
        """Forget the older half of the spans that ended, when there are too many."""
        if len(self._known) <= MOST_KNOWN:
            return
        ended = [span_id for span_id, place in self._known.items() if place.ended]
        for span_id in ended[: max(1, len(ended) // 2)]:
            del self._known[span_id]


def _top(above: str, parents: Mapping[str, str]) -> str:
    """The missing span over a chain of those that wait; in a circle, one of them."""
    seen = {above}
    while (higher := parents.get(above)) is not None and higher not in seen:
        above = higher
        seen.add(above)
    return above
