"""The prices that come with Flightlog: the data of the genai-prices package, pruned, and when it was taken.

`prices.json` is written by `scripts/prices.py` and holds the licence of the package (MIT). It is read when somebody
first asks what something costs, never before.
"""

from __future__ import annotations

from datetime import date, time
from functools import cache
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct, field

from flightlog.pricing.clauses import Clause

FILE: Final = Path(__file__).with_name("prices.json")
STALE_DAYS: Final = 90
"""Prices that were taken longer ago are likely to miss models and changes."""

RateText = str | list[tuple[int, str]]
"""US dollars for `Unit.per` units; or by size of the whole input, each from more than so many tokens on."""


class Unit(Struct, frozen=True):
    """Something that can be counted and charged."""

    per: int
    """So many of them have the price."""
    dimensions: dict[str, str] = field(name="is")
    """What it is a count of. A unit with all dimensions of another, and more, is a part of it."""


class Price(Struct, frozen=True):
    """Prices of a model, and when they hold."""

    rates: dict[str, RateText] = {}
    """By unit. Of a variant only those that differ."""
    since: date | None = None
    """The first day, in UTC, on which they hold."""
    hours: tuple[time, time] | None = None
    """The hours of each day, in UTC, in which they hold; the second is the first in which they do not."""
    when: dict[str, str] = {}
    """Of a variant: what must be said of the call, such as `processing: batch`."""


class Model(Struct, frozen=True):
    """One model as one provider sells it."""

    id: str
    names: frozenset[str] = frozenset()
    match: list[Clause] = []
    """Other names that mean it."""
    prices: list[Price] = []
    """The last one that holds is meant; where none does, the first."""
    variants: list[Price] = []
    """Of those that hold, the first that has a unit decides about it."""
    least: dict[str, int] = {}
    """By unit: so many are charged where fewer, but any, were used."""


class Provider(Struct, frozen=True):
    """Somebody who sells calls."""

    id: str
    name: str = ""
    url: str = ""
    """A regular expression for the beginnings of its addresses."""
    called: list[Clause] = []
    """Names of providers that mean it."""
    serves: list[Clause] = []
    """Names of models that mean it where no provider is named."""
    fallback: list[str] = []
    """Providers whose models it sells at their prices."""
    models: list[Model] = []


class Snapshot(Struct, frozen=True):
    """The prices of a day."""

    source: str
    version: str
    taken: date
    """The day on which that version was the newest."""
    url: str
    licence: str
    units: dict[str, Unit]
    providers: list[Provider]

    @property
    def name(self) -> str:
        """Where the prices come from, in a few words: `genai-prices 0.2.3`."""
        return f"{self.source} {self.version}"

    def is_stale(self, today: date) -> bool:
        """Whether it is older than `STALE_DAYS`."""
        return (today - self.taken).days > STALE_DAYS


@cache
def bundled() -> Snapshot:
    """The prices that come with this version."""
    return msgspec.json.decode(FILE.read_bytes(), type=Snapshot)
