"""A trace or a step as one JSON object: what `flightlog show` draws, for programs."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import UNSET, Raw

from flightlog.analysis.summary import Summary
from flightlog.analysis.tree import Node, Tree
from flightlog.cli.render import card, money, step
from flightlog.codecs.lines import encode


def of_trace(subject: card.Subject) -> dict[str, Any]:
    """A trace summed up."""
    found = subject.summary
    return {
        "trace": subject.trace,
        **_values(subject.tree),
        "failure": _failure(found),
        "open_spans": found.open_spans,
        "kinds": found.kinds,
        "slowest": [_slow(node) for node in found.slowest],
        "events": found.events,
        "event_counts": found.event_counts,
        "marks": subject.tree.marks,
        "processes": subject.processes,
        "cost": money.of_calls(subject.cost) if subject.cost and subject.cost.calls else None,
        "annotations": [Raw(encode(one)) for one in subject.annotations],
    }


def of_step(told: step.Step) -> dict[str, Any]:
    """A step in full: its record line, with where it stands."""
    node = told.node
    return {
        **msgspec.json.decode(encode(node.record), type=dict[str, Raw]),
        "duration_ns": node.record.duration_ns,
        "self_ns": node.self_ns,
        "path": list(told.path),
        "marks": node.marks,
        "events": [Raw(encode(event)) for event in node.events],
        "children": [child.record.span_id for child in node.children],
        "cost": money.of_call(told.charge) if told.charge else None,
        "annotations": [Raw(encode(one)) for one in told.annotations],
    }


def _values(tree: Tree) -> dict[str, Any]:
    if not tree.roots:
        return {}
    root = tree.roots[0].record
    values = {"input": root.input, "output": root.output}
    return {name: value for name, value in values.items() if value is not UNSET}


def _failure(found: Summary) -> dict[str, Any] | None:
    if found.failure is None:
        return None
    failure = found.failure
    return {
        "span_id": failure.node.record.span_id,
        "path": failure.path,
        "error": msgspec.to_builtins(failure.node.record.error),
        "others": failure.others,
        "handled": failure.handled,
    }


def _slow(node: Node) -> dict[str, Any]:
    record = node.record
    return {
        "span_id": record.span_id,
        "name": record.name,
        "kind": record.kind,
        "status": record.status,
        "self_ns": node.self_ns,
        "duration_ns": record.duration_ns,
    }
