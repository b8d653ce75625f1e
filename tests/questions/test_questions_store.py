"""What a store answers to a question is what the question means in plain Python, and nothing typed becomes SQL."""

from __future__ import annotations

import tempfile
from pathlib import Path
from random import Random
from typing import Any

import pytest
import random_questions
from msgspec import structs
from plain_meaning import World, fits, price

from contracts.store_lines import MS, START, Engine, span, span_id, sqlite, trace_id, usage
from flightlog.questions.parsing import parse
from flightlog.questions.printing import text_of
from flightlog.records.errors import BadQuestion
from flightlog.records.traces import Selection
from flightlog.store.open import open_reader
from flightlog.store.prices import Cost
from flightlog.store.sqlite import askedfunctions, rareseries


@pytest.fixture
def engine(tmp_path):
    with sqlite(tmp_path) as found:
        yield found


def reading(engine: Engine) -> Any:
    reader = open_reader(engine.place, price=price, price_version=lambda: 7)
    engine._opened.append(reader)
    return reader


class Priced:
    """The plain prices, as a store takes them."""

    def version(self):
        return 7

    def cost(self, call):
        return Cost(price(call))


def fitting(reader: Any, text: str) -> list[tuple[int, int]]:
    """Trace and span of what fits, as numbers."""
    found = reader.newest_spans(100, Selection(question=parse(text)))
    return sorted((int(span.trace_id, 16), int(span.span_id, 16)) for span in found)


@pytest.mark.parametrize("block", range(8))
def test_a_store_finds_what_the_question_means(block, monkeypatch):
    """Forty random stores, with ten random questions to each.

    Half of them on the ways for large stores, and half with costs that are remembered.
    """
    if block % 2:
        monkeypatch.setattr(rareseries, "MOST_SPANS", -1)
        monkeypatch.setattr(rareseries, "_WINDOW_SPANS", 1)
    fitting_some = 0
    for seed in range(block * 40, block * 40 + 40):
        chance = Random(seed)
        with tempfile.TemporaryDirectory() as place, sqlite(Path(place)) as engine:
            engine.append(*random_questions.store(chance))
            if block % 4 > 1:
                assert not engine.writer().price_calls(Priced(), 1000)
            reader = reading(engine)
            worlds = [
                World(trace, reader.spans(trace.trace_id), reader.events(trace.trace_id))
                for trace in reader.traces(100)
            ]
            for _ in range(10):
                question = random_questions.question(chance)
                expected = {
                    (world.trace.trace_id, one.span_id)
                    for world in worlds
                    for one in world.spans
                    if fits(question, one, world)
                }
                fitting_some += bool(expected)
                judge(reader, question, expected, f"seed {seed}: {text_of(question)}")
    assert fitting_some > 100


def judge(reader, question, expected, case):
    """Every method that takes a question answers what is expected."""
    selection = Selection(question=question)
    found = {(one.trace_id, one.span_id) for one in reader.each_span(selection)}
    assert found == expected, case
    assert {(one.trace_id, one.span_id) for one in reader.newest_spans(100, selection)} == expected, case
    of_one = {(trace_id(1), one.span_id) for one in reader.spans(trace_id(1), question=question)}
    assert of_one == {one for one in expected if one[0] == trace_id(1)}, case
    traces = {one for one, _ in expected}
    assert {one.trace_id for one in reader.traces(100, selection)} == traces, case
    in_order = [one.trace_id for one in reader.each_trace(selection)]
    assert set(in_order) == traces, case
    assert [one.trace_id for one in reader.traces(2, selection)] == in_order[:2], case
    assert reader.trace_figures(selection).traces == len(traces), case
    calls = {(one.trace_id, one.span_id) for one in reader.model_calls(selection)}
    assert calls == expected & {(one.trace_id, one.span_id) for one in reader.model_calls()}, case
    rows = reader.figures(("kind",), question=question)["kind"]
    ended = [one for one in reader.each_span(selection) if one.status not in ("running", "paused")]
    assert sum(row.spans for row in rows) == len(ended), case


