"""Small traces for tests of what is worked out about them."""

from __future__ import annotations

from typing import Any

from flightlog.analysis.tree import Tree, build
from flightlog.records.event import Event
from flightlog.records.span import Fault, Span

TRACE = "1" * 32
MS = 10**6


def span(number: int, parent: int, name: str, start: float = 0, end: float | None = 1, **fields: Any) -> Span:
    """A span; times are milliseconds."""
    known: dict[str, Any] = {"status": "ok", "kind": ""}
    error = fields.pop("error", None)
    if error:
        known |= {"status": "error", "error": Fault(*error)}
    return Span(
        trace_id=TRACE,
        span_id=f"{number:016x}",
        parent_id=f"{parent:016x}" if parent else "",
        name=name,
        start=round(start * MS),
        end=None if end is None else round(end * MS),
        **{**known, **fields},
    )


def event(number: int, on: int, time: float, name: str, **fields: Any) -> Event:
    return Event(
        event_id=f"{number:016x}",
        trace_id=TRACE,
        span_id=f"{on:016x}",
        time=round(time * MS),
        name=name,
        **fields,
    )


def ids(nodes: Any) -> list[int]:
    return [int(node.span_id, 16) for node in nodes]


def tree(*records: Span | Event) -> Tree:
    spans = [record for record in records if isinstance(record, Span)]
    return build(spans, [record for record in records if isinstance(record, Event)])
