"""Lints about spans themselves: one that never ended, one whose place in the trace was lost."""

from __future__ import annotations

from collections.abc import Iterator

from flightlog.analysis.lints.finding import Finding, evidence
from flightlog.analysis.tree import Node, Tree, walk

_REMOTE = 0x200
"""OpenTelemetry's mark on a span whose parent is another process's, which may be in no store of ours."""


def never_ended(tree: Tree) -> Iterator[Finding]:
    """Spans that nobody ended: their process died, or they were forgotten when the trace was over."""
    if not tree.roots:
        return
    is_over = tree.root.end is not None
    groups: dict[tuple[str, str], list[Node]] = {}
    for node in walk(tree):
        is_forgotten = node.status == "running" and is_over
        if is_forgotten or (node.status == "interrupted" and "placeholder" not in node.marks):
            groups.setdefault((node.name, node.status), []).append(node)
    for (name, status), nodes in groups.items():
        spans, count = evidence(nodes)
        how = (
            "its process ended before it did"
            if status == "interrupted"
            else "its trace was over before it was"
        )
        times = "" if count == 1 else f" ({count:,} of them)"
        yield Finding(
            lint="never-ended",
            severity="warning",
            name=name,
            text=f"{name} was never ended{times}: {how}",
            advice="use `with`, or end the span in a `finally`",
            spans=spans,
            count=count,
        )


def lost_context(tree: Tree) -> Iterator[Finding]:
    """Spans whose parent is in no record, and those that began a second root inside one trace."""
    lost: dict[str, list[Node]] = {}
    for node in walk(tree):
        if _is_lost(node, tree):
            lost.setdefault(node.name, []).append(node)
    for name, nodes in lost.items():
        spans, count = evidence(nodes)
        what = (
            "the parent that it names was never recorded" if nodes[0].record.parent_id else "it has no parent"
        )
        times = "" if count == 1 else f" ({count:,} of them)"
        yield Finding(
            lint="lost-context",
            severity="warning",
            name=name,
            text=f"{name} is not connected to the rest of its trace{times}: {what}",
            advice="carry the context into the thread, pool or process that it runs in (docs/context.md)",
            spans=spans,
            count=count,
        )


def _is_lost(node: Node, tree: Tree) -> bool:
    if "placeholder" in node.marks:
        return True
    if "orphan" in node.marks:
        flags = node.record.otel.get("flags", 0)
        return not (isinstance(flags, int) and flags & _REMOTE)
    if {"cycle", "own_parent"} & set(node.marks):
        return True
    return node.depth == 0 and not node.record.parent_id and node is not tree.root
