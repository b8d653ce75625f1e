"""How a command gets to the records: find the home, let it catch up for a moment, open its store."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final

import click
from msgspec import structs

from flightlog.analysis.pace import Pace
from flightlog.cli import auditing
from flightlog.cli.asking import asks_cost
from flightlog.cli.render.words import of_them, size
from flightlog.configure import load_settings
from flightlog.home import Backlog, Home
from flightlog.records.callfacts import CallFacts
from flightlog.records.errors import BadQuestion, BadSetting, HomeUnusable
from flightlog.records.traces import Trace
from flightlog.settings import limits
from flightlog.store.port import Answer, Reader

if TYPE_CHECKING:
    from flightlog.pricelist import Pricing

PATIENCE: Final = 1.5
"""Seconds that a command gives the index to catch up with the journals before it answers with what is there.

With its start, the batch that was begun and the answer itself it takes no more than two.
"""

COST_PATIENCE: Final = 10.0
"""Seconds that a question about cost takes at most to have the store remember what calls cost, which helps the next."""

MOST_AT_ONCE: Final = 100_000
"""Calls that are counted as waiting for a price; there may be more."""


def home() -> Home:
    """The home that the settings name, which may not exist yet.

    Raises:
        BadSetting: a setting cannot be used.
        HomeUnusable: the home is relative to a directory that is gone.
    """
    return Home.find(load_settings(), strict=True)


def pace(found: Home) -> Pace:
    """From when on a step or a trace of this home is called slow."""
    settings = found.settings
    return Pace(
        settings.slow_warn, settings.slow_limit, limits(settings.slow_warns), limits(settings.slow_limits)
    )


def paced(trace: Trace, own: Pace) -> Trace:
    """The row with `slow` as the limits by name and kind have it; a store knows only the one for everything."""
    if not own.limits:
        return trace
    slowness = own.of(trace.name, trace.kind, trace.worked_ns)
    return structs.replace(trace, slow=slowness == "slow")


def holds_something(found: Home) -> bool:
    """Whether anything was ever recorded there.

    Raises:
        HomeUnusable: what is there is no directory, or cannot be looked into.
    """
    try:
        if found.exists():
            return True
        with suppress(FileNotFoundError):
            os.scandir(found.path).close()
    except OSError as error:
        raise HomeUnusable(str(found.path), error.strerror or str(error)) from error
    return False


@contextmanager
def reading() -> Iterator[Reader]:
    """Open the store of a home that holds something, after a moment of catching up.

    Raises:
        BadQuestion: nothing was recorded there yet.
        HomeUnusable: it is no directory.
        StoreError: the store cannot be read.
    """
    found = home()
    if not holds_something(found):
        raise BadQuestion(no_trace(found))
    with caught_up(found) as (reader, _):
        yield reader


@contextmanager
def reading_if_any(costs: float = 0.0) -> Iterator[Reader | None]:
    """The same, but where nothing was recorded yet it says so and gives None: an empty answer is no error.

    Args:
        costs: seconds that the store may take to remember what model calls cost.
    """
    found = home()
    if not holds_something(found):
        say(no_trace(found))
        yield None
        return
    with caught_up(found, costs) as (reader, _):
        yield reader


@contextmanager
def caught_up(found: Home, costs: float = 0.0) -> Iterator[tuple[Reader, Backlog]]:
    """Index what waits in the journals, say what is left, and open the store; give both."""
    # A large trace is a million objects that stay: to look through them again and again takes a third of the time.
    gc.set_threshold(100_000, 50, 1000)
    backlog = found.catch_up(PATIENCE)
    if backlog.bytes:
        journals = of_them(backlog.journals, "journal")
        say(f"still to be indexed: {size(backlog.bytes)} in {journals}; the newest records may be missing")
    if backlog.trouble:
        say(f"{backlog.trouble}; the newest records may be missing")
    if patience := COST_PATIENCE if asks_cost() else costs:
        _remember_costs(found, patience)
    prices = _Prices(found)
    with found.reader(prices.price, prices.version) as reader:
        yield reader, backlog
    auditing.note_reading(found)


@contextmanager
def answered(found: Home, statement: str, seconds: float) -> Iterator[Answer]:
    """The answer to SQL, after a moment of catching up."""
    with caught_up(found):
        pass
    prices = _Prices(found)
    with found.query(statement, seconds, prices.price, prices.version) as answer:
        yield answer


class _Prices:
    """The prices of a home, which are read for the first one who asks."""

    def __init__(self, found: Home) -> None:
        self._found = found
        self._prices: Pricing | None = None

    def all(self) -> Pricing:
        if self._prices is None:
            from flightlog.pricelist import Pricing  # for questions about cost

            self._prices = Pricing(self._found.settings)
        return self._prices

    def price(self, call: CallFacts) -> int | None:
        return self.all().price(call)

    def version(self) -> int:
        return self.all().version()


def _remember_costs(found: Home, within: float) -> None:
    """Have the store of a home remember what its model calls cost, as far as there is time, in seconds.

    Prices that cannot be used are said, and nothing is remembered.
    """
    if not found.store_path.exists():
        return
    prices = _Prices(found).all()
    try:
        with found.reader() as reader:
            left = reader.unpriced(prices.version(), MOST_AT_ONCE)
        if left:
            found.price_calls(prices, within)
    except BadSetting as error:
        say(f"{error}; no cost is shown")


def no_trace(found: Home, loose: int = 0) -> str:
    """That a home has no trace, and what to do about it; `loose` is how many events are outside any span."""
    if loose:
        told = of_them(loose, "event")
        return (
            f"no trace is recorded in {found.path} yet, but {told} outside any span; `flightlog story --loose` "
            f"tells {'it' if loose == 1 else 'them'}"
        )
    return f"nothing is recorded in {found.path} yet; {how_to_record()}"


def how_to_record() -> str:
    """The two ways to a first trace."""
    return "record a program with `flightlog run program.py`, or try `flightlog demo`"


def say(message: str) -> None:
    """Tell the user something that is not data; what it quotes passes the gate."""
    from flightlog.redacting import gate_of_messages  # its patterns are compiled for those who talk

    click.echo(gate_of_messages().text("", message), err=True)
