"""Numbers as bars: a share of a whole, a line of heights, a histogram; in plain signs where there are no others."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from math import exp
from typing import Final

from flightlog.cli.render import words
from flightlog.cli.render.cells import fill
from flightlog.cli.render.terminal import Terminal
from flightlog.store.rollups import STEPS

_LEVELS: Final = "▁▂▃▄▅▆▇█"
_ASCII_LEVELS: Final = ".:-=+*#@"
_MOST_BARS: Final = 16
_EDGES_CELLS: Final = 20
_LEAST_BAR: Final = 8


def bar(part: int, whole: int, cells: int, terminal: Terminal) -> str:
    """A bar that fills so many cells for the whole, at least half a cell for anything."""
    halves = min(2 * cells, -(-2 * cells * part // whole)) if whole > 0 and part > 0 else 0
    if not terminal.unicode:
        return fill("=" * -(-halves // 2), cells)
    return fill("━" * (halves // 2) + ("╸" if halves % 2 else ""), cells)


def heights(numbers: Sequence[int], most: int, terminal: Terminal) -> str:
    """One cell a number, its height its share of the most; nothing at all is a blank."""
    levels = _LEVELS if terminal.unicode else _ASCII_LEVELS
    top = len(levels) - 1
    return "".join(levels[-(-number * top // most)] if number else " " for number in numbers)


def histogram(durations: Mapping[int, int], terminal: Terminal) -> Iterator[str]:
    """How many took how long: a line for each of at most 16 ranges, each as much longer than the one before."""
    if not durations:
        return
    first, last = min(durations), max(durations)
    step = max(1, -(-(last - first + 1) // _MOST_BARS))
    ranges = [0] * ((last - first) // step + 1)
    for bucket, spans in durations.items():
        ranges[(bucket - first) // step] += spans
    numbers = [words.count(spans) for spans in ranges]
    room = max(map(len, numbers))
    cells = max(_LEAST_BAR, min(60, terminal.width - _EDGES_CELLS - room - 4))
    for place, spans in enumerate(ranges):
        edge = words.duration(round(exp((first + place * step) / STEPS)), unicode=terminal.unicode)
        drawn = terminal.paint("cyan", bar(spans, max(ranges), cells, terminal).rstrip())
        at_least = "≥" if terminal.unicode else ">="
        yield f"{terminal.paint('dim', at_least)} {edge:<9} {numbers[place]:>{room}}  {drawn}".rstrip()
