"""The first screen: what goes on at a glance, and the newest traces as they happen."""

from __future__ import annotations

from collections.abc import Sequence
from time import monotonic, time_ns
from typing import TYPE_CHECKING, ClassVar, Final

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import Screen
from textual.widgets import Footer, Static

from flightlog.narration.safe import clean
from flightlog.questions.hints import hints
from flightlog.records.traces import Trace
from flightlog.tui.asking import Asking
from flightlog.tui.drawing import Mood
from flightlog.tui.lines import Choice
from flightlog.tui.source import Listing
from flightlog.tui.statistics import StatisticsScreen
from flightlog.tui.trace import TraceScreen

if TYPE_CHECKING:
    from flightlog.tui.app import Explorer

PAGE: Final = 500
"""Traces that are listed; more as somebody goes down."""
MOST: Final = 20_000

_FIELDS: Final = {
    "name": "name",
    "kind": "kind",
    "model": "model",
    "session": "session",
    "user": "user",
    "service": "service",
    "project": "project",
}
"""Fields of a question whose values a trace's row has."""


class TracesScreen(Screen[None]):
    """The list."""

    app: Explorer

    AUTO_FOCUS = "#traces"
    CSS = """
    #overview { height: auto; }
    #told { height: auto; display: none; }
    #told.-speaks { display: block; }
    #empty { height: auto; padding: 1 2; display: none; }
    #empty.-speaks { display: block; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "ask", "Question", key_display="/"),
        Binding("s", "statistics", "Statistics"),
        Binding("y", "copy", "Copy id"),
        Binding("f", "app.follow", "Follow"),
        Binding("r", "app.renew", "Renew", show=False),
        Binding("question_mark", "app.help", "Keys", key_display="?"),
        Binding("escape", "forget", "Forget the question", show=False),
        Binding("q", "app.quit", "Quit"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._overview, self._told = Static(id="overview"), Static(id="told")
        self._empty, self._choice = Static(id="empty"), Choice(id="traces")
        self._asking = Asking(known=self._known)
        self._listing: Listing | None = None
        self._limit = PAGE
        self._drawn_at = 0.0
        self._drawn: tuple[list[str], list[str]] = ([], [])
        """What stands there, so that nothing is drawn that stands there already."""

    def compose(self) -> ComposeResult:
        """From top to bottom."""
        yield self._overview
        yield self._told
        yield self._asking
        yield self._empty
        yield self._choice
        yield Footer()

    def on_mount(self) -> None:
        """Begin with the list."""
        self._choice.focus()
        self.tell()

    def on_screen_resume(self) -> None:
        """What happened meanwhile is read at once."""
        self.app.action_renew()

    async def renew(self) -> None:
        """Read the newest traces."""
        source = self.app.source
        listing = await source.ask(source.listing, self._limit, self.app.question)
        chosen = self._chosen()
        self._listing = listing
        choice = self._choice
        if chosen is not None and choice.cursor:  # at the top it stays at the top, where the new ones come
            with self.prevent(Choice.Moved):
                choice.show(len(listing.rows), lambda _: "")
                choice.cursor = self._number_of(chosen)
            self._drawn = ([], [])
        self.draw()

    @on(Choice.Resized)
    def _resized(self) -> None:
        self._drawn = ([], [])
        self.draw()

    def draw(self) -> None:
        """Draw what was read, as of now."""
        if self._listing is None:
            return
        self._empty.set_class(not self._listing.rows, "-speaks")
        self._empty.update(self._why_empty())
        drawing, choice = self.app.drawing, self._choice
        above = drawing.overview(self._listing, self._mood(self._listing), self.size.width)
        lines = drawing.traces(self._listing.rows, choice.room, time_ns()) or [""]
        if (above, lines) == self._drawn:
            return
        self._drawn = (above, lines)
        self._overview.update(Text.from_ansi("\n".join(above)))
        choice.show(len(lines) - 1, lambda number: lines[number + 1], lines[0])

    def tick(self) -> None:
        """What lasts grows; what is past gets older, which is told by the second."""
        now = monotonic()
        if now >= self._drawn_at + 1.0 or (self._listing is not None and self._listing.figures.open):
            self._drawn_at = now
            self.draw()

    def tell(self) -> None:
        """Say what was asked, and what is wrong."""
        told = Text()
        if self.app.asked:
            told.append("question ", "dim").append(clean(self.app.asked), "bold").append(
                "  esc forgets it", "dim"
            )
        if self.app.trouble:
            told.append("\n" if told else "").append(clean(self.app.trouble), "red")
        self._told.update(told)
        self._told.set_class(bool(told), "-speaks")

    def action_ask(self) -> None:
        """Type a question."""
        self._asking.ask(self.app.asked)

    def action_forget(self) -> None:
        """List everything again."""
        if self.app.asked:
            self.app.ask("", None)

    def action_statistics(self) -> None:
        """What it adds up to."""
        self.app.push_screen(StatisticsScreen())

    def action_copy(self) -> None:
        """Copy the id of the chosen trace."""
        if (chosen := self._chosen()) is not None:
            self.app.copy(chosen)

    @on(Choice.Chosen)
    def _open(self, event: Choice.Chosen) -> None:
        if self._listing is not None:
            self.app.push_screen(TraceScreen(self._listing.rows[event.number].trace_id))

    @on(Choice.Moved)
    def _moved(self, event: Choice.Moved) -> None:
        rows = self._rows()
        if event.number == len(rows) - 1 and len(rows) == self._limit < MOST:
            self._limit = min(MOST, 2 * self._limit)
            self.app.action_renew()

    @on(Asking.Asked)
    def _asked(self, event: Asking.Asked) -> None:
        self._choice.focus()
        self.app.ask(event.text, event.question)

    @on(Asking.Left)
    def _left(self) -> None:
        self._choice.focus()

    def _rows(self) -> Sequence[Trace]:
        return self._listing.rows if self._listing is not None else ()

    def _chosen(self) -> str | None:
        rows, number = self._rows(), self._choice.cursor
        return rows[number].trace_id if number < len(rows) else None

    def _number_of(self, trace_id: str) -> int:
        return next((number for number, row in enumerate(self._rows()) if row.trace_id == trace_id), 0)

    def _known(self) -> dict[str, list[str]]:
        """Values that the listed traces have, for whoever types a question."""
        rows = self._rows()
        known = {
            field: list(dict.fromkeys(found for row in rows if (found := getattr(row, name))))
            for field, name in _FIELDS.items()
        }
        return {**known, "tag": list(dict.fromkeys(tag for row in rows for tag in row.tags))}

    def _mood(self, listing: Listing) -> Mood:
        if self.app.trouble:
            return "warning"
        if listing.figures.open:
            return "working"
        if not listing.rows:
            return "idle"
        return "ok" if listing.rows[0].status == "ok" else "warning"

    def _why_empty(self) -> Text:
        if self.app.asked:
            hint = "".join(f"; {one}" for one in hints(self.app.question)) if self.app.question else ""
            return Text(clean(f"No trace is like that{hint}."))
        return Text(
            "Nothing is recorded yet. Record a program with\n\n  flightlog run program.py\n\nor try\n\n  flightlog demo"
        )