def told_by_both(row):
    """What sums by the hour know as well as the spans themselves."""
    unknown = dict.fromkeys(("p50_ns", "p90_ns", "p95_ns", "p99_ns", "max_ns", "self_ns"))
    return structs.replace(row, is_exact=False, **unknown)


def test_figures_of_a_question_that_everything_fits_are_those_of_the_rollups(engine):
    engine.append(
        *(span(1, number, at=number, took=number, kind="tool") for number in range(1, 30)),
        span(1, 40, kind="llm", attributes={**usage(input=5, output=2), "gen_ai.request.model": "m"}),
        span(1, 41, kind="llm", status="error"),
        span(1, 42, took=None),
    )
    reader = reading(engine)
    groupings = ("name", "kind", "model")
    looked_at, summed = reader.figures(groupings, question=parse("duration>=0")), reader.figures(groupings)
    for grouping in groupings:
        for one, other in zip(looked_at[grouping], summed[grouping], strict=True):
            assert (one.is_exact, other.is_exact) == (True, False)
            assert told_by_both(one) == told_by_both(other)
            for name in ("p50_ns", "p90_ns", "p95_ns", "p99_ns", "max_ns"):
                assert getattr(other, name) == pytest.approx(getattr(one, name), rel=0.026)


def test_slow_is_longer_than_95_of_100_of_its_series(engine):
    engine.append(*(span(number, 1, name="s", took=10) for number in range(1, 40)))
    engine.append(span(40, 1, name="s", took=11), span(41, 1, name="rare", took=9000))
    assert fitting(reading(engine), "has:slow") == [(40, 1)]


def test_failures_are_narrowed_by_a_question(engine):
    engine.append(
        span(1, 1, status="error"),
        span(1, 2, parent=1, status="error", kind="tool"),
        span(2, 1, status="error"),
    )
    reader = reading(engine)
    found = reader.failures(10, question=parse("kind:tool"))
    assert [one.span_id for one in found] == [span_id(2)]
    assert reader.failures(10, question=parse("name:step_1")) == [
        one for one in reader.failures(10) if one.trace_id == trace_id(2)
    ]


def test_a_time_ago_is_counted_from_now(engine):
    engine.append(span(1, 1))
    assert fitting(reading(engine), "since:1m") == []
    assert fitting(reading(engine), "until:1m") == [(1, 1)]


def test_a_question_with_a_time_finds_late_spans_of_traces_that_began_before(engine):
    engine.append(span(1, 1, at=0, took=None), span(1, 2, parent=1, at=5000), span(2, 1, at=1000))
    reader = reading(engine)
    when = parse("since:2025-11-20T15:36:44Z")
    late = [one.trace_id for one in reader.traces(10, Selection(question=when))]
    assert late == [trace_id(1)]
    assert START + 5000 * MS > START


ATTACKS = (
    "'; DROP TABLE spans; --",
    "' OR '1'='1",
    'x" OR ""="',
    "1) OR 1=1 --",
    "%' ESCAPE 'a",
    "\\' OR true",
    '$."a" || (SELECT 1)',
    "?1", ":p1", "@x", "{0}", "{condition}", "%s",
)  # fmt: skip


@pytest.mark.parametrize("attack", ATTACKS)
def test_nothing_that_is_typed_becomes_a_part_of_a_statement(engine, attack):
    engine.append(span(1, 1, name="here", input="x", attributes={"a": 1}, error={"type": "E"}))
    reader = reading(engine)
    before = sorted(reader.lines())
    quoted = attack.replace("\\", "\\\\").replace('"', '\\"')
    fields = (
        "name",
        "kind",
        "model",
        "provider",
        "session",
        "tag",
        "correlation",
        "project",
        "error",
    )
    assert fitting(reader, f'input~"{quoted}"') == []
    for field in fields:
        for text in (f'{field}:"{quoted}"', f'child({field}:"{quoted}")', f'trace({field}:"{quoted}")'):
            assert fitting(reader, text) == []
    assert fitting(reader, f'attr."{quoted}":1') == []
    assert fitting(reader, f'attr.a="{quoted}"') == []
    assert fitting(reader, "name:here") == [(1, 1)]
    assert sorted(reader.lines()) == before


