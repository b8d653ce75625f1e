"""What was entered and not left yet, for `hot.enter` and `hot.exit`.

It is kept as a chain in a ContextVar, so pairs nest within each thread and task. A chain is never changed, only grown
and left: what a task takes along from its cause stays the cause's own.
"""

from __future__ import annotations

from contextvars import ContextVar
from time import monotonic_ns
from typing import TYPE_CHECKING, Final

from flightlog._speed.presence import ENGINE

MOST_OPEN: Final = 1_000
"""Pairs that are open at once in one context; whoever enters and never exits does not fill the memory."""


if TYPE_CHECKING or ENGINE is None:

    class Entry:
        """A function that was entered, and those around it."""

        __slots__ = ("depth", "is_told", "name", "outer", "zero")

        def __init__(self, name: str, outer: Entry | None, *, is_told: bool) -> None:
            self.name = name
            self.is_told = is_told
            if outer is not None and outer.depth >= MOST_OPEN:
                outer = None
            self.outer = outer
            self.depth: int = 1 if outer is None else outer.depth + 1
            self.zero = monotonic_ns()

else:
    Entry = ENGINE.Entry  # the same, whose members C reads


entered: Final[ContextVar[Entry | None]] = ContextVar("flightlog.entered", default=None)
"""The innermost function that was entered in this context."""


def begin(name: str, *, is_told: bool) -> None:
    """Enter a function; `is_told` says whether its exit is to be told of."""
    entered.set(Entry(name, entered.get(), is_told=is_told))


def end(name: str) -> Entry | None:
    """Leave the innermost function of this name and all within it; None if there is none."""
    entry = entered.get()
    while entry is not None and entry.name != name:
        entry = entry.outer
    if entry is not None:
        entered.set(entry.outer)
    return entry
