"""`flightlog graph`: what a workflow may do, as it declares it, with what one trace did of it laid over."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from typing import Literal

import click

from flightlog.analysis.graph import graphs
from flightlog.cli.doors import doors
from flightlog.cli.jsonout import print_array
from flightlog.cli.looks import drawn, paged
from flightlog.cli.options import EXIT_CODES, as_json, trace_or_file
from flightlog.cli.render import graphs as drawing
from flightlog.cli.render.terminal import Terminal
from flightlog.export import graph_dot, graph_mermaid
from flightlog.loading import load_trace
from flightlog.records.errors import BadQuestion

Form = Literal["text", "mermaid", "dot", "json"]


@click.command("graph", epilog=EXIT_CODES)
@trace_or_file
@click.option(
    "--format",
    "form",
    type=click.Choice(("text", "mermaid", "dot", "json")),
    default="text",
    show_default=True,
    help="As lines to read, as a Mermaid flowchart, for Graphviz, or as data.",
)
@click.option("--name", default="", metavar="NAME", help="Only the graphs of this name.")
@as_json
@drawn
@paged
def command(
    *,
    trace: str,
    form: Form,
    name: str,
    as_json: bool,
    look: Terminal,
    page: Callable[[Iterable[str]], None],
) -> None:
    """Draw what a workflow declares, with what a trace did of it.

    Each step stands with its state and the ways that lead on from it.

    A step is not seen, running, paused, ok, error, cancelled or interrupted, as its newest run is; a way is chosen or
    rejected where a `branch` event says so, taken where the step behind it began after the step before it had ended.
    Graphs that ran within a step of another come after it. What ran without being declared is shown, too.

    With --json, or --format json: an array of graphs, each with its nodes, edges and children.
    """
    with doors() as door:
        reader, trace_id = door.trace(trace)
        tree = load_trace(reader, trace_id, payloads=False)
    found = [one for one in graphs(tree.roots) if name in {"", one.name}]
    if not found:
        which = f"no graph {name!r} is" if name else "no graph is"
        raise BadQuestion(
            f"{which} declared in trace {trace_id}; fl.graph declares one, and "
            f"`flightlog export {trace_id} --format mermaid` draws what called what"
        )
    if as_json or form == "json":
        print_array(found)
    elif form == "text":
        page(drawing.lines(found, look))
    else:
        made = graph_mermaid if form == "mermaid" else graph_dot
        sys.stdout.buffer.writelines(made.document(found))
        sys.stdout.buffer.flush()
