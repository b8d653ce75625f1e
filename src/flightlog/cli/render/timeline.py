"""When a span ran, drawn on an axis that all rows of a tree share, half a cell exact."""

from __future__ import annotations

from msgspec import Struct

from flightlog.cli.render import words
from flightlog.cli.render.cells import fill
from flightlog.cli.render.terminal import Terminal


class Axis(Struct, frozen=True):
    """The time from `start` to `end` in Unix nanoseconds, laid over `cells` cells."""

    start: int
    end: int
    cells: int
    unicode: bool = True

    def bar(self, start: int, end: int | None) -> str:
        """Draw a span; one that has not ended goes on, thinner, to the end of the axis."""
        first = min(self._half(start), 2 * self.cells - 1)
        if end is None:
            return self._open_bar(first // 2)
        last = max(first + 1, self._half(end))
        if not self.unicode:
            return fill(" " * (first // 2) + "=" * ((last + 1) // 2 - first // 2), self.cells)
        head = "╺" if first % 2 else ""
        tail = "╸" if last % 2 else ""
        whole = "━" * (last // 2 - (first + 1) // 2)
        return fill(" " * (first // 2) + head + whole + tail, self.cells)

    def point(self, time: int, sign: str) -> str:
        """Draw a moment."""
        return fill(" " * min(self._half(time) // 2, self.cells - 1) + sign, self.cells)

    def scale(self, terminal: Terminal) -> str:
        """Label the axis: its beginning, its end, and the middle where there is room."""
        total = self.end - self.start
        begin = "0"
        end = words.duration(total, unicode=terminal.unicode)
        middle = words.duration(total // 2, unicode=terminal.unicode)
        if self.cells < len(begin) + len(end) + 1:
            return fill(end[: self.cells], self.cells, "right")
        left = fill(begin, self.cells // 2 - len(middle) // 2)
        if self.cells < 3 * words.DURATION_CELLS + 4:
            middle, left = "", begin
        return left + middle + fill(end, self.cells - len(left) - len(middle), "right")

    def _half(self, time: int) -> int:
        """The half cell in which a time lies; times outside the axis are moved to its ends."""
        total = max(1, self.end - self.start)
        halves = 2 * self.cells
        return min(max(0, (time - self.start) * halves // total), halves)

    def _open_bar(self, cell: int) -> str:
        solid, dotted, tip = ("━", "╍", "▸") if self.unicode else ("=", "-", ">")
        rest = self.cells - cell - 2
        if rest < 0:
            return fill(" " * cell + tip, self.cells)
        return " " * cell + solid + dotted * rest + tip
