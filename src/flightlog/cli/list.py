"""`flightlog list`: the newest traces."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import click
import msgspec

from flightlog.cli import shortened
from flightlog.cli.asking import asking, hint
from flightlog.cli.filters import selecting
from flightlog.cli.jsonout import print_array
from flightlog.cli.looks import drawn, paged
from flightlog.cli.opening import COST_PATIENCE, caught_up, holds_something, home, no_trace, pace, paced, say
from flightlog.cli.options import EXIT_CODES, as_json
from flightlog.cli.render import listing
from flightlog.cli.render.terminal import Terminal
from flightlog.home import Home
from flightlog.records.traces import EVERY_TRACE, ORDERS, Order, Selection, Trace
from flightlog.store.port import Reader

if TYPE_CHECKING:
    from flightlog.analysis.spending import Spending

MOST = 50


@click.command("list", epilog=EXIT_CODES)
@click.option(
    "-n",
    "--limit",
    type=click.IntRange(1, 1_000_000_000),
    default=MOST,
    show_default=True,
    help="Most traces to list.",
)
@click.option(
    "--order",
    type=click.Choice(ORDERS),
    default="newest",
    show_default=True,
    help="Which come first: the newest, or those with the most of it.",
)
@selecting
@asking
@as_json
@drawn
@paged
def command(
    *,
    limit: int,
    order: Order,
    selection: Selection,
    as_json: bool,
    look: Terminal,
    page: Callable[[Iterable[str]], None],
) -> None:
    """List the newest traces.

    With a QUESTION, such as 'kind:llm status:error duration>1.5s': those of which some step fits it. Its language is in
    docs/questions.md; 'trace(status:error)' asks of whole traces.

    One line a trace, newest first: how it went, its name, when it started, how long it took, how many spans
    it has, what is remarkable, and its id. Duration is the time from the first start to the last end, or so far
    (3.10 s…) while it runs or waits; a trace is slow when that, without the time in which its root waited, is
    at least the setting slow_limit, or that of its name or kind in slow_limits.

    A narrow terminal gets fewer columns, and of each id its first digits: 8 or more, as many as name that trace
    alone, so other commands take them for it. A pipe or a file gets every column, uncut, with whole ids and the
    times of the starts.

    With --order those come first that took longest, cost or used most, or in which most spans failed; where that is
    unknown, last. By cost, what each cost is shown.

    Options that choose traces must all hold. Name, kind, status and session are those of a trace's root; where
    that has no session, as under `flightlog run`, the session of any of its steps will do. The table then shows
    the one that was asked for, else that of its first step that has one.

    With records that are not indexed yet it waits for at most two seconds, answers with what is there, and
    says on standard error how much is left.

    With --json: an array with one object a trace; what is unknown is null, never 0. `cost` is that of its model calls,
    null for a trace without any.
    """
    found = home()
    traces: list[Trace] = []
    rows: list[str] = []
    costs: dict[tuple[str, str], Spending] = {}
    waiting = loose = 0
    own = pace(found)
    if holds_something(found):
        with caught_up(found, COST_PATIENCE if order == "cost" else 0.0) as (reader, backlog):
            traces = [paced(trace, own) for trace in reader.traces(limit, selection, by=order)]
            waiting = backlog.bytes
            loose = 0 if traces else reader.sizes().loose_events
            if as_json or order == "cost":
                costs = _costs(reader, found, traces)
            if traces and not as_json:
                now = time.time_ns()
                digits = partial(shortened.digits, reader, traces)
                rows = list(listing.lines(traces, look, now, own, digits, costs=_cells(traces, costs, look)))
    if as_json:
        print_array({**msgspec.to_builtins(t), "cost": _told(t, costs)} for t in traces)
    elif traces:
        page(rows)
    if not traces and not waiting:
        if selection == EVERY_TRACE:
            say(no_trace(found, loose))
        else:
            say(f"no trace is like that{hint(selection.question)}; `flightlog list` shows all")


def _costs(reader: Reader, found: Home, traces: Sequence[Trace]) -> dict[tuple[str, str], Spending]:
    """What the model calls of each trace of a project cost; one without any is not there."""
    from flightlog.cli import money  # prices, for those who ask what a trace cost

    book = money.usable_prices(found)
    if book is None:
        return {}
    return money.by_trace(reader, book, traces)


def _told(trace: Trace, costs: Mapping[tuple[str, str], Spending]) -> dict[str, Any] | None:
    """What a trace cost, for JSON."""
    from flightlog.cli.render.money import of_calls  # as above

    spent = costs.get((trace.trace_id, trace.project))
    return None if spent is None else of_calls(spent)


def _cells(traces: Sequence[Trace], costs: Mapping[tuple[str, str], Spending], look: Terminal) -> list[str]:
    """What each trace cost, for the table; empty where nobody asked."""
    from flightlog.cli.render.money import spent  # as above

    found = [costs.get((trace.trace_id, trace.project)) for trace in traces] if costs else []
    return [spent(one, look) if one is not None else "" for one in found]
