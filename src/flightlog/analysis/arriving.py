"""How far an answer is that is still being streamed: how many pieces of it are here, never what they say.

The pieces are `chunk` events, which are recorded from level `trace` on.
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

from flightlog.records.event import Event


class Arriving(Struct, frozen=True):
    """What arrived so far."""

    pieces: int
    characters: int
    last: int
    """When the last piece came, Unix nanoseconds."""


def arriving(events: Iterable[Event]) -> Arriving | None:
    """Add up the pieces among the events of one model call; None where there are none."""
    pieces = [event for event in events if event.name == "chunk"]
    if not pieces:
        return None
    sizes = (event.attributes.get("size") for event in pieces)
    characters = sum(size for size in sizes if isinstance(size, int) and size > 0)
    return Arriving(len(pieces), characters, max(event.time for event in pieces))
