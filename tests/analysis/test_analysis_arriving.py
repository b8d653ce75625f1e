"""How far a streamed answer is."""

from __future__ import annotations

from flightlog.analysis.arriving import Arriving, arriving
from flightlog.records.event import Event


def happened(number, name, **attributes):
    return Event(
        event_id=f"{number:016x}",
        trace_id="1" * 32,
        time=number,
        name=name,
        process_id="2" * 32,
        project="default",
        attributes=attributes,
    )


def test_pieces_are_added_up_and_other_events_are_none():
    seen = [
        happened(5, "chunk", size=3, index=0),
        happened(9, "chunk", size=40, index=1),
        happened(7, "chunk", size="many"),
        happened(99, "retry", size=7),
    ]
    assert arriving(seen) == Arriving(pieces=3, characters=43, last=9)


def test_without_pieces_nothing_is_known():
    assert arriving([happened(1, "retry")]) is None
    assert arriving([]) is None
