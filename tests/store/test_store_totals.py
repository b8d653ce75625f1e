"""What days add up to is written down when they are over, and answers what their hours would answer."""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from store_older import make_older

from contracts.store_lines import HOUR, MS, PROCESS, START, Engine, span, trace_id, usage
from flightlog.records.line import Line
from flightlog.records.traces import Figures
from flightlog.store.groupings import GROUPINGS, Grouping
from flightlog.store.port import Chunk
from flightlog.store.rollups import LONGEST_NS
from flightlog.store.sqlite import spanrows, statistics
from flightlog.store.sqlite.numbered import CONNECTION

DAY = 24 * HOUR
TODAY = START // DAY
TABLES = ("day_rollups", "day_durations", "past_rollups", "past_durations")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Engine]:
    engine = Engine(tmp_path / "store.db")
    yield engine
    engine.close()


def _on(day: int, trace: int, number: int = 1, *, hours: int = 0, **fields: Any) -> Line:
    return span(trace, number, at=(day * DAY + hours * HOUR) // MS, **fields)


def _rows(place: Path, statement: str) -> list[Any]:
    with closing(sqlite3.connect(place, factory=CONNECTION)) as connection:
        return connection.execute(statement).fetchall()


def _tables(place: Path) -> dict[str, list[Any]]:
    return {table: _rows(place, f"SELECT * FROM {table}") for table in TABLES}


def _answers(connection: sqlite3.Connection) -> list[dict[Grouping, list[Figures]]]:
    moments = (None, 0, START - DAY, START, START + 2 * HOUR, START + DAY, START + 26 * HOUR, START + 9 * DAY)
    return [
        statistics.figures(connection, GROUPINGS, since, project)
        for since in moments
        for project in ("", "default", "other")
    ]


def _agrees_with_the_hours(place: Path) -> bool:
    """Whether every answer is the same once nothing but hours is there to answer from."""
    with closing(sqlite3.connect(place, factory=CONNECTION)) as connection:
        answers = _answers(connection)
        for table in TABLES:
            connection.execute(f"DELETE FROM {table}")
        return answers == _answers(connection)


def test_a_day_is_written_down_when_a_later_one_has_begun(store: Engine) -> None:
    store.append(_on(0, 1, took=7), _on(0, 2, hours=2, took=7, name="other", status="error"))
    assert not any(_tables(store.place).values())
    store.append(_on(3, 3))
    assert _rows(store.place, "SELECT day, spans, error, duration_ns FROM day_rollups ORDER BY error") == [
        (TODAY, 1, 0, 7 * MS),
        (TODAY, 1, 1, 7 * MS),
    ]
    assert _rows(store.place, "SELECT spans, error FROM past_rollups ORDER BY error") == [(1, 0), (1, 1)]
    assert _rows(store.place, "SELECT sum(spans) FROM day_durations") == [(2,)]
    assert _rows(store.place, "SELECT sum(spans) FROM past_durations") == [(2,)]
    assert _agrees_with_the_hours(store.place)


def test_days_of_one_batch_are_written_down_but_for_the_last(store: Engine) -> None:
    store.append(*(_on(day, day + 1, name="step") for day in (4, 0, 2)))
    days = _rows(store.place, f"SELECT day - {TODAY} FROM day_rollups")
    assert days == [(0,), (2,)]
    assert _rows(store.place, "SELECT spans FROM past_rollups") == [(2,)]
    assert store.reader().verify() == []


def test_a_line_that_comes_late_is_counted_in_its_day(store: Engine) -> None:
    model = {"kind": "llm", "name": "chat"}
    store.append(_on(0, 1, attributes=usage(input=1), **model), _on(2, 2))
    store.append(_on(0, 3, hours=1, attributes=usage(input=5), **model), _on(1, 4, **model))
    assert _rows(store.place, "SELECT day, input_tokens, unknown_usage FROM day_rollups") == [(TODAY, 6, 0)]
    store.append(_on(2, 5))
    assert _rows(store.place, "SELECT input_tokens, unknown_usage FROM past_rollups") == [(6, 1)]
    assert store.reader().verify() == []
    assert _agrees_with_the_hours(store.place)


def test_a_day_that_loses_its_last_span_leaves_no_row(store: Engine) -> None:
    store.append(_on(0, 1), _on(1, 2), _on(2, 3))
    for number in (2, 1):
        store.writer().delete_trace(trace_id(number))
        assert store.reader().verify() == []
    assert not any(_tables(store.place).values())
    store.append(_on(1, 4), _on(1, 5, hours=1))
    store.append(_on(2, 6))
    assert _rows(store.place, "SELECT sum(spans) FROM past_rollups") == [(2,)]
    assert _agrees_with_the_hours(store.place)


def test_a_clock_gone_mad_spoils_no_sum(store: Engine) -> None:
    store.append(_on(0, 1), _on(200 * 365, 2))
    store.append(_on(0, 3), _on(1, 4))
    store.append(_on(1, 5), _on(2, 6))
    assert sum(row.spans for row in store.reader().figures(("kind",))["kind"]) == 6
    store.writer().delete_trace(trace_id(2))
    store.append(_on(0, 7), _on(3, 8))
    assert store.reader().verify() == []
    assert _agrees_with_the_hours(store.place)


def test_a_day_whose_durations_exceed_64_bits_stops_no_append(store: Engine) -> None:
    longest = LONGEST_NS // MS
    for hours in (0, 1):
        store.append(
            *(_on(0, 1, 200 * hours + n, hours=hours, name="a", took=longest) for n in range(1, 201))
        )
    store.append(_on(1, 2))
    (row,) = _rows(store.place, "SELECT spans, duration_ns FROM day_rollups")
    assert row[0] == 400
    assert row[1] == pytest.approx(400 * longest * MS)


def _some_days(store: Engine) -> None:
    store.append(
        *(
            _on(day, day * 9 + n + 1, hours=n, name=f"s{n % 2}", took=n)
            for day in (0, 1, 5)
            for n in range(6)
        ),
        _on(1, 99, kind="llm", attributes=usage(input=3, output=4)),
    )


def test_an_older_store_has_its_days_written_down_by_its_migration(store: Engine) -> None:
    _some_days(store)
    before = _tables(store.place)
    assert all(before.values())
    make_older(store.place, 2)
    store.append()
    assert _tables(store.place) == before
    assert store.reader().verify() == []


def test_an_older_store_that_cannot_be_written_answers_from_its_hours(
    store: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    _some_days(store)
    expected = store.reader().figures(GROUPINGS)
    store.close()
    make_older(store.place, 2)
    before = store.place.read_bytes()
    monkeypatch.setattr("os.access", lambda *_: False)
    assert store.reader().figures(GROUPINGS) == expected
    assert store.place.read_bytes() == before


@pytest.mark.parametrize("since", [None, START, START + 30 * HOUR])
def test_no_question_reads_the_hours_of_days_that_are_written_down(store: Engine, since: int | None) -> None:
    _some_days(store)
    with closing(sqlite3.connect(store.place, factory=CONNECTION)) as connection:
        seen: list[str] = []
        connection.set_trace_callback(seen.append)
        statistics.figures(connection, GROUPINGS, since, "")
        connection.set_trace_callback(None)
        plans = [row[3] for text in seen for row in connection.execute(f"EXPLAIN QUERY PLAN {text}")]
    assert any("SEARCH durations" in plan for plan in plans)
    assert not [plan for plan in plans if plan.startswith(("SCAN rollups", "SCAN durations"))]


def test_an_append_learns_from_indexes_which_days_are_written_down(store: Engine) -> None:
    _some_days(store)
    plans = [row[3] for row in _rows(store.place, f"EXPLAIN QUERY PLAN {spanrows._STATE}")]
    assert plans
    assert not [plan for plan in plans if plan.startswith("SCAN ") and plan != "SCAN CONSTANT ROW"]


_line = st.builds(
    lambda day, trace, number, hours, took, name, status, revision: _on(
        day,
        trace,
        number,
        hours=hours,
        name=name,
        status=status,
        revision=revision,
        took=None if status in ("running", "paused") else took,
        kind="llm" if name == "b" else "",
        attributes=usage(input=took, output=1) if took else {},
        project="other" if trace == 3 else "default",
    ),
    st.sampled_from([-1, 0, 0, 1, 1, 2, 9]),
    st.integers(1, 3),
    st.integers(1, 6),
    st.sampled_from([0, 1, 5, 10]),
    st.sampled_from([0, 3, 40]),
    st.sampled_from(["a", "b"]),
    st.sampled_from(["running", "paused", "ok", "ok", "error", "cancelled"]),
    st.sampled_from([0, 0, 1]),
)
_batch = st.one_of(
    st.lists(_line, max_size=6),
    st.lists(_line, max_size=6),
    st.just("death"),
    st.integers(1, 3),
)


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(_batch, max_size=8))
def test_whatever_comes_and_goes_days_answer_what_their_hours_would(batches: list[Any]) -> None:
    with tempfile.TemporaryDirectory() as directory:
        engine = Engine(Path(directory) / "store.db")
        try:
            writer = engine.writer()
            for batch in batches:
                if isinstance(batch, int):
                    writer.delete_trace(trace_id(batch))
                elif batch == "death":
                    writer.append([Chunk(PROCESS, [], dead=True)])
                else:
                    writer.append([Chunk(PROCESS, batch)])
                assert engine.reader().verify() == []
            assert _agrees_with_the_hours(engine.place)
        finally:
            engine.close()
