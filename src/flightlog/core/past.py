"""Spans that are known only after they were over: recorded with the ids and times they are given.

A document of another tool, a trace that was kept in memory: every text of it passes the gate here as it would
have passed at the time. What is written twice is the same line, which changes nothing in a store.
"""

from __future__ import annotations

from collections.abc import Mapping
from sys import _getframe

from flightlog.core import engine
from flightlog.core.capture import Cut
from flightlog.core.content import METADATA, WITHHELD
from flightlog.core.context import parent_here, variable
from flightlog.core.control import control
from flightlog.core.fields import cut_list
from flightlog.core.memo import captured, member, texts
from flightlog.core.outcome import text_of
from flightlog.core.unset import UNSET
from flightlog.records.kinds import Status


class Past:
    """One span that is over. Times are Unix nanoseconds; ids are lower-case hexadecimal digits, 32 and 16."""

    __slots__ = (
        "attributes",
        "context",
        "end",
        "error",
        "input",
        "kind",
        "name",
        "output",
        "parent_id",
        "span_id",
        "start",
        "status",
        "trace_id",
    )

    def __init__(
        self,
        trace_id: str,
        span_id: str,
        name: str,
        start: int,
        end: int,
        *,
        parent_id: str = "",
        kind: str = "step",
        input: object = UNSET,  # noqa: A002 - the field's name
        output: object = UNSET,
        error: Mapping[str, str] | None = None,
        status: Status | None = None,
        attributes: Mapping[str, object] | None = None,
        context: Mapping[str, object] | None = None,
    ) -> None:
        self.trace_id, self.span_id, self.parent_id = trace_id, span_id, parent_id
        self.name, self.kind, self.start, self.end = name, kind, start, end
        self.input, self.output, self.error = input, output, error
        self.status: Status = status or ("ok" if error is None else "error")
        self.attributes, self.context = attributes or {}, context or {}


def record(span: Past) -> bool:
    """Record a span that is over; returns whether it was: recording may be off, or the line be lost.

    Never raises; what is lost is counted.
    """
    if not control.decide("info", _getframe(1)):
        return False
    try:
        engine.write_made(_head(span), _rest(span), parent_here(variable.get()))
    except Exception as failure:  # noqa: BLE001 - the border: a record must not break its program
        engine.lose(failure)
        return False
    return True


def _head(span: Past) -> str:
    return (
        f'\x1e{{"v":1,"type":"span","trace_id":{captured(span.trace_id, "")[0]},'
        f'"span_id":{captured(span.span_id, "")[0]},'
        + (f'"parent_id":{captured(span.parent_id, "")[0]},' if span.parent_id else "")
        + f'"name":{texts[span.name]},"kind":{texts[span.kind]},"start":{span.start},"end":{span.end},'
        f'"status":"{span.status}"'
    )


def _rest(span: Past) -> str:
    cuts: list[Cut] = []
    rest = f',"context":{{{_members(span.context, cuts)}}}' if span.context else ""
    withheld = engine.withholds(span.kind)
    for field, value in (("input", span.input), ("output", span.output)):
        if value is not UNSET and not withheld:
            fragment, cut = captured(value, field)
            cuts += cut
            rest += f',"{field}":{fragment}'
    if span.error is not None:
        fragment, cut = captured(dict(span.error), "error")
        cuts += cut
        rest += f',"error":{fragment}'
    members = _members({**span.attributes, WITHHELD: METADATA} if withheld else span.attributes, cuts)
    if cuts:
        members = f"{members},{cut_list(cuts)}" if members else cut_list(cuts)
    return f'{rest},"attributes":{{{members}}}' if members else rest


def _members(fields: Mapping[str, object], cuts: list[Cut]) -> str:
    return ",".join([member(text_of(key), value, cuts.extend) for key, value in fields.items()])
