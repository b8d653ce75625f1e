"""One narration as one line, its columns aligned with those of the lines above: for terminals and standard error.

    14:03:22.120 info  queue      dispatch        job-1        Dispatched job-1 to worker 2

Time of day, level, actor, action, target, sentence. A column that is too narrow for its text is cut with an
ellipsis; nothing is ever refused. Widths are cells of a terminal (`cells.py`), all texts are safe to show
(`safe.py`), and no letter of them is markup.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from msgspec import Struct

from flightlog.narration import events
from flightlog.narration.cells import fill, width
from flightlog.narration.words import clock, short
from flightlog.records.event import Event
from flightlog.records.narration import View

LEVEL_CELLS: Final = 5
"""As wide as the longest level."""

Paint = Callable[[str, str], str]
"""Puts a style (`dim`, `bold`, `cyan`, the empty one) on a text; as `Look.paint` of the sinks."""

_STYLES: Final = {"warn": "yellow", "error": "red", "fatal": "alarm", "trace": "dim", "debug": "dim"}


class Columns(Struct, frozen=True):
    """How wide the columns are, in cells; one of 0 is left out."""

    actor: int = 10
    action: int = 15
    target: int = 12

    @property
    def before(self) -> int:
        """Cells in front of the sentence, time and level included."""
        return len("14:03:22.120 ") + self.untimed

    @property
    def untimed(self) -> int:
        """Cells in front of the sentence where no time is told."""
        return LEVEL_CELLS + 1 + sum(one + 1 for one in (self.actor, self.action, self.target) if one)


STANDARD: Final = Columns()


def head(event: Event, columns: Columns, paint: Paint) -> str:
    """What stands before the sentence, with the blank that sets it apart; without the time."""
    level = paint(_STYLES.get(event.level, ""), f"{event.level:<{LEVEL_CELLS}}")
    told = (
        (columns.actor, "cyan", events.actor(event)),
        (columns.action, "", short(event.name)),
        (columns.target, "dim", events.target(event)),
    )
    parts = [paint(style, fill(text, cells)) for cells, style, text in told if cells]
    return " ".join((level, *parts, ""))


def line(event: Event, view: View = "human", columns: Columns = STANDARD, paint: Paint | None = None) -> str:
    """One narration, whole: where it is too long for a terminal, that wraps it.

    Args:
        event: the narration.
        view: the voice.
        columns: how wide the columns are.
        paint: how a style is put on a text; by default not at all.
    """
    paint = paint or _bare
    return f"{paint('dim', clock(event.time))} {head(event, columns, paint)}{_sentence(event, view, paint)}"


def text(event: Event, view: View = "human") -> str:
    """What it says in this voice, without colour."""
    return events.sentence(event, view)


def fitting(told: Iterable[Event], most: Columns = Columns(16, 24, 24)) -> Columns:  # noqa: B008 - frozen
    """Columns as wide as their texts need, and no wider than `most`."""
    widths = [0, 0, 0]
    for event in told:
        texts = (events.actor(event), short(event.name), events.target(event))
        widths = [max(one, width(found)) for one, found in zip(widths, texts, strict=True)]
    return Columns(
        *(min(one, limit) for one, limit in zip(widths, (most.actor, most.action, most.target), strict=True))
    )


def _sentence(event: Event, view: View, paint: Paint) -> str:
    """What it says, in the colour of its level where that is a loud one."""
    style = _STYLES.get(event.level, "")
    return paint(style if style != "dim" else "", text(event, view))


def _bare(style: str, text: str) -> str:  # noqa: ARG001 - one that paints would need it
    return text
