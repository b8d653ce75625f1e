"""The keys of the explorer, on a page of its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Final

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static

KEYS: Final[Mapping[str, Mapping[str, str]]] = {
    "everywhere": {
        "↑ ↓  j k": "one line up or down",
        "pgup pgdn  b space": "one screen up or down",
        "home end  g G": "to the first line, to the last",
        "enter": "open what is chosen",
        "esc": "back; close what is open",
        "y": "copy the id of what is chosen",
        "f": "follow what happens, or stand still",
        "r": "look again now",
        "?": "this page",
        "q  ctrl+c": "quit",
    },
    "list of traces": {
        "/": "ask: kind:llm status:error (docs/questions.md)",
        "esc": "forget the question",
        "s": "statistics: durations, errors, tokens, money",
    },
    "one trace": {
        "→ ←  l h": "unfold and fold; then to a child, to the parent",
        "e": "to the next span that failed",
        "/  n N": "find in names, kinds and errors; next, before",
        "m": "what was said to models and what they said",
        "tab": "to the other half of the screen",
        "Y": "copy the id of the trace",
    },
}
"""By place, each key and what it does."""


class HelpScreen(ModalScreen[None]):
    """What the keys do."""

    CSS = """
    HelpScreen { align: center middle; }
    HelpScreen VerticalScroll {
        width: 78; height: auto; max-height: 100%; border: round ansi_default; padding: 0 1; background: ansi_default;
    }
    HelpScreen Static { height: auto; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,question_mark,enter,q", "app.pop_screen", "Back"),
    ]

    def compose(self) -> ComposeResult:
        """The page."""
        with VerticalScroll():
            yield Static(_page())

    async def renew(self) -> None:
        """It does not change."""

    def tick(self) -> None:
        """Nor with the time."""

    def tell(self) -> None:
        """Trouble is said on the first screen."""


def _page() -> Text:
    page = Text()
    for place, keys in KEYS.items():
        page.append(place + "\n", "bold")
        for key, meaning in keys.items():
            page.append(f"  {key:<20}", "cyan").append(meaning + "\n")
    page.rstrip()
    return page
