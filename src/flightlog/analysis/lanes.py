"""Spans in lanes: in each, one ends before the next begins, or lies wholly inside another.

Viewers of profiles draw a stack for each thread, in which whatever begins last ends first. Spans of asyncio tasks,
generators and callbacks do not keep to that, even within one thread. So the spans of one thread of one task share a
lane as long as they nest there, and what would stick out gets another lane beside it. What is open lasts as long as
the trace is known to have run; what ends before it starts is a moment.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from heapq import heappush, heapreplace
from typing import Final

from msgspec import Struct

from flightlog.analysis.tree import Node, Tree, walk

_NESTING: Final = 32
"""Lanes of one place in which bars nest; a lane beyond them holds one bar at a time, so that dealing stays quick."""


class Place(Struct, frozen=True):
    """Where spans ran."""

    process_id: str
    thread: str
    task: str
    number: int = 0
    """0 for the lane that a place needs in any case; others beside it."""


class Bar(Struct, frozen=True, eq=False):
    """One span in its lane."""

    node: Node
    start: int
    end: int
    """Unix nanoseconds; never before `start`."""


class Edge(Struct, frozen=True, eq=False):
    """One end of a bar, in the order in which a stack takes them."""

    time: int
    bar: Bar
    opens: bool


def lanes(tree: Tree) -> dict[Place, list[Bar]]:
    """Every span of a trace, by where it ran; bars by start, those around others first."""
    groups: dict[tuple[str, str, str], list[Bar]] = {}
    for node in walk(tree):
        record = node.record
        bar = Bar(node, record.start, max(record.start, tree.end if record.end is None else record.end))
        groups.setdefault((record.process_id, record.thread, record.task), []).append(bar)
    found: dict[Place, list[Bar]] = {}
    for (process_id, thread, task), bars in groups.items():
        bars.sort(
            key=lambda bar: (bar.start, -bar.end)
        )  # where both are equal, a parent stays before its child
        for number, lane in enumerate(_nested(bars)):
            found[Place(process_id, thread, task, number)] = lane
    return found


def _nested(bars: Iterable[Bar]) -> list[list[Bar]]:
    """Deal bars out, each to the first lane in which it nests; beyond many lanes, to one in which nothing runs."""
    dealt: list[list[Bar]] = []
    stacks: list[list[int]] = []
    busy: list[tuple[int, int]] = []
    for bar in bars:
        number = next((at for at, stack in enumerate(stacks) if _fits(stack, bar)), -1)
        if number >= 0:
            stacks[number].append(bar.end)
        elif busy and busy[0][0] <= bar.start:
            number = heapreplace(busy, (bar.end, busy[0][1]))[1]
        else:
            number = len(dealt)
            dealt.append([])
            if number < _NESTING:
                stacks.append([bar.end])
            else:
                heappush(busy, (bar.end, number))
        dealt[number].append(bar)
    return dealt


def _fits(stack: list[int], bar: Bar) -> bool:
    """Whether a bar nests in what is open; what is over by then is taken off."""
    while stack and stack[-1] <= bar.start:
        stack.pop()
    return not stack or bar.end <= stack[-1]


def edges(bars: Iterable[Bar]) -> Iterator[Edge]:
    """The ends of the bars of one lane: by time, and each closes the one that was opened last."""
    stack: list[Bar] = []
    for bar in bars:
        while stack and stack[-1].end <= bar.start:
            yield Edge(stack[-1].end, stack.pop(), opens=False)
        stack.append(bar)
        yield Edge(bar.start, bar, opens=True)
    while stack:
        yield Edge(stack[-1].end, stack.pop(), opens=False)
