"""How an integration takes up spans that were paused: they are read from the home, which only upper floors can do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from flightlog.core.engine import Span
    from flightlog.records.span import Span as Record


class Paused(Protocol):
    """Gives paused spans back. Both may take the time that the home's journals take to be read."""

    def take_up(self, ref: object, value: object) -> Span:
        """The span as `flightlog.resume` gives it, not entered yet.

        Args:
            ref: as `flightlog.resume` takes it.
            value: the answer that it waited for.

        Raises:
            UnknownId: there is no such span.
            NotPaused: it does not wait.
        """

    def find(self, attribute: str, value: str) -> list[Record]:
        """Every span of the newest trace in which a span has this attribute and waits; empty where there is none."""


paused: Paused | None = None
"""Set when the package is imported."""
