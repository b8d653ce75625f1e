"""`flightlog diff`: two traces, or two sets of traces, side by side."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

import click

from flightlog.analysis import gating
from flightlog.analysis.comparing import Comparison, compare
from flightlog.analysis.sets import SetComparison, compare_sets
from flightlog.cli import compared, sides
from flightlog.cli import money as purse
from flightlog.cli.doors import Doors, doors
from flightlog.cli.jsonout import print_document
from flightlog.cli.looks import drawn, paged
from flightlog.cli.opening import home, say
from flightlog.cli.options import as_json
from flightlog.cli.render import diff, setdiff
from flightlog.cli.render.terminal import Terminal
from flightlog.loading import load_trace

EXIT_CODES: Final = (
    "Exit codes: 0 fine, 1 what --fail-on says came true, or trouble (the home or its store cannot be used), 2 a "
    "question that makes no sense (an unknown id, a condition or question that cannot be read, a bad option)."
)


@click.command("diff", epilog=EXIT_CODES)
@click.argument("before", metavar="[A]", default=sides.PREVIOUS)
@click.argument("after", metavar="[B]", default="@latest")
@click.option("--all", "whole", is_flag=True, help="Draw every span, and every change whole.")
@click.option(
    "--fail-on",
    metavar="CONDITION",
    help="Exit with 1 when this is so: 'duration>+20% or new:error'.",
)
@as_json
@drawn
@paged
def command(
    *,
    before: str,
    after: str,
    whole: bool,
    fail_on: str | None,
    as_json: bool,
    look: Terminal,
    page: Callable[[Iterable[str]], None],
) -> None:
    """Compare two traces, or two sets of traces.

    A and B are TRACE as elsewhere, or @previous: the newest older trace of the same name as the other side. Without
    them the newest trace is compared with the one before. Spans are laid over each other by name, input and what is
    below them, however the program around them changed: ~ something in it changed, + it is new, - it is gone,
    > it moved, = it is as it was. Inputs, outputs and messages are compared word by word, of prompts the parts that
    `prompt_built` told; durations without waiting, tokens and money as differences.

    Either side may be a FILE that `flightlog import` reads, which is read and not kept, or a trace in one
    (FILE@latest, FILE@3b9d).

    Sets are named by a time (yesterday, today, 2h, 2026-11-20, 2026-11-19..2026-11-20), a question
    ('name:checkout since:2h') or a file with several traces; of each measure the medians are compared (of scores the
    means), and how likely the difference is chance (Mann and Whitney's test, corrected for the number of measures).

    --fail-on takes MEASURE OPERATOR AMOUNT joined by `and` and `or`: duration, cost, tokens, input_tokens,
    output_tokens, spans, errors, llm_calls, retries, score.NAME; > >= < <=; with a sign a change (+20%, +500ms,
    +$0.01), without one what B has (2s). Also new:error, new:span, gone:span, and changed: with input, output,
    prompt, status or anything. Of sets, changes count only where they are significant.

    With --json: one object, with what --fail-on found under `failed`.
    """
    condition = gating.read(fail_on) if fail_on is not None else ()
    with doors() as door:
        asked = sides.sets(door, before, after)
        if asked is not None:
            failed = _sets(door, asked, condition, as_json=as_json, look=look, page=page)
        else:
            failed = _traces(
                door, (before, after), condition, whole=whole, as_json=as_json, look=look, page=page
            )
    if failed:
        if not as_json:
            say(f"--fail-on: {', '.join(failed)}")
        click.get_current_context().exit(1)


def _traces(
    door: Doors,
    refs: tuple[str, str],
    condition: gating.Condition,
    *,
    whole: bool,
    as_json: bool,
    look: Terminal,
    page: Callable[[Iterable[str]], None],
) -> list[str]:
    first, second = sides.two(door, *refs)
    one, two = load_trace(*first), load_trace(*second)
    book = purse.usable_prices(home())
    found: Comparison = compare(one, two, lambda span: purse.charge_of(book, span))
    scores = sides.scores(first, second)
    failed = gating.failing(condition, compared.evidence(found, scores))
    if as_json:
        print_document({**compared.document(one, two, found, scores), "failed": failed})
    else:
        page(diff.lines(diff.Sides(one, two, found, whole, scores), look))
    return failed


def _sets(
    door: Doors,
    asked: tuple[sides.Set, sides.Set],
    condition: gating.Condition,
    *,
    as_json: bool,
    look: Terminal,
    page: Callable[[Iterable[str]], None],
) -> list[str]:
    book = purse.usable_prices(home())
    one, two = (
        sides.gathered(door.file(each.file) if each.file else door.home(), each, book) for each in asked
    )
    found: SetComparison = compare_sets(one, two)
    failed = gating.failing(condition, compared.evidence_of_sets(found))
    if found.needed and (condition or as_json):
        say(setdiff.too_few(found))
    if as_json:
        print_document({**compared.set_document(found), "failed": failed})
    else:
        page(setdiff.lines(asked[0].text, asked[1].text, found, look))
    return failed
