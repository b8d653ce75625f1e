"""Which narration tells which span: a step that somebody told in words is not told a second time.

A span is narrated when a narration stands on it. It is also narrated when one stands on the span above, has the
span's name for its action and was said after its end, as a decorator does that speaks after a call: of several
such spans it tells the one that ended last and has no narration of that sort yet.
"""

from __future__ import annotations

from collections.abc import Sequence

from flightlog.narration.folding import Place
from flightlog.records.event import Event
from flightlog.records.narration import is_narration


def claims(children: Sequence[Place], events: Sequence[Event]) -> dict[int, Event]:
    """Of children that a narration on their parent tells: identity of the child to that narration."""
    said = [event for event in events if is_narration(event)]
    if not said or not children:
        return {}
    actions = {event.name for event in said}
    ends = [
        (child.record.end, name, child)
        for child in children
        if child.record.end is not None and (name := _bare(child.record.name)) in actions
    ]
    ends.sort(key=lambda found: found[0])
    found: dict[int, Event] = {}
    ended: dict[str, list[Place]] = {}
    place = 0
    for event in sorted(said, key=lambda event: event.time):
        while place < len(ends) and ends[place][0] <= event.time:
            ended.setdefault(ends[place][1], []).append(ends[place][2])
            place += 1
        if waiting := ended.get(event.name):
            found[id(waiting.pop())] = event
    return found


def _bare(name: str) -> str:
    """A function's name without the class or module that it stands in."""
    return name.rpartition(".")[2]
