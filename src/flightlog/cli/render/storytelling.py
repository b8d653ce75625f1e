"""A story on the terminal: sentences indented by their depth and wrapped, or one aligned line for each narration."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from flightlog.cli.render.terminal import Style, Terminal
from flightlog.cli.render.wrap import lines as wrapped
from flightlog.narration import line
from flightlog.narration.trace import Sentence
from flightlog.narration.words import clock
from flightlog.records.event import Event
from flightlog.records.narration import View

_DEEPEST: Final = 10
"""Levels that are indented; deeper ones have their number instead."""
_LEAST_TEXT: Final = 24
"""Cells that a sentence keeps beside the columns; where there are fewer, it goes under them."""
_STYLES: Final[dict[str, Style]] = {"opening": "bold", "more": "dim", "closing": "bold"}
_LOUD: Final[dict[str, Style]] = {"warn": "yellow", "error": "red", "fatal": "alarm"}


def prose(sentences: Iterable[Sentence], terminal: Terminal, *, is_timed: bool = False) -> Iterator[str]:
    """Draw a story; a blank line around each chapter and before the end. `is_timed`: with times of day."""
    before: Sentence | None = None
    for sentence in sentences:
        ends = before is not None and sentence.depth <= 1 < before.depth
        if before is not None and (sentence.chapter or sentence.what == "closing" or ends):
            yield ""
        before = sentence
        style = _LOUD.get(sentence.level) or _STYLES.get(sentence.what, "")
        if is_timed and sentence.depth:
            yield from _timed(sentence, style, terminal)
            continue
        for text in _laid_out(sentence, terminal):
            yield terminal.paint(style, text)


def _timed(sentence: Sentence, style: Style, terminal: Terminal) -> Iterator[str]:
    """The time of day, then the sentence; a further line begins where the sentence did, if there is room."""
    moment = clock(sentence.time)
    room = terminal.width - len(moment) - 4
    if room < _LEAST_TEXT:
        yield f"  {terminal.paint('dim', moment)}"
        yield from (
            f"  {terminal.paint(style, text)}"
            for text in wrapped(_in(terminal, sentence.text), max(1, terminal.width - 2))
        )
        return
    indent = " " * (len(moment) + 3)
    first, *more = wrapped(_in(terminal, sentence.text), room)
    yield f"  {terminal.paint('dim', moment)} {terminal.paint(style, first)}"
    yield from (indent + terminal.paint(style, text) for text in more)


def _laid_out(sentence: Sentence, terminal: Terminal) -> Iterator[str]:
    """The lines of one sentence, the second and further ones a little deeper."""
    depth, deepest = sentence.depth, min(_DEEPEST, terminal.width // 8)
    indent = "  " * min(depth, deepest)
    told = f"({depth}) {sentence.text}" if depth > deepest else sentence.text
    for place, text in enumerate(wrapped(_in(terminal, told), max(1, terminal.width - len(indent) - 2))):
        yield f"{indent}{'  ' if place else ''}{text}"


def aligned(events: Sequence[Event], view: View, terminal: Terminal) -> Iterator[str]:
    """One line a narration, the columns as wide as the widest text in them, as far as there is room."""
    columns = _columns(events, terminal)
    is_narrow = terminal.width - columns.before < _LEAST_TEXT
    if is_narrow and terminal.width < columns.before:
        columns = line.Columns(0, 0, 0)
    room = max(terminal.width - (2 if is_narrow else columns.before), 1)
    for event in events:
        head = f"{terminal.paint('dim', clock(event.time))} {line.head(event, columns, _painter(terminal))}"
        style = _LOUD.get(event.level, "")
        texts = wrapped(_in(terminal, line.text(event, view)), room)
        head = head if terminal.unicode else head.replace("…", "~")
        if is_narrow:
            yield head.rstrip()
            yield from ("  " + terminal.paint(style, text) for text in texts)
            continue
        yield head + terminal.paint(style, texts[0])
        yield from (" " * columns.before + terminal.paint(style, text) for text in texts[1:])


def _columns(events: Sequence[Event], terminal: Terminal) -> line.Columns:
    """As wide as their texts; where the sentence would get less than two fifths, fewer and narrower."""
    found = line.fitting(events)
    for most in (line.Columns(10, 15, 12), line.Columns(10, 15, 0), line.Columns(10, 0, 0)):
        if terminal.width - found.before >= max(_LEAST_TEXT, terminal.width * 2 // 5):
            break
        found = line.fitting(events, most)
    return found


def _painter(terminal: Terminal) -> line.Paint:
    return terminal.paint  # type: ignore[return-value]  # the styles of a line are among the terminal's


def _in(terminal: Terminal, text: str) -> str:
    """The text without the signs of ours that a terminal without them would show as codes."""
    return text if terminal.unicode else text.replace("…", "...").replace("µ", "u")
