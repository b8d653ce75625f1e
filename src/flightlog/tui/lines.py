"""Lines on the screen, however many there are: only those that can be seen are drawn.

`Lines` scrolls; `Choice` has a cursor besides. Both ask for a line when it comes into view and remember it until they
are told that it changed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar, Final

from rich.console import Console
from rich.segment import Segment
from rich.style import Style
from rich.text import Text
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip

Draw = Callable[[int], str]
"""Gives the line of this number."""

_CONSOLE: Final = Console(width=10_000, force_terminal=True, color_system="standard", _environ={})
"""Turns texts into pieces; it never writes."""
_PLAIN: Final = Style()
"""No colour; a piece without any style is more than textual can draw where there are no colours at all."""
_CURSOR: Final = Style(reverse=True)
_FAINT_CURSOR: Final = Style(bold=True, underline=True)


def strip_of(line: str, width: int, over: Style | None = None) -> Strip:
    """A drawn line as the screen takes it, exactly so wide; with a style of its own it has no other."""
    text = Text.from_ansi(line, no_wrap=True, end="")
    if over is not None:
        return Strip([Segment(text.plain, over)]).adjust_cell_length(width, over)
    pieces = (Segment(piece.text, piece.style or _PLAIN) for piece in text.render(_CONSOLE))
    return Strip(pieces, text.cell_len).adjust_cell_length(width, _PLAIN)


class Lines(ScrollView, can_focus=True):
    """Any number of lines."""

    DEFAULT_CSS = """
    Lines {
        width: 1fr; height: 1fr; overflow-x: hidden; overflow-y: auto; scrollbar-size-vertical: 1;
        scrollbar-background: ansi_default; scrollbar-background-hover: ansi_default;
        scrollbar-background-active: ansi_default; scrollbar-color: ansi_bright_black;
        scrollbar-color-hover: ansi_bright_black; scrollbar-color-active: ansi_cyan;
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "up", "Up", show=False),
        Binding("down,j", "down", "Down", show=False),
        Binding("pageup,b", "page(-1)", "Page up", show=False),
        Binding("pagedown,space", "page(1)", "Page down", show=False),
        Binding("home,g", "ends(0)", "First", show=False),
        Binding("end,G", "ends(1)", "Last", show=False),
    ]

    class Resized(Message):
        """There is more room, or less."""

        def __init__(self, lines: Lines) -> None:
            super().__init__()
            self.lines = lines

        @property
        def control(self) -> Lines:
            """Whose room it is."""
            return self.lines

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - textual's word
        super().__init__(id=id)
        self._draw: Draw = lambda _: ""
        self._count = 0
        self._title = ""
        self._drawn: dict[int, Strip] = {}

    @property
    def count(self) -> int:
        """How many lines there are."""
        return self._count

    @property
    def room(self) -> int:
        """Cells of a line."""
        return max(20, self.size.width - self.styles.scrollbar_size_vertical)

    @property
    def lines_shown(self) -> int:
        """Lines that can be seen at once, the title left out."""
        return max(1, self.size.height - bool(self._title))

    def show(self, count: int, draw: Draw, title: str = "") -> None:
        """Show these lines from now on.

        Args:
            count: how many.
            draw: gives one, by its number from 0.
            title: stays above them.
        """
        self._count, self._draw, self._title = count, draw, title
        self.virtual_size = Size(self.room, count + bool(title))
        self.renew()

    def renew(self) -> None:
        """Draw anew: what the lines tell has changed."""
        self._drawn.clear()
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """The line at this place of the screen."""
        if self._title and y == 0:
            return strip_of(self._title, self.size.width)
        number = self.scroll_offset.y + y - bool(self._title)
        if not 0 <= number < self._count:
            return Strip.blank(self.size.width, _PLAIN)
        if number not in self._drawn:
            if len(self._drawn) > 4 * self.size.height + 100:
                self._drawn.clear()
            self._drawn[number] = strip_of(self._draw(number), self.size.width, self._over(number))
        return self._drawn[number]

    def _over(self, number: int) -> Style | None:  # noqa: ARG002 - what has a cursor needs it
        """The style that is put over a line."""
        return None

    def on_resize(self) -> None:
        """Lines are as wide as their room, so they have to be drawn for another one."""
        self._drawn.clear()
        self.post_message(self.Resized(self))

    def action_up(self) -> None:
        """One line up."""
        self.scroll_up(animate=False)

    def action_down(self) -> None:
        """One line down."""
        self.scroll_down(animate=False)

    def action_page(self, way: int) -> None:
        """A screen up or down."""
        self.scroll_relative(y=way * (self.lines_shown - 1), animate=False)

    def action_ends(self, last: int) -> None:
        """To the first or the last line."""
        self.scroll_to(y=self._count if last else 0, animate=False)


class Choice(Lines):
    """Lines of which one is chosen."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "choose", "Open")]

    cursor: reactive[int] = reactive(0)

    class Moved(Message):
        """The cursor stands on another line."""

        def __init__(self, choice: Choice, number: int) -> None:
            super().__init__()
            self.choice = choice
            self.number = number

        @property
        def control(self) -> Choice:
            """Whose cursor it is."""
            return self.choice

    class Chosen(Moved):
        """Somebody wants to see what the line stands for."""

    def show(self, count: int, draw: Draw, title: str = "") -> None:
        """Show these lines from now on; the cursor stays on one of them."""
        super().show(count, draw, title)
        self.cursor = self.cursor

    def validate_cursor(self, number: int) -> int:
        """No cursor stands beyond the last line."""
        return max(0, min(number, self._count - 1))

    def watch_cursor(self, before: int, number: int) -> None:
        """Keep the cursor in sight."""
        for changed in (before, number):
            self._drawn.pop(changed, None)
        self.reveal()
        self.refresh()
        if self._count:
            self.post_message(self.Moved(self, number))

    def reveal(self) -> None:
        """Scroll so far that the cursor can be seen."""
        first = round(self.scroll_offset.y)
        if self.cursor < first:
            self.scroll_to(y=self.cursor, animate=False, force=True)
        elif self.cursor >= first + self.lines_shown:
            self.scroll_to(y=self.cursor - self.lines_shown + 1, animate=False, force=True)

    def _over(self, number: int) -> Style | None:
        if number != self.cursor:
            return None
        return _CURSOR if self.has_focus else _FAINT_CURSOR

    def on_focus(self) -> None:
        """The cursor shows where the keys go."""
        self.renew()

    def on_blur(self) -> None:
        """And where they do not."""
        self.renew()

    def on_click(self, event: events.Click) -> None:
        """A click moves the cursor; a second one opens the line."""
        number = self.scroll_offset.y + event.y - bool(self._title)
        if 0 <= number < self._count:
            if number == self.cursor:
                self.action_choose()
            self.cursor = number

    def action_up(self) -> None:
        """The line above."""
        self.cursor -= 1

    def action_down(self) -> None:
        """The line below."""
        self.cursor += 1

    def action_page(self, way: int) -> None:
        """A screen up or down."""
        self.cursor += way * self.lines_shown

    def action_ends(self, last: int) -> None:
        """The first or the last line."""
        self.cursor = self._count - 1 if last else 0

    def action_choose(self) -> None:
        """Open the line under the cursor."""
        if self._count:
            self.post_message(self.Chosen(self, self.cursor))
