"""Calls to be priced, made short."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from flightlog.pricing.book import PriceBook
from flightlog.records.callfacts import CallFacts

Make = Callable[..., CallFacts]


def call_of(
    provider: str = "", model: str = "", moment: str = "2026-11-20T12:00:00", **more: Any
) -> CallFacts:
    """A call with 1,000 tokens in and 100 out, unless `usage` says otherwise; `more` are attributes."""
    told = {"input_tokens": 1000, "output_tokens": 100} if "usage" not in more else more.pop("usage")
    names = {"gen_ai.provider.name": provider, "gen_ai.request.model": model}
    usage = {f"gen_ai.usage.{name}": number for name, number in told.items()}
    start = int(datetime.fromisoformat(moment).replace(tzinfo=UTC).timestamp()) * 10**9
    attributes = {
        **{name: word for name, word in names.items() if word},
        **usage,
        **more.pop("attributes", {}),
    }
    return CallFacts(
        trace_id="1" * 32,
        span_id="2" * 16,
        start=start,
        status=more.pop("status", "ok"),
        name="chat",
        kind="llm",
        attributes={**attributes, **more},
    )


@pytest.fixture(scope="session")
def book() -> PriceBook:
    """The prices that come with Flightlog."""
    return PriceBook()


@pytest.fixture
def call() -> Make:
    """Makes a call."""
    return call_of
