"""The prices of an installation: those that come with Flightlog, and the file that the setting `prices` names."""

from __future__ import annotations

from pathlib import Path

from flightlog.pricing.book import PriceBook
from flightlog.pricing.own import OwnPrices, read
from flightlog.pricing.snapshot import bundled
from flightlog.records.errors import BadDocument, BadSetting
from flightlog.settings import Settings


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
        path = Path(settings.prices).expanduser()
        return read(path.read_bytes(), path.name, bundled().units)
    except (OSError, RuntimeError, BadDocument) as error:
        reason = (error.strerror if isinstance(error, OSError) else "") or str(error)
        expected = f"a price file ({reason})"
        raise BadSetting("prices", settings.prices, settings.origins["prices"], expected) from error
