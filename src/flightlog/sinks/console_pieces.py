"""The pieces of one step, on as many lines as a terminal needs.

    ✗ query  db  441 µs
        sqlite3.OperationalError: no such column: function_count; modules has
        the columns: name, lines, functions

What does not fit on its line begins another, indented, so the tree that it stands in is not torn by a terminal that
breaks lines wherever they happen to end. Without a terminal a step is one line, however long.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from flightlog.narration.cells import width, wrapped
from flightlog.sinks.stream import Look

Piece = tuple[str, str]
"""A style and a text, safe to show; one without a text is left out."""

_GAP: Final = "  "
_INDENT: Final = "    "
_LEAST: Final = 24
"""Cells that a step has even where the tree has used up a narrow terminal; then that breaks the lines after all."""
_PAINT: Final = re.compile(r"\x1b\[[0-9;]*m")
"""What `Look.paint` adds; texts of a trace hold no escape sequences any more."""


def laid(sign: Piece, pieces: Iterable[Piece], seen: Look, before: str = "") -> str:
    """The pieces behind their sign, with two blanks between them.

    Args:
        sign: the first cell.
        pieces: what is told, in its order.
        seen: what the terminal can show.
        before: what stands in front of any further line, as wide as what is in front of the first.
    """
    room = max(seen.width - width(before), _LEAST) if seen.width else 0
    lines = [seen.paint(*sign)]
    used, gap = 1, " "
    for style, text in pieces:
        if not text:
            continue
        said = seen.readable(text)
        if not room or used + len(gap) + width(said) <= room:
            lines[-1] += gap + seen.paint(style, said)
            used += len(gap) + width(said)
        else:
            first, *more = wrapped(said, room - len(_INDENT))
            if gap == _GAP:
                lines.append(_INDENT + seen.paint(style, first))
            else:
                lines[-1] += gap + seen.paint(style, first)
            lines += [_INDENT + seen.paint(style, one) for one in more]
            used = len(_INDENT) + width((more or [first])[-1])
        gap = _GAP
    return f"\n{seen.paint('dim', before)}".join(lines)


def followed(text: str, aside: str, seen: Look, before: str = "") -> str:
    """What was laid out, with a word behind it; where there is no room for that, under it."""
    if not aside:
        return text
    last = _PAINT.sub("", text.rpartition("\n")[2])
    taken = width(last) + (0 if "\n" in text else width(before))
    said = seen.paint("dim", seen.readable(aside))
    if not seen.width or taken + len(_GAP) + width(aside) <= seen.width:
        return f"{text}{_GAP}{said}"
    return f"{text}\n{seen.paint('dim', before)}{_INDENT}{said}"
