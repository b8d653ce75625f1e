"""`flightlog stats`: what spans and traces add up to."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

import click
from msgspec import structs

from flightlog.cli import statsdocument as document
from flightlog.cli.asking import asked
from flightlog.cli.doors import divided, or_files
from flightlog.cli.filters import selecting
from flightlog.cli.jsonout import print_document
from flightlog.cli.looks import drawn, paged
from flightlog.cli.opening import home, pace, paced
from flightlog.cli.options import EXIT_CODES, as_json
from flightlog.cli.render.terminal import Terminal
from flightlog.cli.statstime import compared_to, period_of, windowed
from flightlog.cli.statsviews import Asked, compared, spans_view, traces_view
from flightlog.records.errors import BadQuestion
from flightlog.records.traces import Selection, TraceFigures
from flightlog.store.groupings import GROUPINGS, Grouping
from flightlog.store.port import Reader

MOST: Final = 20
PATIENCE: Final = 1.0
"""Seconds that the store may take to remember what calls cost before it answers."""

FAILURES: Final = 5
"""Failed traces that are told beside what all traces add up to."""


def grouping(_: click.Context, __: click.Parameter, told: tuple[str, ...]) -> Grouping | None:
    """One or two fields: given twice, or with a comma between."""
    return ",".join(part.strip() for one in told for part in one.split(",")) or None


@click.command("stats", epilog=EXIT_CODES)
@click.option(
    "--by",
    multiple=True,
    callback=grouping,
    metavar="FIELD",
    help="One table, by one or two of name, kind, model, service, user, session, tag, status, attr.NAME.",
)
@click.option("--traces", "of_traces", is_flag=True, help="Of whole traces instead of spans.")
@click.option("--exact", is_flag=True, help="Look at each span, however many there are.")
@click.option("--histogram", is_flag=True, help="Draw how many spans took how long.")
@windowed
@click.option(
    "--compare-to",
    "shift",
    callback=compared_to,
    metavar="PERIOD",
    help="Beside the same time so much earlier: yesterday, last-week, previous, 3d.",
)
@click.option(
    "-n",
    "--limit",
    type=click.IntRange(1, 1_000_000_000),
    default=MOST,
    show_default=True,
    help="Most rows of each table.",
)
@selecting
@click.argument("words", nargs=-1, metavar="[FILE... | QUESTION...]")
@as_json
@drawn
@paged
def command(
    *,
    words: tuple[str, ...],
    by: Grouping | None,
    of_traces: bool,
    exact: bool,
    histogram: bool,
    until: int | None,
    last: int,
    shift: int | None,
    limit: int,
    selection: Selection,
    as_json: bool,
    look: Terminal,
    page: Callable[[Iterable[str]], None],
) -> None:
    """Say what spans and traces add up to.

    Of spans that ended: how many, how many failed, how long 50, 90, 95, 99 and all of 100 of them took at most, and of
    model calls their tokens, speed, time to the first piece and cost; by name, by kind and by model, or --by anything
    else, those with the most time first. A bar under `when` shows when they started.

    Answered from sums by the hour where these can tell, so it takes as long for a million spans as for a thousand:
    percentiles are then off by at most 2.5 %, and a time begins and ends with a whole hour. Spans are looked at one by
    one with --exact, with a QUESTION and by anything but name, kind, model and service: nothing is rounded then, and
    their self times are told.

    With a QUESTION, such as 'kind:llm duration>1.5s' (docs/questions.md): of the spans that fit it. With FILEs that
    `flightlog import` reads: of what is in them, and nothing of it is kept.

    With --traces: of the traces that the options and a QUESTION choose, how many went well, by status and by hour, how
    long they took, what they used, how many were tried again or were slow, and the newest that failed.

    With --compare-to: beside the same time so much earlier, what changed (±). Without --since or --last that is the
    last day; with a duration, as much of it.

    What calls cost is what the store remembers (docs/statistics.md); a least (≥) where some are unknown.

    With --json: one object. Durations are nanoseconds; what is unknown is null.
    """
    if of_traces and (by or exact or histogram or shift is not None):
        raise click.UsageError(
            "--by, --exact, --histogram and --compare-to are for spans; give --traces alone"
        )
    files, asking = divided(words)
    question = asked(asking)
    if not of_traces and selection != Selection(since=selection.since, project=selection.project):
        raise BadQuestion("--status, --name, --kind and --session choose traces; give --traces as well")
    period = period_of(selection.since, until, last, shift)
    selection = structs.replace(selection, since=period.since, until=period.until, question=question)
    wanted = Asked(
        groupings=(by,) if by else GROUPINGS,
        period=period,
        project=selection.project,
        question=question,
        exact=exact,
        histogram=histogram,
        limit=limit,
    )
    with or_files(files, PATIENCE) as reader:
        if of_traces:
            _traces(reader, selection, look, page, as_json=as_json)
        elif shift is not None:
            found = compared(reader, wanted, shift)
            if as_json:
                print_document(document.of_changes(found, wanted, shift))
            elif reader:
                page(spans_view(found, wanted, look))
        else:
            rows = wanted.rows(reader)
            if as_json:
                print_document(document.of_rows(rows))
            elif reader:
                page(spans_view(rows, wanted, look))


def _traces(
    reader: Reader | None,
    selection: Selection,
    look: Terminal,
    page: Callable[[Iterable[str]], None],
    *,
    as_json: bool,
) -> None:
    if reader is None:
        if as_json:
            print_document(document.of_traces(document.NO_TRACES, []))
        return
    told = _paced(reader.trace_figures(selection), reader, selection)
    is_asked = not selection.statuses or "error" in selection.statuses
    failed = (
        reader.traces(FAILURES, structs.replace(selection, statuses=("error",)))
        if is_asked and told.statuses.get("error")
        else []
    )
    if as_json:
        print_document(document.of_traces(told, failed))
    else:
        page(traces_view(told, failed, look, pace(home())))


def _paced(told: TraceFigures, reader: Reader, selection: Selection) -> TraceFigures:
    """The figures with `slow` as the limits by name and kind have it, for which each trace must be looked at."""
    own = pace(home())
    if not own.limits or not told.traces:
        return told
    slow = sum(paced(trace, own).slow for trace in reader.each_trace(selection))
    return structs.replace(told, slow=slow)
