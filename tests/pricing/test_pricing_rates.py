"""The arithmetic of prices: exact, never less for more, and the same in whatever order it is added up."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from flightlog.pricing.rates import PICO, Amount, Contradiction, Rates
from flightlog.pricing.snapshot import bundled

UNITS = bundled().units
PLAIN = {
    "input_tokens": "2.5",
    "output_tokens": "10",
    "cache_read_tokens": "1.25",
    "cache_write_tokens": "3.125",
}
MODELS = [model for provider in bundled().providers for model in provider.models if model.prices[0].rates]

counts = st.integers(0, 2_000_000)
models = st.sampled_from(MODELS)


def rates_of(model) -> Rates:
    return Rates(model.prices[0].rates, UNITS)


def cost(rates: Rates, **told) -> int:
    amount = rates.amount(told)
    assert isinstance(amount, Amount)
    return amount.pico_usd


def test_tokens_of_a_cache_are_a_part_of_the_input_and_charged_once():
    rates = Rates(PLAIN, UNITS)
    told = {
        "input_tokens": 1_000_000,
        "output_tokens": 0,
        "cache_read_tokens": 400_000,
        "cache_write_tokens": 100_000,
    }
    assert cost(rates, **told) == round((0.5 * 2.5 + 0.4 * 1.25 + 0.1 * 3.125) * PICO)


def test_a_part_without_a_price_of_its_own_has_that_of_the_whole():
    rates = Rates({"input_tokens": "2", "output_tokens": "8"}, UNITS)
    told = {
        "input_tokens": 500,
        "output_tokens": 100,
        "cache_read_tokens": 300,
        "output_reasoning_tokens": 60,
    }
    assert cost(rates, **told) == 500 * 2_000_000 + 100 * 8_000_000


def test_a_part_that_is_greater_than_its_whole_is_a_contradiction():
    told = {"input_tokens": 10, "output_tokens": 1, "cache_read_tokens": 11}
    assert Rates(PLAIN, UNITS).amount(told) == Contradiction("input_tokens")


def test_all_of_the_input_has_the_price_of_the_tier_that_it_reaches():
    rates = Rates(
        {"input_tokens": [(0, "1"), (200_000, "2")], "output_tokens": [(0, "4"), (200_000, "6")]}, UNITS
    )
    assert cost(rates, input_tokens=200_000, output_tokens=10) == 200_000 * 10**6 + 10 * 4 * 10**6
    assert cost(rates, input_tokens=200_001, output_tokens=10) == 200_001 * 2 * 10**6 + 10 * 6 * 10**6


def test_a_request_has_its_price_whatever_it_used():
    rates = Rates({"input_tokens": "1", "requests": "5"}, UNITS)
    assert cost(rates, input_tokens=0) == PICO // 200


def test_fractions_of_a_pico_dollar_are_rounded_once():
    rates = Rates({"audio_seconds": "0.111"}, UNITS)  # by the hour
    assert cost(rates, audio_seconds=Fraction(15, 2)) == round(
        Fraction("7.5") * Fraction("0.111") * PICO / 3600
    )


def test_what_is_charged_at_least_is_charged_for_little_and_not_for_nothing():
    rates = Rates({"audio_seconds": "3.6"}, UNITS, {"audio_seconds": 10})
    assert cost(rates, audio_seconds=3) == cost(rates, audio_seconds=10) == PICO // 100
    assert cost(rates, audio_seconds=0) == 0
    assert cost(rates, audio_seconds=20) == PICO // 50


def test_usage_that_nobody_told_is_no_usage_of_0():
    rates = Rates(PLAIN, UNITS)
    assert rates.amount({}) is None
    assert rates.amount({"input_tokens": 10}) == Amount(25_000_000, ("output_tokens",))
    assert rates.amount({"output_tokens": 10}) == Amount(100_000_000, ("input_tokens",))
    assert rates.amount({"input_tokens": 0, "output_tokens": 0}) == Amount(0)


def test_a_model_that_is_free_costs_0_whatever_is_told():
    assert Rates({"input_tokens": "0", "output_tokens": "0"}, UNITS).amount({}) == Amount(0)


@given(models, counts, counts, counts, counts)
def test_more_tokens_never_cost_less(model, read, written, more_read, more_written):
    rates = rates_of(model)
    less = rates.amount({"input_tokens": read, "output_tokens": written})
    more = rates.amount({"input_tokens": read + more_read, "output_tokens": written + more_written})
    assert (less is None) == (more is None)
    if isinstance(less, Amount) and isinstance(more, Amount):
        assert 0 <= less.pico_usd <= more.pico_usd


@given(models, counts, counts, counts)
def test_what_is_read_from_a_cache_never_costs_more_than_what_is_not(model, read, written, cached):
    rates = rates_of(model)
    told = {"input_tokens": read + cached, "output_tokens": written}
    plain, from_cache = rates.amount(told), rates.amount({**told, "cache_read_tokens": cached})
    prices = model.prices[0].rates
    is_cheaper = all(
        isinstance(prices.get(unit), str | None) for unit in ("cache_read_tokens", "input_tokens")
    ) and float(prices.get("cache_read_tokens", "0")) <= float(prices.get("input_tokens", "0"))
    if is_cheaper and isinstance(plain, Amount) and isinstance(from_cache, Amount):
        assert from_cache.pico_usd <= plain.pico_usd


@given(st.lists(st.tuples(counts, counts), min_size=1), st.randoms())
def test_calls_of_a_plain_price_add_up_to_the_cost_of_their_tokens_in_whatever_order(calls, rng):
    rates = Rates(PLAIN, UNITS)
    costs = [cost(rates, input_tokens=read, output_tokens=written) for read, written in calls]
    rng.shuffle(costs)
    whole = cost(rates, input_tokens=sum(r for r, _ in calls), output_tokens=sum(w for _, w in calls))
    assert sum(costs) == whole
