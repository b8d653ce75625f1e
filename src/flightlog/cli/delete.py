"""`flightlog delete`: traces, for good."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import click

from flightlog.cli.naming import find
from flightlog.cli.opening import caught_up, holds_something, home, how_to_record, say
from flightlog.cli.options import EXIT_CODES
from flightlog.cli.render.safe import clean
from flightlog.cli.render.words import of_them, short_moment, size
from flightlog.home import Home
from flightlog.records.errors import BadQuestion, StoreError
from flightlog.records.traces import Trace
from flightlog.store.port import Reader


class StillWritten(StoreError):
    """A trace that a program goes on recording would come back, in part."""

    def __init__(self, trace: Trace, running: int) -> None:
        super().__init__(
            f"trace {trace.trace_id} is still being written ({of_them(running, 'span')} running): what comes "
            "later would make it anew; delete it when it has ended, or give --force"
        )


@click.command("delete", epilog=EXIT_CODES)
@click.argument("traces", metavar="TRACE...", nargs=-1, required=True)
@click.option("--yes", "-y", is_flag=True, help="Do not ask.")
@click.option(
    "--force", is_flag=True, help="Delete also what is still being written; what comes later stays."
)
def command(*, traces: tuple[str, ...], yes: bool, force: bool) -> None:
    """Delete traces for good.

    Everything of them goes: spans, events, annotations, and large values that nothing else refers to; sums and
    statistics forget them. All are looked up before any is deleted, and you are asked first. What they took is
    overwritten; the file keeps its size and fills the room again.

    A trace that is still being written is not deleted, and the exit code is 1.
    """
    found = home()
    if not holds_something(found):
        raise BadQuestion(f"nothing is recorded in {found.path} yet; {how_to_record()}")
    with caught_up(found) as (reader, _):
        rows = _rows(reader, traces)
        if not force:
            _refuse_unended(reader, rows)
    if not (yes or _agreed(rows)):
        say("nothing was deleted")
        return
    _delete(found, rows)


def _rows(reader: Reader, refs: Sequence[str]) -> list[Trace]:
    ids = dict.fromkeys(find(reader, ref) for ref in refs)
    return [row for row in map(reader.trace, ids) if row is not None]


def _refuse_unended(reader: Reader, rows: Sequence[Trace]) -> None:
    for row in rows:
        spans = reader.spans(row.trace_id, payloads=False)
        if running := sum(span.status == "running" for span in spans):
            raise StillWritten(row, running)


def _agreed(rows: Sequence[Trace]) -> bool:
    """Whether somebody who sits there agrees."""
    if not sys.stdin.isatty():
        raise BadQuestion("nobody is there to be asked; give --yes to delete without asking")
    for row in rows:
        began = short_moment(row.start, 0)
        say(f"{row.trace_id}  {clean(row.name)}, {of_them(row.span_count, 'span')}, {began}")
    return click.confirm(f"Delete {of_them(len(rows), 'trace')} for good?", err=True)


def _delete(found: Home, rows: Sequence[Trace]) -> None:
    freed = 0
    for row, gone in zip(rows, found.delete(row.trace_id for row in rows), strict=True):
        parts = {
            "span": gone.spans,
            "event": gone.events,
            "annotation": gone.annotations,
            "payload": gone.payloads,
        }
        told = [of_them(number, noun) for noun, number in parts.items() if number]
        say(f"deleted {row.trace_id}: {', '.join([*told, size(gone.bytes)])} of values")
        freed += gone.bytes
    if len(rows) > 1:
        say(f"{of_them(len(rows), 'trace')} deleted, {size(freed)} of values freed")
