"""What the terminal can show: its width, whether it has colour, and whether it has more than ASCII.

Colours are the sixteen that every terminal theme defines, without bright ones and without blue, so they can
be read on light and on dark backgrounds; the background is never touched. Colour never carries a meaning
alone.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from contextlib import suppress
from itertools import islice
from typing import Final, Literal, TextIO

from msgspec import Struct, structs

from flightlog.sinks.stream import CODES

Style = Literal["", "bold", "dim", "red", "green", "yellow", "magenta", "cyan", "alarm"]
"""How a text is drawn; `alarm` is bold red."""

PIPE_WIDTH: Final = 100
"""Cells for a drawing where there is no terminal to ask and `COLUMNS` is not set; tables there are whole."""

LEAST_WIDTH: Final = 20
"""Nothing is laid out for less; a narrower terminal wraps."""

MOST_WIDTH: Final = 10_000
"""More cells than any terminal has; a drawing takes memory for each."""

_BLOCK: Final = 256


class Terminal(Struct, frozen=True):
    """Where the output goes."""

    width: int = 80
    colour: bool = False
    unicode: bool = True
    whole_tables: bool = False
    """Nobody looks at its edge: a table keeps every column and cuts none, however wide that gets."""

    def narrower(self, cells: int) -> Terminal:
        """The same with another width: the room within an indent."""
        return structs.replace(self, width=cells)

    def paint(self, style: Style, text: str) -> str:
        """Put a style on a text whose width is final."""
        if not self.colour or not style or not text:
            return text
        return f"\x1b[{CODES[style]}m{text}\x1b[0m"

    def dot(self) -> str:
        """What stands between facts on one line."""
        return " · " if self.unicode else " - "

    def ellipsis(self) -> str:
        """What stands for the part that was cut off."""
        return "…" if self.unicode else "~"


def of(stream: TextIO, *, no_color: bool = False, columns: int | None = None) -> Terminal:
    """Look at a stream: a pipe gets no colour, `NO_COLOR` is honoured, and so is `--width`."""
    is_terminal = stream.isatty()
    wants_colour = not no_color and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    asked = columns or _columns(stream)
    return Terminal(
        width=min(max(LEAST_WIDTH, asked or PIPE_WIDTH), MOST_WIDTH),
        colour=is_terminal and wants_colour,
        unicode=(stream.encoding or "").lower().replace("-", "").startswith("utf"),
        whole_tables=not asked,
    )


def _columns(stream: TextIO) -> int:
    """The cells that `COLUMNS` says or the terminal has; 0 for a pipe or a file."""
    said = os.environ.get("COLUMNS", "")
    if said.isdecimal() and int(said):
        return int(said)
    with suppress(OSError, ValueError):  # no terminal, or no descriptor at all
        return os.get_terminal_size(stream.fileno()).columns
    return 0


def emit(lines: Iterable[str]) -> None:
    """Write lines to standard output, in blocks, as they are made."""
    rest = iter(lines)
    while block := list(islice(rest, _BLOCK)):
        sys.stdout.write("\n".join(block) + "\n")
    sys.stdout.flush()
