"""`annotate`: a score, a label or a note on a span or a trace, by whoever judges it: a person, a model, a program.

It is a line in the journal like any other, so it survives the death of the process once this returns, and may come
before the span that it is about. Every annotation is kept; where one judge (`by`) says the same name of the same span
or trace again, the latest counts.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite
from sys import _getframe
from time import monotonic_ns
from typing import Any

from flightlog.core import engine, memo
from flightlog.core.capture import Cut
from flightlog.core.context import Captured
from flightlog.core.control import control
from flightlog.core.fields import cut_list, related
from flightlog.core.memo import CUT, captured, member, texts
from flightlog.core.numbers import number
from flightlog.core.outcome import text_of

_LEVEL = "fatal"
"""A judgement is recorded whenever anything is: what it is about may be of any level."""


def annotate(
    name: str,
    value: float | bool | str | None = None,
    *,
    label: str = "",
    note: str = "",
    by: str = "",
    span: object = None,
    trace_id: str = "",
    span_id: str = "",
    whole_trace: bool = False,
    attributes: Mapping[str, object] | None = None,
    project: str = "",
) -> str:
    """Put a score, a label or a note on a span or a trace.

    Without `span` and `trace_id` it is about the current span. Never raises; every text passes the gate.

    Args:
        name: what is judged, such as `correctness`.
        value: a number, a truth value, or a text, which is a label.
        label: a category, such as `toxic`.
        note: a remark.
        by: who judges: a person, a model, a program.
        span: what it is about, anything with a `trace_id` and a `span_id`.
        trace_id: what it is about, by its id.
        span_id: of a span of that trace; without one it is about the whole trace.
        whole_trace: it is about the trace of the current span, or of `span`.
        attributes: what else there is to say.
        project: whose the trace is, where that is not this program's.

    Returns:
        The annotation's id; empty when nothing was recorded: recording is off, or there is no current span.
    """
    verdict = engine.verdicts.get(_LEVEL)
    if verdict is False or (verdict is None and not control.decide(_LEVEL, _getframe(1))):
        return ""
    here: Any = engine.parent_at(_getframe(1))
    try:
        place = _place(here, span, trace_id, span_id, whole_trace=whole_trace)
        if place is None:
            return ""
        name_id: str = engine.ids.span_id()
        score = _Score(
            name, value, label=label, note=note, by=by, attributes=attributes or {}, project=project
        )
        engine.write_made(score.head(name_id, place), score.rest(), here)
    except Exception as failure:  # noqa: BLE001 - the border: a record must not break its program
        engine.lose(failure)
        return ""
    return name_id


def _place(
    here: Any, span: object, trace_id: str, span_id: str, *, whole_trace: bool
) -> tuple[str, str] | None:
    """Trace id and span id of what it is about; None where nothing is, or where that is not recorded."""
    found: tuple[str, str] | None
    if trace_id:
        found = (trace_id, span_id)
    elif span is not None:
        found = related(span)
    elif here is None or isinstance(here, Captured) or getattr(here, "_drops", False):
        return None
    else:
        if isinstance(here, engine.Span) and not here._root._announced:
            here._root._announce()
        found = related(here)
    if found is None or not whole_trace:
        return found
    return found[0], ""


class _Score:
    """One annotation, as its line has it."""

    __slots__ = ("_attributes", "_by", "_label", "_name", "_note", "_project", "_value")

    def __init__(
        self,
        name: str,
        value: object,
        *,
        label: str,
        note: str,
        by: str,
        attributes: Mapping[str, object],
        project: str,
    ) -> None:
        self._name, self._note, self._by, self._project = name, note, by, project
        self._value = ""
        if type(value) is bool:
            self._value = "true" if value else "false"
        elif isinstance(value, int | float):
            found = float(value)
            if isfinite(found):
                self._value = number(found)
            else:
                memo._encoder.failed()
        elif value is not None and not label:
            label = text_of(value)
        self._label = label
        self._attributes = attributes

    def head(self, name_id: str, place: tuple[str, str]) -> str:
        """The line from its first byte on, with what it cannot do without."""
        about = f'"span_id":{captured(place[1], "")[0]},' if place[1] else ""
        whose = f'"project":{texts[self._project]},' if self._project else ""
        return (
            f'\x1e{{"v":1,"type":"annotation","annotation_id":"{name_id}","trace_id":{captured(place[0], "")[0]},'
            f'{about}{whose}"time":{monotonic_ns() + engine.clock.offset},"name":{texts[self._name]}'
        )

    def rest(self) -> dict[str, str]:
        """Its other fields, by name."""
        cuts: list[Cut] = []
        rest = {"value": f',"value":{self._value}' if self._value else ""}
        for field, text in (("label", self._label), ("note", self._note), ("by", self._by)):
            if text:
                quoted, cut = captured(text_of(text), field)
                cuts += cut
                rest[field] = f',"{field}":{quoted}'
        rest["attributes"] = ",".join(
            [member(key, value, cuts.extend) for key, value in self._attributes.items()]
        )
        rest[CUT] = cut_list(cuts) if cuts else ""
        return rest
