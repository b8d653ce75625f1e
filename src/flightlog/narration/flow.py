"""A flow told by time: what narrations of one correlation id say, whatever traces they were said in.

Of the spans nobody narrated those are told that nothing above them in the flow tells, and those that failed. Where
the flow goes on in another trace than before, a line names it.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Sequence
from typing import Final

from flightlog.narration import events as tell_event
from flightlog.narration import spans as tell_span
from flightlog.narration.folding import Fold, event_shape, folded
from flightlog.narration.trace import PLAINLY, Manner, Sentence, What
from flightlog.narration.words import duration, of_them, short
from flightlog.records.event import Event
from flightlog.records.kinds import LEVELS
from flightlog.records.narration import is_narration
from flightlog.records.span import Span

_SHORT_ID: Final = 8

Record = Span | Event


def flow(spans: Sequence[Span], events: Sequence[Event], manner: Manner = PLAINLY) -> Iterator[Sentence]:
    """Tell a flow from its beginning to its end.

    Args:
        spans: those that belong to it, of any number of traces.
        events: the same.
        manner: as for a story; runs of alike sentences within a trace are folded.
    """
    told = sorted(_told(spans, events, manner), key=_time)
    where: tuple[str, str] | None = None
    for record in told if manner.everything else folded(told, _shape, is_odd=_has_failed):
        first = record.items[0] if isinstance(record, Fold) else record
        here = first.trace_id, first.service
        if here != where:
            where = here
            yield Sentence("opening", _place(first), _time(first), trace_id=first.trace_id, chapter=True)
        if isinstance(record, Fold):
            text = f"…and {len(record.items):,} more like it: {_sentence(record.all[0], manner)}"
            yield Sentence("more", text, _time(first), 1, _level(first), trace_id=first.trace_id)
        else:
            yield _of(record, manner)
    if told:
        yield _closing(told, spans, events)


def _told(spans: Sequence[Span], events: Sequence[Event], manner: Manner) -> Iterator[Record]:
    """What is told by itself."""
    said = [event for event in events if tell_event.is_told(event)]
    narrated = {(event.trace_id, event.span_id) for event in said if is_narration(event)}
    known = {(span.trace_id, span.span_id) for span in spans}
    for span in spans:
        is_top = (span.trace_id, span.parent_id) not in known and (
            span.trace_id,
            span.span_id,
        ) not in narrated
        if span.status == "error" or (is_top and _is_loud(span.level, manner)):
            yield span
    yield from (event for event in said if _is_loud(event.level, manner))


def _sentence(record: Record, manner: Manner) -> str:
    if isinstance(record, Event):
        return tell_event.sentence(record, manner.view)
    return tell_span.sentence(record, now=manner.now)


def _of(record: Record, manner: Manner) -> Sentence:
    text = _sentence(record, manner)
    if isinstance(record, Span):
        return Sentence("step", text, record.start, 1, _level(record), False, record.trace_id, record.span_id)
    what: What = "narration" if is_narration(record) else "event"
    return Sentence(
        what, text, record.time, 1, record.level, False, record.trace_id, record.span_id, record.event_id
    )


def _closing(told: Sequence[Record], spans: Iterable[Span], events: Iterable[Event]) -> Sentence:
    traces = {span.trace_id for span in spans} | {event.trace_id for event in events if event.trace_id}
    ends = [span.end for span in spans if span.end is not None]
    end = max([*map(_time, told), *ends])
    begin = _time(told[0])
    failed = sum(span.status == "error" for span in spans)
    where = of_them(len(traces), "trace") if traces else "no trace"
    took = f"All of it took {duration(end - begin)}" if end > begin else "All of it was said at once"
    parts = [f"{took}, in {where}."]
    if failed:
        parts.append(f"{of_them(failed, 'step')} failed.")
    return Sentence("closing", " ".join(parts), end, level="error" if failed else "info")


def _place(record: Record) -> str:
    """Where the flow goes on."""
    service = short(record.service) or "a program without a name"
    return (
        f"In {service}, trace {short(record.trace_id[:_SHORT_ID])}:"
        if record.trace_id
        else f"In {service}, outside of any trace:"
    )


def _shape(record: Record) -> Hashable:
    if isinstance(record, Event):
        return record.trace_id, event_shape(record)
    return record.trace_id, record.span_id


def _time(record: Record) -> int:
    return record.start if isinstance(record, Span) else record.time


def _level(record: Record) -> str:
    return "error" if isinstance(record, Span) and record.status == "error" else record.level


def _has_failed(record: Record) -> bool:
    return _level(record) in {"error", "fatal"}


def _is_loud(level: str, manner: Manner) -> bool:
    return LEVELS.get(level, 0) >= LEVELS.get(manner.level, 0)
