"""The prices of an installation: those that come with Flightlog, and the file that the setting `prices` names."""

from __future__ import annotations

from hashlib import blake2b
from pathlib import Path

from flightlog.pricing.book import PriceBook
from flightlog.pricing.own import OwnPrices, read
from flightlog.pricing.snapshot import FILE, bundled
from flightlog.records.callfacts import CallFacts
from flightlog.records.errors import BadDocument, BadSetting
from flightlog.settings import Settings
from flightlog.store.prices import Cost

_RULES = b"1"
"""Changes whenever the same prices make another cost of the same call."""


class Pricing:
    """The prices of an installation as a store asks for them (`store.port.Prices`), read when they are needed."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._book: PriceBook | None = None
        self._version: int | None = None

    def version(self) -> int:
        """A number of 48 bits made of all that prices depend on.

        Raises:
            BadSetting: the file that the settings name cannot be read.
        """
        if self._version is None:
            own = _own_bytes(self._settings)
            data = b"\0".join((_RULES, blake2b(FILE.read_bytes()).digest(), own))
            self._version = int.from_bytes(blake2b(data, digest_size=6).digest(), "big")
        return self._version

    def cost(self, call: CallFacts) -> Cost:
        """What a call costs.

        Raises:
            BadSetting: as for `price_book`.
        """
        if self._book is None:
            self._book = price_book(self._settings)
        charge = self._book.charge(call)
        return Cost(charge.pico_usd, is_whole=not charge.doubt)

    def price(self, call: CallFacts) -> int | None:
        """What a call costs in trillionths of a US dollar; None for what is unknown."""
        return self.cost(call).pico_usd


def price_book(settings: Settings) -> PriceBook:
    """The prices that hold under these settings.

    Raises:
        BadSetting: the file cannot be read, or is no price file; the message names the place in it.
    """
    return PriceBook(bundled(), own_prices(settings))


def own_prices(settings: Settings) -> OwnPrices | None:
    """The prices of the file that the settings name; None where they name none.

    Raises:
        BadSetting: as for `price_book`.
    """
    if not settings.prices:
        return None
    try:
        return read(_own_bytes(settings), Path(settings.prices).name, bundled().units)
    except BadDocument as error:
        raise _unusable(settings, error) from error


def _own_bytes(settings: Settings) -> bytes:
    if not settings.prices:
        return b""
    try:
        return Path(settings.prices).expanduser().read_bytes()
    except (OSError, RuntimeError) as error:
        raise _unusable(settings, error) from error


def _unusable(settings: Settings, error: Exception) -> BadSetting:
    reason = (error.strerror if isinstance(error, OSError) else "") or str(error)
    expected = f"a price file ({reason})"
    return BadSetting("prices", settings.prices, settings.origins["prices"], expected)
