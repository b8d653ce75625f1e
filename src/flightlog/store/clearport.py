"""What a store says of room: what a deletion took, and what its file holds."""

from __future__ import annotations

from msgspec import Struct


class Deleted(Struct, frozen=True):
    """What a deletion took away."""

    spans: int = 0
    events: int = 0
    annotations: int = 0
    payloads: int = 0
    """Large values that nothing else refers to."""
    bytes: int = 0
    """Of values, texts and compressed payloads; what rows and indexes take besides is not counted."""
    traces: int = 0
    """Of those that were named, from the first one on, how many are gone altogether, or never were there."""


class Room(Struct, frozen=True):
    """What a store takes on the disk."""

    bytes: int
    free_bytes: int = 0
    """Of these, what nothing lies in: it fills again before the store grows."""
    gives_back: bool = True
    """Whether free room can be handed back a little at a time; a store that an older Flightlog made has to be
    written anew for it (`Writer.compact`)."""

    @property
    def used_bytes(self) -> int:
        """What something lies in."""
        return self.bytes - self.free_bytes
