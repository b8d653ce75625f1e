"""The prices for commands: what the calls of a trace cost, with one book a command."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from msgspec import structs

from flightlog.analysis.spending import Key, Spending, spending, spending_by
from flightlog.cli.opening import say
from flightlog.cli.render import money
from flightlog.cli.render.terminal import Terminal
from flightlog.home import Home
from flightlog.pricelist import price_book
from flightlog.pricing.book import PriceBook
from flightlog.pricing.charge import Charge
from flightlog.records.callfacts import is_charged, of_span
from flightlog.records.errors import BadSetting
from flightlog.records.span import Span
from flightlog.records.traces import Selection, Trace
from flightlog.store.port import Reader
from flightlog.store.rollups import HOUR_NS, hour

if TYPE_CHECKING:
    from flightlog.analysis.tree import Tree


def usable_prices(found: Home) -> PriceBook | None:
    """The prices of a home; where its price file cannot be used that is said, and there is no money to show."""
    try:
        return price_book(found.settings)
    except BadSetting as error:
        say(f"{error}; no cost is shown")
        return None


def sources(book: PriceBook) -> list[str]:
    """Whose prices these are, one's own first."""
    return [*([book.own.source] if book.own else []), book.source]


def of_spans(book: PriceBook | None, look: Terminal) -> Callable[[Span], str] | None:
    """What tells of a span what it cost; an empty text where that is unknown, or nobody charges for it."""
    if book is None:
        return None

    def told(span: Span) -> str:
        charge = charge_of(book, span)
        return "" if charge is None or charge.pico_usd is None else money.charged(charge, look)

    return told


def charge_of(book: PriceBook | None, span: Span) -> Charge | None:
    """What a span cost; None where there are no prices, or nobody charges for it."""
    return book.charge(of_span(span)) if book and is_charged(span) else None


def of_tree(book: PriceBook | None, tree: Tree) -> Spending:
    """What the calls of a trace cost; without prices nothing was looked at."""
    if book is None:
        return Spending()
    calls = (node.record for node in tree.walk())
    return spending((of_span(span) for span in calls if is_charged(span)), book.charge)


def told_of_tree(book: PriceBook | None, tree: Tree, look: Terminal) -> str:
    """What a trace cost, for a line about it; empty where nothing in it is charged for."""
    total = of_tree(book, tree)
    return money.told(total, look) if total.calls else ""


def by_trace(reader: Reader, book: PriceBook, traces: Sequence[Trace]) -> dict[tuple[str, str], Spending]:
    """What each of these traces cost, by id and project, since projects may share an id.

    One without a model call is not there.
    """
    found: dict[tuple[str, str], Spending] = {}
    for call in reader.model_calls(traces=[trace.trace_id for trace in traces]):
        found.setdefault((call.trace_id, call.project), Spending()).add(call, book.charge(call))
    return found


def by_model(reader: Reader, book: PriceBook, selection: Selection) -> dict[Key, Spending]:
    """What the calls of each model and provider cost that started in the hour of its `since` or later."""
    since = selection.since
    begin = None if since is None else hour(since) * HOUR_NS
    calls = reader.model_calls(structs.replace(selection, since=begin))
    return spending_by("model", calls, book.charge)[0]
