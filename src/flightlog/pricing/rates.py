"""Prices of one call as a plan that is followed for each call: exact to a trillionth of a dollar.

A count may be part of another: tokens read from a cache are part of the input, tokens of audio read from a cache
are part of both. Each unit that has a price is charged for what none of its parts with a price of their own is
charged for. Rates are integers of trillionths (pico-dollars) a unit where they can be, fractions where not; what a
call costs is rounded once, half to even, and sums of calls are exact, in whatever order.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Final, NamedTuple

from flightlog.pricing.snapshot import RateText, Unit

PICO: Final = 10**12
"""Pico-dollars in a dollar."""

Count = int | Fraction
"""How many of a unit; seconds may be a fraction."""

Counts = Mapping[str, Count]
"""By unit; one that is not there was not told."""

INPUT: Final = "input_tokens"
"""The whole input, cached parts included; its size chooses among tiers."""

REQUESTS: Final = "requests"
_EXTRAS: Final = frozenset({"tool_calls", "requests"})
"""Families of what is charged beside the usage proper: a call that does not tell them had none."""


class Contradiction(NamedTuple):
    """Counts of which a part is greater than the whole."""

    unit: str


class Amount(NamedTuple):
    """What counts cost."""

    pico_usd: int
    missing: tuple[str, ...] = ()
    """Units that are charged and were not told, so it costs at least that."""


class _Line(NamedTuple):
    unit: str
    parts: tuple[int, ...]
    """Places of the lines that are parts of it; they stand before it."""
    tiers: tuple[tuple[int, Count], ...]
    """More than so many tokens of input, and the pico-dollars of one unit; the first holds from nothing on."""


class Rates:
    """What one call costs, by what it used."""

    __slots__ = ("_least", "_lines", "_tokens", "_wanted")

    def __init__(
        self, told: Mapping[str, RateText], units: Mapping[str, Unit], least: Mapping[str, int] | None = None
    ) -> None:
        known = [name for name in told if name in units]
        ordered = sorted(known, key=lambda name: (-len(units[name].dimensions), name))
        self._lines = [
            _Line(
                name,
                tuple(place for place, part in enumerate(ordered) if _is_part(units[part], units[name])),
                _tiers(told[name], units[name].per),
            )
            for name in ordered
        ]
        self._least = dict(least or {})
        wanted = [line for line in self._lines if _is_wanted(line, ordered, units)]
        self._wanted = tuple(line.unit for line in wanted)
        self._tokens = tuple(
            name for name in self._wanted if units[name].dimensions.get("family") == "tokens"
        )

    @property
    def is_any(self) -> bool:
        """Whether anything has a price."""
        return bool(self._lines)

    def amount(self, counts: Counts) -> Amount | Contradiction | None:
        """What a call costs that used so much; None when it told nothing that is charged."""
        if self._wanted and not any(name in counts for name in self._wanted):
            return None
        size = counts.get(INPUT, 0)
        left: list[Count] = []
        total: Count = 0
        for unit, parts, tiers in self._lines:
            count = self._charged(unit, counts)
            for place in parts:
                count -= left[place]
            if count < 0:
                if unit in counts:
                    return Contradiction(unit)
                count = 0
            left.append(count)
            if count:
                total += count * (tiers[0][1] if len(tiers) == 1 else _rate(tiers, size))
        return Amount(round(total), tuple(name for name in self._tokens if name not in counts))

    def _charged(self, unit: str, counts: Counts) -> Count:
        if unit == REQUESTS:
            return 1
        count = counts.get(unit, 0)
        return max(count, self._least[unit]) if count and unit in self._least else count


def _is_part(part: Unit, whole: Unit) -> bool:
    return (
        len(part.dimensions) > len(whole.dimensions) and part.dimensions.items() >= whole.dimensions.items()
    )


def _is_wanted(line: _Line, priced: list[str], units: Mapping[str, Unit]) -> bool:
    """Whether a unit is charged, is no part of another that has a price, and is what a call is made of."""
    unit = units[line.unit]
    is_extra = unit.dimensions.get("family") in _EXTRAS
    is_part = any(_is_part(unit, units[name]) for name in priced)
    return not is_extra and not is_part and any(rate for _, rate in line.tiers)


def _tiers(told: RateText, per: int) -> tuple[tuple[int, Count], ...]:
    steps = [(0, told)] if isinstance(told, str) else sorted(told)
    return tuple((start, _exact(Decimal(price), per)) for start, price in steps)


def _exact(price: Decimal, per: int) -> Count:
    """Pico-dollars of one unit."""
    rate = Fraction(price) * PICO / per
    return rate.numerator if rate.denominator == 1 else rate


def _rate(tiers: tuple[tuple[int, Count], ...], size: Count) -> Count:
    """The rate for an input of this size: all of it has the price of the tier that it reaches."""
    rate = tiers[0][1]
    for start, step in tiers[1:]:
        if size <= start:
            break
        rate = step
    return rate
