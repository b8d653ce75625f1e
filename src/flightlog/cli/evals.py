"""`flightlog evals`: what scores and labels add up to."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

import click
import msgspec
from msgspec import structs

from flightlog.analysis.evals import BYS, By, Row, rows
from flightlog.analysis.periods import Period
from flightlog.cli.asking import asking
from flightlog.cli.filters import selecting
from flightlog.cli.jsonout import print_document
from flightlog.cli.looks import drawn, paged
from flightlog.cli.opening import reading_if_any, say
from flightlog.cli.options import EXIT_CODES, as_json
from flightlog.cli.render import scores
from flightlog.cli.render.terminal import Terminal
from flightlog.cli.statstime import compared_to, period_of, windowed
from flightlog.records.traces import Selection
from flightlog.store.port import Reader

Before = dict[tuple[str, str], Row]
"""What the judgements of an earlier time came to, by score and group."""


class _Asked(NamedTuple):
    """How judgements are added up."""

    by: By
    threshold: float | None
    only: tuple[str, ...]


@click.command("evals", epilog=EXIT_CODES)
@click.option(
    "--by",
    type=click.Choice(BYS),
    default="score",
    help="Apart by the name, kind or model of what was judged, its trace, its service, the judge, or the label.",
)
@click.option(
    "--pass",
    "threshold",
    type=float,
    metavar="NUMBER",
    help="Numbers from here up pass; truth values pass when true.",
)
@click.option("--score", "only", multiple=True, metavar="NAME", help="Only this score; may be given again.")
@click.option(
    "--compare-to",
    "shift",
    callback=compared_to,
    metavar="TIME",
    help="Beside the same time so much earlier: yesterday, last-week, previous, 3d.",
)
@windowed
@selecting
@asking
@as_json
@drawn
@paged
def command(
    *,
    by: By,
    threshold: float | None,
    only: tuple[str, ...],
    shift: int | None,
    until: int | None,
    last: int,
    selection: Selection,
    as_json: bool,
    look: Terminal,
    page: Callable[[Iterable[str]], None],
) -> None:
    """Say what scores, labels and notes add up to.

    Of each score: how many judgements, their mean, the least, the median and the most, how they lie between the edges
    (from 0 to 1 where all are there), and how many passed; of labels which there are. Of what the same judge said again
    of the same span or trace, the latest counts.

    With a QUESTION, such as 'model:gpt-4* since:7d': of the traces of which some span fits it. Options that choose
    traces must all hold. Times are those of the traces.

    With --compare-to: beside the traces of the same time so much earlier, how each mean changed (±). Without --since
    or --last that is the last day; with a duration, as much of it.

    With --json: one object; what is unknown is null.
    """
    period = period_of(selection.since, until, last, shift)
    before: Before = {}
    asked = _Asked(by, threshold, only)
    with reading_if_any() as reader:
        found = _rows(reader, selection, period, asked)
        if shift is not None and reader is not None:
            span_ns = (period.until or 0) - (period.since or 0)
            earlier = _rows(reader, selection, period.earlier(shift or span_ns), asked)
            before = {(row.score, row.group): row for row in earlier}
    if as_json:
        print_document(
            {"by": by, "rows": [_told(row, before, is_compared=shift is not None) for row in found]}
        )
    elif found:
        page(_lines(found, before, by, look, is_compared=shift is not None))
    elif reader is not None:
        say(
            "nothing was judged there; `flightlog annotate @latest --score correctness=0.9` puts a score on a trace"
        )


def _rows(reader: Reader | None, selection: Selection, period: Period, asked: _Asked) -> list[Row]:
    if reader is None:
        return []
    chosen = structs.replace(selection, since=period.since, until=period.until)
    judged = reader.judgements(chosen)
    return rows(
        (one for one in judged if not asked.only or one.name in asked.only), asked.by, asked.threshold
    )


def _told(row: Row, before: Before, *, is_compared: bool) -> dict[str, Any]:
    told = {**msgspec.to_builtins(row), "pass_rate": row.pass_rate}
    if is_compared:
        old = before.get((row.score, row.group))
        told["before"] = None if old is None else {**msgspec.to_builtins(old), "pass_rate": old.pass_rate}
    return told


def _lines(found: list[Row], before: Before, by: By, look: Terminal, *, is_compared: bool) -> Iterator[str]:
    yield from scores.lines(found, before if is_compared else None, "" if by == "score" else by, look)
