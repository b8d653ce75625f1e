"""A summary names what failed first, what took the time and what happened."""

from __future__ import annotations

import pytest

from flightlog.analysis.summary import SLOWEST, repeats, summary
from flightlog.analysis.tree import build
from flightlog.records.event import Event
from flightlog.records.span import Fault, Span


def span(number: int, parent: int, start: int, end: int | None, **fields) -> Span:
    return Span(
        trace_id="1" * 32,
        span_id=f"{number:016x}",
        parent_id=f"{parent:016x}" if parent else "",
        start=start,
        end=end,
        **{"name": f"n{number}", "status": "ok", "kind": "step", **fields},
    )


def failed(number: int, parent: int, start: int, end: int, message: str = "no", **fields) -> Span:
    fault = Fault("ValueError", message)
    return span(number, parent, start, end, status="error", error=fault, **fields)


def test_an_error_that_was_passed_on_is_told_where_it_began():
    found = summary(
        build(
            [failed(1, 0, 0, 100), failed(2, 1, 10, 20), failed(3, 2, 11, 19), failed(4, 1, 30, 40, "other")]
        )
    ).failure
    assert found.path == ("n1", "n2", "n3")
    assert (found.others, found.handled) == (1, False)


def test_an_error_of_its_own_is_told_and_not_that_of_a_child_which_was_tried_again():
    children = [failed(n, 1, n, n + 1, "busy", name="query") for n in (2, 3)]
    found = summary(build([failed(1, 0, 0, 9, "no such column"), *children])).failure
    assert (found.path, found.node.error.message) == (("n1",), "no such column")
    last = failed(4, 1, 5, 6, "no such column", name="query")
    found = summary(build([failed(1, 0, 0, 9, "no such column"), *children, last])).failure
    assert (found.path, found.node.span_id) == (("n1", "query"), last.span_id)


def test_of_errors_that_were_caught_one_that_was_tried_again_comes_last():
    tries = [failed(2, 1, 2, 3, "busy", name="query"), span(3, 1, 4, 5, name="query")]
    found = summary(build([span(1, 0, 0, 9), *tries, failed(4, 1, 6, 7, "gone")])).failure
    assert found.node.error.message == "gone"
    assert summary(build([span(1, 0, 0, 9), *tries])).failure.node.error.message == "busy"


def test_a_failure_below_a_root_that_went_well_is_handled_and_its_path_begins_at_the_root():
    found = summary(build([span(1, 0, 0, 100), span(2, 1, 5, 50), failed(3, 2, 11, 19)])).failure
    assert found.path == ("n1", "n2", "n3")
    assert found.handled


def test_a_root_that_failed_comes_before_an_earlier_handled_failure_elsewhere():
    found = summary(build([span(1, 0, 0, 100), failed(2, 1, 5, 50), failed(3, 0, 60, 70)])).failure
    assert found.path == ("n3",)
    assert found.others == 1


def test_nothing_failed_is_none():
    assert summary(build([span(1, 0, 0, 9)])).failure is None


def test_kinds_are_counted_with_errors_and_self_time_the_greatest_first():
    kinds = summary(build([span(1, 0, 0, 100, kind="agent"), span(2, 1, 10, 90), failed(3, 1, 90, 95)])).kinds
    assert [(k.kind, k.spans, k.errors, k.self_ns) for k in kinds] == [
        ("step", 2, 1, 85),
        ("agent", 1, 0, 15),
    ]


def test_interrupted_spans_are_counted_by_kind_and_are_no_errors():
    spans = [span(1, 0, 0, 9), span(2, 1, 1, 5, kind="tool", status="interrupted"), failed(3, 1, 2, 3)]
    kinds = {kind.kind: (kind.spans, kind.errors, kind.interrupted) for kind in summary(build(spans)).kinds}
    assert kinds == {"step": (2, 1, 0), "tool": (1, 0, 1)}


@pytest.mark.parametrize(
    ("name", "told", "error", "is_repeated"),
    [
        ("exception", ("KeyError", "'a'"), Fault("KeyError", "'a'", "stack"), True),
        ("exception", ("KeyError", "'b'"), Fault("KeyError", "'a'"), False),
        ("exception", ("LookupError", "'a'"), Fault("KeyError", "'a'"), False),
        ("exception", ("KeyError", "'a'"), None, False),
        ("retry", ("KeyError", "'a'"), Fault("KeyError", "'a'"), False),
    ],
)
def test_an_exception_event_repeats_an_error_of_the_same_type_and_message(name, told, error, is_repeated):
    kind, message = told
    attributes = {"exception.type": kind, "exception.message": message}
    seen = Event(event_id="1" * 16, trace_id="1" * 32, time=1, name=name, attributes=attributes)
    assert repeats(seen, error) is is_repeated


def test_the_slowest_are_those_with_the_most_time_of_their_own():
    spans = [span(1, 0, 0, 1000)] + [span(n, 1, n * 10, n * 10 + n % 9) for n in range(2, 40)]
    slowest = summary(build(spans)).slowest
    assert len(slowest) == SLOWEST
    times = [node.self_ns for node in slowest]
    assert times == sorted(times, reverse=True)
    assert slowest[0].record.name == "n1"


def test_noteworthy_events_are_told_and_all_are_counted():
    def event(number: int, name: str, level: str = "info") -> Event:
        return Event(
            event_id=str(number), trace_id="1" * 32, span_id=f"{1:016x}", time=number, name=name, level=level
        )

    found = summary(
        build(
            [span(1, 0, 0, None)],
            [event(3, "retry"), event(1, "log", "warn"), event(2, "chunk"), event(4, "chunk")],
        )
    )
    assert [e.name for e in found.events] == ["log", "retry"]
    assert list(found.event_counts.items()) == [("chunk", 2), ("log", 1), ("retry", 1)]
    assert found.open_spans == 1


def test_a_chain_of_a_hundred_thousand_failures_is_followed_to_its_end():
    count = 100_000
    found = summary(build([failed(n, n - 1, n, count) for n in range(1, count + 1)])).failure
    assert len(found.path) == count
