"""The palette: choose a command, and what it needs, from lists.

It runs nothing. Its result are the words that would have been typed behind `flightlog`, or None for nothing.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from time import time_ns
from typing import ClassVar, Final, Literal

from msgspec import Struct
from rich.text import Text
from textual import on, work
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Footer, Input, Static

from flightlog.narration.cells import cut
from flightlog.narration.safe import clean
from flightlog.records.errors import FlightlogError
from flightlog.records.traces import Trace
from flightlog.tui.drawing import Drawing
from flightlog.tui.lines import Choice
from flightlog.tui.source import Source

Need = Literal["", "trace", "two traces", "words"]
"""What a command needs: nothing, one trace, two, or words that somebody types."""

ID_DIGITS: Final = 8

MOST_TRACES: Final = 500
"""Traces that one is chosen from."""

_TRACES: Final = {"": 0, "trace": 1, "two traces": 2, "words": 0}


class Entry(Struct, frozen=True, kw_only=True):
    """One command that can be chosen."""

    name: str
    meaning: str
    needs: Need = ""
    asks: str = ""
    """For words: what is to be typed."""
    behind: tuple[str, ...] = ()
    """Words that follow what was chosen; `{id}` in one stands for the first digits of a trace's id."""


class Palette(App[list[str]]):
    """Commands to choose from."""

    ENABLE_COMMAND_PALETTE = False
    TITLE = "flightlog"
    AUTO_FOCUS = "#choice"
    CSS = """
    #head { height: auto; padding: 0 0 1 0; }
    #told { height: auto; }
    #typed { border: none; height: 1; padding: 0; background: ansi_default; display: none; }
    #typed:focus { border: none; }
    #typed.-asks { display: block; }
    Footer { background: ansi_default; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "back", "Back"),
        Binding("q", "leave", "Quit"),
        Binding("ctrl+c,ctrl+q", "leave", "Quit", show=False, priority=True),
    ]

    def __init__(
        self, entries: Sequence[Entry], source: Source, drawing: Drawing, head: Sequence[str]
    ) -> None:
        """Prepare.

        Args:
            entries: the commands, in the order in which they are shown.
            source: the home that traces are chosen from.
            drawing: draws them.
            head: lines that stand above.
        """
        super().__init__(ansi_color=True)  # said here, or NO_COLOR would be black on black
        self.theme = "ansi-dark"  # the terminal's own colours
        self._entries = entries
        self._source = source
        self._drawing = drawing
        self._head = head
        self._entry: Entry | None = None
        self._chosen: list[str] = []
        self._traces: list[Trace] = []

    def compose(self) -> ComposeResult:
        """From top to bottom."""
        yield Static(Text.from_ansi("\n".join(self._head)), id="head")
        self._told, self._field, self._choice = Static(id="told"), Input(id="typed"), Choice(id="choice")
        yield from (self._told, self._field, self._choice)
        yield Footer()

    def on_mount(self) -> None:
        """Begin with the commands."""
        self._show_entries()

    def on_unmount(self) -> None:
        """Give everything back."""
        self._source.close()

    async def action_back(self) -> None:
        """To the commands; from there out."""
        if self._entry is None:
            self.exit(None)
        else:
            self._show_entries()

    def action_leave(self) -> None:
        """Out, with nothing chosen."""
        self.exit(None)

    def _show_entries(self) -> None:
        self._entry, self._chosen = None, []
        self._field.remove_class("-asks")
        self._say("")
        self._draw()
        choice = self._choice
        choice.cursor = 0
        choice.focus()

    @on(Choice.Resized)
    def _draw(self) -> None:
        choice = self._choice
        if self._entry is not None and _TRACES[self._entry.needs]:
            lines = self._drawing.traces(self._traces, choice.room, time_ns()) or [""]
            choice.show(len(lines) - 1, lambda number: lines[number + 1], lines[0])
            return
        entries = [] if self._entry is not None else self._entries
        wide = max((len(entry.name) for entry in self._entries), default=0)
        choice.show(
            len(entries),
            lambda number: (
                f" {entries[number].name:<{wide}}   "
                f"\x1b[2m{cut(entries[number].meaning, choice.room - wide - 4)}\x1b[0m"
            ),
        )

    @on(Choice.Chosen)
    def _choose(self, event: Choice.Chosen) -> None:
        if self._entry is not None:
            self._take(self._traces[event.number].trace_id)
            return
        self._entry = entry = self._entries[event.number]
        if entry.needs == "words":
            self._ask(entry)
        elif entry.needs:
            self._say(
                f"{entry.name}: choose {'a trace' if entry.needs == 'trace' else 'the first of two traces'}"
            )
            self._list()
        else:
            self._finish()

    def _take(self, trace_id: str) -> None:
        """A trace was chosen; of two, the other one is still to be."""
        self._chosen.append(trace_id)
        assert self._entry is not None
        if len(self._chosen) == _TRACES[self._entry.needs]:
            self._finish()
        else:
            self._say(f"{self._entry.name} {trace_id}: choose the other one")

    def _ask(self, entry: Entry) -> None:
        self._say(f"{entry.name}: {entry.asks}")
        self._draw()
        field = self._field
        field.value = ""
        field.add_class("-asks")
        field.focus()

    @on(Input.Submitted)
    def _typed(self, event: Input.Submitted) -> None:
        try:
            self._chosen = shlex.split(event.value)
        except ValueError as error:
            self._say(f"that cannot be read: {error}")
            return
        if self._chosen:
            self._finish()

    def _finish(self) -> None:
        entry = self._entry
        if entry is not None:
            first = self._chosen[0][:ID_DIGITS] if self._chosen else ""
            self.exit([entry.name, *self._chosen, *(word.replace("{id}", first) for word in entry.behind)])

    @work(exclusive=True)
    async def _list(self) -> None:
        try:
            self._traces = (await self._source.ask(self._source.listing, MOST_TRACES)).rows
        except (FlightlogError, OSError) as error:
            self._show_entries()
            self._say(str(error))
            return
        if not self._traces:
            self._show_entries()
            self._say("nothing is recorded yet; `run` a program, or `demo`")
            return
        choice = self._choice
        self._draw()
        choice.cursor = 0

    def _say(self, told: str) -> None:
        self._told.update(Text(clean(told), "bold"))
