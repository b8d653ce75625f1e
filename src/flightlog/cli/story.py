"""`flightlog story`: a trace, a flow across traces, or what was said outside of any, told in sentences."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain
from typing import Final

import click
from msgspec import Struct

from flightlog.analysis.tree import build
from flightlog.cli.jsonout import print_array
from flightlog.cli.looks import drawn, paged
from flightlog.cli.moments import moment
from flightlog.cli.naming import find
from flightlog.cli.opening import home, pace, paced, reading, say
from flightlog.cli.options import EXIT_CODES, as_json
from flightlog.cli.options import view as voice
from flightlog.cli.render import heading, storytelling
from flightlog.cli.render.terminal import Terminal
from flightlog.codecs.lines import encode
from flightlog.loading import load_trace
from flightlog.narration import mermaid
from flightlog.narration.flow import flow
from flightlog.narration.loose import loose as tell_loose
from flightlog.narration.trace import Manner, Sentence, story
from flightlog.records.errors import BadQuestion
from flightlog.records.event import Event
from flightlog.records.kinds import LEVELS
from flightlog.records.narration import View, is_narration
from flightlog.store.port import Reader

MOST: Final = 10_000
"""Spans, and events, of a flow that are read unless somebody says otherwise."""


@click.command("story", epilog=EXIT_CODES)
@click.argument("trace", metavar="[TRACE]", required=False)
@click.option("--correlation", default="", metavar="ID", help="Tell a whole flow, across traces, by its id.")
@click.option("--loose", is_flag=True, help="Tell what was recorded outside any span, which no trace has.")
@click.option(
    "--since", callback=moment, metavar="TIME", help="With --loose: since then: 2h, 3d, 2026-11-20."
)
@voice
@click.option(
    "--level",
    type=click.Choice(tuple(LEVELS)),
    default="trace",
    show_default=True,
    help="Leave out what is below this level; never what failed.",
)
@click.option("--lines", "as_lines", is_flag=True, help="Only the narrations, one aligned line each.")
@click.option("--mermaid", "as_mermaid", is_flag=True, help="Print a Mermaid sequence diagram.")
@click.option("--all", "everything", is_flag=True, help="Tell every step, however alike they are.")
@click.option(
    "-n",
    "--limit",
    type=click.IntRange(1, 1_000_000),
    default=MOST,
    show_default=True,
    help="With --correlation: most spans, and most events, to read; with --loose the newest events.",
)
@as_json
@drawn
@paged
def command(
    *,
    trace: str | None,
    correlation: str,
    loose: bool,
    since: int | None,
    view: View,
    level: str,
    as_lines: bool,
    as_mermaid: bool,
    everything: bool,
    limit: int,
    as_json: bool,
    look: Terminal,
    page: Callable[[Iterable[str]], None],
) -> None:
    """Tell one trace, a flow across traces, or what is in none, in sentences.

    Narrations stand as the program said them, in the voice that --view asks for; one that has no such voice is told
    plainly. A step that nobody narrated is told by its kind, how it ended and what it holds. What ran beside what
    came before it begins with "Meanwhile", and of steps that look alike two are told and the rest is counted.

    With --correlation, TRACE is left out: narrations that name this id or were said while it was bound are told by
    time, with the outermost spans of the flow and those that failed. The id of a trace is one, too.

    With --loose, TRACE is left out, too: every event that was recorded outside any span, narrations and others, by
    time of day, and the newest where there are too many.

    With --mermaid, a document for Mermaid: who asked whom for what. With --lines, the narrations alone.

    With --json: an array of sentences, each with its depth, time, level and the ids of what it tells; with --lines
    an array of the narrations' record lines.
    """
    if bool(trace) + bool(correlation) + loose != 1:
        raise click.UsageError("give either TRACE, --correlation ID or --loose")
    if since is not None and not loose:
        raise click.UsageError("--since goes with --loose alone")
    if as_mermaid and (as_lines or as_json):
        raise click.UsageError("--mermaid is a form of its own: leave out --lines and --json")
    manner = Manner(view, level, time.time_ns(), everything)
    with reading() as reader:
        if correlation:
            told = _of_flow(reader, correlation, limit, manner)
        elif loose:
            told = _of_loose(reader, limit, since, manner)
        else:
            told = _of_trace(reader, str(trace), manner, look)
    if as_mermaid:
        page(told.diagram)
    elif as_lines:
        said = [
            event for event in told.events if is_narration(event) and LEVELS[event.level] >= LEVELS[level]
        ]
        _print_lines(said, manner.view, look, page, as_json=as_json)
    elif as_json:
        print_array(told.sentences)
    else:
        page(chain(told.heading, storytelling.prose(told.sentences, look, is_timed=loose)))


class _Told(Struct, eq=False):
    """What there is to tell, in each of its forms; only the one that is asked for is made."""

    events: Sequence[Event]
    sentences: Iterator[Sentence]
    diagram: Iterator[str]
    heading: Iterable[str] = ()


def _of_trace(reader: Reader, trace: str, manner: Manner, look: Terminal) -> _Told:
    trace_id = find(reader, trace)
    row = reader.trace(trace_id)
    tree = load_trace(reader, trace_id, payloads=False)
    own = pace(home())
    above = heading.lines(paced(row, own), look, manner.now or 0, own, tree) if row else ()
    return _Told(
        reader.events(trace_id),
        story(tree.roots, tree.loose_events, manner),
        mermaid.diagram(tree.roots, tree.loose_events, manner),
        chain(above, [""]),
    )


def _of_flow(reader: Reader, correlation_id: str, limit: int, manner: Manner) -> _Told:
    found = reader.flow(correlation_id, limit)
    if not (found.spans or found.events):
        raise BadQuestion(f"nothing is recorded for correlation id {correlation_id!r}")
    if found.has_more:
        say(f"only the first {limit:,} spans and events of this flow are told; -n reads more")
    trees = [
        build(
            [span for span in found.spans if span.trace_id == trace_id],
            [event for event in found.events if event.trace_id == trace_id],
        )
        for trace_id in {span.trace_id for span in found.spans} | {event.trace_id for event in found.events}
    ]
    roots = sorted((root for tree in trees for root in tree.roots), key=lambda root: root.start)
    loose = sorted((event for tree in trees for event in tree.loose_events), key=lambda event: event.time)
    return _Told(found.events, flow(found.spans, found.events, manner), mermaid.diagram(roots, loose, manner))


def _of_loose(reader: Reader, limit: int, since: int | None, manner: Manner) -> _Told:
    found = reader.loose_events(limit + 1, since=since)
    if len(found) > limit:
        say(f"only the newest {limit:,} events outside any span are told; -n reads more")
    told = found[-limit:]
    if not told:
        say("nothing was recorded outside any span" + ("" if since is None else " since then"))
    return _Told(told, tell_loose(told, manner), mermaid.diagram([], told, manner))


def _print_lines(
    said: Sequence[Event],
    view: View,
    look: Terminal,
    page: Callable[[Iterable[str]], None],
    *,
    as_json: bool,
) -> None:
    if as_json:
        print_array(map(encode, said))
    elif said:
        page(storytelling.aligned(said, view, look))
    else:
        say("nothing was narrated there; without --lines all else is told, too")
