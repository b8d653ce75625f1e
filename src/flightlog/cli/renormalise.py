"""`flightlog renormalise`: what other libraries told, read anew."""

from __future__ import annotations

import sys

import click

from flightlog.cli.filters import selecting
from flightlog.cli.jsonout import print_document
from flightlog.cli.opening import caught_up, holds_something, home, no_trace, say
from flightlog.cli.options import EXIT_CODES, as_json
from flightlog.cli.render.words import of_them
from flightlog.records.traces import Selection
from flightlog.renormalising import Renormalised, Sums, renormalise


@click.command("renormalise", epilog=EXIT_CODES)
@click.option("--dry-run", is_flag=True, help="Say what would change, and change nothing.")
@selecting
@as_json
def command(*, dry_run: bool, selection: Selection, as_json: bool) -> None:
    """Read what other libraries told anew.

    Spans of OpenTelemetry's instrumentations are read into Flightlog's words when they come. A newer Flightlog may
    understand more; this takes each such span of the traces that the options choose back to what was told and reads it
    again, and decides again which spans tell of one and the same model call. Every sum follows. Nothing that was told
    is lost, and a second run changes nothing.

    Options that choose traces must all hold, as with `flightlog list`.
    """
    found = home()
    if not holds_something(found):
        say(no_trace(found, 0))
        return
    with caught_up(found):
        pass
    done = renormalise(found, selection, dry_run=dry_run, progress=_show)
    if sys.stderr.isatty():
        click.echo("\r\x1b[K", err=True, nl=False)
    if as_json:
        print_document(done)
    else:
        _tell(done, dry_run=dry_run)


def _show(traces: int) -> None:
    if sys.stderr.isatty():
        click.echo(f"\r\x1b[K{traces:,} traces", err=True, nl=False)


def _tell(done: Renormalised, *, dry_run: bool) -> None:
    verb = "would be read otherwise" if dry_run else "read otherwise than before"
    click.echo(f"{of_them(done.spans, 'span')} of other libraries in {of_them(done.traces, 'trace')}")
    click.echo(f"{done.changed:,} {verb}")
    click.echo(f"{done.duplicates:,} tell of a model call that another one stands for")
    if done.logged:
        click.echo(f"{of_them(done.logged, 'call')} known from log records alone")
    for dialect, spans in done.dialects.items():
        click.echo(f"  {dialect}: {spans:,}")
    click.echo(f"before: {_words(done.before)}")
    click.echo(f"after:  {_words(done.after)}")


def _words(sums: Sums) -> str:
    unknown = f", {sums.unknown:,} of unknown usage" if sums.unknown else ""
    tokens = f"{sums.input_tokens:,} tokens in, {sums.output_tokens:,} out"
    return f"{of_them(sums.calls, 'model call')}, {tokens}{unknown}"
