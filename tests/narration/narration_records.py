"""Spans, events and narrations for the tests of stories; times in milliseconds after `BEGAN`."""

from __future__ import annotations

from typing import Any

from flightlog.records.event import Event
from flightlog.records.narration import MARK, NARRATION
from flightlog.records.span import Span

TRACE = "a" * 32
BEGAN = 1_763_653_000_000_000_000
MS = 10**6

HOSTILE = "evil\x1b[31m\n\u202egnp [red]x[/red] \U000e0041"
"""What a terminal would obey, and markup that nothing may interpret."""


def span(
    number: int, parent: int = 0, name: str = "", at: float = 0, took: float | None = 1, **fields: Any
) -> Span:
    known: dict[str, Any] = {"status": "running" if took is None else "ok", "trace_id": TRACE}
    start = BEGAN + round(at * MS)
    return Span(
        span_id=f"{number:016x}",
        parent_id=f"{parent:016x}" if parent else "",
        name=name or f"step_{number}",
        start=start,
        end=None if took is None else start + round(took * MS),
        **{**known, **fields},
    )


def event(number: int, on: int, name: str, at: float = 0, **fields: Any) -> Event:
    known: dict[str, Any] = {"trace_id": TRACE, "span_id": f"{on:016x}" if on else ""}
    return Event(event_id=f"{number:016x}", name=name, time=BEGAN + round(at * MS), **{**known, **fields})


def narration(
    number: int,
    on: int,
    action: str,
    at: float = 0,
    body: str = "",
    attributes: dict[str, Any] | None = None,
    **fields: Any,
) -> Event:
    return event(
        number, on, action, at, body=body, attributes={MARK: NARRATION, **(attributes or {})}, **fields
    )
