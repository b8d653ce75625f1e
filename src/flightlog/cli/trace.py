"""`flightlog trace`: one trace as a tree."""

from __future__ import annotations

import time
from itertools import chain

import click

from flightlog.analysis.tree import build
from flightlog.cli.jsonout import print_pieces
from flightlog.cli.looks import drawn
from flightlog.cli.naming import find
from flightlog.cli.opening import reading
from flightlog.cli.options import EXIT_CODES, as_json, trace_ref
from flightlog.cli.render import heading, tree
from flightlog.cli.render.branches import Limits
from flightlog.cli.render.terminal import Terminal, emit
from flightlog.export import nested


@click.command("trace", epilog=EXIT_CODES)
@trace_ref
@click.option("--all", "everything", is_flag=True, help="Draw every span, however alike they look.")
@click.option("--depth", type=click.IntRange(min=1), help="Levels to draw; 1 is the roots alone.")
@as_json
@drawn
def command(trace: str, everything: bool, depth: int | None, as_json: bool, look: Terminal) -> None:
    """Draw one trace as a tree on a time axis.

    One line a span: a sign for its status (✓ ok, ✗ error, ● running, ‖ paused, ⊘ cancelled, ! interrupted),
    name, kind, when it ran, how long it took, and how much of that no child accounts for (self). An open span
    is drawn with a dotted bar. Errors and events that matter have lines of their own. Siblings that look
    alike are folded after the second.

    A span whose place is odd (its parent is missing, or leads back to it; its id occurs twice; it runs
    outside its parent's time) is kept, marked and explained below the tree.

    With --json: the trace's row, the marks, and the spans as nested records.
    """
    with reading() as reader:
        trace_id = find(reader, trace)
        row = reader.trace(trace_id)
        grown = build(reader.spans(trace_id, payloads=as_json), reader.events(trace_id))
    if as_json:
        print_pieces(nested.pieces(row, grown))
    else:
        above = heading.lines(row, look, time.time_ns()) if row else ()
        limits = Limits(depth=depth, everything=everything)
        emit(chain(above, [""], tree.lines(grown, look, limits)))
