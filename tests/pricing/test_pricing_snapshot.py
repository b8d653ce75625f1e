"""The prices that come with Flightlog are those of genai-prices: a call costs what that package says."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

import genai_prices
import pytest
from genai_prices.data import providers

from flightlog.pricing.book import PriceBook
from flightlog.pricing.clauses import fits_any
from flightlog.pricing.rates import PICO
from flightlog.pricing.snapshot import FILE, STALE_DAYS, Model, Price, bundled
from flightlog.records.callfacts import CallFacts

SNAPSHOT = bundled()
TOKENS = {
    "input_tokens": "gen_ai.usage.input_tokens",
    "output_tokens": "gen_ai.usage.output_tokens",
    "cache_read_tokens": "gen_ai.usage.cache_read.input_tokens",
    "cache_write_tokens": "gen_ai.usage.cache_write.input_tokens",
    "output_reasoning_tokens": "gen_ai.usage.reasoning.output_tokens",
}
CASES = 1500


def name_of(model: Model) -> str:
    """A name that means the model; empty where only somebody who knows its pattern finds one."""
    candidates = [*sorted(model.names), model.id.lower(), *(c.text for c in model.match if c.sign in "^$*")]
    return next((name for name in candidates if name in model.names or fits_any(model.match, name)), "")


def usage(units: set[str], rng: random.Random) -> dict[str, Any]:
    """Counts of which no part is greater than its whole."""
    size = rng.choice((0, 1, 999, 40_000, 128_000, 199_999, 200_000, 200_001, 272_001, 1_000_000))
    told: dict[str, Any] = {"input_tokens": size, "output_tokens": rng.randrange(5000)}
    parts = [
        u for u in sorted(units) if u not in told and SNAPSHOT.units[u].dimensions.get("family") == "tokens"
    ]
    for unit in parts:
        whole = SNAPSHOT.units[unit].dimensions["direction"] + "_tokens"
        told[unit] = rng.randrange(told[whole] // (4 * len(parts)) + 1)
    for unit in sorted(units - told.keys() - {"requests"}):
        told[unit] = rng.choice((0, 3, 7.5, 120)) if "seconds" in unit else rng.randrange(4)
    if "input_audio_seconds" in told and "audio_seconds" in told:
        told["input_audio_seconds"] = told["audio_seconds"]
    for unit in ("cache_write_1h_tokens", "cache_image_read_tokens", "cache_audio_read_tokens"):
        for whole in ("cache_write_tokens", "cache_read_tokens", "input_image_tokens", "input_audio_tokens"):
            if unit in told and whole in told:
                told[unit] = min(told[unit], told[whole])
    return told


def moments(price: Price) -> Iterator[datetime]:
    """Before, at and after the first moment at which a price holds."""
    if price.since:
        first = datetime.combine(price.since, time(), UTC)
        yield from (first - timedelta(seconds=1), first, first + timedelta(days=40))
    elif price.hours:
        for moment in price.hours:
            yield datetime.combine(date(2026, 3, 1), moment, UTC)
            yield datetime.combine(date(2026, 3, 1), moment, UTC) - timedelta(seconds=1)
    else:
        yield datetime(2026, 11, 20, 12, tzinfo=UTC)


def cases() -> list[tuple[str, str, dict[str, Any], datetime, dict[str, str]]]:
    """Provider, model, usage, moment and circumstances, for something of every price, the same at each run."""
    rng = random.Random(41)
    found = []
    for provider in SNAPSHOT.providers:
        for model in provider.models:
            name = name_of(model)
            if not name:
                continue
            units = {unit for price in (*model.prices, *model.variants) for unit in price.rates}
            for price in (*model.prices, *model.variants):
                found += [(provider.id, name, usage(units, rng), when, price.when) for when in moments(price)]
    rng.shuffle(found)
    dear = [case for case in found if case[4] or len(case[2]) > 3]
    return (dear + found)[:CASES]


def attributes(provider: str, model: str, told: dict[str, Any], when: dict[str, str]) -> dict[str, Any]:
    facts: dict[str, Any] = {"gen_ai.provider.name": provider, "gen_ai.request.model": model}
    facts |= {TOKENS.get(unit, f"flightlog.usage.{unit}"): count for unit, count in told.items()}
    for name, value in when.items():
        facts |= {"flightlog.batch": True} if name == "processing" else {f"flightlog.response.{name}": value}
    return facts


def by_genai_prices(
    provider: str, model: str, told: dict[str, Any], moment: datetime, when: dict[str, str]
) -> Decimal | None:
    try:
        found = genai_prices.calc_price(
            genai_prices.Usage(**told),
            model,
            provider_id=provider,
            genai_request_timestamp=moment,
            price_context=when or None,
        )
    except ValueError:
        return None
    return found.total_price


def test_a_call_costs_what_genai_prices_says(book: PriceBook):
    different = []
    compared = contradictory = tiers = 0
    for provider, model, told, moment, when in cases():
        call = CallFacts(
            trace_id="1",
            span_id="1",
            start=int(moment.timestamp()) * 10**9,
            status="ok",
            name="chat",
            kind="llm",
            attributes=attributes(provider, model, told, when),
        )
        charge = book.charge(call)
        theirs = by_genai_prices(provider, model, told, moment, when)
        if theirs is None:
            contradictory += charge.doubt == "contradictory usage"
            continue
        if charge.doubt in {"no price", "no price for its tier"}:  # there 0, and the ordinary price
            tiers += 1
            continue
        compared += 1
        expected = int((theirs * PICO).quantize(Decimal(1), ROUND_HALF_EVEN))
        if charge.pico_usd is None or abs(charge.pico_usd - expected) > 1 or not charge.is_whole:
            different.append((provider, model, told, f"{moment}", when, charge, expected))
    assert different == []
    assert compared >= 1000
    assert tiers + contradictory < CASES // 4


@pytest.mark.parametrize(
    ("provider", "model"),
    [
        ("openai", "gpt-4o-2024-08-06"),
        ("openai", "gpt-5.2-20251211"),
        ("openai", "GPT-4o"),
        ("", "gpt-4o"),
        ("", "claude-3-5-haiku-latest"),
        ("", "gemini-2.5-pro"),
        ("litellm", "openai/gpt-4o"),
        ("litellm", "anthropic/claude-3-5-haiku-latest"),
        ("openrouter", "openai/gpt-4o"),
        ("aws", "anthropic.claude-3-5-sonnet-20241022-v2:0"),
        ("aws.bedrock", "us.anthropic.claude-sonnet-4-20250514-v1:0"),
        ("azure", "gpt-4o-2024-11-20"),
        ("google", "claude-sonnet-4@20250514"),
        ("gcp.vertex_ai", "gemini-2.5-flash"),
        ("groq", "llama-3.3-70b-versatile"),
        ("together_ai", "meta-llama/Llama-3.3-70B-Instruct-Turbo"),
        ("mistral", "mistral-large-latest"),
    ],
)
def test_a_name_means_the_entry_that_genai_prices_finds(book, call, provider, model):
    asked = call(provider, model)
    moment = datetime.fromtimestamp(asked.start / 1e9, UTC)
    theirs = genai_prices.calc_price(
        genai_prices.Usage(input_tokens=1000, output_tokens=100),
        model,
        provider_id=provider or None,
        genai_request_timestamp=moment,
    )
    charge = book.charge(asked)
    assert charge.entry is not None
    assert (charge.entry.provider, charge.entry.model) == (theirs.provider.id, theirs.model.id)
    assert charge.pico_usd == theirs.total_price * PICO


def test_every_provider_and_model_of_the_package_is_there():
    theirs = {(provider.id, model.id) for provider in providers for model in provider.models}
    assert {(provider.id, model.id) for provider in SNAPSHOT.providers for model in provider.models} == theirs


def test_the_file_is_small_dated_and_keeps_its_licence():
    assert FILE.stat().st_size < 1_000_000
    assert SNAPSHOT.name == f"genai-prices {genai_prices.__version__}"
    assert "MIT License" in SNAPSHOT.licence
    assert "Copyright (c) Pydantic Services Inc." in SNAPSHOT.licence
    assert date(2026, 11, 21) <= SNAPSHOT.taken


def test_prices_are_stale_after_ninety_days():
    last = SNAPSHOT.taken + timedelta(days=STALE_DAYS)
    assert not SNAPSHOT.is_stale(last)
    assert SNAPSHOT.is_stale(last + timedelta(days=1))
