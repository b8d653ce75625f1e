"""What a call says it used: its attributes as counts by unit, how it was served, and what it was reported to cost.

Attribute names are those of `records/genai.py`; `gen_ai.usage.input_tokens` is the whole input. What is no count
(negative, not finite, a text, a truth value) was not told.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from fractions import Fraction
from math import isfinite
from typing import Any, Final

from flightlog.pricing.rates import INPUT, PICO, Count
from flightlog.records import genai

UNITS: Final[Mapping[str, str]] = {
    genai.INPUT_TOKENS: INPUT,
    genai.OUTPUT_TOKENS: "output_tokens",
    genai.CACHE_READ_TOKENS: "cache_read_tokens",
    genai.CACHE_WRITE_TOKENS: "cache_write_tokens",
    genai.REASONING_TOKENS: "output_reasoning_tokens",
}
"""Attribute to the unit of price lists."""

SHOWN: Final = (genai.INPUT_TOKENS, genai.OUTPUT_TOKENS, genai.CACHE_READ_TOKENS, genai.CACHE_WRITE_TOKENS)
"""What is shown of the usage beside money."""

SERVED_AS: Final = ("speed", "route", "search_type")
"""Facts of how a call was served, beside its tier, that some prices depend on."""

_SERVED_NAMES: Final = {name: (genai.RESPONSE + name, genai.REQUEST + name) for name in SERVED_AS}
_ALL_NAMES: Final = frozenset(
    (genai.BATCH, *genai.SERVICE_TIER, *(name for names in _SERVED_NAMES.values() for name in names))
)
_MOST: Final = 2**53
"""A count beyond this is no count."""
_PREFIX: Final = len(genai.USAGE)


def counts(attributes: Mapping[str, Any]) -> dict[str, Count]:
    """How many of each unit a call says it used."""
    found: dict[str, Count] = {}
    for name, value in attributes.items():
        unit = UNITS.get(name) or (name[_PREFIX:] if name.startswith(genai.USAGE) else "")
        if unit and (count := _count(value)) is not None:
            found[unit] = count
    return found


def tokens(attributes: Mapping[str, Any]) -> tuple[int, ...]:
    """Tokens of the whole input, of the output, read from a cache and written to one; 0 for what was not told."""
    return tuple(int(_count(attributes.get(name)) or 0) for name in SHOWN)


def circumstances(attributes: Mapping[str, Any]) -> dict[str, str]:
    """How a call was served, as far as prices may depend on it; empty for one like any other."""
    if _ALL_NAMES.isdisjoint(attributes):
        return {}
    found = {name: value for name, names in _SERVED_NAMES.items() if (value := _first(attributes, names))}
    tier = _first(attributes, genai.SERVICE_TIER).lower()
    if tier == "batch" or attributes.get(genai.BATCH) is True:
        found["processing"] = "batch"
    elif tier:
        found["service_tier"] = tier
    return found


def reported(attributes: Mapping[str, Any]) -> int | None:
    """Pico-dollars that a call was said to cost; None when nobody said."""
    for name in genai.REPORTED_COST:
        value = attributes.get(name)
        if isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value) and value >= 0:
            return round(Fraction(Decimal(repr(value))) * PICO)
    return None


def _first(attributes: Mapping[str, Any], names: Iterable[str]) -> str:
    """The first of these that is a text; empty for none."""
    told = (attributes.get(name) for name in names)
    return next((value for value in told if isinstance(value, str) and value), "")


def _count(value: object) -> Count | None:
    if type(value) is int:
        return value if 0 <= value <= _MOST else None
    if type(value) is float and isfinite(value) and 0 <= value <= _MOST:
        exact = Fraction(Decimal(repr(value)))
        return exact.numerator if exact.denominator == 1 else exact
    return None
