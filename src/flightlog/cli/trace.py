"""`flightlog trace`: one trace as a tree."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain
from typing import Any, Final

import click

from flightlog.analysis.narrow import Narrowed, Wanted, narrow
from flightlog.analysis.tree import Tree
from flightlog.cli import money as purse
from flightlog.cli.doors import doors
from flightlog.cli.jsonout import print_pieces
from flightlog.cli.looks import drawn, paged
from flightlog.cli.moments import lasting
from flightlog.cli.opening import home, pace, paced, say
from flightlog.cli.options import EXIT_CODES, as_json, trace_or_file
from flightlog.cli.options import view as voice
from flightlog.cli.render import heading, scores, tree
from flightlog.cli.render.branches import Limits
from flightlog.cli.render.cells import cut
from flightlog.cli.render.terminal import Terminal
from flightlog.cli.render.words import of_them
from flightlog.export import nested
from flightlog.loading import load_trace
from flightlog.records.annotation import Annotation
from flightlog.records.kinds import STATUSES
from flightlog.records.narration import View

_SCORES: Final = 12
"""Annotations that are told below a tree: the latest."""


@click.command("trace", epilog=EXIT_CODES)
@trace_or_file
@click.option(
    "--all",
    "everything",
    is_flag=True,
    help="Draw every span, however alike they look, and quiet events: lines of output, logs.",
)
@click.option("--depth", type=click.IntRange(min=1), help="Levels to draw; 1 is the roots alone.")
@click.option(
    "--preview",
    type=click.IntRange(min=-1),
    default=0,
    metavar="CHARACTERS",
    help="Show so much of each input and output; -1 for all of it.",
)
@click.option("--kind", "kinds", multiple=True, metavar="KIND", help="Only this kind; may be given again.")
@click.option(
    "--status", "statuses", type=click.Choice(STATUSES), multiple=True, help="Only this; may be given again."
)
@click.option(
    "--name", default="", metavar="TEXT", help="Only with this in the name; a pattern with *, ? or []."
)
@click.option(
    "--longer", "least_ns", callback=lasting, metavar="DURATION", help="Only what took so long: 250ms, 1.5s."
)
@click.option(
    "--tokens", "least_tokens", type=click.IntRange(min=0), default=0, help="Only with so many tokens."
)
@voice
@as_json
@drawn
@paged
def command(
    *,
    trace: str,
    everything: bool,
    depth: int | None,
    preview: int,
    view: View,
    as_json: bool,
    look: Terminal,
    page: Callable[[Iterable[str]], None],
    **only: Any,
) -> None:
    """Draw one trace as a tree on a time axis.

    One line a span: a sign for its status (✓ ok, ✗ error, ● running, ‖ paused, ⊘ cancelled, ! interrupted),
    name, kind, when it ran, how long it took, and how much of that neither a child nor waiting accounts for
    (self). An open span is drawn with a dotted bar, and with how long it runs or waits so far (3.10 s…). Errors
    and events that matter have lines of their own; with --all so have the first 50 others of each span (but the
    chunks of streams), such as lines of a child's output and logs. Siblings that look alike are folded after the
    second. Steps that took at least slow_warn or slow_limit (settings, also by kind and name) are marked.

    With --kind, --status, --name, --longer or --tokens, which must all hold, only such spans are drawn, with
    the spans above them.

    A span whose place is odd (its parent is missing, or leads back to it; its id occurs twice; it runs
    outside its parent's time) is kept, marked and explained below the tree. Of model calls, tokens (in→out) and what
    they cost are shown where known.

    With --json: the trace's row, the marks, and the spans as nested records.
    """
    # `Any`: what is left is what `Wanted` is made of, each as its option has converted it.
    wanted = Wanted(**only)
    with doors() as door:
        reader, trace_id = door.trace(trace)
        row = reader.trace(trace_id)
        grown = load_trace(reader, trace_id, payloads=as_json or preview != 0)
        said = reader.annotations(trace_id)
    narrowed = narrow(grown, wanted)
    if as_json:
        print_pieces(nested.pieces(row, narrowed.tree, said))
        return
    if not narrowed.wanted and not wanted.is_everything:
        say(f"none of {of_them(grown.span_count, 'span')} is like that; without these options all are drawn")
        return
    own = pace(home())
    now = time.time_ns()
    book = purse.usable_prices(home())
    told = purse.of_spans(book, look)
    limits = Limits(depth, everything, preview, own, narrowed.on_the_way, now, view, told)
    cost = purse.told_of_tree(book, grown, look)
    above = heading.lines(paced(row, own), look, now, own, grown, cost=cost) if row else ()
    below = _scores(said, grown, look) if wanted.is_everything else _told(narrowed, grown.span_count, look)
    page(chain(above, [""], tree.lines(narrowed.tree, look, limits), below))


def _scores(said: Sequence[Annotation], tree: Tree, look: Terminal) -> Iterator[str]:
    """What was said of the trace and its steps."""
    names = {node.record.span_id: node.record.name for node in tree.walk()}
    for place, line in enumerate(scores.of_trace(said[-_SCORES:], names)):
        if not place:
            yield ""
        label = "scores  " if not place else "        "
        yield look.paint("dim", label) + (
            line if look.whole_tables else cut(line, look.width - 8, look.ellipsis())
        )


def _told(narrowed: Narrowed, spans: int, look: Terminal) -> Iterator[str]:
    yield ""
    text = f"{narrowed.wanted:,} of {of_them(spans, 'span')} asked for"
    yield look.paint("dim", text)
