"""Spans that are known only after they were over: recorded with the ids and times they are given.

A document of another tool, a trace that was kept in memory: every text of it passes the gate here as it would
have passed at the time. What is written twice is the same line, which changes nothing in a store;
with a revision, a span that has changed since takes the place of what was written of it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from sys import _getframe

from flightlog.core import engine
from flightlog.core.capture import Cut
from flightlog.core.content import METADATA, WITHHELD
from flightlog.core.context import parent_here, variable
from flightlog.core.control import control
from flightlog.core.fields import cut_list, joined
from flightlog.core.memo import CUT, captured, member, texts
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


def record(span: Past, revision_of: Callable[[Past, str], int] | None = None) -> bool:
    """Record a span that is over; returns whether it was: recording may be off, or the line be lost.

    Never raises; what is lost is counted.

    Args:
        span: what happened.
        revision_of: gives the revision of a line of this span, 0 for the first; of a span that may be recorded
            again after it has changed.
    """
    if not control.decide("info", _getframe(1)):
        return False
    try:
        head, rest = _head(span), _rest(span)
        if revision_of is not None and (revision := revision_of(span, head + joined(rest))):
            head += f',"revision":{revision}'
        engine.write_made(head, rest, parent_here(variable.get()))
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


def _rest(span: Past) -> dict[str, str]:
    """Its other fields, by name."""
    cuts: list[Cut] = []
    rest = {"context": f',"context":{{{_members(span.context, cuts)}}}'} if span.context else {}
    withheld = engine.withholds(span.kind)
    for field, value in (("input", span.input), ("output", span.output)):
        if value is not UNSET and not withheld:
            fragment, cut = captured(value, field)
            cuts += cut
            rest[field] = f',"{field}":{fragment}'
    if span.error is not None:
        fragment, cut = captured(dict(span.error), "error")
        cuts += cut
        rest["error"] = f',"error":{fragment}'
    rest["attributes"] = _members(
        {**span.attributes, WITHHELD: METADATA} if withheld else span.attributes, cuts
    )
    rest[CUT] = cut_list(cuts) if cuts else ""
    return rest


def _members(fields: Mapping[str, object], cuts: list[Cut]) -> str:
    return ",".join([member(text_of(key), value, cuts.extend) for key, value in fields.items()])
