"""A price file of one's own: contracts, machines of one's own, models that no list knows. TOML or JSON.

    source = "contract of March"          # shown beside what it says; else the file's name
    [[prices]]
    provider = "openai"                   # name or pattern; any provider without it
    model = "gpt-4o*"                     # name or pattern of the model that answered, or was asked for
    server = "llm.internal"               # name or pattern of the host; any host without it
    since = 2026-01-01                    # the first day, in UTC
    until = 2026-07-01                    # the first day on which it holds no more
    service_tier = "flex"                 # calls of this tier alone; batch = true: those of batches alone
    input = 2.5                           # US dollars for a million tokens
    output = 10
    cache_read = 1.25
    request = 0.001                       # US dollars for each call
    tiers = [{ above = 200_000, input = 5, output = 15 }]

The first entry that fits a call decides alone. What else can be charged is called as in the prices that come with
Flightlog, `_tokens` left out: tokens by the million, everything else (`audio_seconds`, `web_searches`) by the piece.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from fnmatch import translate
from typing import Any, Final

from msgspec import Struct

from flightlog.pricing.snapshot import RateText, Unit
from flightlog.records.errors import BadDocument

_TOKENS: Final = "_tokens"
_SHORT: Final = {"reasoning": "output_reasoning_tokens", "request": "requests"}
_CONDITIONS: Final = ("provider", "model", "server", "since", "until", "service_tier", "batch", "tiers")
_MOST: Final = Decimal(10**9)
_DAY_NS: Final = 86_400 * 10**9
_EPOCH: Final = date(1970, 1, 1)


class OwnPrice(Struct, frozen=True, kw_only=True):
    """One entry of a price file."""

    provider: str = "*"
    model: str = "*"
    server: str = "*"
    since: int | None = None
    """Days since 1970, UTC."""
    until: int | None = None
    when: Mapping[str, str] = {}
    """Circumstances that a call must have."""
    rates: Mapping[str, RateText]
    source: str

    def holds(self, day: int, served: Mapping[str, str]) -> bool:
        """Whether it is for a call of this day, and in these circumstances."""
        has_begun = self.since is None or day >= self.since
        is_over = self.until is not None and day >= self.until
        return (
            has_begun and not is_over and all(served.get(name) == value for name, value in self.when.items())
        )


class OwnPrices:
    """The entries of a price file, in order."""

    def __init__(self, source: str, prices: Sequence[OwnPrice]) -> None:
        self.source: Final = source
        self.prices: Final = prices
        self._patterns = [
            tuple(re.compile(translate(text.lower())) for text in (one.provider, one.model, one.server))
            for one in prices
        ]

    def meant(self, providers: Sequence[str], models: Sequence[str], address: str) -> list[OwnPrice]:
        """The entries that fit these names, in order; some may hold at other times, or in other circumstances."""
        asked = [[name.strip().lower() for name in names] for names in (providers or [""], models, [address])]
        return [
            price
            for price, patterns in zip(self.prices, self._patterns, strict=True)
            if all(
                any(pattern.match(name) for name in names)
                for pattern, names in zip(patterns, asked, strict=True)
            )
        ]


def first(prices: Sequence[OwnPrice], start: int, served: Mapping[str, str]) -> OwnPrice | None:
    """The first of these that holds for a call that began then, in these circumstances."""
    return next((price for price in prices if price.holds(start // _DAY_NS, served)), None)


def read(data: bytes, name: str, units: Mapping[str, Unit]) -> OwnPrices:
    """Read a price file.

    Args:
        data: its content: JSON where it begins with a brace, else TOML.
        name: what it is called.
        units: what can be charged.

    Raises:
        BadDocument: it is none; the message names the place.
    """
    import tomllib  # where somebody has a file of their own

    try:
        text = data.decode()
        found = (
            json.loads(text, parse_float=Decimal)
            if text.lstrip().startswith("{")
            else tomllib.loads(text, parse_float=Decimal)
        )
    except ValueError as error:
        raise BadDocument(f"{name} is neither TOML nor JSON: {error}") from error
    source = found.get("source", name)
    entries = found.get("prices")
    if not isinstance(source, str):
        raise BadDocument(f"{name}: source is {source!r}; expected a text")
    if not isinstance(entries, list) or found.keys() - {"source", "prices"}:
        odd = ", ".join(sorted(found.keys() - {"source", "prices"}))
        told = f"there is also {odd}" if odd else "there is no list `prices`"
        raise BadDocument(f"{name}: {told}; expected source and a list prices ([[prices]] in TOML)")
    return OwnPrices(
        source, [_Entry(f"{name}: prices[{n}]", one, units).read(source) for n, one in enumerate(entries, 1)]
    )


class _Entry:
    """One entry while it is read."""

    def __init__(self, place: str, told: object, units: Mapping[str, Unit]) -> None:
        if not isinstance(told, dict):
            raise BadDocument(f"{place} is {told!r}; expected a table")
        self._place = place
        self._told: dict[str, Any] = told
        self._units = units

    def read(self, source: str) -> OwnPrice:
        tier = self._text("service_tier", "")
        when = {"service_tier": tier.lower()} if tier else {}
        batch = self._told.get("batch", False)
        if not isinstance(batch, bool):
            raise self._wrong("batch", batch, "true or false")
        rates = self._rates()
        if not rates:
            raise BadDocument(f"{self._place} has no price; expected one such as input = 2.5")
        return OwnPrice(
            provider=self._text("provider", "*"),
            model=self._text("model", "*"),
            server=self._text("server", "*"),
            since=self._day("since"),
            until=self._day("until"),
            when={**when, **({"processing": "batch"} if batch else {})},
            rates=rates,
            source=source,
        )

    def _rates(self) -> dict[str, RateText]:
        base = dict(self._priced(self._told, ""))
        steps: dict[str, list[tuple[int, str]]] = {unit: [(0, price)] for unit, price in base.items()}
        tiers = self._told.get("tiers", [])
        if not isinstance(tiers, list):
            raise self._wrong("tiers", tiers, "a list of tables")
        for number, tier in enumerate(tiers, 1):
            where = f"tiers[{number}]"
            if not isinstance(tier, dict):
                raise self._wrong(where, tier, "a table")
            above = tier.get("above")
            if type(above) is not int or above < 1:
                raise self._wrong(f"{where}.above", above, "a number of input tokens, 1 or more")
            for unit, price in self._priced(tier, f"{where}."):
                if unit not in steps:
                    raise BadDocument(f"{self._place}.{where} has a price that the entry itself has not")
                steps[unit].append((above, price))
        return {unit: one[0][1] if len(one) == 1 else one for unit, one in steps.items()}

    def _priced(self, told: Mapping[str, Any], where: str) -> Iterator[tuple[str, str]]:
        """Units and their prices, as the prices that come with Flightlog have them."""
        for key, value in told.items():
            if key in ({"above"} if where else _CONDITIONS):
                continue
            unit = next((u for u in (_SHORT.get(key, ""), key + _TOKENS, key) if u in self._units), "")
            if not unit:
                known = ", ".join(
                    sorted({"input", "output", "cache_read", "cache_write", "reasoning", "request"})
                )
                raise self._wrong(
                    where + key, value, f"another name: one of {known}, or another unit", "is no price"
                )
            per = self._units[unit].per
            yield unit, f"{self._price(where + key, value) * (1 if unit.endswith(_TOKENS) else per):f}"

    def _price(self, key: str, value: object) -> Decimal:
        if isinstance(value, bool) or not isinstance(value, int | Decimal):
            raise self._wrong(key, value, "US dollars, a number")
        price = Decimal(value)
        if not price.is_finite() or not 0 <= price <= _MOST:
            raise self._wrong(key, value, "US dollars, 0 or more")
        return price

    def _text(self, key: str, default: str) -> str:
        value = self._told.get(key, default)
        if not isinstance(value, str) or (key in self._told and not value):
            raise self._wrong(key, value, "a text")
        return value

    def _day(self, key: str) -> int | None:
        value = self._told.get(key)
        if isinstance(value, str):
            try:
                value = date.fromisoformat(value)
            except ValueError:
                raise self._wrong(key, value, "a day such as 2026-01-31") from None
        if value is None:
            return None
        if type(value) is not date:
            raise self._wrong(key, str(value), "a day such as 2026-01-31")
        return (value - _EPOCH).days

    def _wrong(self, key: str, value: object, expected: str, what: str = "") -> BadDocument:
        shown = str(value) if isinstance(value, Decimal) else repr(value)
        told = what or f"is {shown}"
        return BadDocument(f"{self._place}.{key} {told}; expected {expected}")
