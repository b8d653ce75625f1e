"""What is known of an answer that arrives in pieces: how many, how large, how soon, how evenly. Never its text."""

from __future__ import annotations

from typing import Final

from flightlog.records import genai

_SECOND: Final = 1_000_000_000


class Stream:
    """Counts the pieces of one streamed answer. All times are monotonic nanoseconds."""

    __slots__ = ("_asked", "_characters", "_chunks", "_first", "_gap", "_last")

    def __init__(self, asked: int) -> None:
        self._asked = asked
        """When the request was made."""
        self._first = 0
        self._last = 0
        self._gap = -1
        self._chunks = 0
        self._characters = 0

    def begin(self, now: int) -> None:
        """The first piece is here, whatever it is; later calls change nothing."""
        self._first = self._first or now

    def add(self, size: object, now: int) -> int:
        """Count one piece; gives its place, counted from 0."""
        self.begin(now)
        if self._last:
            self._gap = max(self._gap, now - self._last)
        self._last = now
        self._characters += size if isinstance(size, int) else 0
        self._chunks += 1
        return self._chunks - 1

    def summary(self) -> dict[str, object]:
        """The attributes that say all this; what is not known is left out."""
        told: dict[str, object] = {}
        if self._first:
            told[genai.TIME_TO_FIRST_CHUNK] = (self._first - self._asked) / _SECOND
        if self._chunks:
            told[genai.STREAM_CHUNKS] = self._chunks
            told[genai.STREAM_CHARACTERS] = self._characters
        if self._gap >= 0:
            told[genai.STREAM_LONGEST_GAP] = self._gap
        return told
