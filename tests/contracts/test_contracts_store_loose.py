"""Events that no trace leads to: outside any span, or of a trace of which no span is here."""

from __future__ import annotations

from contracts.store_lines import MS, START, Engine, event, span, span_id, trace_id


def ids(*numbers: int) -> list[str]:
    return [span_id(number) for number in numbers]


def found(engine: Engine, most: int = 100, since: int | None = None, project: str = "") -> list[str]:
    return [one.event_id for one in engine.reader().loose_events(most, since=since, project=project)]


def test_events_of_no_trace_and_of_traces_without_spans_come_by_time(engine: Engine) -> None:
    engine.append(
        span(1, 1),
        event(1, trace=1, at=5),
        event(2, trace=0, at=30),
        event(3, trace=9, at=20),
        event(4, trace=0, at=10),
    )
    assert found(engine) == ids(4, 3, 2)
    assert engine.reader().sizes().loose_events == 3
    assert engine.reader().loose_events(9)[1].trace_id == trace_id(9)


def test_an_event_is_no_longer_loose_once_a_span_of_its_trace_has_come(engine: Engine) -> None:
    engine.append(event(1, trace=1))
    assert found(engine) == ids(1)
    engine.append(span(1, 1))
    assert found(engine) == []
    assert engine.reader().sizes().loose_events == 0


def test_of_many_loose_events_the_newest_are_given_oldest_first(engine: Engine) -> None:
    engine.append(*(event(number, trace=0, at=number) for number in range(1, 8)))
    assert found(engine, 3) == ids(5, 6, 7)


def test_loose_events_are_narrowed_by_time_and_project(engine: Engine) -> None:
    engine.append(
        event(1, trace=0, at=1),
        event(2, trace=0, at=2, project="other"),
        event(3, trace=0, at=3, project="other"),
    )
    assert found(engine, since=START + 2 * MS) == ids(2, 3)
    assert found(engine, project="other", since=START + 3 * MS) == ids(3)
    assert found(engine, project="nobody") == []


def test_a_store_that_does_not_exist_yet_has_no_loose_events(engine: Engine) -> None:
    assert found(engine) == []
    assert engine.reader().sizes().loose_events == 0
