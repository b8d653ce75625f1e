"""Why a trace took what it took and went as it went, put together: for `flightlog show --why`."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import structs

from flightlog.analysis.critical import critical_path
from flightlog.analysis.first_error import FirstError, Moment, first_error
from flightlog.analysis.lints.finding import silence
from flightlog.analysis.lints.running import LINTS, lint
from flightlog.analysis.tree import Node, Tree, walk
from flightlog.cli import money as purse
from flightlog.cli.render import money
from flightlog.cli.render.why import Why
from flightlog.pricing.book import PriceBook
from flightlog.records.traces import Trace


def explained(trace: Trace, tree: Tree, book: PriceBook | None, ignored: str) -> Why:
    """Explain a trace; `ignored` are the lints that nobody wants to hear of."""
    nodes = list(walk(tree))
    charges = [(node, charge) for node in nodes if (charge := purse.charge_of(book, node.record))]
    return Why(
        trace,
        tree,
        critical_path(tree),
        max((node for node in nodes if node.self_ns), key=lambda node: node.self_ns or 0, default=None),
        max(
            (each for each in charges if each[1].pico_usd),
            key=lambda each: each[1].pico_usd or 0,
            default=None,
        ),
        purse.of_tree(book, tree),
        first_error(tree),
        lint(tree, silence([ignored], tuple(LINTS))),
    )


def document(why: Why) -> dict[str, Any]:
    """The same as one JSON object."""
    path = why.path
    return {
        "trace": why.trace,
        "critical_path": {
            "ns": path.ns,
            "worked_ns": path.worked_ns,
            "waited_ns": path.waited_ns,
            "unrecorded_ns": path.unrecorded_ns,
            "stretches": [
                {"span_id": each.node.span_id if each.node else None, "start": each.start, "ns": each.ns}
                for each in path.stretches
            ],
            "spans": [
                {**_node(share.node), "ns": share.ns, "waited_ns": share.waited_ns} for share in path.shares
            ],
        },
        "slowest": {**_node(why.slowest), "self_ns": why.slowest.self_ns} if why.slowest else None,
        "dearest": {**_node(why.dearest[0]), "cost": money.of_call(why.dearest[1])} if why.dearest else None,
        "cost": money.of_calls(why.cost) if why.cost.calls else None,
        "first_error": _error(why.error) if why.error else None,
        "lints": [{**structs.asdict(finding), "page": finding.page} for finding in why.findings],
    }


def _node(node: Node) -> dict[str, Any]:
    return {
        "span_id": node.span_id,
        "name": node.name,
        "kind": node.kind,
        "status": node.status,
        "duration_ns": node.duration_ns,
    }


def _error(error: FirstError) -> dict[str, Any]:
    return {
        **_node(error.node),
        "path": [node.name for node in error.path],
        "error": msgspec.to_builtins(error.node.error),
        "outcome": error.outcome,
        "stopped_by": _node(error.stopped) if error.stopped else None,
        "before": [_moment(moment) for moment in error.before],
    }


def _moment(moment: Moment) -> dict[str, Any]:
    event = moment.event
    told = {"event_id": event.event_id, "event": event.name} if event else {"status": moment.node.status}
    return {"time": moment.time, "span_id": moment.node.span_id, "name": moment.node.name, **told}
