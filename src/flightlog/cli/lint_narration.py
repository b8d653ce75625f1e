"""`flightlog lint-narration`: which narrations could be told better, by the editorial rules."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Final

import click

from flightlog.cli.filters import project
from flightlog.cli.jsonout import print_array
from flightlog.cli.looks import drawn, paged
from flightlog.cli.moments import moment
from flightlog.cli.naming import find
from flightlog.cli.opening import reading_if_any, say
from flightlog.cli.options import as_json
from flightlog.cli.render import storyfaults
from flightlog.cli.render.terminal import Terminal
from flightlog.cli.render.words import of_them
from flightlog.narration.linting import Linter
from flightlog.records.traces import Selection
from flightlog.store.port import Reader

MOST_LOOSE: Final = 100_000
"""Events outside any span that are read."""
_DAY_NS: Final = 86_400 * 10**9

EXIT_CODES: Final = (
    "Exit codes: 0 nothing found, 1 something found or trouble (the home or its store cannot be used), 2 a question "
    "that makes no sense (an unknown id, a prefix of several ids, a bad option)."
)


@click.command("lint-narration", epilog=EXIT_CODES)
@click.argument("trace", metavar="[TRACE]", required=False)
@click.option(
    "--since",
    callback=moment,
    metavar="TIME",
    help="Without TRACE: traces that started, and what was said in none, since then: 2h, 3d. By default 24h.",
)
@project
@as_json
@drawn
@paged
def command(
    *,
    trace: str | None,
    since: int | None,
    project: str,
    as_json: bool,
    look: Terminal,
    page: Callable[[Iterable[str]], None],
) -> None:
    """Say which narrations could be told better.

    Checked are the narrations of one trace, or of all traces and outside any since a time. A plain sentence has at
    most 100 characters, 120 at level warn, 150 at error and fatal, has letters, does not stop where a value was
    empty, and does not tell the future; a cute one has at most 150 and an emoji; a story at most 200, and somebody
    speaks in it. No sentence holds what the gate had to replace, and no trace has more than 100 narrations.

    What is wrong at one line of the program is told once, with how often it was said and one example.

    With --json: an array of findings, each with its rule, text, source, count and the ids of its example.
    """
    if trace and (since is not None or project):
        raise click.UsageError("give either TRACE, or --since and --project")
    linter = Linter()
    with reading_if_any() as reader:
        if reader is not None:
            _check(linter, reader, trace, Selection(since=since or time.time_ns() - _DAY_NS, project=project))
    found = linter.found()
    if as_json:
        print_array(found)
    elif found:
        page(storyfaults.lines(found, linter.checked, look))
    elif reader is not None:
        told = f"{of_them(linter.checked, 'narration')} checked, nothing found"
        say(told if linter.checked else "nothing was narrated there")
    if found:
        click.get_current_context().exit(1)


def _check(linter: Linter, reader: Reader, trace: str | None, selection: Selection) -> None:
    if trace is not None:
        linter.check(reader.events(find(reader, trace)))
        return
    for row in reader.each_trace(selection):
        linter.check(reader.events(row.trace_id))
    found = reader.loose_events(MOST_LOOSE + 1, since=selection.since, project=selection.project)
    if len(found) > MOST_LOOSE:
        say(f"of the events outside any span only the newest {MOST_LOOSE:,} are checked")
    linter.check(found[-MOST_LOOSE:], is_trace=False)
