"""Lints about calls: the same one again and again, one for each item, and attempts that nothing bounds."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any, Final

import msgspec
from msgspec import UNSET

from flightlog.analysis.lints.finding import Finding, evidence
from flightlog.analysis.tree import Node, Tree, walk

REPEATS: Final = 3
"""So many calls with one input are a loop."""
ITEMS: Final = 10
"""So many calls of one name under one parent, one after the other, are one for each item."""
ATTEMPTS: Final = 5
"""So many attempts without a stated end are without bound."""

CALLS: Final = frozenset(
    {"llm", "tool", "retrieval", "embedding", "rerank", "guardrail", "evaluation", "function", "http", "db"}
)
"""Kinds of spans that ask somebody for something, and would be given the same again."""
ROUND_TRIPS: Final = CALLS - {"llm", "guardrail", "evaluation", "function"}
"""Kinds of which one call could often do the work of many."""

_BOUNDS: Final = ("max_attempts", "attempts", "max_retries", "limit", "stop", "n")
"""Fields of a `retry` event that say when it ends."""
_DIGITS: Final = re.compile(r"\d+")
_encode: Final = msgspec.json.Encoder(order="deterministic").encode


def repeated_call(tree: Tree) -> Iterator[Finding]:
    """The same call with the same input, again and again."""
    groups: dict[tuple[str, str, bytes], list[Node]] = {}
    for node in walk(tree):
        if node.kind in CALLS and not _is_nothing(node.record.input):
            groups.setdefault((node.name, node.kind, _encode(node.record.input)), []).append(node)
    for same in groups.values():
        went_well = [node for node in same if node.status != "error"]
        if len(went_well) < REPEATS:  # what failed and was tried again is no loop
            continue
        spans, count = evidence(same)
        alike = "" if _outputs(went_well) > 1 else ", and got the same answer"
        yield Finding(
            lint="repeated-call",
            severity="warning",
            name=same[0].name,
            text=f"{same[0].name} was called {count:,} times with the same input{alike}",
            advice="keep the first answer, or tell the model that it has it already",
            spans=spans,
            count=count,
        )


def n_plus_one(tree: Tree) -> Iterator[Finding]:
    """Many short calls of one sort, one after the other, where one call for all would do."""
    for parent in walk(tree):
        groups: dict[tuple[str, str], list[Node]] = {}
        for node in parent.children:
            if node.kind in ROUND_TRIPS:
                groups.setdefault((_DIGITS.sub("#", node.name), node.kind), []).append(node)
        for (name, kind), same in groups.items():
            if len(same) < ITEMS or not _one_by_one(same) or _is_one_input(same):
                continue
            spans, count = evidence(same)
            yield Finding(
                lint="n-plus-one",
                severity="warning",
                name=same[0].name,
                text=f"{parent.name} made {count:,} {kind} calls of {name}, one after the other",
                advice="ask for all of them in one call, or let them run at the same time",
                spans=spans,
                count=count,
            )


def unbounded_retry(tree: Tree) -> Iterator[Finding]:
    """Attempts that nothing but luck would have ended."""
    for node in walk(tree):
        tries = [event for event in node.events if event.name == "retry"]
        if len(tries) >= ATTEMPTS and not any(
            name in event.attributes for event in tries for name in _BOUNDS
        ):
            at_once = all(not event.attributes.get("delay") for event in tries)
            yield _retried(node.name, [node], len(tries), at_once=at_once)
        elif not tries:
            for same in _attempts(node.children):
                yield _retried(same[0].name, same, len(same), at_once=_follow_closely(same))


def _retried(name: str, nodes: Sequence[Node], times: int, *, at_once: bool) -> Finding:
    spans, count = evidence(nodes)
    wait = ", without a wait between them" if at_once else ""
    return Finding(
        lint="unbounded-retry",
        severity="warning",
        name=name,
        text=f"{name} was tried {times:,} times and nothing says when that would have ended{wait}",
        advice="stop after a few attempts, wait longer before each, and record the bound as max_attempts",
        spans=spans,
        count=count,
    )


def _attempts(siblings: Sequence[Node]) -> Iterator[list[Node]]:
    """Failed siblings of one name and input that follow each other, as many as are too many."""
    groups: dict[tuple[str, str, bytes], list[Node]] = {}
    for node in siblings:
        key = (node.name, node.kind, _input(node))
        if node.status == "error":
            groups.setdefault(key, []).append(node)
    yield from (same for same in groups.values() if len(same) >= ATTEMPTS)


def _follow_closely(same: Sequence[Node]) -> bool:
    """Whether each began within a millisecond after the one before it had ended."""
    return all(after.start - (before.end or after.start) < 1_000_000 for before, after in pairwise(same))


def _one_by_one(same: Sequence[Node]) -> bool:
    """Whether most of them began when the one before was over."""
    pairs = list(pairwise(same))
    apart = sum(before.end is not None and before.end <= after.start for before, after in pairs)
    return apart * 2 > len(pairs)


def _is_one_input(same: Sequence[Node]) -> bool:
    """Whether all ask for the same, which no single call for many would spare."""
    inputs = {_input(node) for node in same}
    return len(inputs) == 1 and b"" not in inputs


def _outputs(nodes: Sequence[Node]) -> int:
    return len({_encode(None if node.record.output is UNSET else node.record.output) for node in nodes})


def _input(node: Node) -> bytes:
    return b"" if _is_nothing(node.record.input) else _encode(node.record.input)


def _is_nothing(value: Any) -> bool:
    return value is UNSET or value is None or value in ("", [], {})
