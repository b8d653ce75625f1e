"""Events outside any span told by time: a narration in its voice, any other by its name and what it says.

No tree and no other story has them, so all are told, quiet ones too; alike ones are folded. Where the service, the day
or the trace is another than before, a line names it.
"""

from __future__ import annotations

import time
from collections.abc import Hashable, Iterator, Sequence
from typing import Final

from flightlog.narration import events as tell_event
from flightlog.narration import hot
from flightlog.narration.folding import Fold, event_shape, folded
from flightlog.narration.trace import PLAINLY, Manner, Sentence, What
from flightlog.narration.words import MOST_TEXT, clock, duration, of_them, plain, short
from flightlog.records.event import Event
from flightlog.records.kinds import LEVELS
from flightlog.records.narration import is_narration

_SHORT_ID: Final = 8
_MOST_FIELDS: Final = 6
_LOUD: Final = LEVELS["error"]

Where = tuple[str, str, str]


def loose(events: Sequence[Event], manner: Manner = PLAINLY) -> Iterator[Sentence]:
    """Tell events that belong to no span.

    Args:
        events: by time.
        manner: voice and least level; with `everything` nothing is folded.
    """
    told = [event for event in events if LEVELS.get(event.level, 0) >= LEVELS.get(manner.level, 0)]
    where: Where | None = None
    for item in told if manner.everything else folded(told, _shape, is_odd=_is_odd):
        first = item.items[0] if isinstance(item, Fold) else item
        here = _where(first)
        if here != where:
            where = here
            yield Sentence("opening", _place(here), first.time, trace_id=first.trace_id, chapter=True)
        if isinstance(item, Fold):
            text = f"…and {len(item.items):,} more like it, to {clock(item.items[-1].time)}: "
            yield Sentence("more", text + _sentence(item.all[0], manner), first.time, 1, first.level)
        else:
            yield _of(item, manner)
    if told:
        over = duration(told[-1].time - told[0].time)
        said = f"{of_them(len(told), 'event')} outside any span{f', over {over}' if len(told) > 1 else ''}."
        yield Sentence("closing", said, told[-1].time)


def _of(event: Event, manner: Manner) -> Sentence:
    what: What = "narration" if is_narration(event) else "event"
    return Sentence(
        what,
        _sentence(event, manner),
        event.time,
        1,
        event.level,
        trace_id=event.trace_id,
        span_id=event.span_id,
        event_id=event.event_id,
    )


def _sentence(event: Event, manner: Manner) -> str:
    """What it says, behind who says it."""
    if hot.is_hot(event):
        return hot.line(event)
    if not is_narration(event):
        return tell_event.sentence(event) if event.body or tell_event.is_told(event) else _with_fields(event)
    said = tell_event.narrated(event, manner.view)
    actor = tell_event.actor(event)
    return said if not actor or said.startswith(actor) else f"{actor}: {said}"


def _with_fields(event: Event) -> str:
    """An event without a text by its name and its first attributes."""
    fields = [f"{short(name)}={plain(value)}" for name, value in event.attributes.items()]
    more = ", …" if len(fields) > _MOST_FIELDS else ""
    told = ", ".join(fields[:_MOST_FIELDS]) + more
    return short(event.name) + (f" ({short(told, MOST_TEXT)})" if told else "")


def _where(event: Event) -> Where:
    try:
        day = time.strftime("%Y-%m-%d", time.localtime(event.time // 10**9))
    except (OverflowError, ValueError, OSError):  # a time that no calendar has
        day = "an unknown day"
    return short(event.service) or "a program without a name", day, event.trace_id


def _place(where: Where) -> str:
    service, day, trace_id = where
    of = f", of trace {short(trace_id[:_SHORT_ID])} whose spans are not here" if trace_id else ""
    return f"In {service} on {day}{of}:"


def _shape(event: Event) -> Hashable:
    return _where(event), event_shape(event)


def _is_odd(event: Event) -> bool:
    return LEVELS.get(event.level, 0) >= _LOUD
