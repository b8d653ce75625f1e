"""What a store must be told of prices: it has none of its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from msgspec import Struct

from flightlog.records.callfacts import CallFacts

Price = Callable[[CallFacts], int | None]
"""What a model call costs in trillionths of a US dollar; None for what is unknown."""


class Cost(Struct, frozen=True):
    """What a model call costs."""

    pico_usd: int | None
    """Trillionths of a US dollar; None is unknown."""
    is_whole: bool = True
    """Whether that is all of it; else it costs at least so much."""


class Prices(Protocol):
    """Prices of one version; what is remembered of a cost belongs to the version that it was computed with."""

    def version(self) -> int:
        """A number of 48 bits that changes whenever any price may have changed."""

    def cost(self, call: CallFacts) -> Cost:
        """What a call costs."""
