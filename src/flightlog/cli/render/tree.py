"""A trace as a tree on a time axis, one line a span.

Columns give way to a narrow terminal in this order: span id, self time, kind and details, time axis. The name
and the duration always stay. Lines are plain strings, made one after another: ten thousand of them cost what
ten thousand short joins cost, and the first is on the screen before the last is made.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from msgspec import UNSET, Struct

from flightlog.analysis.likeness import Fold
from flightlog.analysis.pace import Slowness
from flightlog.analysis.tree import MARKS, Node, Tree
from flightlog.analysis.waiting import worked_ns
from flightlog.cli.render import branches, details, preview, words, wrap
from flightlog.cli.render.branches import Hidden, Limits, Row
from flightlog.cli.render.cells import cut, fill, width
from flightlog.cli.render.marks import bar_style, event_sign, slow_sign, slow_style, status_sign, status_style
from flightlog.cli.render.safe import clean
from flightlog.cli.render.terminal import Style, Terminal
from flightlog.cli.render.timeline import Axis
from flightlog.records.event import Event

ID_FROM: Final = 116
"""Terminal width from which span ids have a column."""
SELF_FROM: Final = 72
"""Terminal width from which self times have a column."""
WIDE_GUIDES_FROM: Final = 70
AXIS_FROM: Final = 48
"""Terminal width from which there is a time axis."""
_GAP: Final = 2
_SPAN_ID_CELLS: Final = 16
_TOOK_CELLS: Final = words.DURATION_CELLS + 1
"""A duration and the sign of one that is slow."""
_PREVIEW_CELLS: Final = 5
_EVENT_CELLS: Final = 56
_CELLS_A_LEVEL: Final = 10
"""One level of guides for so many cells of the terminal; deeper levels are numbered, so names keep room."""


class Layout(Struct, frozen=True):
    """The width of each column; 0 for one that is not drawn."""

    label: int
    axis: int
    self_time: int
    span_id: int


def lines(tree: Tree, terminal: Terminal, limits: Limits) -> Iterator[str]:
    """Draw a tree, the scale of its time axis first, then what its marks mean."""
    indent = max(4, terminal.width // _CELLS_A_LEVEL)
    rows = list(branches.rows(tree, _guides(terminal), limits, indent))
    layout = _layout(rows, terminal, limits)
    axis = Axis(tree.start, _end(tree, limits), max(1, layout.axis), terminal.unicode)
    pen = Pen(terminal, layout, axis, limits)
    yield pen.titles()
    for row in rows:
        yield from pen.row(row)
    yield from _legend(tree, rows, terminal)
    yield from pen.legend()


def _end(tree: Tree, limits: Limits) -> int:
    """Where the axis ends: now for a trace that runs; waiting, which may take days, does not stretch it."""
    is_running = bool(tree.roots) and tree.status == "running"
    return max(tree.end, limits.now or 0) if is_running else tree.end


def _guides(terminal: Terminal) -> branches.Guides:
    if not terminal.unicode:
        return branches.ASCII
    return branches.UNICODE if terminal.width >= WIDE_GUIDES_FROM else branches.NARROW


def _layout(rows: Sequence[Row], terminal: Terminal, limits: Limits) -> Layout:
    """Give the labels what they need, at most two thirds, and the axis the rest."""
    self_time = words.DURATION_CELLS if terminal.width >= SELF_FROM else 0
    span_id = _SPAN_ID_CELLS if terminal.width >= ID_FROM else 0
    taken = sum(column + _GAP for column in (_TOOK_CELLS, self_time, span_id) if column)
    room = terminal.width - taken
    if terminal.width < AXIS_FROM:
        return Layout(room, 0, self_time, span_id)
    wanted = max((_label_width(row, terminal, limits) for row in rows), default=0)
    axis = max(room - _GAP - wanted, (room - _GAP) * 2 // 5 if terminal.width >= SELF_FROM else 12)
    return Layout(room - _GAP - axis, axis, self_time, span_id)


def _label_width(row: Row, terminal: Terminal, limits: Limits) -> int:
    """Cells that a label wants; an event's text may be long and is content with less."""
    if isinstance(row.item, Node):
        return _before_label(row) + sum(
            width(text) for text, _ in details.label(row.item, terminal, limits.cost_of(row.item.record))
        )
    if isinstance(row.item, Event):
        told = sum(width(text) for text, _ in details.event_label(row.item, limits.view))
        return _before_label(row) + min(_EVENT_CELLS, told)
    return 0


def _before_label(row: Row) -> int:
    return len(row.guides) + len("+ ")


class Cells(Struct, frozen=True):
    """What stands to the right of a label."""

    bar: str = ""
    bar_style: Style = ""
    took: str = ""
    took_style: Style = ""
    is_open: bool = False
    slowness: Slowness = ""
    self_time: str = ""
    span_id: str = ""


