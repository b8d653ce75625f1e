"""The first error of a trace: where it began, what led to it, and what became of it.

First by time, not by height: a caller that fails because a child of it did comes later. What led to it are the steps
that were over just before, on each level from the root down, failures that came earlier on, and the events that
change how a trace is read.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import Final, Literal

from msgspec import Struct

from flightlog.analysis.summary import is_noteworthy, repeats
from flightlog.analysis.tree import Node, Tree, walk
from flightlog.records.event import Event

MOST_MOMENTS: Final = 8
"""Moments before an error that are told: the latest of them."""

Outcome = Literal["tried again", "fell back", "handled", "failed the trace", "open"]
"""What became of an error: a later attempt went well; something else took over; some caller went on; the root
failed; the trace has not ended."""


class Moment(Struct, frozen=True, eq=False):
    """Something that happened before."""

    time: int
    """Unix nanoseconds: when the step ended, or when the event happened."""
    node: Node
    """The step, or whose event it is."""
    event: Event | None = None


class FirstError(Struct, frozen=True, eq=False):
    """The first error, with its story."""

    path: Sequence[Node]
    """From the root down to the span that failed."""
    before: Sequence[Moment]
    """By time; at most `MOST_MOMENTS`."""
    outcome: Outcome
    stopped: Node | None
    """The lowest span above it that did not fail; None when the root did."""

    @property
    def node(self) -> Node:
        """The span that failed."""
        return self.path[-1]


def first_error(tree: Tree) -> FirstError | None:
    """Find it; None for a trace in which nothing failed."""
    found = min(_failed(tree), key=lambda path: _rank(path[-1]), default=None)
    if found is None:
        return None
    stopped = next((node for node in reversed(found[:-1]) if node.status != "error"), None)
    return FirstError(found, _before(found), _outcome(found, stopped), stopped)


def _failed(tree: Tree) -> Iterator[list[Node]]:
    """The way to each failed span whose error no failed child of it explains."""
    path: list[Node] = []
    for node in walk(tree):
        del path[node.depth :]
        path.append(node)
        if node.status == "error" and not any(child.status == "error" for child in node.children):
            yield list(path)


def _rank(node: Node) -> tuple[int, int, str]:
    return (node.start if node.end is None else node.end, node.start, node.span_id)


def _before(path: Sequence[Node]) -> list[Moment]:
    failed = path[-1]
    until = failed.start if failed.end is None else failed.end
    found: list[Moment] = []
    for above, below in pairwise(path):
        over = [node for node in above.children if node.end is not None and node.end <= below.start]
        found += [Moment(node.end or 0, node) for node in _last_and_failed(over)]
    for node in path:
        found += [
            Moment(event.time, node, event)
            for event in node.events
            if event.time <= until and is_noteworthy(event) and not repeats(event, node.error)
        ]
    return sorted(found, key=lambda moment: moment.time)[-MOST_MOMENTS:]


def _last_and_failed(over: Iterable[Node]) -> list[Node]:
    by_end = sorted(over, key=lambda node: node.end or 0)
    return [node for node in by_end if node.status == "error" or node is by_end[-1]]


def _outcome(path: Sequence[Node], stopped: Node | None) -> Outcome:
    if stopped is None:
        return "failed the trace"
    for above, below in zip(reversed(path[:-1]), reversed(path[1:]), strict=False):
        later = [node for node in above.children if node.start >= below.start and node is not below]
        if any(node.name == below.name and node.status == "ok" for node in later):
            return "tried again"
        if any(event.name == "fallback" and event.time >= below.start for event in above.events):
            return "fell back"
        if above is stopped:
            break
    return "open" if stopped.end is None else "handled"
