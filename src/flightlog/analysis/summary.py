"""What a reader wants to know of a trace first: what failed, what took the time, what happened on the way."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Final

from msgspec import Struct

from flightlog.analysis.tree import Node, Tree, walk
from flightlog.records.event import Event
from flightlog.records.narration import is_narration
from flightlog.records.span import Fault

NOTEWORTHY: Final = (
    "retry",
    "fallback",
    "pause",
    "resume",
    "budget",
    "branch",
    "skip",
    "coercion",
    "exception",
)
"""Names of events that change how a trace is read; the rest (chunks, loops, logs) are only counted."""

SLOWEST: Final = 5
"""How many of the slowest spans a summary names."""


class KindCount(Struct, frozen=True):
    """The spans of one kind."""

    kind: str
    spans: int
    errors: int
    interrupted: int
    self_ns: int
    """Sum of their self times."""


class Failure(Struct, frozen=True, eq=False):
    """Where the first error of a trace began."""

    node: Node
    """The highest failed span whose error is its own: no failed child of it has the same."""
    path: tuple[str, ...]
    """Names from the root down to it."""
    others: int
    """Failed spans that are not on that path."""
    handled: bool
    """The root did not fail: somebody dealt with the error."""


class Summary(Struct, frozen=True, eq=False):
    """A trace at a glance."""

    kinds: list[KindCount]
    """By self time, greatest first."""
    slowest: list[Node]
    """By self time, greatest first; at most `SLOWEST`."""
    failure: Failure | None
    events: list[Event]
    """The noteworthy ones, narrations among them, and all of level warn or above, by time."""
    event_counts: dict[str, int]
    """All events by name, most frequent first."""
    open_spans: int
    """Spans that have not ended."""


def summary(tree: Tree) -> Summary:
    """Sum up one tree in one walk over it."""
    nodes = list(walk(tree))
    events = sorted(_events(tree, nodes), key=lambda event: (event.time, event.event_id))
    counts = Counter(event.name for event in events)
    return Summary(
        kinds=_kinds(nodes),
        slowest=sorted((node for node in nodes if node.self_ns), key=lambda node: -(node.self_ns or 0))[
            :SLOWEST
        ],
        failure=_failure(tree),
        events=[event for event in events if is_noteworthy(event)],
        event_counts=dict(sorted(counts.items(), key=lambda item: (-item[1], item[0]))),
        open_spans=sum(node.record.end is None for node in nodes),
    )


def is_noteworthy(event: Event) -> bool:
    """Say whether an event changes how a trace is read, or was said to be read, as a narration."""
    return event.name in NOTEWORTHY or event.level in {"warn", "error", "fatal"} or is_narration(event)


def repeats(event: Event, error: Fault | None) -> bool:
    """Say whether an `exception` event says no more than the error of its own span does."""
    if event.name != "exception" or error is None:
        return False
    told = (event.attributes.get(f"exception.{part}") for part in ("type", "message"))
    return tuple(told) == (error.type, error.message)


def _events(tree: Tree, nodes: Iterable[Node]) -> Iterator[Event]:
    yield from tree.loose_events
    for node in nodes:
        yield from node.events


def _kinds(nodes: Iterable[Node]) -> list[KindCount]:
    sums: dict[str, list[int]] = {}
    for node in nodes:
        row = sums.setdefault(node.record.kind, [0, 0, 0, 0])
        row[0] += 1
        row[1] += node.record.status == "error"
        row[2] += node.record.status == "interrupted"
        row[3] += node.self_ns or 0
    kinds = [KindCount(kind, *row) for kind, row in sums.items()]
    return sorted(kinds, key=lambda kind: (-kind.self_ns, -kind.spans, kind.kind))


def _failure(tree: Tree) -> Failure | None:
    """The failed span that is highest up, or where it only passed on what a child raised, that child.

    Of several at one height the first that was not tried again counts.
    """
    path: list[Node] = []
    chain: list[Node] = []
    best = (True, 0, 0)
    failed = 0
    given_up = _tried_again(tree)
    for node in walk(tree):
        del path[node.depth :]
        if node.record.status == "error":
            failed += 1
            on_top = not path or path[-1].record.status != "error"
            rank = (id(node) in given_up, node.depth, node.record.start)
            if on_top and (not chain or rank < best):
                chain, best = [*path, node], rank
        path.append(node)
    if not chain:
        return None
    handled = chain[0].record.status != "error"
    while deeper := _source(chain[-1]):
        chain.append(deeper)
    on_path = sum(node.record.status == "error" for node in chain)
    return Failure(chain[-1], tuple(node.record.name for node in chain), failed - on_path, handled)


def _tried_again(tree: Tree) -> set[int]:
    """Identities of the nodes that a later sibling of the same name and kind repeats."""
    repeated: set[int] = set()
    for siblings in (tree.roots, *(node.children for node in walk(tree))):
        last = {(node.record.name, node.record.kind): node for node in siblings}
        repeated.update(id(node) for node in siblings if last[node.record.name, node.record.kind] is not node)
    return repeated


def _source(node: Node) -> Node | None:
    """The last failed child with this node's error, or any where it has none; None when the error is its own."""
    own = _error(node)
    failed = (child for child in reversed(node.children) if child.record.status == "error")
    return next((child for child in failed if not any(own) or _error(child) == own), None)


def _error(node: Node) -> tuple[str, str]:
    fault = node.record.error
    return (fault.type, fault.message) if fault else ("", "")
