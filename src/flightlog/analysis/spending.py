"""What model calls add up to: calls, tokens and money, by what they have in common.

What is unknown is counted and never taken for 0: a sum is exact where all calls are known, else a least. A call with
several tags counts with each of them, so the rows by tag may add up to more than the total.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Final, Literal, get_args

from flightlog.pricing import usage
from flightlog.pricing.charge import Charge
from flightlog.records import genai
from flightlog.records.callfacts import CallFacts, models

Common = Literal["model", "day", "session", "user", "tag", "name", "provider", "project", "trace"]
"""What the calls of one row have in common. A day is one of UTC."""

COMMONS: Final[tuple[Common, ...]] = get_args(Common)

Key = tuple[str, ...]
"""What a row stands for, as texts; empty where the calls have none."""


class Spending:
    """What some calls add up to, while it grows."""

    __slots__ = (
        "cache_read_tokens",
        "cache_write_tokens",
        "calls",
        "doubts",
        "input_tokens",
        "output_tokens",
        "own_calls",
        "pico_usd",
        "priced_calls",
        "reported_calls",
        "sources",
        "unknown_calls",
    )

    def __init__(self) -> None:
        self.calls = 0
        self.priced_calls = 0
        """Calls of which at least a part of the cost is known."""
        self.unknown_calls = 0
        """Calls of which the cost is not known, or not known whole."""
        self.reported_calls = 0
        self.own_calls = 0
        self.pico_usd = 0
        self.input_tokens = 0
        self.output_tokens = 0
        self.cache_read_tokens = 0
        self.cache_write_tokens = 0
        self.doubts: Counter[str] = Counter()
        """Why calls are unknown."""
        self.sources: Counter[str] = Counter()
        """Calls by the prices that were used for them."""

    def add(self, call: CallFacts, charge: Charge) -> None:
        """Count a call."""
        self._add(charge, usage.tokens(call.attributes))

    def _add(self, charge: Charge, tokens: Sequence[int]) -> None:
        self.calls += 1
        read, written, from_cache, to_cache = tokens
        self.input_tokens += read
        self.output_tokens += written
        self.cache_read_tokens += from_cache
        self.cache_write_tokens += to_cache
        self.reported_calls += charge.basis == "reported"
        self.own_calls += charge.basis == "own"
        if charge.doubt:
            self.unknown_calls += 1
            self.doubts[charge.doubt] += 1
        if charge.pico_usd is not None:
            self.priced_calls += 1
            self.pico_usd += charge.pico_usd
            if charge.entry and charge.basis != "reported":
                self.sources[charge.entry.source] += 1

    @property
    def is_whole(self) -> bool:
        """Whether the cost of every call is known."""
        return not self.unknown_calls

    @property
    def known_pico_usd(self) -> int | None:
        """What is known to have been spent, a least where not all is known; None when nothing is."""
        return self.pico_usd if self.priced_calls or not self.calls else None


def spending(calls: Iterable[CallFacts], price: Callable[[CallFacts], Charge]) -> Spending:
    """What calls add up to."""
    total = Spending()
    for call in calls:
        total.add(call, price(call))
    return total


def spending_by(
    common: Common, calls: Iterable[CallFacts], price: Callable[[CallFacts], Charge]
) -> tuple[dict[Key, Spending], Spending]:
    """What calls add up to by what they have in common, the dearest first and days in their order; and in all."""
    keys_of = _KEYS[common]
    rows: dict[Key, Spending] = {}
    total = Spending()
    for call in calls:
        charge, tokens = price(call), usage.tokens(call.attributes)
        total._add(charge, tokens)  # noqa: SLF001 - once read, many times added
        for key in keys_of(call):
            row = rows.get(key)
            if row is None:
                row = rows[key] = Spending()
            row._add(charge, tokens)  # noqa: SLF001 - likewise
    return dict(sorted(rows.items(), key=_by_day if common == "day" else _by_money)), total


def _by_day(item: tuple[Key, Spending]) -> Key:
    return item[0]


def _by_money(item: tuple[Key, Spending]) -> tuple[int, int, int, Key]:
    key, row = item
    return -row.pico_usd, -(row.input_tokens + row.output_tokens), -row.calls, key


def _day(call: CallFacts) -> str:
    try:
        return f"{datetime.fromtimestamp(call.start // 10**9, tz=UTC):%Y-%m-%d}"
    except (ValueError, OverflowError, OSError):
        return ""


def _provider(call: CallFacts) -> str:
    value = call.attributes.get(genai.PROVIDER)
    return value if isinstance(value, str) else ""


def _model(call: CallFacts) -> str:
    return next(iter(models(call.attributes)), "")


_KEYS: Final[Mapping[str, Callable[[CallFacts], Iterable[Key]]]] = {
    "model": lambda call: [(_model(call), _provider(call))],
    "day": lambda call: [(_day(call),)],
    "session": lambda call: [(call.session or "",)],
    "user": lambda call: [(call.user or "",)],
    "tag": lambda call: [(tag,) for tag in dict.fromkeys(call.tags)] or [("",)],
    "name": lambda call: [(call.name,)],
    "provider": lambda call: [(_provider(call),)],
    "project": lambda call: [(call.project,)],
    "trace": lambda call: [(call.trace_id,)],
}
