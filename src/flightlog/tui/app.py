"""The explorer: its screens, and the loop that keeps them as the home is.

It reads a home and writes nothing in it but the index (`indexing.py`), and that only while it follows. A look at the
home costs two `stat`s while nothing is written. When something is, reading takes a fifth of the time at most, so a
machine that is busy recording stays busy with that; what cannot be read now is said and tried again.
"""

from __future__ import annotations

import asyncio
import signal
import time
from contextlib import ExitStack, suppress
from typing import ClassVar, Final, Protocol, runtime_checkable

from textual import work
from textual.app import App
from textual.binding import Binding, BindingType

from flightlog.indexing import Indexing
from flightlog.records.errors import FlightlogError
from flightlog.records.question import Question
from flightlog.tui.drawing import Drawing
from flightlog.tui.help import HelpScreen
from flightlog.tui.source import Source
from flightlog.tui.trace import TraceScreen
from flightlog.tui.traces import TracesScreen

LOOK_SECONDS: Final = 0.3
"""How often it looks whether anything was written."""
TICK_SECONDS: Final = 0.5
"""How often durations of what is open are drawn anew."""
SHARE: Final = 4
"""A look that took so long is followed by a rest that many times as long."""
REST_SECONDS: Final = 5.0
"""No rest is longer, so that the screen is never far behind."""


@runtime_checkable
class Page(Protocol):
    """What each of the screens does."""

    async def renew(self) -> None:
        """Read the home anew."""

    def tick(self) -> None:
        """Draw what depends on the time."""

    def tell(self) -> None:
        """Say what was asked and what is wrong, where that is said."""


class Explorer(App[None]):
    """Traces of one home."""

    ENABLE_COMMAND_PALETTE = False
    TITLE = "flightlog"
    CSS = """
    Footer { background: ansi_default; }
    Toast { background: ansi_default; border: round ansi_default; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+c", "interrupt", "Quit", show=False, priority=True),
        Binding("ctrl+q", "quit", "Quit", show=False, priority=True),
    ]

    def __init__(
        self,
        source: Source,
        drawing: Drawing,
        *,
        follows: bool,
        asked: str = "",
        question: Question | None = None,
        trace_id: str = "",
    ) -> None:
        """Prepare.

        Args:
            source: the home; closed when the explorer ends.
            drawing: draws records.
            follows: shows what happens as it happens, and indexes the home if nobody else does.
            asked: the question as it was typed.
            question: the same, read.
            trace_id: of a trace to begin with.
        """
        super().__init__(ansi_color=True)  # said here, or NO_COLOR would be black on black
        self.theme = "ansi-dark"  # the terminal's own colours, on its own background, be that light or dark
        self.source = source
        self.drawing = drawing
        self.asked = asked
        self.question = question
        self.trouble = ""
        self.follows = follows
        self._trace_id = trace_id
        self._indexing: Indexing | None = None
        self._around = ExitStack()
        self._next_look = 0.0
        self._is_wanted = self._is_reading = False

    def on_mount(self) -> None:
        """Show the list, or the trace that is meant."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            with suppress(ValueError, RuntimeError):  # they belong to the main thread
                asyncio.get_running_loop().add_signal_handler(number, self._die, number)
        self.push_screen(TracesScreen())
        if self._trace_id:
            self.push_screen(TraceScreen(self._trace_id))
        if self.follows:
            self._begin_to_index()
        self.set_interval(LOOK_SECONDS, self._look)
        self.set_interval(TICK_SECONDS, self._tick)

    def on_unmount(self) -> None:
        """Give everything back."""
        self._around.close()
        self.source.close()

    @property
    def page(self) -> Page | None:
        """The screen that is shown, once there is one."""
        screen = self.screen
        return screen if isinstance(screen, Page) else None

    def ask(self, asked: str, question: Question | None) -> None:
        """Show only what fits this question from now on; None for everything."""
        self.asked, self.question = asked, question
        self._say(self.trouble)
        self.action_renew()

    def copy(self, text: str) -> None:
        """Hand a text to the terminal's clipboard, and show it, for a terminal that has none."""
        self.copy_to_clipboard(text)
        self.notify(f"copied {text}", markup=False)

    def action_interrupt(self) -> None:
        """Leave as a program does that Ctrl-C stops."""
        self._die(signal.SIGINT)

    def _die(self, number: int) -> None:
        """Leave the terminal as it was, and say by the exit code which signal it was."""
        self.exit(return_code=128 + number)

    def action_renew(self) -> None:
        """Read the home anew, now; while it is being read, once more afterwards."""
        self._is_wanted = True
        if not self._is_reading:
            self._is_reading = True
            self._renew()

    def action_follow(self) -> None:
        """Follow what happens, or stand still."""
        self.follows = not self.follows
        if self.follows:
            self._begin_to_index()
            self.action_renew()
        self.notify("following what happens" if self.follows else "standing still; f follows again")

    def action_help(self) -> None:
        """Show the keys."""
        self.push_screen(HelpScreen())

    def action_nothing(self) -> None:
        """For keys that a list takes itself, and that are told at the foot of the screen."""

    def _begin_to_index(self) -> None:
        if self._indexing is None:
            self._indexing = self._around.enter_context(Indexing(self.source.home))

    def _look(self) -> None:
        is_due = self.follows and not self._is_reading and time.monotonic() >= self._next_look
        if is_due and (self.source.has_changed() or self.trouble):
            self.action_renew()

    def _tick(self) -> None:
        if self.follows and self.page is not None:
            self.page.tick()

    @work(group="renew")
    async def _renew(self) -> None:
        """Have the shown screen read the home; what is wrong is said, and the next look tries again."""
        while self._is_wanted:
            self._is_wanted = False
            begun = time.monotonic()
            trouble = self._indexing.trouble if self._indexing is not None else ""
            try:
                if self.page is not None:
                    await self.page.renew()
            except (FlightlogError, OSError) as error:
                trouble = str(error)
            self._next_look = time.monotonic() + min(REST_SECONDS, SHARE * (time.monotonic() - begun))
            self._say(trouble)
        self._is_reading = False

    def _say(self, trouble: str) -> None:
        if trouble and trouble != self.trouble and not isinstance(self.screen, TracesScreen):
            self.notify(trouble, severity="error", markup=False)
        self.trouble = trouble
        for screen in self.screen_stack:
            if isinstance(screen, TracesScreen):
                screen.tell()
