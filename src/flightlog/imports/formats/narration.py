"""Narrations as narration-core writes them, one a line: events in words, told in the flow that they belong to.

Both shapes are read: the fields themselves (`actor action target human …`), and those of Rust's `tracing`, which has
them under `fields`. A narration that names a span stands on it. One that only names a flow (`correlation_id`, `job_id`)
stands on a span that is made for that flow, from its first narration to its last; one that names neither is loose.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec
from msgspec import Struct

from flightlog.codecs.otlp.messages import Malformed
from flightlog.imports.formats.reading import (
    MILLI,
    Made,
    Sample,
    event_id,
    hex_id,
    mapping,
    moment,
    process,
    span_id,
    text,
    trace_id,
    without,
)
from flightlog.records.event import Event
from flightlog.records.kinds import Level
from flightlog.records.narration import MARK, NARRATION
from flightlog.records.span import Span

NAME: Final = "narration"

_LEVELS: Final[Mapping[str, Level]] = {
    "trace": "trace",
    "debug": "debug",
    "info": "info",
    "warn": "warn",
    "warning": "warn",
    "error": "error",
    "fatal": "fatal",
}
_PLACED: Final = frozenset(
    """timestamp time level fields actor action human message formatted trace_id span_id parent_span_id
    session_id emitted_at_ms source_location""".split()  # noqa: SIM905 - a list of words reads best as one
)
_SESSION: Final = "session_id"


def tells(sample: Sample) -> bool:
    """Whether these are narrations."""
    return any({"actor", "action", "human"} <= _fields(one).keys() for one in sample.objects)


def _fields(one: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a narration, wherever they stand; what Rust's `tracing` calls the target is the module."""
    inner = mapping(one, "fields")
    if not inner:
        return dict(one)
    outer = {
        ("module" if name == "target" else name): value for name, value in one.items() if name != "fields"
    }
    return {**outer, **inner}


class _Flow(Struct):
    """A span of which narrations tell."""

    trace: str
    parent: str
    name: str
    start: int
    end: int
    owner: str
    context: dict[str, Any]
    is_own: bool
    """Whether a narration named it, so that somebody else may know it."""
    error: bool = False


class Taker:
    """Makes an event of each narration, and spans of the flows at the end."""

    def __init__(self) -> None:
        self._flows: dict[str, _Flow] = {}

    def take(self, _key: str, value: Any, /) -> list[Made]:
        """The event that a line is.

        Raises:
            Malformed: it says nothing.
        """
        told = _fields(value) if isinstance(value, dict) else {}
        action, human = text(told, "action"), text(told, "human", "message", "formatted")
        if not action and not human:
            raise Malformed("no narration: it has neither an `action` nor a `human` sentence")
        time = moment(told, "emitted_at_ms", unit=MILLI)
        time = moment(told, "timestamp", "time", unit=MILLI) if time is None else time
        time = time or 0
        level = _LEVELS.get(text(told, "level").lower(), "info")
        actor = text(told, "actor")
        name, _, version = text(told, "emitted_by").partition("@")
        owner = process(NAME, name or actor, version=version)
        trace, span = self._placed(told, time, owner.process_id, level)
        source = {"source": place} if (place := text(told, "source_location")) else {}
        context = {"session": session} if (session := text(told, _SESSION)) else {}
        return [
            owner,
            Event(
                event_id=event_id(NAME, msgspec.json.encode(told, order="deterministic").decode()),
                trace_id=trace,
                span_id=span,
                time=time,
                name=action or "say",
                level=level,
                body=human,
                attributes={MARK: NARRATION, "actor": actor, **source, **without(told, _PLACED)},
                context=context,
                process_id=owner.process_id,
            ),
        ]

    def end(self) -> list[Made]:
        """The spans of the flows."""
        return [
            Span(
                trace_id=flow.trace,
                span_id=own.rpartition(" ")[2],
                parent_id=flow.parent,
                name=flow.name,
                kind="" if flow.is_own else "workflow",
                start=flow.start,
                end=flow.end,
                status="interrupted" if flow.is_own else "error" if flow.error else "ok",
                context=flow.context,
                process_id=flow.owner,
            )
            for own, flow in self._flows.items()
        ]

    def _placed(self, told: Mapping[str, Any], time: int, owner: str, level: str) -> tuple[str, str]:
        """The trace and the span that a narration is of; empty for none."""
        trace, span = hex_id(text(told, "trace_id"), 32), hex_id(text(told, "span_id"), 16)
        flow = text(told, "correlation_id", "job_id", "task_id")
        is_own = bool(trace and span)
        if not trace:
            if not flow:
                return "", ""
            trace = trace_id(NAME, flow)
        if not is_own:
            span = span_id(NAME, trace, flow, "flow")
        known = self._flows.get(f"{trace} {span}")
        if known is None:
            session = text(told, _SESSION)
            known = self._flows[f"{trace} {span}"] = _Flow(
                trace,
                hex_id(text(told, "parent_span_id"), 16) if is_own else "",
                text(told, "actor") or "flow" if is_own else flow or "flow",
                time,
                time,
                owner,
                {"session": session} if session else {},
                is_own,
            )
        known.start, known.end = min(known.start, time), max(known.end, time)
        known.error = known.error or level in {"error", "fatal"}
        return trace, span
