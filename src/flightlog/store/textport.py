"""What an index of texts is: words of a store's values, kept beside it, behind it by a second, made anew at will.

It is never needed for an answer, only for a quick one: what it says may hold some words is looked at, and what it has
not seen yet is looked at as well.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, Protocol

from msgspec import Struct

from flightlog.records.event import Event
from flightlog.records.question import Pattern
from flightlog.records.span import Span

Where = Literal["input", "output", "error", "event"]
"""Where words were found."""


class TextStep(Struct, frozen=True):
    """What one step did."""

    texts: int = 0
    more: bool = False
    """Whether another step would find something at once."""


class TextState(Struct, frozen=True):
    """How an index stands."""

    is_there: bool = False
    is_possible: bool = True
    """Whether the SQLite that runs here can have one."""
    rows_behind: int = 0
    """Spans, events and large values that are not in it yet."""
    texts: int = 0
    """How many it holds."""
    cut: int = 0
    """Texts of which only the beginning is in it; the rest is looked at when somebody asks."""
    bytes_on_disk: int = 0
    trouble: str = ""


class TextIndex(Protocol):
    """Keeps the index of one store up to date; one process at a time does."""

    def step(self) -> TextStep:
        """Forget what was deleted or rewritten, or index some of what is new.

        Raises:
            StoreError: nothing was changed; the next step tries again.
        """

    def rebuild(self) -> None:
        """Throw the index away and begin a new one."""

    def close(self) -> None:
        """Give back every handle; closing twice is harmless."""


class Passage(Struct, frozen=True):
    """A piece of a text with words in it that were looked for."""

    where: Where
    text: str
    """As it was recorded, a few words to both sides."""
    marks: tuple[tuple[int, int], ...]
    """Begin and end of each place in it that fits, in characters."""
    is_begun: bool = False
    """There is more of the text before it."""
    is_cut: bool = False
    """There is more of it behind."""


class Hit(Struct, frozen=True):
    """A step in which all words were found, or an event."""

    span: Span | None
    """Without its inputs and outputs; None for an event."""
    event: Event | None
    passages: tuple[Passage, ...]
    later: int = 0
    """Further steps that repeat the same large value, as the next requests of a conversation do."""


class Search(Struct, frozen=True):
    """What is looked for."""

    words: Sequence[Pattern]
    """All of them, in one step or event."""
    where: Sequence[Where] = ("input", "output", "error", "event")


class Found(Struct, frozen=True):
    """What a search came to."""

    hits: Sequence[Hit]
    has_more: bool = False
    """There is more than was asked for."""
    is_indexed: bool = True
    """The index was asked; else the newest steps were looked at one by one."""
    looked_at: int = 0
    """Without an index, how many spans were looked at; older ones were not, where `has_more` is true."""
