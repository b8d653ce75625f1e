"""What a call costs: whose price it has, and what stays unknown."""

from __future__ import annotations

import pytest

from flightlog.pricing.rates import PICO

GPT_4O = 1000 * 2_500_000 + 100 * 10_000_000
"""Pico-dollars of 1,000 tokens in and 100 out at 2.5 and 10 dollars a million."""


@pytest.mark.parametrize(
    ("provider", "model", "attributes", "sold_by"),
    [
        ("openai", "openai/gpt-4o", {}, "openai"),
        ("azure.ai.openai", "gpt-4o", {}, "azure"),
        ("openai", "gpt-4o", {"server.address": "mine.openai.azure.com"}, "azure"),
        ("openai", "deepseek-chat", {"server.address": "api.deepseek.com"}, "deepseek"),
        ("openai", "gpt-4o", {"server.address": "127.0.0.1"}, "openai"),
        ("x_ai", "grok-4", {}, "x-ai"),
        ("gcp.gen_ai", "models/gemini-2.5-flash", {}, "google"),
        ("gcp.vertex_ai", "publishers/google/models/gemini-2.5-pro", {}, "google"),
        ("mistral_ai", "mistral-large-latest", {}, "mistral"),
    ],
)
def test_a_call_has_the_price_of_whoever_served_it(book, call, provider, model, attributes, sold_by):
    charge = book.charge(call(provider, model, attributes=attributes))
    assert charge.is_whole
    assert charge.basis == "listed"
    assert charge.entry.provider == sold_by
    assert charge.entry.source == f"genai-prices {book.snapshot.version}, {book.snapshot.taken}"


def test_the_model_that_answered_decides_and_else_the_one_that_was_asked(book, call):
    asked = call("openai", "gpt-4o", **{"gen_ai.response.model": "gpt-4o-mini-2024-07-18"})
    assert book.charge(asked).entry.model == "gpt-4o-mini"
    deployed = call("azure", "our-deployment", **{"gen_ai.response.model": "gpt-4o-2024-11-20"})
    assert book.charge(deployed).entry.model == "gpt-4o"
    odd = call("openai", "gpt-4o", **{"gen_ai.response.model": "nobody-knows"})
    assert book.charge(odd).pico_usd == GPT_4O


@pytest.mark.parametrize(
    ("doubt", "facts"),
    [
        ("no model", {"provider": "openai"}),
        ("unknown model", {"provider": "openai", "model": "nobody-knows"}),
        ("unknown model", {"model": "nobody-knows"}),
        ("unknown model", {"provider": "azure.ai.openai", "model": "our-deployment"}),
        ("unknown provider", {"provider": "ollama", "model": "gpt-4o"}),
        ("unknown provider", {"provider": "ollama", "model": "openai/gpt-4o"}),
        ("no price", {"provider": "github-copilot", "model": "gpt-4o"}),
        ("no usage", {"provider": "openai", "model": "gpt-4o", "usage": {}}),
        ("no usage", {"provider": "openai", "model": "whisper-1"}),
        ("failed", {"provider": "openai", "model": "gpt-4o", "usage": {}, "status": "error"}),
        (
            "contradictory usage",
            {"provider": "openai", "model": "gpt-4o", "gen_ai.usage.cache_read.input_tokens": 1001},
        ),
        ("no price for its tier", {"provider": "openai", "model": "gpt-4", "flightlog.batch": True}),
        (
            "no price for its tier",
            {"provider": "azure", "model": "gpt-4o", "openai.response.service_tier": "priority"},
        ),
    ],
)
def test_what_is_unknown_has_a_reason_and_is_never_0(book, call, doubt, facts):
    charge = book.charge(
        call(facts.pop("provider", ""), facts.pop("model", ""), "2024-05-01T12:00:00", **facts)
    )
    assert (charge.pico_usd, charge.doubt, charge.basis) == (None, doubt, "")


