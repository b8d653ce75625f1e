"""The end of a stack trace in little room: where each frame is stays readable, however long its path."""

from __future__ import annotations

import re
from typing import Final

from flightlog.cli.render import wrap
from flightlog.cli.render.cells import cut, width
from flightlog.cli.render.safe import clean
from flightlog.cli.render.terminal import Terminal
from flightlog.cli.render.words import of_them

_FRAME: Final = re.compile(r'(\s*File ")(.*)(", line \d+.*)')
"""A line that says where a frame is, as the interpreter writes it."""


def tail(text: str, cells: int, most: int, terminal: Terminal) -> list[str]:
    """The last lines of a stack trace, which are the ones that matter.

    Args:
        text: the trace as it was recorded.
        cells: room of a line; the place of a frame takes several where it does not fit into one.
        most: lines of the trace that are shown; one more counts the rest.
        terminal: where they are drawn.
    """
    whole = text.rstrip().splitlines()
    shown = [drawn for line in whole[-most:] for drawn in _fitted(clean(line.expandtabs(4)), cells, terminal)]
    if len(whole) > most:
        shown.insert(0, f"{terminal.ellipsis()} {of_them(len(whole) - most, 'line')} above")
    return shown


def _fitted(line: str, cells: int, terminal: Terminal) -> list[str]:
    """Cut source at its end; of a place leave out the beginning of the path, never file, line or function."""
    frame = _FRAME.fullmatch(line)
    if width(line) <= cells or frame is None:
        return [cut(line, cells, terminal.ellipsis())]
    before, path, after = frame.groups()
    room = cells - width(before + after) - width(terminal.ellipsis())
    *directories, kept = re.split(r"(?=[/\\])", path)
    while directories and width(directories[-1] + kept) <= room:
        kept = directories.pop() + kept
    return wrap.lines(before + (terminal.ellipsis() if directories else "") + kept + after, cells)