class Pen:
    """Draws the rows of one tree in one layout."""

    def __init__(self, terminal: Terminal, layout: Layout, axis: Axis, limits: Limits) -> None:
        self._terminal = terminal
        self._layout = layout
        self._axis = axis
        self._limits = limits
        self._seen: set[Slowness] = set()

    def titles(self) -> str:
        """The line above the tree."""
        scale = self._axis.scale(self._terminal) if self._layout.axis else ""
        return self._line([], Cells(scale, "dim", "took", "dim", self_time="self", span_id="span"))

    def row(self, row: Row) -> Iterator[str]:
        """The lines of one row: one, or two when there is an error to tell."""
        item = row.item
        if isinstance(item, Node):
            yield self._span(row.guides, item)
            guide = row.below + (
                _guides(self._terminal).passing if branches.has_below(item, self._limits) else "  "
            )
            note = details.note(item)
            if note:
                yield self._text(guide, *note)
            if self._limits.preview and item.record.span_id not in self._limits.faint:
                yield from self._previews(guide, item)
        elif isinstance(item, Event):
            yield self._event(row.guides, item)
        elif isinstance(item, Fold):
            yield self._text(row.guides, details.fold(item, self._terminal), "")
        else:
            yield self._text(row.guides, f"{self._terminal.ellipsis()} {item.text}", "dim")

    def legend(self) -> Iterator[str]:
        """What the signs beside durations mean, once they were used."""
        if not self._seen:
            return
        pace, terminal = self._limits.pace, self._terminal
        told = []
        for slowness, limit_ms in (("slowish", pace.warn), ("slow", pace.limit)):
            limit = words.duration(round(limit_ms * words.MS), unicode=terminal.unicode)
            told.append(f"{slow_sign(slowness, terminal)} {slowness}, {limit} or more")
        own = "; some kinds or names have limits of their own" if pace.limits or pace.warns else ""
        yield ""
        for line in wrap.lines(terminal.dot().join(told) + own, terminal.width):
            yield terminal.paint("dim", line)

    def _span(self, guides: str, node: Node) -> str:
        record = node.record
        terminal = self._terminal
        style = status_style(record.status)
        slowness = self._limits.pace.of(record.name, record.kind, worked_ns(record))
        if slowness:
            self._seen.add(slowness)
        label: list[details.Part] = [(guides, "dim"), (status_sign(record.status, terminal) + " ", style)]
        cells = Cells(
            bar=self._axis.bar(record.start, record.end) if self._layout.axis else "",
            bar_style=bar_style(record.kind) if record.status == "ok" else style,
            took=words.lasting_span(record, self._limits.now, unicode=self._terminal.unicode),
            is_open=record.end is None and self._limits.now is not None,
            took_style=style if record.end is None else slow_style(slowness),
            slowness=slowness,
            self_time=words.duration(node.self_ns, unicode=terminal.unicode) if node.children else "",
            span_id=clean(record.span_id),
        )
        label += details.label(node, terminal, self._limits.cost_of(record))
        if record.span_id in self._limits.faint:
            label = [(text, "dim") for text, _ in label]
        return self._line(label, cells)

    def _previews(self, guides: str, node: Node) -> Iterator[str]:
        """The beginnings of its input and output, on as many lines as they need."""
        room = max(8, self._terminal.width - width(guides) - _PREVIEW_CELLS)
        for sign, value in (("in", node.record.input), ("out", node.record.output)):
            if value is UNSET:
                continue
            drawn = (
                line
                for text in preview.shortened(value, self._limits.preview, self._terminal)
                for line in wrap.lines(text, room)
            )
            for place, text in enumerate(drawn):
                label = f"{'' if place else sign:<{_PREVIEW_CELLS}}"
                yield self._terminal.paint("dim", guides + label) + text

    def _event(self, guides: str, event: Event) -> str:
        sign = event_sign(self._terminal)
        style = details.event_style(event)
        label: list[details.Part] = [
            (guides, "dim"),
            (sign + " ", style),
            *details.event_label(event, self._limits.view),
        ]
        bar = self._axis.point(event.time, sign) if self._layout.axis else ""
        return self._line(label, Cells(bar=bar, bar_style=style))

    def _text(self, guides: str, text: str, style: Style) -> str:
        """A line that may use the whole width."""
        room = max(8, self._terminal.width - width(guides))
        shown = cut(clean(text), room, self._terminal.ellipsis())
        return self._terminal.paint("dim", guides) + self._terminal.paint(style, shown)

    def _line(self, label: Sequence[details.Part], cells: Cells) -> str:
        paint, layout = self._terminal.paint, self._layout
        parts = [self._fitted(label)]
        if layout.axis:
            parts.append(paint(cells.bar_style, fill(cells.bar, layout.axis)))
        # What is open has the sign that it goes on where others have that of slowness.
        took = cells.took if cells.is_open else cells.took + slow_sign(cells.slowness, self._terminal)
        parts.append(paint(cells.took_style, fill(took, _TOOK_CELLS, "right")))
        if layout.self_time:
            parts.append(paint("dim", fill(cells.self_time, layout.self_time, "right")))
        if layout.span_id:
            parts.append(paint("dim", cells.span_id))
        return (" " * _GAP).join(parts).rstrip()

    def _fitted(self, label: Sequence[details.Part]) -> str:
        """Draw the label's parts into its column, cutting where the room ends."""
        room = self._layout.label
        drawn = []
        for text, style in label:
            if room <= 0:
                break
            shown = cut(text, room, self._terminal.ellipsis())
            drawn.append(self._terminal.paint(style, shown))
            room -= width(shown)
            if shown != text:
                break
        return "".join(drawn) + " " * room


def _legend(tree: Tree, rows: Sequence[Row], terminal: Terminal) -> Iterator[str]:
    """Say what was folded or hidden, and what each mark means."""
    folds = [row.item for row in rows if isinstance(row.item, Fold)]
    hidden = any(isinstance(row.item, Hidden) for row in rows)
    if tree.marks or folds or hidden:
        yield ""
    for mark, number in tree.marks.items():
        yield terminal.paint("yellow", f"{mark}: ") + f"{words.of_them(number, 'span')}, {MARKS[mark]}"
    if folds:
        inside = sum(fold.span_count for fold in folds)
        text = f"{words.of_them(inside, 'span')} folded (least / median / greatest); --all shows each"
        yield terminal.paint("dim", text)
