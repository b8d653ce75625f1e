"""`flightlog stats`: what spans and traces add up to."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, get_args

import click
from msgspec import structs

from flightlog.analysis.spending import Key, Spending
from flightlog.analysis.spread import possible
from flightlog.cli import money as purse
from flightlog.cli.asking import asking
from flightlog.cli.filters import selecting
from flightlog.cli.jsonout import print_document
from flightlog.cli.looks import drawn, paged
from flightlog.cli.opening import home, pace, paced, reading_if_any
from flightlog.cli.options import EXIT_CODES, as_json
from flightlog.cli.render import figures
from flightlog.cli.render.money import of_calls, spent
from flightlog.cli.render.terminal import Terminal
from flightlog.records.errors import BadQuestion
from flightlog.records.traces import Figures, Selection, TraceFigures
from flightlog.store.port import Grouping, Reader

MOST: Final = 20
GROUPINGS: Final[tuple[Grouping, ...]] = get_args(Grouping)
NO_TRACES: Final = TraceFigures(
    traces=0,
    statuses={},
    retried=0,
    retries=0,
    recovered=0,
    slow=0,
    p50_ns=None,
    p95_ns=None,
    p99_ns=None,
    hours=[],
)
"""What no traces add up to."""

MOST_CALLS: Final = 5_000
"""Calls of models that are looked at one by one for what they cost; `flightlog cost` looks at all."""


@click.command("stats", epilog=EXIT_CODES)
@click.option("--by", type=click.Choice(GROUPINGS), help="One table instead of all three.")
@click.option("--traces", "of_traces", is_flag=True, help="Of whole traces instead of spans.")
@click.option(
    "-n",
    "--limit",
    type=click.IntRange(1, 1_000_000_000),
    default=MOST,
    show_default=True,
    help="Most rows of each table.",
)
@selecting
@asking
@as_json
@drawn
@paged
def command(
    *,
    by: Grouping | None,
    of_traces: bool,
    limit: int,
    selection: Selection,
    as_json: bool,
    look: Terminal,
    page: Callable[[Iterable[str]], None],
) -> None:
    """Say what spans and traces add up to.

    Of spans that ended: how many, how many failed, how long half, 95 and 99 of 100 of them took at most, and
    the tokens of model calls; by name, by kind and by model, those with the most time first. Answered from sums
    by the hour, so it takes as long for a million spans as for a thousand: percentiles are off by at most 2.6 %
    and never more than the sum of the durations allows, and --since begins with a whole hour. Only --since and
    --project choose among spans, and a QUESTION.

    With a QUESTION, such as 'kind:llm duration>1.5s' (docs/questions.md): of the spans that fit it, which are
    then looked at one by one.

    With --traces: of the traces that the options and a QUESTION choose, how many went well, by status and by
    hour, how long they took, and how many were tried again or were slow, which means what it means to `flightlog list`.

    Beside each model stands what its calls cost, as `flightlog cost` says it, unless there are more than 5,000 of
    them to look at.

    With --json: one object. Durations are nanoseconds; what is unknown is null.
    """
    if of_traces and by:
        raise click.UsageError("--by is for spans; give it without --traces")
    question = selection.question
    if not of_traces and selection != Selection(
        since=selection.since, project=selection.project, question=question
    ):
        raise BadQuestion("--status, --name, --kind and --session choose traces; give --traces as well")
    groupings = (by,) if by else GROUPINGS
    found: dict[Grouping, list[Figures]] = {grouping: [] for grouping in groupings}
    told = NO_TRACES
    costs: dict[Key, Spending] = {}
    with reading_if_any() as reader:
        if reader and of_traces:
            told = _paced(reader.trace_figures(selection), reader, selection)
        elif reader:
            sums = reader.figures(
                groupings, since=selection.since, project=selection.project, question=question
            )
            found = {grouping: [possible(row) for row in rows] for grouping, rows in sums.items()}
            costs = _costs(reader, found.get("model", []), selection)
        is_empty = reader is None
    if is_empty and not as_json:
        return
    if of_traces:
        if as_json:
            print_document(_document(told))
        else:
            page(figures.of_traces(told, look, pace(home())))
    elif as_json:
        print_document({grouping: _rows(grouping, rows, costs) for grouping, rows in found.items()})
    else:
        page(figures.of_spans(found, look, limit, {key: spent(row, look) for key, row in costs.items()}))


def _paced(told: TraceFigures, reader: Reader, selection: Selection) -> TraceFigures:
    """The figures with `slow` as the limits by name and kind have it, for which each trace must be looked at."""
    own = pace(home())
    if not own.limits or not told.traces:
        return told
    slow = sum(paced(trace, own).slow for trace in reader.each_trace(selection))
    return structs.replace(told, slow=slow)


def _costs(reader: Reader, rows: Sequence[Figures], selection: Selection) -> dict[Key, Spending]:
    """What the calls of each model and provider cost; nothing where there are too many calls to look at."""
    if not 0 < sum(row.spans for row in rows) <= MOST_CALLS:
        return {}
    book = purse.usable_prices(home())
    return purse.by_model(reader, book, selection) if book else {}


def _rows(grouping: Grouping, rows: Sequence[Figures], costs: Mapping[Key, Spending]) -> list[Any]:
    """The figures; those of a model with what its calls cost."""
    if grouping != "model":
        return list(rows)
    found = ((row, costs.get((row.model, row.provider))) for row in rows)
    return [{**structs.asdict(row), "cost": of_calls(cost) if cost else None} for row, cost in found]


def _document(told: TraceFigures) -> dict[str, Any]:
    """The figures with what follows from them."""
    return {**structs.asdict(told), "success_rate": told.success_rate}
