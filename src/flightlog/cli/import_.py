"""`flightlog import`: what other tools wrote, into the home."""

from __future__ import annotations

from typing import Any, Final, cast

import click
from msgspec import to_builtins

from flightlog.cli import auditing
from flightlog.cli.jsonout import print_document
from flightlog.cli.opening import home, say
from flightlog.cli.options import as_json
from flightlog.cli.readingnotes import Teller, collecting_seldom
from flightlog.cli.render.words import of_them
from flightlog.importing import Imported, import_documents
from flightlog.imports.forms import FORMS, Form


@click.command(
    "import",
    epilog="Exit codes: 0 everything was imported, 1 trouble (a record was skipped, a file or the home cannot be "
    "used), 2 a question that makes no sense (a bad option).",
)
@click.argument("files", metavar="FILE...", nargs=-1, required=True)
@click.option(
    "--format",
    "form",
    type=click.Choice(FORMS),
    default="auto",
    show_default=True,
    metavar="FORMAT",
    help=f"What the files are; auto asks each of them: {', '.join(FORMS)}.",
)
@click.option("--project", default="", help="Whose the records are, whatever they say themselves.")
@click.option("--dry-run", is_flag=True, help="Read and check everything, and store nothing.")
@as_json
def command(*, files: tuple[str, ...], form: str, project: str, dry_run: bool, as_json: bool) -> None:
    """Bring in traces that other tools wrote.

    FILE is OTLP, traces or logs, as JSON (one message, or one a line) or protobuf (one message, or many with their
    lengths before them); JSON lines that `flightlog export` wrote; or what frame-trace, flujo (its SQLite file or a
    debug export), lash, tracellm, narration-core, Jaeger, Zipkin, Chrome's tracing, Claude Code, Langfuse or Phoenix
    wrote (docs/importing.md); compressed with gzip or zstd or not; - is standard input.

    Everything is redacted by the rules of this home before it is stored. A record that cannot be read is named with its
    place and skipped. Importing something twice changes nothing.
    """
    told = Teller("skipped")
    try:
        with collecting_seldom():
            done = import_documents(
                home(),
                files,
                form=cast("Form", form),
                project=project,
                dry_run=dry_run,
                bad=told.bad,
                progress=told.progress,
            )
    finally:
        told.end()
    if as_json:
        print_document(done)
    _sum_up(done, dry_run=dry_run)
    if not dry_run:
        auditing.note(home(), "imported", question=auditing.as_typed(), spans=done.new)
    click.get_current_context().exit(1 if done.skipped else 0)


def _sum_up(done: Imported, *, dry_run: bool) -> None:
    verb = "would be imported" if dry_run else "imported"
    there = "" if dry_run else f", {done.new:,} of them new"
    say(f"{of_them(done.records, 'record')} {verb} as {of_them(done.lines, 'line')}{there}")
    notes: dict[str, Any] = to_builtins(done)
    for name, (noun, text) in _NOTES.items():
        if notes[name]:
            say(f"{of_them(notes[name], noun)} {text}")


_NOTES: Final = {
    "skipped": ("record", "skipped: not to be read"),
    "cut": ("text", "cut: longer than value_bytes"),
    "repeated_keys": ("attribute", "left out: a later one of the same record had the same key"),
    "too_long": ("line", "shortened: longer than line_bytes"),
    "understood": ("span", "understood as other conventions have them"),
    "unread": ("span", "that our readers failed on, stored as told; please tell us"),
    "duplicates": ("span", "kept and not counted: another one stands for the same call"),
    "logged": ("call", "known from log records alone, each made a span"),
}
