"""`flightlog list`: the newest traces."""

from __future__ import annotations

import time

import click

from flightlog.cli.jsonout import print_array
from flightlog.cli.looks import drawn
from flightlog.cli.opening import caught_up, holds_something, home, how_to_record, say, slow_limit_ns
from flightlog.cli.options import EXIT_CODES, as_json
from flightlog.cli.render import listing
from flightlog.cli.render.terminal import Terminal, emit
from flightlog.records.traces import Trace


@click.command("list", epilog=EXIT_CODES)
@click.option(
    "-n",
    "--limit",
    type=click.IntRange(1, 1_000_000_000),
    default=20,
    show_default=True,
    help="Most traces to list.",
)
@as_json
@drawn
def command(limit: int, as_json: bool, look: Terminal) -> None:
    """List the newest traces.

    One line a trace, newest first: how it went, its name, when it started, how long it took, how many spans
    it has, what is remarkable, and its id, which is always whole. Duration is the time from the first start to
    the last end; a trace is slow when that is at least the setting slow_limit. A narrow terminal gets fewer
    columns; a pipe or a file gets all of them, uncut.

    With records that are not indexed yet it waits for at most two seconds, answers with what is there, and
    says on standard error how much is left.

    With --json: an array with one object a trace; what is unknown is null, never 0.
    """
    found = home()
    traces: list[Trace] = []
    waiting = 0
    if holds_something(found):
        with caught_up(found) as (reader, backlog):
            traces = reader.traces(limit)
            waiting = backlog.bytes
    if as_json:
        print_array(traces)
    elif traces:
        emit(listing.lines(traces, look, time.time_ns(), slow_limit_ns(found)))
    if not traces and not waiting:
        say(f"nothing is recorded in {found.path} yet; {how_to_record()}")
