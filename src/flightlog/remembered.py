"""The last that was recorded of one span, wherever its process was: what `resume` goes on from."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, cast
from weakref import WeakValueDictionary

import msgspec

from flightlog.codecs.lines import decode
from flightlog.configure import flush, load_settings
from flightlog.core.context import Captured, parent_here, variable
from flightlog.core.continued import Continued, Offer
from flightlog.home import Home
from flightlog.recording import recorder
from flightlog.records.errors import FlightlogError, NotPaused, UnknownId
from flightlog.records.kinds import RANKS
from flightlog.records.question import And, Comparison, Pattern
from flightlog.records.span import Span
from flightlog.records.traces import Selection

_RESUMABLE: Final = frozenset({"paused", "interrupted"})
"""Statuses of a span that may go on once it was paused; one whose process was killed later is `interrupted`."""


_offers: Final[WeakValueDictionary[tuple[str, str, int], Offer]] = WeakValueDictionary()
"""Trace id, span id and revision to the resumption that they allow, as long as somebody has it."""


def last_record(ref: str, trace_id: str, span_id: str, timeout: float) -> Span | None:
    """The record of a span that may go on; None when it cannot be read, which was said and counted.

    Args:
        ref: what was asked for, for what an error says.
        trace_id: of the span.
        span_id: of the span.
        timeout: the longest that the journals are read, in seconds.

    Raises:
        UnknownId: there is no such span.
        NotPaused: it does not wait.
    """
    lines = _captured_lines()
    try:
        found = _in_home(trace_id, span_id, timeout) if lines is None else _among(lines, trace_id, span_id)
    except (FlightlogError, OSError) as error:  # the border: a store that fails must not break its program
        recorder.count("internal_errors")
        recorder.say(f"a paused span cannot be read, and what goes on is not recorded under it: {error}")
        return None
    if found is None:
        raise UnknownId(ref, what="paused span")
    if found.status not in _RESUMABLE or not found.revision:
        raise NotPaused(found.name, ref, found.status)
    return found


def taken_up(record: Span, ref: str, value: object) -> Continued:
    """The span that goes on from this record; `ref` is what was asked for."""
    made = Continued(record.trace_id, record.span_id, value)
    given = {"input": record.input, "output": record.output}
    offer = _offers.setdefault((record.trace_id, record.span_id, record.revision), Offer(ref))
    made.take_up(record, {key: found for key, found in given.items() if found is not msgspec.UNSET}, offer)
    return made


def _in_home(trace_id: str, span_id: str, timeout: float) -> Span | None:
    flush(timeout)
    home = Home.find(recorder.settings or load_settings())
    home.catch_up(timeout)
    with home.reader() as reader:
        return _greatest(span for span in reader.spans(trace_id) if span.span_id == span_id)


def _captured_lines() -> list[bytes] | None:
    """What the capture around us has taken so far, framed; None outside of any. It takes by its list's `append`."""
    around = parent_here(variable.get())
    take = around.take if isinstance(around, Captured) else getattr(around, "_out", None)
    return cast("list[bytes] | None", getattr(take, "__self__", None))


def _among(lines: Iterable[bytes], trace_id: str, span_id: str) -> Span | None:
    records = [decode(line[1:-1]) for line in lines]
    spans = (record for record in records if isinstance(record, Span))
    return _greatest(span for span in spans if (span.trace_id, span.span_id) == (trace_id, span_id))


def _greatest(spans: Iterable[Span]) -> Span | None:
    """The line that wins, as in a store."""
    return max(spans, key=lambda span: (RANKS[span.status], span.revision, span.end or 0), default=None)


def waiting_with(attribute: str, value: str, timeout: float = 5.0) -> list[Span]:
    """Every span of the newest trace in which one has this attribute and waits; empty where there is none.

    Args:
        attribute: its name.
        value: what it is.
        timeout: the longest that the journals are read, in seconds.

    Raises:
        FlightlogError: the store cannot be read.
    """
    lines = _captured_lines()
    if lines is not None:
        latest: dict[str, list[Span]] = {}
        for record in map(decode, (line[1:-1] for line in lines)):
            if isinstance(record, Span):
                latest.setdefault(record.span_id, []).append(record)
        spans = [found for group in latest.values() if (found := _greatest(group)) is not None]
        waits = [one for one in spans if one.status == "paused" and one.attributes.get(attribute) == value]
        return [one for one in spans if waits and one.trace_id == waits[-1].trace_id]
    asked = (
        Comparison("status", "=", Pattern(("paused",))),
        Comparison("attr", "=", Pattern((value,)), attribute),
    )
    flush(timeout)
    home = Home.find(recorder.settings or load_settings())
    home.catch_up(timeout)
    with home.reader() as reader:
        found_spans = reader.newest_spans(1, Selection(question=And(asked)), payloads=False)
        return reader.spans(found_spans[0].trace_id, payloads=False) if found_spans else []
