"""How records become lines: what the explorer asks of whoever starts it.

The command line draws for its own commands and hands the same drawings in here, so a trace looks the same wherever it
is looked at. A line is text that is safe to show, with colours as a terminal writes them (`ESC [ 3 1 m`), and as wide
as it was asked for or narrower.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, Protocol

from flightlog.analysis.arriving import Arriving
from flightlog.analysis.tree import Node, Tree
from flightlog.records.span import Span
from flightlog.records.traces import Trace
from flightlog.tui.source import Found, Listing, Statistics

Mood = Literal["idle", "working", "ok", "warning"]
"""How the mascot feels: nothing happens, something runs, the last trace went well, it did not."""


class Pen(Protocol):
    """Draws the lines of one tree on one time axis."""

    def title(self) -> str:
        """The scale of the axis, and what the columns are."""

    def line(self, node: Node, guides: str) -> str:
        """One span: guides, sign, name, when it ran, how long it took."""


class Drawing(Protocol):
    """What is drawn."""

    def overview(self, seen: Listing, mood: Mood, width: int) -> list[str]:
        """Three lines: the mascot, and beside it what the listed traces add up to."""

    def traces(self, rows: Sequence[Trace], width: int, now_ns: int) -> list[str]:
        """A line of titles, then one for each trace; nothing for none."""

    def heading(self, found: Found, width: int, now_ns: int) -> list[str]:
        """What one trace is, and how it went."""

    def tree(self, tree: Tree, width: int, now_ns: int) -> Pen:
        """A pen for the spans of a trace."""

    def span(self, node: Node, path: Sequence[str], began: int, width: int, now_ns: int) -> Iterable[str]:
        """One span in full."""

    def messages(self, calls: Sequence[Span], width: int, arriving: Mapping[str, Arriving]) -> Iterable[str]:
        """What was said to models and what they said, each message once; of open calls how far they are."""

    def statistics(self, told: Statistics, width: int) -> Iterable[str]:
        """Figures of traces and of spans."""
