"""Flows: what belongs to one correlation id, wherever it was recorded."""

from __future__ import annotations

import pytest

from contracts.store_lines import Engine, event, span, span_id, trace_id


def found(engine: Engine, correlation_id: str, most: int = 100) -> tuple[list[str], list[str], bool]:
    flow = engine.reader().flow(correlation_id, most)
    return [one.span_id for one in flow.spans], [one.event_id for one in flow.events], flow.has_more


def ids(*numbers: int) -> list[str]:
    return [span_id(number) for number in numbers]


def test_narrations_that_name_an_id_come_by_time_from_all_traces(engine: Engine) -> None:
    named = {"correlation_id": "req-1", "actor": "queue"}
    engine.append(
        event(1, trace=1, at=30, name="dispatch", attributes=named),
        event(2, trace=2, at=10, name="accept", attributes=named),
        event(3, trace=0, at=20, name="wait", attributes=named),
        event(4, trace=2, at=15, name="other", attributes={"correlation_id": "req-2"}),
        event(5, trace=2, at=16, name="none"),
    )
    assert found(engine, "req-1") == ([], ids(2, 3, 1), False)


def test_what_was_recorded_while_an_id_was_bound_belongs_to_it(engine: Engine) -> None:
    bound = {"correlation_id": "req-1", "user": "u"}
    engine.append(
        span(1, 1, context=bound, at=5),
        span(2, 2, context=bound, at=1),
        span(2, 3),
        event(1, trace=1, at=7, context=bound),
        event(2, trace=1, at=6, context=bound, attributes={"correlation_id": "req-9"}),
    )
    assert found(engine, "req-1") == (ids(2, 1), ids(1), False)
    assert found(engine, "req-9") == ([], ids(2), False)


def test_the_id_of_a_trace_means_all_of_it(engine: Engine) -> None:
    engine.append(
        span(1, 1),
        span(1, 2, parent=1, at=1),
        span(2, 3),
        event(1, trace=1),
        event(2, trace=2, at=1, attributes={"correlation_id": trace_id(1)}),
    )
    assert found(engine, trace_id(1)) == (ids(1, 2), ids(1, 2), False)


def test_a_flow_has_no_more_than_was_asked_for_and_says_that_there_is_more(engine: Engine) -> None:
    bound = {"correlation_id": "x"}
    engine.append(
        *(span(1, number, at=number, context=bound) for number in range(1, 6)),
        *(event(number, at=number, context=bound) for number in range(1, 4)),
    )
    assert found(engine, "x", 3) == (ids(1, 2, 3), ids(1, 2, 3), True)
    assert found(engine, "x", 5) == (ids(1, 2, 3, 4, 5), ids(1, 2, 3), False)


@pytest.mark.parametrize("correlation_id", ["req-1", "", "%", 'it\'s "quoted"', "日本", "7", "x" * 5000])
def test_any_text_is_an_id_and_none_is_a_pattern(engine: Engine, correlation_id: str) -> None:
    engine.append(event(1, attributes={"correlation_id": correlation_id}), event(2, attributes={"a": 1}))
    assert found(engine, correlation_id) == ([], ids(1), False)
    assert found(engine, "another") == ([], [], False)


def test_an_id_that_is_a_number_is_found_by_its_digits(engine: Engine) -> None:
    engine.append(event(1, attributes={"correlation_id": 7}), span(1, 2, context={"correlation_id": 7}))
    assert found(engine, "7") == (ids(2), ids(1), False)


def test_attributes_that_only_look_like_it_are_not_it(engine: Engine) -> None:
    deep: dict[str, object] = {"correlation_id": "x"}
    for _ in range(300):
        deep = {"a": deep}
    engine.append(
        event(1, attributes={"nested": {"correlation_id": "x"}}),
        event(2, attributes={"text": '"correlation_id":"x"'}),
        event(3, attributes=deep),
        event(4, attributes={"correlation_id": ["x"]}),
    )
    assert found(engine, "x") == ([], [], False)
    assert len(engine.reader().events(trace_id(1))) == 4


def test_a_flow_that_was_deleted_is_gone(engine: Engine) -> None:
    engine.append(span(1, 1, context={"correlation_id": "x"}), event(1, attributes={"correlation_id": "x"}))
    writer = engine.writer()
    writer.delete_trace(trace_id(1))
    assert found(engine, "x") == ([], [], False)
