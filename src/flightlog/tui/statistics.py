"""What traces and spans add up to, on a screen."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import Screen
from textual.widgets import Footer

from flightlog.tui.lines import Lines
from flightlog.tui.source import Statistics

if TYPE_CHECKING:
    from flightlog.tui.app import Explorer


class StatisticsScreen(Screen[None]):
    """Figures of what was asked for, or of everything."""

    app: Explorer

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,left,backspace", "app.pop_screen", "Back", key_display="esc"),
        Binding("r", "app.renew", "Renew", show=False),
        Binding("question_mark", "app.help", "Keys", key_display="?"),
        Binding("q", "app.quit", "Quit"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._lines = Lines(id="figures")
        self._told: Statistics | None = None

    def compose(self) -> ComposeResult:
        """From top to bottom."""
        yield self._lines
        yield Footer()

    def on_mount(self) -> None:
        """Say that they come."""
        self._lines.show(1, lambda _: "adding up …")
        self._lines.focus()

    def on_screen_resume(self) -> None:
        """Read them."""
        self.app.action_renew()

    async def renew(self) -> None:
        """Read them anew."""
        source = self.app.source
        self._told = await source.ask(source.statistics, self.app.question)
        self.draw()

    @on(Lines.Resized)
    def draw(self) -> None:
        """Draw what was read."""
        if self._told is not None:
            lines = self._lines
            drawn = list(self.app.drawing.statistics(self._told, lines.room))
            lines.show(len(drawn), drawn.__getitem__)

    def tick(self) -> None:
        """Nothing on it depends on what time it is."""

    def tell(self) -> None:
        """Trouble is said on the first screen."""
