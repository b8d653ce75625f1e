"""`flightlog browse`: the explorer, on what was recorded."""

from __future__ import annotations

import click

from flightlog.cli import exploring
from flightlog.cli.options import EXIT_CODES
from flightlog.records.errors import BadQuestion


@click.command("browse", epilog=EXIT_CODES)
@exploring.words
@click.option("--quiet", "-q", is_flag=True, help="Without the mascot.")
def command(*, words: tuple[str, ...], quiet: bool) -> None:
    """Explore what was recorded, on screens.

    A list of traces, the newest first; of each its tree on a time axis, of each span everything that was recorded, of
    each trace the messages of its model calls; and statistics. With the id of a TRACE, @latest or @-2 it begins with
    that one, with a QUESTION such as 'kind:llm status:error' with the traces of which some span fits it
    (docs/questions.md). The key ? tells all keys, q quits.

    It shows what was there when it began; r looks again, f follows what happens, as `flightlog watch` does.

    It needs a terminal, and the extra part `tui`.
    """
    if not exploring.is_interactive():
        raise BadQuestion("browse needs a terminal; `flightlog list` and `flightlog trace` print to a pipe")
    exploring.require_extra("flightlog browse")
    exploring.explore(words, follows=False, quiet=quiet)
