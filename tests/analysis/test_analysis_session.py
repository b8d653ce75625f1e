"""A conversation across traces: turns in order, each message once."""

from __future__ import annotations

from typing import Any

import pytest

from flightlog.analysis.session import Part, turns
from flightlog.records.span import Span
from flightlog.records.traces import Trace


def _trace(number: int, session: str | None = "s") -> Trace:
    known: dict[str, Any] = dict.fromkeys(Trace.__struct_fields__[:21], None)
    return Trace(
        **{
            **known,
            "trace_id": f"{number:032x}",
            "session": session,
            "tags": [],
            "service": None,
            "user": None,
        }
    )


def _span(trace: int, number: int, parent: int = 0, **fields: Any) -> Span:
    at = trace * 1000 + number * 10
    known = {"name": "step", "kind": "step", "status": "ok", "start": at, "end": at + 5, **fields}
    return Span(
        trace_id=f"{trace:032x}",
        span_id=f"{number:016x}",
        parent_id=f"{parent:016x}" if parent else "",
        **known,
    )


def _call(trace: int, said: list[str], answer: str, **fields: Any) -> Span:
    messages = [
        {"role": "user" if n % 2 == 0 else "assistant", "content": text} for n, text in enumerate(said)
    ]
    return _span(
        trace, 2, 1, kind="llm", input=messages, output={"role": "assistant", "content": answer}, **fields
    )


def test_each_trace_is_a_turn_and_each_message_is_told_once() -> None:
    first = [_span(1, 1, context={"session": "s"}), _call(1, ["a"], "b")]
    second = [_span(2, 1, context={"session": "s"}), _call(2, ["a", "b", "c"], "d")]
    found = turns([Part(_trace(1), first), Part(_trace(2), second)], "s", None)
    assert [[message.text for message in turn.messages] for turn in found] == [["a", "b"], ["c", "d"]]
    assert [turn.traces for turn in found] == [[f"{1:032x}"], [f"{2:032x}"]]
    assert found[0].duration_ns == 15


def test_a_turn_that_was_bound_takes_in_what_is_below_it_and_may_have_several_traces() -> None:
    one = [_span(1, 1, context={"turn": 7}), _span(1, 2, 1, kind="tool", name="look", status="error")]
    two = [_span(2, 1, context={"turn": 7}), _span(2, 2, 1, kind="tool", name="look")]
    (turn,) = turns([Part(_trace(1), one), Part(_trace(2), two)], "s", None)
    assert (turn.number, len(turn.traces), turn.errors, turn.tools) == (7, 2, 1, {"look": 2})


def test_spans_of_another_session_in_the_same_trace_are_left_out() -> None:
    spans = [
        _span(1, 1),
        _span(1, 2, 1, context={"session": "s"}, input="mine"),
        _span(1, 3, 1, context={"session": "t"}),
    ]
    (turn,) = turns([Part(_trace(1, None), spans)], "s", None)
    assert turn.spans == 1
    assert [message.text for message in turn.messages] == ["mine"]


@pytest.mark.parametrize("session", ["7"])
def test_a_session_that_was_bound_as_a_number_is_found_by_its_text(session: str) -> None:
    assert len(turns([Part(_trace(1), [_span(1, 1, context={"session": 7})])], session, None)) == 1


def test_a_turn_is_over_for_the_reason_that_its_first_span_gives() -> None:
    spans = [
        _span(1, 1, context={"turn": 1}, attributes={"flightlog.turn.done_reason": "handoff"}),
        _span(1, 2, 1, attributes={"flightlog.turn.done_reason": "max_turns"}),
    ]
    (turn,) = turns([Part(_trace(1), spans)], "s", None)
    assert turn.done == "handoff"
