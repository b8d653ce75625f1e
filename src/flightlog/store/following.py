"""What is told to somebody who follows a store: what came since the last look, and a mark for the next one."""

from __future__ import annotations

from msgspec import Struct

from flightlog.records.span import Span


class Mark(Struct, frozen=True):
    """How far somebody has followed a store; made by `Reader.news`, and understood by it alone."""

    place: int
    still: tuple[int, ...] = ()
    """One for each span that was open, of very many the newest."""


class News(Struct, frozen=True, kw_only=True):
    """What came into a store since a mark was made."""

    spans: list[Span]
    """Those that are new, as they stand, and those that were open and are over; a span may be told of twice."""
    mark: Mark
    """Where to go on."""
    has_more: bool = False
    """There is more than was asked for."""
