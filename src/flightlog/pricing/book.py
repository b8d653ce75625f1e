"""A price book: asked for a call, it says what that costs.

What somebody reported wins, for it is what was charged; what the prices say stands beside it. Of prices, one's own win
over those that come with Flightlog. A price is that of the moment at which the call began.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, time
from typing import Final

from flightlog.pricing import usage
from flightlog.pricing.charge import Basis, Charge, Doubt, Entry
from flightlog.pricing.finding import Finder, Listed, Unlisted
from flightlog.pricing.own import OwnPrice, OwnPrices, first
from flightlog.pricing.rates import Amount, Contradiction, Rates
from flightlog.pricing.snapshot import Model, Price, RateText, Snapshot, bundled
from flightlog.records import genai
from flightlog.records.callfacts import CallFacts, models

ORDINARY: Final = frozenset({"default", "standard", "auto", "on_demand", "normal"})
"""Words for a tier that has the ordinary price, unless the prices say otherwise."""

_STRICT: Final = ("processing", "service_tier", "speed")
"""Circumstances that have a price of their own wherever they are sold; without it nothing is known."""

_DAY_NS: Final = 86_400 * 10**9

_Meant = tuple[str, tuple[str, ...], str]


class PriceBook:
    """Prices that answer for calls; it remembers what it looked up. Used by one thread at a time."""

    def __init__(self, snapshot: Snapshot | None = None, own: OwnPrices | None = None) -> None:
        self.snapshot: Final = snapshot or bundled()
        self.own: Final = own
        self.source: Final = f"{self.snapshot.name}, {self.snapshot.taken}"
        """Where the prices that come with Flightlog are from, and of when."""
        self._finder = Finder(self.snapshot)
        self._found: dict[_Meant, Listed | Unlisted] = {}
        self._own_found: dict[_Meant, list[OwnPrice]] = {}
        self._rates: dict[tuple[int, ...], Rates] = {}
        self._own_rates: dict[int, Rates] = {}

    def charge(self, call: CallFacts) -> Charge:
        """What a call costs."""
        computed = self._computed(call)
        reported = usage.reported(call.attributes)
        if reported is None:
            return computed
        return Charge(
            pico_usd=reported,
            basis="reported",
            computed_pico_usd=computed.pico_usd if computed.is_whole else None,
            entry=computed.entry,
        )

    def _computed(self, call: CallFacts) -> Charge:
        """What it costs by the prices."""
        attributes = call.attributes
        names = models(attributes)
        if not names:
            return Charge(doubt="no model")
        provider, address = (_word(attributes, name) for name in (genai.PROVIDER, genai.SERVER_ADDRESS))
        served = usage.circumstances(attributes)
        meant = (provider, names, address)
        if self.own and (price := first(self._own_meant(self.own, meant), call.start, served)):
            rates = self._own_rates.get(id(price)) or self._learn_own(price)
            return _told(call, rates, "own", Entry(price.source, price.provider, price.model))
        found = self._listed(meant)
        if isinstance(found, Unlisted):
            is_unknown_seller = bool(provider) and not found.is_known_provider
            return Charge(doubt="unknown provider" if is_unknown_seller else "unknown model")
        listed, doubt = self._rates_of(found, call.start, served)
        entry = Entry(self.source, found.provider.id, found.model.id)
        return Charge(doubt=doubt, entry=entry) if listed is None else _told(call, listed, "listed", entry)

    def _listed(self, meant: _Meant) -> Listed | Unlisted:
        found = self._found.get(meant)
        if found is None:
            found = self._found[meant] = self._finder.find(*meant)
        return found

    def _rates_of(self, found: Listed, start: int, served: Mapping[str, str]) -> tuple[Rates | None, Doubt]:
        """The rates of a model for a moment and the circumstances; without any, why."""
        model = found.model
        standard = _standing(model.prices, start)
        fitting = _fitting(model, start, served) if served and found.is_own else ()
        if served and _is_unpriced(served, (model.variants[place] for place in fitting)):
            return None, "no price for its tier"
        key = (id(model), standard, *fitting)
        rates = self._rates.get(key)
        if rates is None:
            merged: dict[str, RateText] = {}
            for place in reversed(fitting):
                merged.update(model.variants[place].rates)
            told = {**(model.prices[standard].rates if model.prices else {}), **merged}
            rates = self._rates[key] = Rates(told, self.snapshot.units, model.least)
        return (rates, "") if rates.is_any else (None, "no price")

    def _own_meant(self, own: OwnPrices, meant: _Meant) -> list[OwnPrice]:
        """The entries of one's own that fit the names of a call."""
        found = self._own_found.get(meant)
        if found is None:
            provider, names, address = meant
            listed = self._finder.provider(provider.strip().lower()) if provider else None
            providers = [provider, listed.id] if listed else [provider]
            found = self._own_found[meant] = own.meant(providers, names, address)
        return found

    def _learn_own(self, price: OwnPrice) -> Rates:
        rates = self._own_rates[id(price)] = Rates(price.rates, self.snapshot.units)
        return rates


def _told(call: CallFacts, rates: Rates, basis: Basis, entry: Entry) -> Charge:
    """A call's charge by these rates."""
    amount = rates.amount(usage.counts(call.attributes))
    if isinstance(amount, Contradiction):
        return Charge(doubt="contradictory usage", entry=entry)
    if not isinstance(amount, Amount):
        return Charge(doubt="failed" if call.status == "error" else "no usage", entry=entry)
    doubt: Doubt = "part of its usage" if amount.missing else ""
    return Charge(pico_usd=amount.pico_usd, doubt=doubt, basis=basis, entry=entry)


def _standing(prices: Sequence[Price], start: int) -> int:
    """The place of the last price that holds at a moment; of the first where none does."""
    return next((place for place in range(len(prices) - 1, 0, -1) if _holds(prices[place], start)), 0)


def _fitting(model: Model, start: int, served: Mapping[str, str]) -> tuple[int, ...]:
    """The places of the variants that hold for a call served like that."""
    return tuple(
        place
        for place, variant in enumerate(model.variants)
        if all(served.get(name) == value for name, value in variant.when.items()) and _holds(variant, start)
    )


def _is_unpriced(served: Mapping[str, str], variants: Iterable[Price]) -> bool:
    """Whether a call was served in a way that has a price of its own, which these variants do not tell."""
    missing = {name for name in _STRICT if served.get(name, "default") not in ORDINARY}
    return bool(missing.difference(*(variant.when for variant in variants)))


def _holds(price: Price, start: int) -> bool:
    if price.since is not None:
        return start // _DAY_NS >= (price.since - _EPOCH).days
    if price.hours is not None:
        first, last = map(_ns, price.hours)
        now = start % _DAY_NS
        return first <= now < last if first <= last else now >= first or now < last
    return True


_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC).date()


def _ns(moment: time) -> int:
    return ((moment.hour * 60 + moment.minute) * 60 + moment.second) * 10**9


def _word(attributes: Mapping[str, object], name: str) -> str:
    value = attributes.get(name)
    return value if isinstance(value, str) else ""
