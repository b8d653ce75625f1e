"""`flightlog export`: traces as JSON lines."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from flightlog.cli.naming import find
from flightlog.cli.opening import reading, say
from flightlog.cli.options import EXIT_CODES
from flightlog.cli.render.words import of_them
from flightlog.export import jsonl


@click.command("export", epilog=EXIT_CODES)
@click.argument("trace", metavar="[TRACE]", required=False)
@click.option(
    "--format",
    "form",
    type=click.Choice(["jsonl"]),
    default="jsonl",
    show_default=True,
    help="jsonl: one record a line, as recorded.",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False, allow_dash=True),
    help="A file instead of standard output; it appears when it is complete.",
)
@click.option("--force", is_flag=True, help="Replace the file if there is one; write into a FIFO or device.")
def command(trace: str | None, form: str, output: Path | None, force: bool) -> None:  # noqa: ARG001  # one format so far
    """Write traces as JSON lines.

    One trace, or everything that is recorded: processes, spans, events, annotations, and lines that this
    version does not understand, as they came. The lines are redacted already: nothing else was ever written.
    """
    with reading() as reader:
        lines = reader.lines(find(reader, trace) if trace else None)
        if output is None or str(output) == "-":
            jsonl.write(lines, sys.stdout.buffer)
            return
        try:
            number = jsonl.save(lines, output, replace=force)
        except OSError as error:
            raise click.FileError(str(output), error.strerror or str(error)) from error
    say(f"{of_them(number, 'line')} written to {output}")
