"""Sums of money: exact where all is known, a least where something is not, and never 0 for nothing known."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flightlog.analysis.spending import COMMONS, spending, spending_by
from flightlog.pricing.charge import Charge, Entry
from flightlog.records.callfacts import CallFacts

DAY = 86_400 * 10**9

amounts = st.none() | st.integers(0, 10**15)
words = st.sampled_from(["", "a", "b", "c"])
tags = st.lists(st.sampled_from("xyz"), max_size=3, unique=True).map(tuple)


def call(cost: int | None = 5, **fields) -> CallFacts:
    known = {"trace_id": "t", "span_id": "s", "start": 0, "status": "ok", "name": "chat", "kind": "llm"}
    return CallFacts(**{**known, "attributes": {"cost": cost}, **fields})


def price(one: CallFacts) -> Charge:
    cost = one.attributes.get("cost")
    if cost is None:
        return Charge(doubt="no usage")
    return Charge(pico_usd=cost, basis="listed", entry=Entry("list", "p", "m"))


calls = st.lists(
    st.builds(
        call,
        amounts,
        start=st.integers(0, 5 * DAY),
        session=words.map(lambda word: word or None),
        user=words.map(lambda word: word or None),
        tags=tags,
        name=words,
        project=words,
        trace_id=words,
    )
)


def test_a_sum_is_whole_a_least_or_unknown():
    whole = spending([call(3), call(4)], price)
    assert (whole.known_pico_usd, whole.is_whole, whole.unknown_calls) == (7, True, 0)
    least = spending([call(3), call(None)], price)
    assert (least.known_pico_usd, least.is_whole, dict(least.doubts)) == (3, False, {"no usage": 1})
    unknown = spending([call(None)], price)
    assert (unknown.known_pico_usd, unknown.is_whole) == (None, False)


def test_a_call_that_costs_nothing_is_known_to_cost_nothing():
    assert spending([call(0)], price).known_pico_usd == 0


def test_a_part_that_is_known_counts_and_the_call_is_unknown_all_the_same():
    total = spending([call()], lambda _: Charge(pico_usd=5, doubt="part of its usage", basis="listed"))
    assert (total.known_pico_usd, total.unknown_calls) == (5, 1)


def test_tokens_and_where_amounts_come_from_are_counted():
    told = {
        "gen_ai.usage.input_tokens": 100,
        "gen_ai.usage.output_tokens": 10,
        "gen_ai.usage.cache_read.input_tokens": 50,
        "gen_ai.usage.cache_write.input_tokens": 20,
    }
    charges = iter(
        [Charge(pico_usd=1, basis="reported"), Charge(pico_usd=1, basis="own", entry=Entry("mine", "", ""))]
    )
    total = spending([call(attributes=told), call(attributes=told)], lambda _: next(charges))
    tokens = (total.input_tokens, total.output_tokens, total.cache_read_tokens, total.cache_write_tokens)
    assert tokens == (200, 20, 100, 40)
    assert (total.reported_calls, total.own_calls, dict(total.sources)) == (1, 1, {"mine": 1})


@pytest.mark.parametrize("common", COMMONS)
@given(made=calls)
def test_rows_add_up_to_the_total(common, made):
    rows, total = spending_by(common, made, price)
    assert total.calls == len(made)
    assert total.pico_usd == sum(one.attributes["cost"] or 0 for one in made)
    assert total.unknown_calls == sum(one.attributes["cost"] is None for one in made)
    if common == "tag":
        assert sum(row.calls for row in rows.values()) == sum(len(one.tags) or 1 for one in made)
        assert all(row.pico_usd <= total.pico_usd for row in rows.values())
    else:
        assert sum(row.calls for row in rows.values()) == total.calls
        assert sum(row.pico_usd for row in rows.values()) == total.pico_usd
        assert sum(row.unknown_calls for row in rows.values()) == total.unknown_calls


@given(made=calls, rng=st.randoms())
def test_the_order_in_which_calls_come_changes_nothing(made, rng):
    def told(some):
        rows, _ = spending_by("session", some, price)
        return [(key, row.pico_usd, row.calls, row.unknown_calls) for key, row in rows.items()]

    shuffled = rng.sample(made, len(made))
    assert told(made) == told(shuffled)


def test_the_dearest_row_is_first_and_days_stand_in_their_order():
    made = [call(1, name="a"), call(5, name="b", start=DAY), call(2, name="a", start=3 * DAY)]
    assert list(spending_by("name", made, price)[0]) == [("b",), ("a",)]
    assert list(spending_by("day", made, price)[0]) == [("1970-01-01",), ("1970-01-02",), ("1970-01-04",)]


def test_a_day_is_one_of_utc_and_a_start_outside_the_calendar_has_none():
    late = int(datetime(2026, 11, 20, 23, 59, 59, tzinfo=UTC).timestamp()) * 10**9
    assert list(spending_by("day", [call(start=late)], price)[0]) == [("2026-11-20",)]
    assert list(spending_by("day", [call(start=10**30)], price)[0]) == [("",)]


def test_a_model_is_the_one_that_answered_at_its_provider():
    facts = {
        "gen_ai.request.model": "asked",
        "gen_ai.response.model": "answered",
        "gen_ai.provider.name": "openai",
    }
    assert list(spending_by("model", [call(attributes=facts), call(attributes={})], price)[0]) == [
        ("", ""),
        ("answered", "openai"),
    ]
