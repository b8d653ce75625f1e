"""A question costs what its answer is large: no statement walks over all spans, and a list needs no sorting."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing

import pytest

from flightlog.store.sqlite import (
    amounts,
    failed,
    flows,
    loose,
    payloadrows,
    reader,
    recompute,
    recordrows,
    refs,
    restore,
    spanrows,
    tracelist,
    tracerows,
    wholes,
)
from flightlog.store.sqlite import closing as closing_room
from flightlog.store.sqlite.migrate import migrate
from flightlog.store.sqlite.statements import SMALLEST, Many


@pytest.fixture
def empty() -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(":memory:")) as connection:
        migrate(connection, 0)
        recompute.define_functions(connection)
        yield connection


def _plan(connection: sqlite3.Connection, statement: str) -> list[str]:
    values = (None,) * statement.count("?")
    return [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {statement}", values)]


def _numbered(statement: str) -> str:
    """With parameters without numbers, so that each is given once."""
    return statement.replace("?1", "?").replace("?2", "?").replace("?3", "?")


def _small(many: Many) -> str:
    return many._text(SMALLEST)


STATEMENTS = {
    "spans of a trace": restore._SPANS + reader._SPANS_OF,
    "events of a trace": restore._EVENTS + reader._EVENTS_OF,
    "annotations of a trace": restore._ANNOTATIONS + reader._ANNOTATIONS_OF,
    "a page of lines": f"{restore._SPANS} WHERE s.id BETWEEN ? AND ? ORDER BY s.id",
    "processes of a trace": reader._PROCESSES.format(only=reader._ONLY_OF_TRACE),
    "newest traces": tracelist.TRACES + "WHERE t.start IS NOT NULL " + tracelist.NEWEST,
    "one trace": tracelist.TRACES + tracelist.ONE,
    "a prefix": refs._PREFIX,
    "failures": failed.FAILED,
    "events of a flow": flows.EVENTS,
    "spans of a flow": flows.SPANS,
    "loose events": loose.NEWEST,
    "spans of some traces": reader._SPAN_IDS,
    "these spans": restore._SPANS + reader._THESE_SPANS,
    "texts of payloads": wholes._TEXTS,
    "parts of payloads": wholes._PARTS,
    "payloads that are held": payloadrows._HELD,
    "counters": amounts._COUNTERS,
    "sizes": amounts._SIZES,
    "closing": restore._SPANS + closing_room._UNSETTLED,
    "is a parent present": closing_room._IS_PRESENT,
    "trace rows anew": recompute.narrowed(recompute.TRACE_ROWS, recompute.SOME),
    "rollups of a trace": recompute.narrowed(recompute.ROLLUP_ROWS, recompute.SOME),
    "tags of a trace": recompute.narrowed(recompute.TAG_ROWS, recompute.SOME),
    "stored spans": _small(spanrows._find_spans),
    "stored traces": _small(tracerows._find),
    "stored events": _small(recordrows._find_events),
}


@pytest.mark.parametrize("question", STATEMENTS)
def test_no_question_walks_over_all_spans(empty: sqlite3.Connection, question: str) -> None:
    plan = _plan(empty, _numbered(STATEMENTS[question]))
    assert [step for step in plan if step.split()[:2] in (["SCAN", "s"], ["SCAN", "spans"])] == []


def test_the_newest_traces_come_from_an_index_in_order(empty: sqlite3.Connection) -> None:
    plan = _plan(empty, _numbered(STATEMENTS["newest traces"]))
    assert plan[0].startswith("SEARCH t USING INDEX traces_newest")
    assert not any("TEMP B-TREE" in step for step in plan)


def test_closing_looks_only_at_unsettled_spans(empty: sqlite3.Connection) -> None:
    assert any("spans_unsettled" in step for step in _plan(empty, STATEMENTS["closing"]))


@pytest.mark.parametrize("question", ["texts of payloads", "parts of payloads", "payloads that are held"])
def test_no_question_walks_over_all_payloads(empty: sqlite3.Connection, question: str) -> None:
    """Only over those that it was asked for, and what these are put together out of."""
    walked = {
        step.split()[1] for step in _plan(empty, _numbered(STATEMENTS[question])) if step.startswith("SCAN")
    }
    assert walked == {"json_each", "w"} | ({"within"} if question == "payloads that are held" else set())


def test_a_flow_is_found_by_indexes_alone(empty: sqlite3.Connection) -> None:
    """Nothing but what the union itself made is walked over, and each index on what JSON says is used."""
    plan = _plan(empty, _numbered(flows.EVENTS)) + _plan(empty, _numbered(flows.SPANS))
    walked = [step for step in plan if step.startswith("SCAN") and "subquery" not in step.lower()]
    assert walked == []
    for index in (
        "events_correlation",
        "events_bound_correlation",
        "events_trace",
        "span_context_correlation",
    ):
        assert any(index in step for step in plan), index
