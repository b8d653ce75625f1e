"""Long text on as many lines as it needs: nothing is cut, words stay whole where they can."""

from __future__ import annotations

from collections.abc import Iterator

from rich.cells import chop_cells

from flightlog.cli.render.cells import width


def lines(text: str, cells: int) -> list[str]:
    """The lines of one paragraph of clean text, each of at most this many cells; an indent is kept on all."""
    if width(text) <= cells:
        return [text]
    indent = text[: min(len(text) - len(text.lstrip(" ")), cells // 2)]
    room = max(1, cells - len(indent))
    return [indent + line for line in _broken(text[len(indent) :], room)]


def _broken(text: str, room: int) -> Iterator[str]:
    line = ""
    taken = 0
    for word in _words(text):
        needed = width(word)
        if taken + needed <= room:
            line, taken = line + word, taken + needed
            continue
        if line.strip():
            yield line.rstrip()
        line, taken = word.lstrip(" "), width(word.lstrip(" "))
        if taken > room:
            *whole, line = chop_cells(line, room)
            yield from whole
            taken = width(line)
    yield line.rstrip()


def _words(text: str) -> Iterator[str]:
    """Words with the blanks before them, which together are the text."""
    start = 0
    for place in range(1, len(text)):
        if text[place] == " " and text[place - 1] != " ":
            yield text[start:place]
            start = place
    yield text[start:]
