"""Events that somebody else tells of: recorded with the id, the time and the place that they are given.

A child process that prints what happens in it, a document of another tool: every text passes the gate here as it
would have passed there. What is written twice under one id changes nothing in a store.
"""

from __future__ import annotations

from collections.abc import Mapping
from sys import _getframe
from time import monotonic_ns
from typing import Any

from flightlog.core import engine
from flightlog.core.bound import innermost
from flightlog.core.capture import Cut
from flightlog.core.context import Captured
from flightlog.core.control import control
from flightlog.core.fields import cut_list, level_field
from flightlog.core.memo import CUT, captured, member, texts
from flightlog.records.kinds import Level


class PastEvent:
    """One event. What is empty is taken from here and now: an id, the time, the current span."""

    __slots__ = ("attributes", "body", "event_id", "level", "name", "span_id", "time", "trace_id")

    def __init__(
        self,
        name: str,
        *,
        level: Level = "info",
        body: str = "",
        attributes: Mapping[str, object] | None = None,
        time: int = 0,
        event_id: str = "",
        trace_id: str = "",
        span_id: str = "",
    ) -> None:
        self.name, self.level, self.body = name, level, body
        self.attributes = attributes or {}
        self.time = time
        """Unix nanoseconds."""
        self.event_id, self.trace_id, self.span_id = event_id, trace_id, span_id
        """Lower-case hexadecimal digits: 16, 32 and 16."""


def record_event(event: PastEvent) -> bool:
    """Record an event; returns whether it was: its level or recording may be off, or the line be lost.

    Never raises; what is lost is counted.
    """
    verdict = engine.verdicts.get(event.level)
    if verdict is False or (verdict is None and not control.decide(event.level, _getframe(1))):
        return False
    here: Any = engine.parent_at(_getframe(1))
    if getattr(here, "_drops", False):
        return False
    try:
        if isinstance(here, engine.Span) and not here._root._announced:
            here._root._announce()
        engine.write_made(_head(event, here), _rest(event), here)
    except Exception as failure:  # noqa: BLE001 - the border: a record must not break its program
        engine.lose(failure)
        return False
    return True


def _head(event: PastEvent, here: Any) -> str:
    return (
        f'\x1e{{"v":1,"type":"event","event_id":{captured(event.event_id or engine.ids.span_id(), "")[0]},'
        f"{_place(event, here)}{'' if event.level == 'info' else level_field(event.level)}"
        f'"time":{event.time or _now()},"name":{texts[event.name]}'
    )


def _now() -> int:
    return monotonic_ns() + engine.clock.offset


def _place(event: PastEvent, here: Any) -> str:
    trace_id, span_id = event.trace_id, event.span_id
    if not trace_id and here is not None and not isinstance(here, Captured):
        trace_id, span_id = here.trace_id, here.span_id
    if not trace_id:
        return ""
    return f'"trace_id":{captured(trace_id, "")[0]},"span_id":{captured(span_id, "")[0]},'


def _rest(event: PastEvent) -> dict[str, str]:
    """Its other fields, by name."""
    cuts: list[Cut] = []
    rest: dict[str, str] = {}
    if event.body:
        text, cut = captured(event.body, "body")
        cuts += cut
        rest["body"] = f',"body":{text}'
    rest["attributes"] = ",".join(
        [member(key, value, cuts.extend) for key, value in event.attributes.items()]
    )
    rest[CUT] = cut_list(cuts) if cuts else ""
    binding = innermost()
    rest["context"] = "" if binding is None else binding.field
    return rest
