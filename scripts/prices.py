"""Write `src/flightlog/pricing/prices.json`: what model calls cost, taken from the genai-prices package.

python scripts/prices.py                    from the installed genai-prices, dated today
python scripts/prices.py --date 2026-11-21  dated as given: the day on which that package was the newest

What prices depend on is kept: providers, the rules by which names of models are recognised, prices with the dates
and hours from which they hold, tiers, and variants such as batch. Descriptions, comments and the rules that read
usage out of responses are left out. A model whose name says that it is free costs 0; one without any price has none.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from importlib.metadata import distribution, version
from pathlib import Path
from typing import Any, Final

from genai_prices import types
from genai_prices.data import providers
from genai_prices.data_units import unit_data

TARGET: Final = Path(__file__).resolve().parents[1] / "src" / "flightlog" / "pricing" / "prices.json"
PACKAGE: Final = "genai-prices"
HOMEPAGE: Final = "https://github.com/pydantic/genai-prices"

PRICE_UNITS: Final = {unit["price_key"]: name for name, unit in unit_data.items()}
FREE: Final = ("input_tokens", "output_tokens")
"""What costs 0 of a model whose name ends in `:free`."""

LEAST: Final = {
    ("groq", "whisper-large-v3"): {"audio_seconds": 10, "input_audio_seconds": 10},
    ("groq", "whisper-large-v3-turbo"): {"audio_seconds": 10, "input_audio_seconds": 10},
}
"""What is charged at least where anything is charged; genai-prices has it in its code and not in its data."""

_SIGNS: Final = {
    types.ClauseEquals: ("=", "equals"),
    types.ClauseStartsWith: ("^", "starts_with"),
    types.ClauseEndsWith: ("$", "ends_with"),
    types.ClauseContains: ("*", "contains"),
    types.ClauseRegex: ("~", "regex"),
}


def main() -> None:
    """Write the file."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--date", default=f"{datetime.now(tz=UTC):%Y-%m-%d}")
    taken = parser.parse_args().date
    TARGET.write_text("".join(document(taken)), encoding="utf-8")
    print(
        f"{TARGET.name}: {sum(len(one.models) for one in providers):,} models, {TARGET.stat().st_size:,} bytes"
    )


def document(taken: str) -> Iterator[str]:
    """The file, one model a line, so that a change of prices reads as one in a diff."""
    head: dict[str, Any] = {
        "source": PACKAGE,
        "version": version(PACKAGE),
        "taken": taken,
        "url": HOMEPAGE,
        "licence": _licence(),
        "units": {name: _unit(unit) for name, unit in unit_data.items()},
    }
    yield "{\n" + "".join(f"{_json(name)}:{_json(value)},\n" for name, value in head.items())
    yield '"providers":[\n' + ",\n".join(_provider(one) for one in providers) + "\n]}\n"


def _licence() -> str:
    """The text of the package's licence, which it asks to be kept with copies."""
    found = distribution(PACKAGE)
    (path,) = (file for file in found.files or () if file.name == "LICENSE")
    return path.read_text()


def _unit(unit: Mapping[str, Any]) -> dict[str, Any]:
    return {"per": unit["per"], "is": unit["dimensions"]}


def _provider(provider: types.Provider) -> str:
    head = {
        "id": provider.id,
        "name": provider.name,
        "url": provider.api_pattern,
        "called": _clauses(provider.provider_match),
        "serves": _clauses(provider.model_match),
        "fallback": provider.fallback_model_providers or [],
    }
    told = ",".join(f"{_json(name)}:{_json(value)}" for name, value in head.items() if value)
    return (
        f'{{{told},"models":[\n' + ",\n".join(_json(_model(provider.id, m)) for m in provider.models) + "\n]}"
    )


def _model(provider: str, model: types.ModelInfo) -> dict[str, Any]:
    clauses = _clauses(model.match)
    prices = (
        [types.ConditionalPrice(prices=model.prices)]
        if isinstance(model.prices, types.ModelPrice)
        else model.prices
    )
    told = {
        "id": model.id,
        "names": [clause[1] for clause in clauses if clause[0] == "="],
        "match": [clause for clause in clauses if clause[0] != "="],
        "prices": [_price(price, model.id) for price in prices],
        "variants": [{"when": one.when, **_price(one, "")} for one in model.price_variants or ()],
        "least": LEAST.get((provider, model.id), {}),
    }
    return {name: value for name, value in told.items() if value}


def _price(price: types.ConditionalPrice | types.PriceVariant, model: str) -> dict[str, Any]:
    rates = {
        PRICE_UNITS[name]: _rate(value) for name, value in vars(price.prices).items() if value is not None
    }
    if not rates and model.endswith(":free"):
        rates = dict.fromkeys(FREE, "0")
    told: dict[str, Any] = {"rates": rates}
    if isinstance(price.constraint, types.StartDateConstraint):
        told["since"] = price.constraint.start_date.isoformat()
    elif isinstance(price.constraint, types.TimeOfDateConstraint):
        told["hours"] = [_utc(price.constraint.start_time), _utc(price.constraint.end_time)]
    return told


def _utc(moment: Any) -> str:
    """A time of day, in UTC; one without a zone is meant so."""
    if moment.tzinfo is not None:
        moment = datetime.combine(datetime(1970, 1, 1, tzinfo=UTC), moment).astimezone(UTC).time()
    return f"{moment:%H:%M:%S}"


def _rate(value: Decimal | types.TieredPrices) -> str | list[tuple[int, str]]:
    if isinstance(value, Decimal):
        return f"{value:f}"
    return [(0, f"{value.base:f}"), *((tier.start, f"{tier.price:f}") for tier in value.tiers)]


def _clauses(match: Any) -> list[Any]:
    """Alternatives, of which one must hold."""
    if match is None:
        return []
    if isinstance(match, types.ClauseOr):
        return [clause for part in match.or_ for clause in _clauses(part)]
    if isinstance(match, types.ClauseAnd):
        return [["&", "", [_all_of(part) for part in match.and_]]]
    sign, field = _SIGNS[type(match)]
    text = getattr(match, field)
    return [[sign, text if sign == "~" else text.lower()]]


def _all_of(part: Any) -> list[Any]:
    found = _clauses(part)
    return found[0] if len(found) == 1 else ["|", "", found]


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


if __name__ == "__main__":
    main()
