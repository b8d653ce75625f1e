"""The line in which a question is typed: with what may come next, and an error that points at the character."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import ClassVar, Final

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.message import Message
from textual.widgets import Input, Static

from flightlog.narration.safe import clean
from flightlog.questions.completion import Completion, completions
from flightlog.questions.parsing import parse
from flightlog.records.errors import UnreadableQuestion
from flightlog.records.question import Question

MOST_OFFERED: Final = 6
"""Ways to go on that are shown at once."""

_SIGN: Final = re.compile(r"[:<>=~()]")
_PLACES: Final = ("name~", "input:", "output:", "error:")
"""Where words that are no question are looked for."""

Known = Callable[[], Mapping[str, Sequence[str]]]
"""Gives values of fields that the listed traces have."""


def read(text: str) -> Question | None:
    """The question that somebody typed; words alone are looked for in names, inputs, outputs and errors.

    Raises:
        UnreadableQuestion: it is none; the message points at the place.
    """
    words = text.strip()
    if not words:
        return None
    if _SIGN.search(words):
        return parse(text)
    plain = words.strip("\"'").replace("\\", "\\\\").replace('"', '\\"')
    return parse(" OR ".join(f'{place}"{plain}"' for place in _PLACES))


class Asking(Vertical):
    """A question as it is typed; hidden while nobody asks."""

    DEFAULT_CSS = """
    Asking { height: auto; display: none; }
    Asking.-asks { display: block; }
    Asking Input { border: none; height: 1; padding: 0; background: ansi_default; }
    Asking Input:focus { border: none; }
    Asking Static { height: auto; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "Leave"),
        Binding("tab", "complete", "Complete", priority=True),
    ]

    class Asked(Message):
        """Somebody asked."""

        def __init__(self, text: str, question: Question | None) -> None:
            super().__init__()
            self.text = text
            self.question = question

    class Left(Message):
        """Nobody asks any more."""

    def __init__(self, text: str = "", known: Known = dict) -> None:
        super().__init__()
        self._field = Input(text, placeholder="kind:llm status:error duration>1.5s", select_on_focus=False)
        self._said = Static(id="said")
        self._known = known

    def compose(self) -> ComposeResult:
        """The line, and what is said about it."""
        yield self._field
        yield self._said

    def ask(self, text: str) -> None:
        """Begin with this text."""
        self.add_class("-asks")
        field = self._field
        field.value = text
        field.cursor_position = len(text)
        field.focus()
        self._offer()

    @property
    def asks(self) -> bool:
        """Whether somebody types."""
        return self.has_class("-asks")

    def action_leave(self) -> None:
        """Let the question be as it was."""
        self.remove_class("-asks")
        self.post_message(self.Left())

    def action_complete(self) -> None:
        """Take the first of what may come next."""
        field = self._field
        offered = self._offered()
        if offered:
            place = field.cursor_position
            field.value = field.value[: offered[0].start] + offered[0].text + field.value[place:]
            field.cursor_position = offered[0].start + len(offered[0].text)

    @on(Input.Changed)
    def _changed(self) -> None:
        self._offer()

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        try:
            question = read(event.value)
        except UnreadableQuestion as error:
            self._say(Text(_safe(str(error)), "red"))
            self._field.cursor_position = error.place
            return
        self.remove_class("-asks")
        self.post_message(self.Asked(event.value.strip(), question))

    def _offered(self) -> list[Completion]:
        field = self._field
        return completions(field.value, field.cursor_position, known=self._known())[:MOST_OFFERED]

    def _offer(self) -> None:
        offered = self._offered()
        said = Text("tab ", "dim") if offered else Text(_HELP, "dim")
        for place, one in enumerate(offered):
            said.append(("  " if place else "") + clean(one.text), "bold" if not place else "")
        if offered and offered[0].meaning:
            said.append(f"   {offered[0].meaning}", "dim")
        said.no_wrap, said.overflow = True, "ellipsis"
        self._say(said)

    def _say(self, said: Text) -> None:
        self._said.update(said)


_HELP: Final = "enter asks, esc leaves; words alone are looked for in names, inputs, outputs and errors"


def _safe(message: str) -> str:
    return "\n".join(map(clean, message.split("\n")))
