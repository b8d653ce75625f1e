"""A conversation across traces: its turns in order, what was said in each, and what it took.

A turn is what was bound as one (`fl.turn`); where nothing was, each trace is a turn.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

from msgspec import Struct, field

from flightlog.analysis.messages import Message
from flightlog.analysis.spending import Spending
from flightlog.analysis.talk import messages_of, told_once
from flightlog.pricing.charge import Charge
from flightlog.records.agents import DONE_REASON
from flightlog.records.callfacts import CallFacts, is_charged, of_span
from flightlog.records.span import Span
from flightlog.records.traces import Trace

LLM: Final = "llm"
TOOL: Final = "tool"


class Part(Struct, frozen=True, eq=False):
    """What of one trace belongs to a session."""

    trace: Trace
    spans: Sequence[Span]
    """By start, whole."""


class Turn(Struct, eq=False, kw_only=True):
    """One exchange."""

    number: int | None
    """As it was bound; None where it was not."""
    traces: list[str] = field(default_factory=list)
    name: str = ""
    """Of the first span."""
    status: str = "ok"
    """`error` where its most root-like span failed, else that span's."""
    start: int = 0
    end: int | None = None
    """Unix nanoseconds; None while nothing of it has ended."""
    done: str = ""
    """Why it was over, as the first of its spans that says so has it."""
    spans: int = 0
    errors: int = 0
    """Spans that failed."""
    tools: dict[str, int] = field(default_factory=dict)
    """Calls of each tool."""
    messages: list[Message] = field(default_factory=list)
    """What was said, each message once in the whole session."""
    spending: Spending = field(default_factory=Spending)

    @property
    def duration_ns(self) -> int | None:
        """From its first start to its last end."""
        return None if self.end is None else self.end - self.start


def turns(parts: Iterable[Part], session: str, price: Callable[[CallFacts], Charge] | None) -> list[Turn]:
    """The turns of a session, by start.

    Args:
        parts: its traces, by start.
        session: its id; spans that another one was bound for are left out.
        price: what a call costs; None where there are no prices.
    """
    made: dict[object, Turn] = {}
    calls: list[tuple[Turn, Span]] = []
    for part in parts:
        own = [span for span in part.spans if _session_of(span, part.trace) == session]
        numbers = _numbers(own)
        for span in own:
            number = numbers[span.span_id]
            key: object = part.trace.trace_id if number is None else number
            turn = made.setdefault(
                key, Turn(number=number, name=span.name, start=span.start, status=span.status)
            )
            _count(turn, span, part.trace.trace_id, price)
            if span.kind == LLM:
                calls.append((turn, span))
        _say_itself(own, made, numbers, part.trace.trace_id)
    calls.sort(key=lambda one: (one[1].start, one[1].span_id))
    for (turn, _), said in zip(calls, told_once(call for _, call in calls), strict=True):
        turn.messages += said.messages
    return sorted(made.values(), key=lambda turn: turn.start)


def _session_of(span: Span, trace: Trace) -> str | None:
    found = span.context.get("session")
    return trace.session if found is None else str(found)


def _numbers(spans: Sequence[Span]) -> Mapping[str, int | None]:
    """The turn of each span: its own, else that of the nearest one above; else that of the first with one."""
    parents = {span.span_id: span.parent_id for span in spans}
    own = {span.span_id: _number(span.context.get("turn")) for span in spans}
    first = next((number for number in own.values() if number is not None), None)
    found: dict[str, int | None] = {}
    for span in spans:
        here, seen = span.span_id, set[str]()
        while own.get(here) is None and here in parents and here not in seen:
            seen.add(here)
            here = parents[here]
        number = own.get(here)
        found[span.span_id] = first if number is None else number
    return found


def _number(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _count(turn: Turn, span: Span, trace_id: str, price: Callable[[CallFacts], Charge] | None) -> None:
    if trace_id not in turn.traces:
        turn.traces.append(trace_id)
    turn.spans += 1
    turn.done = turn.done or str(span.attributes.get(DONE_REASON) or "")
    turn.errors += span.status == "error"
    if span.end is not None:
        turn.end = span.end if turn.end is None else max(turn.end, span.end)
    if span.kind == TOOL:
        turn.tools[span.name] = turn.tools.get(span.name, 0) + 1
    if price is not None and is_charged(span):
        facts = of_span(span)
        turn.spending.add(facts, price(facts))


def _say_itself(
    spans: Sequence[Span], made: Mapping[object, Turn], numbers: Mapping[str, int | None], trace_id: str
) -> None:
    """Of a trace without a model call, its first span's input and output are what was said."""
    if not spans or any(span.kind == LLM for span in spans):
        return
    number = numbers[spans[0].span_id]
    turn = made[trace_id if number is None else number]
    turn.messages += messages_of(spans[0].input, "input") + messages_of(spans[0].output, "output")
