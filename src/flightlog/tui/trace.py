"""One trace: its tree on a time axis, and beside it a span in full, or what was said to models."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import islice
from time import monotonic, time_ns
from typing import TYPE_CHECKING, ClassVar, Final

from msgspec import structs
from rich.text import Text
from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.screen import Screen
from textual.widgets import Footer, Input, Static

from flightlog.analysis.arriving import Arriving, arriving
from flightlog.analysis.names import fits_name
from flightlog.analysis.tree import Node
from flightlog.records.errors import FlightlogError
from flightlog.records.span import Span
from flightlog.tui.lines import Choice, Lines
from flightlog.tui.source import Found, Source, at_full_speed
from flightlog.tui.unfolding import Unfolding

if TYPE_CHECKING:
    from flightlog.tui.app import Explorer

MOST_LINES: Final = 20_000
"""Lines of one span, or of messages; of a longer one the first."""

SHARE: Final = 4
"""What is beside the tree is drawn anew, while it is open, after a rest so many times as long as that took."""

Fits = Callable[[Node], bool]
"""Whether a span is one of those that are sought."""


class TraceScreen(Screen[None]):
    """A trace, as it is or as it grows."""

    app: Explorer

    AUTO_FOCUS = "#tree"
    CSS = """
    #heading { height: auto; }
    #halves { layout: vertical; height: 1fr; }
    #beside { height: 1fr; display: none; border-top: solid ansi_default; }
    TraceScreen.-reads #beside { display: block; }
    #sought { display: none; border: none; height: 1; padding: 0; background: ansi_default; }
    #sought:focus { border: none; }
    #sought.-asks { display: block; }
    TraceScreen.-wide #halves { layout: horizontal; }
    TraceScreen.-wide #beside { border-top: none; border-left: solid ansi_default; }
    """
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (130, "-wide")]  # noqa: RUF012 - as textual has it
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("m", "messages", "Messages"),
        Binding("e", "failure", "Error"),
        Binding("slash", "seek", "Find", key_display="/"),
        Binding("n", "again(1)", "Next found", show=False),
        Binding("N", "again(-1)", "Found before", show=False),
        Binding("right,l,plus", "open", "Unfold", show=False),
        Binding("left,h,minus", "shut", "Fold", show=False),
        Binding("tab", "turn", "To the other half", show=False),
        Binding("y", "copy('span')", "Copy id"),
        Binding("Y", "copy('trace')", "Copy the id of the trace", show=False),
        Binding("f", "app.follow", "Follow", show=False),
        Binding("r", "app.renew", "Renew", show=False),
        Binding("question_mark", "app.help", "Keys", key_display="?"),
        Binding("escape,backspace", "back", "Back", key_display="esc"),
        Binding("q", "app.quit", "Quit"),
    ]

    def __init__(self, trace_id: str) -> None:
        super().__init__()
        self._heading = Static(
            id="heading"
        )  # its parts are held, for an answer may come before or after they stand
        self._sought = Input(id="sought", placeholder="part of a name, kind or error")
        self._tree, self._beside = Choice(id="tree"), Lines(id="beside")
        self._trace_id = trace_id
        self._found: Found | None = None
        self._is_gone = False
        self._unfolding = Unfolding()
        self._read: tuple[str, str] | None = None
        """What is beside the tree: (`span`, its id) or (`messages`, nothing)."""
        self._records: tuple[tuple[str, str], list[Span]] | None = None
        """What was read for that, for a tick reads nothing."""
        self._next_tick = 0.0

    def compose(self) -> ComposeResult:
        """From top to bottom."""
        yield self._heading
        yield self._sought
        with Container(id="halves"):
            yield self._tree
            yield self._beside
        yield Footer()

    def on_mount(self) -> None:
        """Read it."""
        tree = self._tree
        tree.show(1, lambda _: "reading …")
        tree.focus()

    def on_screen_resume(self) -> None:
        """What happened meanwhile is read at once."""
        self.app.action_renew()

    async def renew(self) -> None:
        """Read the trace as it stands."""
        source = self.app.source
        found = await source.ask(self._laid_out, source)
        self._is_gone = found is None
        if found is None:
            self._draw_tree()
            return
        chosen = self._chosen()
        reads_along = 0 < self._tree.cursor == self._tree.count - 1 and self._read is None
        is_news = self._found is None or found.trace != self._found.trace
        self._found = found
        self._draw_tree(chosen.span_id if chosen and not reads_along else "")
        if reads_along:  # who stands at the end of a trace that grows goes on standing there
            self._tree.action_ends(1)
        if self._read is not None and (is_news or self._is_beside_open()):
            self._fill(*self._read, anew=is_news)

    def _laid_out(self, source: Source) -> Found | None:
        """The trace, its lines laid out; done on the thread where it is read, for a large one takes a while."""
        with at_full_speed():
            found = source.found(self._trace_id)
            if found is not None:
                self._unfolding.show(found.tree)
        return found

    def draw(self) -> None:
        """Draw what was read, as of now."""
        if self._found is not None and self.is_mounted:
            self._draw_tree()

    def tick(self) -> None:
        """Open spans last longer."""
        if self._found is not None and self._found.trace.status in {"running", "paused"}:
            self.draw()
            is_busy = any(work.group == "beside" and not work.is_finished for work in self.workers)
            is_due = not is_busy and monotonic() >= self._next_tick
            if is_due and self._read is not None and self._is_beside_open():
                self._fill(*self._read, anew=False)

    def _is_beside_open(self) -> bool:
        """Whether something beside the tree is not over."""
        if self._records is None or self._records[0] != self._read:
            return False
        return any(record.end is None for record in self._records[1])

    def tell(self) -> None:
        """Trouble is said on the first screen."""

    # -- the tree -----------------------------------------------------------------------------------------------

    def _draw_tree(self, chosen: str = "") -> None:
        heading = self._heading
        if self._is_gone:
            heading.update(Text("this trace is not there any more", "yellow"))
        if (found := self._found) is None:
            return
        now = time_ns()
        if not self._is_gone:
            above = self.app.drawing.heading(found, self.size.width, now)
            heading.update(Text.from_ansi("\n".join(above)))
        pen = self.app.drawing.tree(found.tree, self._tree.room, now)
        unfolding, tree = self._unfolding, self._tree
        tree.show(
            len(unfolding.rows),
            lambda number: pen.line(unfolding.node(number), unfolding.guides(number)),
            pen.title(),
        )
        if chosen and (number := self._unfolding.number_of(chosen)) is not None and number != tree.cursor:
            with self.prevent(Choice.Moved):
                tree.cursor = number

    def _chosen(self) -> Node | None:
        number = self._tree.cursor
        return self._unfolding.node(number) if number < len(self._unfolding.rows) else None

    def action_open(self) -> None:
        """Unfold the chosen span; when it is unfolded, go to its first child."""
        number = self._tree.cursor
        if not self._unfolding.rows:
            return
        if self._unfolding.turn(number, is_open=True):
            self._draw_tree()
        elif self._unfolding.is_open(number):
            self._tree.cursor = number + 1

    def action_shut(self) -> None:
        """Fold the chosen span; when it is folded, go to its parent."""
        number = self._tree.cursor
        if not self._unfolding.rows:
            return
        if self._unfolding.turn(number, is_open=False):
            self._draw_tree()
        elif (parent := self._unfolding.parent(number)) >= 0:
            self._tree.cursor = parent

    def action_failure(self) -> None:
        """Go to the next span that failed."""
        self._go_to(lambda node: node.status == "error", 1, "nothing failed in this trace")

    def action_seek(self) -> None:
        """Type a part of what is sought."""
        self._sought.add_class("-asks")
        self._sought.focus()

    def action_again(self, way: int) -> None:
        """Go to the next span that has it, or to the one before."""
        sought = self._sought.value.strip()
        if sought:
            self._go_to(lambda node: _has(node, sought), way, f"nothing here has {sought!r}")

    @on(Input.Submitted, "#sought")
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self._leave_field()
        self.action_again(1)

    def _leave_field(self) -> None:
        self._sought.remove_class("-asks")
        self._tree.focus()

    def _go_to(self, fits: Fits, way: int, otherwise: str) -> None:
        """Go to the next span that fits, beginning behind the chosen one, and again from the other end."""
        if self._found is None or (chosen := self._chosen()) is None:
            return
        nodes = list(self._found.tree.walk())
        here = next(place for place, node in enumerate(nodes) if node is chosen)
        for step in range(1, len(nodes) + 1):
            node = nodes[(here + way * step) % len(nodes)]
            if fits(node):
                number = self._unfolding.reveal(node)
                self._draw_tree()
                self._tree.cursor = number
                return
        self.app.notify(otherwise)

    # -- beside it ----------------------------------------------------------------------------------------------

    @on(Choice.Chosen)
    def _choose(self) -> None:
        if (chosen := self._chosen()) is not None:
            self._show_beside("span", chosen.span_id)

    @on(Choice.Moved)
    def _move(self) -> None:
        if self._read is not None and self._read[0] == "span" and (chosen := self._chosen()) is not None:
            self._show_beside("span", chosen.span_id)

    def action_messages(self) -> None:
        """What was said to models and what they said."""
        self._show_beside("messages", "")

    def action_turn(self) -> None:
        """To the other half, where there is one."""
        if self._read is not None:
            (self._tree if self._beside.has_focus else self._beside).focus()

    def action_back(self) -> None:
        """Close what is open, the innermost first."""
        if self._sought.has_class("-asks"):
            self._leave_field()
        elif self._read is not None:
            self._read = None
            self.remove_class("-reads")
            self._tree.focus()
        else:
            self.app.pop_screen()

    def action_copy(self, what: str) -> None:
        """Copy the id of the chosen span, or of the trace."""
        chosen = self._chosen()
        self.app.copy(chosen.span_id if what == "span" and chosen is not None else self._trace_id)

    def _show_beside(self, what: str, span_id: str) -> None:
        self._read = (what, span_id)
        self.add_class("-reads")
        self._beside.scroll_to(y=0, animate=False)
        self._fill(what, span_id)

    @on(Lines.Resized)
    def _resized(self, event: Lines.Resized) -> None:
        if event.lines is self._tree:
            self.draw()
            self._tree.reveal()
        elif self._read is not None:
            self._fill(*self._read)

    @work(exclusive=True, group="beside")
    async def _fill(self, what: str, span_id: str, *, anew: bool = True) -> None:
        """Read what is beside the tree, unless it is there from before, and draw it, on the thread that asks."""
        app, beside = self.app, self._beside
        number = self._unfolding.number_of(span_id)
        if what == "span" and number is None:
            return
        begun = monotonic()
        try:
            if anew or self._records is None:
                self._records = (
                    (what, span_id),
                    await app.source.ask(self._whole, app.source, what, span_id),
                )
            told = await app.source.ask(self._lines, app, self._records[1], number, beside.room)
        except (FlightlogError, OSError) as error:
            app.notify(str(error), severity="error", markup=False)
            return
        self._next_tick = monotonic() + SHARE * (monotonic() - begun)
        stood_at_end = what == "messages" and 0 < beside.count <= beside.scroll_offset.y + beside.lines_shown
        beside.show(len(told), told.__getitem__)
        if stood_at_end:  # whoever reads along goes on reading along
            beside.scroll_end(animate=False)

    def _whole(self, source: Source, what: str, span_id: str) -> list[Span]:
        if what == "messages":
            return source.calls(self._trace_id)
        span = source.span(self._trace_id, span_id)
        return [] if span is None else [span]

    def _lines(self, app: Explorer, records: list[Span], number: int | None, room: int) -> list[str]:
        if number is not None:
            return self._span_lines(app, records, number, room)
        told = app.drawing.messages(records, room, self._arriving(records))
        return _bounded(told) or ["no model was called in this trace"]

    def _span_lines(self, app: Explorer, whole: list[Span], number: int, room: int) -> list[str]:
        found, node = self._found, self._unfolding.node(number)
        node = structs.replace(node, record=whole[0]) if whole else node
        path = [each.name for each in self._unfolding.path(number)]
        began = found.tree.start if found is not None else 0
        return _bounded(app.drawing.span(node, path, began, room, time_ns()))

    def _arriving(self, calls: Iterable[Span]) -> dict[str, Arriving]:
        """How far the answers are that are being streamed."""
        awaited = {call.span_id for call in calls if call.end is None}
        if self._found is None or not awaited:
            return {}
        nodes = (node for node in self._found.tree.walk() if node.span_id in awaited)
        told = ((node.span_id, arriving(node.events)) for node in nodes)
        return {span_id: seen for span_id, seen in told if seen is not None}


def _bounded(lines: Iterable[str]) -> list[str]:
    return list(islice(lines, MOST_LINES))


def _has(node: Node, sought: str) -> bool:
    record = node.record
    fault = f"{record.error.type}: {record.error.message}" if record.error is not None else ""
    return any(fits_name(sought, text) for text in (record.name, record.kind, record.status, fault))