def test_a_name_with_an_attack_in_it_is_found_as_what_it_is(engine):
    for number, attack in enumerate(ATTACKS, 1):
        engine.append(span(number, 1, name=attack, attributes={attack: attack}, input=attack))
    reader = reading(engine)
    for number, attack in enumerate(ATTACKS, 1):
        quoted = attack.replace("\\", "\\\\").replace('"', '\\"')
        for text in (f'name="{quoted}"', f'attr."{quoted}"="{quoted}"'):
            assert fitting(reader, text) == [(number, 1)]
        assert (number, 1) in fitting(reader, f'input:"{quoted}"')


def test_cost_is_looked_at_for_no_more_calls_than_somebody_waits_for(engine, monkeypatch):
    monkeypatch.setattr(askedfunctions, "MOST_PRICED", 3)
    calls = [span(1, number, kind="llm", attributes=usage(input=5)) for number in range(1, 5)]
    engine.append(*calls)
    with pytest.raises(BadQuestion, match="more than 3 model calls"):
        fitting(reading(engine), "cost>1")
    assert fitting(reading(engine), "name:step_1 cost>0") == [(1, 1)]


def test_an_interruption_while_a_question_is_answered_is_one(engine):
    def interrupted(call):
        raise KeyboardInterrupt

    engine.append(span(1, 1, kind="llm", attributes=usage(input=5)))
    reader = open_reader(engine.place, price=interrupted)
    engine._opened.append(reader)
    with pytest.raises(KeyboardInterrupt):
        fitting(reader, "cost>1")
    assert fitting(reader, "kind:llm") == [(1, 1)]


def test_without_prices_nothing_is_asked_about_cost(engine):
    engine.append(span(1, 1, kind="llm", attributes=usage(input=5)))
    with pytest.raises(BadQuestion, match="no prices"):
        engine.reader().traces(1, Selection(question=parse("cost>1")))


def test_relatives_of_a_trace_with_many_spans_are_found_in_one_go(engine):
    """As many steps as spans: each asked of all the others would be a hundred million."""
    many = 10_000
    engine.append(*(span(1, number, parent=number - 1) for number in range(1, many + 1)))
    found = reading(engine).newest_spans(
        many, Selection(question=parse("ancestor(name:step_5000) child(name:step_9000)"))
    )
    assert [one.name for one in found] == ["step_8999"]


def test_relatives_of_more_traces_than_are_remembered_are_found_again(engine, monkeypatch):
    monkeypatch.setattr(askedfunctions, "MOST_REMEMBERED", 3)
    lines = [span(trace, number, parent=number - 1) for trace in range(1, 5) for number in range(1, 4)]
    engine.append(*lines)
    expected = [(trace, 3) for trace in range(1, 5)]
    assert (
        fitting(reading(engine), "ancestor(name:step_1) child(has:event) OR ancestor(name:step_2)")
        == expected
    )


def test_a_parent_that_leads_back_to_its_child_ends_the_search(engine):
    engine.append(span(1, 1, parent=2), span(1, 2, parent=1))
    assert fitting(reading(engine), "ancestor(name:step_1)") == [(1, 1), (1, 2)]


def test_a_large_value_that_is_put_together_out_of_parts_is_searched_whole(engine):
    messages = [{"role": "user", "content": f"{word} " * 200} for word in ("first", "second", "third")]
    for number in range(1, 4):
        engine.append(span(1, number, kind="llm", input={"messages": messages[:number]}))
    assert fitting(reading(engine), 'input:"second second"') == [(1, 2), (1, 3)]
    assert fitting(reading(engine), "message:THIRD") == [(1, 3)]
