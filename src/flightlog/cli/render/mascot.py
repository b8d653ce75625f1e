"""The mascot: a small flight recorder with a face, three lines of five cells, in four moods.

It heads what a person looks at for a while (`demo`, `watch`), and nothing else; where there is no colour there is none
of it, so it never gets into a pipe, a file or the screen of somebody who set `NO_COLOR`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, Literal, get_args

from flightlog.cli.render.terminal import Style, Terminal

Mood = Literal["idle", "working", "ok", "warning"]
"""Nothing happens, something runs, it went well, it did not."""

MOODS: Final[tuple[Mood, ...]] = get_args(Mood)

CELLS: Final = 7
"""What it takes of a line, with the blanks around it."""
LINES: Final = 3

_FACES: Final[Mapping[Mood, tuple[str, Style]]] = {
    "idle": ("-_-", "dim"),
    "working": ("o.o", "cyan"),
    "ok": ("^_^", "green"),
    "warning": ("o_O", "yellow"),
}
_BODY: Final = ("╭─┴─╮", "│{}│", "╰───╯")
_ASCII_BODY: Final = (".-'-.", "|{}|", "'---'")


def lines(mood: Mood, terminal: Terminal) -> list[str]:
    """Its three lines, each with a blank before and behind it; empty ones where there is no colour."""
    if not terminal.colour:
        return [""] * LINES
    face, style = _FACES[mood]
    body = _BODY if terminal.unicode else _ASCII_BODY
    return [f" {terminal.paint(style, line.format(face))} " for line in body]


def beside(mood: Mood, told: Sequence[str], terminal: Terminal) -> list[str]:
    """Up to three lines with the mascot before them; without it where there is no colour."""
    body = lines(mood, terminal)
    texts = [*told[:LINES], *[""] * (LINES - len(told))]
    return [(before + text).rstrip() for before, text in zip(body, texts, strict=True)]
