"""Statistics by any one or two fields, of any time, from sums and from the spans themselves."""

from __future__ import annotations

from typing import Any

import pytest

from contracts.store_lines import HOUR, MS, START, Engine, span, usage
from flightlog.questions.parsing import parse
from flightlog.records.errors import BadQuestion

HOURS = HOUR // MS
DAYS = 24 * HOURS


def words(engine: Engine, grouping: str, *fields: str, **asked: Any) -> list[tuple[Any, ...]]:
    found = engine.reader().figures((grouping,), **asked)[grouping]
    return sorted(tuple(getattr(row, field) for field in fields) for row in found)


@pytest.fixture
def filled(engine: Engine) -> Engine:
    bound = {"user": "u-1", "session": 7, "tags": ["eu", "beta"]}
    route = {"http.route": "/pay"}
    engine.append(
        span(1, 1, name="run", kind="agent", took=10, context=bound),
        span(1, 2, parent=1, name="get", kind="http", at=2, took=3, attributes=route, service="web"),
        span(
            1,
            3,
            parent=1,
            name="get",
            kind="http",
            at=4,
            took=4,
            attributes={"http.route": 5},
            status="error",
        ),
        span(2, 1, name="run", kind="agent", at=HOURS, took=20, context={"user": "u-2"}),
        span(2, 2, parent=1, name="run", kind="agent", at=HOURS, took=None),
    )
    return engine


@pytest.mark.parametrize(
    ("grouping", "fields", "expected"),
    [
        ("user", ("user", "spans"), [("u-1", 3), ("u-2", 1)]),
        ("session", ("session", "spans"), [("", 1), ("7", 3)]),
        ("tag", ("tag", "spans", "errors"), [("beta", 3, 1), ("eu", 3, 1)]),
        ("status", ("status", "spans"), [("error", 1), ("ok", 3)]),
        ("service", ("service", "spans"), [("svc", 3), ("web", 1)]),
        ("attr.http.route", ("attribute", "spans"), [("", 2), ("/pay", 1), ("5", 1)]),
        (
            "kind,service",
            ("kind", "service", "spans"),
            [("agent", "svc", 2), ("http", "svc", 1), ("http", "web", 1)],
        ),
        (
            "tag,name",
            ("tag", "name", "spans"),
            [("beta", "get", 2), ("beta", "run", 1), ("eu", "get", 2), ("eu", "run", 1)],
        ),
        (
            "user,status",
            ("user", "status", "spans"),
            [("u-1", "error", 1), ("u-1", "ok", 2), ("u-2", "ok", 1)],
        ),
    ],
)
def test_spans_are_grouped_by_one_or_two_fields(filled, grouping, fields, expected):
    assert words(filled, grouping, *fields) == expected
    assert words(filled, grouping, *fields, exact=True) == expected


@pytest.mark.parametrize("grouping", ["", "colour", "attr.", "name,kind,model", "name,name", "attr.a,attr.b"])
def test_what_is_no_grouping_is_a_bad_question(filled, grouping):
    with pytest.raises(BadQuestion):
        filled.reader().figures((grouping,))


def test_self_time_is_what_no_child_covers(filled):
    rows = {row.name: row for row in filled.reader().figures(("name",), exact=True)["name"]}
    assert (
        rows["run"].self_ns == (10 - 6 + 20) * MS
    )  # the children of the first ran from 2 to 8, both from 4 to 5
    assert rows["get"].self_ns == rows["get"].total_ns == 7 * MS
    assert [row.self_ns for row in filled.reader().figures(("name",))["name"]] == [None, None]


def test_percentiles_of_spans_that_were_looked_at_are_exact(engine):
    engine.append(*(span(1, n, name="x", took=n) for n in range(1, 1001)))
    (row,) = engine.reader().figures(("name",), exact=True)["name"]
    assert row.is_exact
    assert (row.p50_ns, row.p90_ns, row.p95_ns, row.p99_ns, row.max_ns) == (
        500 * MS,
        900 * MS,
        950 * MS,
        990 * MS,
        1000 * MS,
    )
    (near,) = engine.reader().figures(("name",))["name"]
    assert not near.is_exact
    for told, true in ((near.p90_ns, 900), (near.max_ns, 1000)):
        assert told == pytest.approx(true * MS, rel=0.026)
    assert sum(near.durations.values()) == 1000


def test_a_time_ends_with_its_hour_or_exactly(engine):
    engine.append(*(span(n, 1, name="x", at=n * HOURS + 5, took=n) for n in range(60)))

    def spans(**asked: Any) -> int:
        return sum(row.spans for row in engine.reader().figures(("name",), **asked)["name"])

    for exact in (False, True):
        assert spans(until=START + 7 * HOUR, exact=exact) == (7 if exact else 8)
        assert spans(since=START + 3 * HOUR, until=START + 4 * HOUR, exact=exact) == (1 if exact else 2)
        assert spans(since=START + 90 * HOUR, until=START + 99 * HOUR, exact=exact) == 0
    begin = START - START % HOUR
    for first, last in ((0, 60), (1, 50), (20, 30), (13, 14), (2, 49)):
        whole = spans(since=begin + first * HOUR, until=begin + last * HOUR)
        assert whole == spans(since=begin + first * HOUR, until=begin + last * HOUR, exact=True)


@pytest.mark.parametrize("exact", [False, True])
@pytest.mark.parametrize("apart", [1, 30])
def test_slots_say_when_spans_started(engine, exact, apart):
    engine.append(
        *(span(n, 1, name="x", at=n * apart * HOURS, status="error" if n == 3 else "ok") for n in range(10))
    )
    (row,) = engine.reader().figures(("name",), exact=exact, slots=10)["name"]
    assert sum(slot.spans for slot in row.slots) == 10
    assert sum(slot.errors for slot in row.slots) == 1
    starts = [slot.start for slot in row.slots]
    assert starts == sorted(set(starts))
    assert 4 <= len(starts) <= 10
    assert all(start % HOUR == 0 for start in starts)


def test_speed_is_output_tokens_by_the_time_of_model_calls(engine):
    engine.append(
        span(1, 1, kind="llm", took=500, attributes=usage(input=1, output=20)),
        span(1, 2, kind="llm", took=1500, attributes=usage(input=1, output=60)),
        span(1, 3, kind="tool", took=9000),
    )
    for exact in (False, True):
        (row,) = engine.reader().figures(("service",), exact=exact)["service"]
        assert row.llm_ns == 2000 * MS
        assert row.tokens_a_second == 40


def test_a_question_of_a_time_looks_at_that_time(engine):
    engine.append(*(span(n, 1, kind="tool", at=n * DAYS) for n in range(5)))
    question = parse("kind:tool since:2025-11-22T00:00:00Z")
    (row,) = engine.reader().figures(("kind",), question=question)["kind"]
    assert row.spans == 3


def test_traces_tell_what_they_used(engine):
    engine.append(
        span(1, 1, took=10),
        span(1, 2, parent=1, kind="llm", took=1, attributes=usage(input=5, output=2)),
        span(2, 1, at=5, took=30),
        span(2, 2, parent=1, at=6, kind="llm", took=1),
    )
    told = engine.reader().trace_figures()
    assert (told.mean_ns, told.max_ns) == (20 * MS, 30 * MS)
    assert (told.spans, told.llm_calls, told.unknown_usage_calls) == (4, 2, 1)
    assert (told.input_tokens, told.output_tokens, told.unpriced_calls) == (5, 2, 2)
