"""What one model call costs, and how that is known."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

Basis = Literal["reported", "own", "listed", ""]
"""Where an amount comes from: whoever served or measured the call, a price file of one's own, the prices that come
with Flightlog; empty for none."""

Doubt = Literal[
    "no usage",
    "failed",
    "part of its usage",
    "contradictory usage",
    "no model",
    "unknown provider",
    "unknown model",
    "no price",
    "no price for its tier",
    "",
]
"""Why it is not known, or not known whole, what a call costs. `failed`: it failed and told no usage. `part of its
usage`: it costs at least what is known. `contradictory usage`: a part of its usage is greater than the whole."""


class Entry(Struct, frozen=True):
    """Which price an amount comes from."""

    source: str
    """Which prices, and of when: `genai-prices 0.2.3, 2026-11-21`; or the name of a file of one's own."""
    provider: str
    """As the prices name it."""
    model: str


class Charge(Struct, frozen=True, kw_only=True):
    """What one model call costs."""

    pico_usd: int | None = None
    """Trillionths of a US dollar; None is unknown, and never 0."""
    doubt: Doubt = ""
    basis: Basis = ""
    computed_pico_usd: int | None = None
    """Of a call whose cost is reported: what it costs by the prices."""
    entry: Entry | None = None
    """The price that it has, or would have if its usage were known."""

    @property
    def is_whole(self) -> bool:
        """Whether all that it costs is known."""
        return self.pico_usd is not None and not self.doubt