def test_a_call_that_tells_a_part_of_its_usage_costs_at_least_that(book, call):
    charge = book.charge(call("openai", "gpt-4o", usage={"input_tokens": 1000}))
    assert (charge.pico_usd, charge.doubt) == (1000 * 2_500_000, "part of its usage")
    assert not charge.is_whole


@pytest.mark.parametrize("odd", [-1, 2**60, True, "1000", 1.5j, None, float("nan"), float("inf"), [1]])
def test_what_is_no_count_was_not_told(book, call, odd):
    charge = book.charge(call("openai", "gpt-4o", usage={"input_tokens": odd, "output_tokens": odd}))
    assert charge.doubt == "no usage"


def test_a_price_is_that_of_the_moment_at_which_the_call_began(book, call):
    model = next(
        model
        for provider in book.snapshot.providers
        if provider.id == "openai"
        for model in provider.models
        if len(model.prices) > 1
        and model.names
        and model.prices[1].since
        and model.prices[1].rates["input_tokens"] != model.prices[0].rates["input_tokens"]
    )
    first = model.prices[1].since.isoformat()
    name = min(model.names)
    before, after = (
        book.charge(call("openai", name, moment)).pico_usd
        for moment in ("2020-01-01T00:00:00", f"{first}T00:00:00")
    )
    assert before != after


def test_a_price_of_some_hours_holds_in_those_hours(book, call):
    night, day = (
        book.charge(call("deepseek", "deepseek-chat", f"2026-03-01T{hour}")).pico_usd
        for hour in ("16:30:00", "16:29:59")
    )
    assert (night, day) == (1000 * 135_000 + 100 * 550_000, 1000 * 270_000 + 100 * 1_100_000)


def test_a_batch_has_its_own_price_however_it_is_said(book, call):
    model = "claude-sonnet-4-5"
    plain = book.charge(call("anthropic", model, "2026-11-20T12:00:00")).pico_usd
    batch = [
        book.charge(call("anthropic", model, "2026-11-20T12:00:00", attributes=said)).pico_usd
        for said in ({"flightlog.batch": True}, {"flightlog.response.service_tier": "batch"})
    ]
    assert batch == [plain // 2, plain // 2]


@pytest.mark.parametrize("tier", ["default", "standard", "auto", "on_demand", "Default"])
def test_an_ordinary_tier_has_the_ordinary_price(book, call, tier):
    assert book.charge(call("openai", "gpt-4o", **{"openai.response.service_tier": tier})).pico_usd == GPT_4O


@pytest.mark.parametrize("name", ["gen_ai.usage.cost", "llm.cost.total"])
def test_a_reported_cost_is_taken_as_it_is_with_the_computed_one_beside_it(book, call, name):
    charge = book.charge(call("openai", "gpt-4o", **{name: 0.0123}))
    assert (charge.pico_usd, charge.basis, charge.doubt) == (round(0.0123 * PICO), "reported", "")
    assert charge.computed_pico_usd == GPT_4O
    alone = book.charge(call("ollama", "llama3", usage={}, **{name: 0}))
    assert (alone.pico_usd, alone.computed_pico_usd, alone.entry) == (0, None, None)


@pytest.mark.parametrize("odd", [-0.1, float("nan"), float("inf"), "0.1", True, None])
def test_a_reported_cost_that_is_none_is_not_taken(book, call, odd):
    assert book.charge(call("openai", "gpt-4o", **{"gen_ai.usage.cost": odd})).basis == "listed"


def test_other_things_that_are_charged_are_counted(book, call):
    plain = book.charge(call("openai", "gpt-4o")).pico_usd
    searched = book.charge(call("openai", "gpt-4o", **{"flightlog.usage.web_searches": 2})).pico_usd
    assert searched == plain + 2 * PICO // 100
    heard = book.charge(call("openai", "whisper-1", usage={}, **{"flightlog.usage.audio_seconds": 60.0}))
    assert heard.is_whole
    assert heard.pico_usd == round(0.006 * PICO)
