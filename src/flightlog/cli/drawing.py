"""What the explorer draws, drawn as the commands draw it."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from typing import Final

from msgspec import structs

from flightlog.analysis.arriving import Arriving
from flightlog.analysis.pace import Pace
from flightlog.analysis.spread import possible
from flightlog.analysis.tree import Node, Tree
from flightlog.cli.money import charge_of, of_spans
from flightlog.cli.opening import paced
from flightlog.cli.render import figures, heading, listing, money, overview, step, transcript, words
from flightlog.cli.render import tree as drawn
from flightlog.cli.render.branches import Limits, Row
from flightlog.cli.render.terminal import LEAST_WIDTH, Terminal
from flightlog.cli.render.timeline import Axis
from flightlog.records.span import Span
from flightlog.records.traces import Trace
from flightlog.tui.drawing import Mood
from flightlog.tui.source import Found, Listing, Source, Statistics

AXIS_FROM: Final = 64
"""Width of a tree from which it has a time axis."""

ID_DIGITS: Final = 8
"""First digits of an id in a list that is too narrow for whole ones; the key that copies it copies the whole."""
GROUPS: Final = 15
"""Rows of each table of figures."""
_PATH: Final = 12
"""Names of a path that are shown; of a longer one the last."""


class Pen:
    """Draws the lines of one tree."""

    def __init__(self, pen: drawn.Pen) -> None:
        self._pen = pen

    def title(self) -> str:
        """The scale of the time axis."""
        return self._pen.titles()

    def line(self, node: Node, guides: str) -> str:
        """One span."""
        return next(iter(self._pen.row(Row(node, guides, ""))))


class Drawn:
    """The drawings of the commands; the contract is `tui.drawing.Drawing`."""

    def __init__(self, look: Terminal, pace: Pace, source: Source, *, has_mascot: bool) -> None:
        """Prepare.

        Args:
            look: the terminal.
            pace: what is slow.
            source: the home, which knows the prices.
            has_mascot: the mascot may stand beside the overview.
        """
        self._look = look
        self._pace = pace
        self._source = source
        self._has_mascot = has_mascot

    def overview(self, seen: Listing, mood: Mood, width: int) -> list[str]:
        """Three lines of figures."""
        shown = mood if self._has_mascot else None
        look, now = self._wide(width), time.time_ns()
        return overview.lines(seen.figures, seen.spent, seen.open_spans, look, mood=shown, now_ns=now)

    def traces(self, rows: Sequence[Trace], width: int, now_ns: int) -> list[str]:
        """The table of `flightlog list`."""
        own = [paced(row, self._pace) for row in rows]
        return list(listing.lines(own, self._wide(width), now_ns, self._pace, lambda: ID_DIGITS))

    def heading(self, found: Found, width: int, now_ns: int) -> list[str]:
        """What `flightlog trace` says above a tree."""
        look = self._wide(width)
        cost = money.told(found.spent, look) if found.spent.calls else ""
        row = paced(found.trace, self._pace)
        return list(heading.lines(row, look, now_ns, self._pace, found.tree, cost=cost))

    def tree(self, tree: Tree, width: int, now_ns: int) -> Pen:
        """The lines of `flightlog trace`, in columns that do not change as the tree is unfolded."""
        look = self._wide(width)
        self_time = words.DURATION_CELLS if width >= drawn.ID_FROM else 0
        room = look.width - (words.DURATION_CELLS + 3) - (self_time + 2 if self_time else 0)
        axis = (room - 2) * 2 // 5 if width >= AXIS_FROM else 0
        layout = drawn.Layout(room - (axis + 2 if axis else 0), axis, self_time, 0)
        limits = Limits(pace=self._pace, now=now_ns, cost=of_spans(self._source.prices, look))
        end = max(tree.end, now_ns) if tree.roots and tree.status == "running" else tree.end
        return Pen(drawn.Pen(look, layout, Axis(tree.start, end, max(1, axis), look.unicode), limits))

    def span(self, node: Node, path: Sequence[str], began: int, width: int, now_ns: int) -> Iterable[str]:
        """What `flightlog show` says of one step."""
        shown = path if len(path) <= _PATH else ["…", *path[-_PATH:]]
        charge = charge_of(self._source.prices, node.record)
        return step.lines(step.Step(node, shown, began, charge), self._wide(width), self._pace, now_ns=now_ns)

    def messages(self, calls: Sequence[Span], width: int, arriving: Mapping[str, Arriving]) -> Iterable[str]:
        """The calls one by one, each message once."""
        return transcript.lines(calls, self._wide(width), time.time_ns(), arriving)

    def statistics(self, told: Statistics, width: int) -> Iterable[str]:
        """What `flightlog stats` says, of traces first."""
        look = self._wide(width)
        spans = {grouping: [possible(row) for row in rows] for grouping, rows in told.spans.items()}
        return chain(
            figures.of_traces(told.traces, look, self._pace), [""], figures.of_spans(spans, look, GROUPS)
        )

    def _wide(self, width: int) -> Terminal:
        return structs.replace(self._look, width=max(LEAST_WIDTH, width), whole_tables=False)
