"""`flightlog delete`: traces, for good."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Final

import click

from flightlog.cli import auditing
from flightlog.cli.asking import divided, question_of
from flightlog.cli.naming import find
from flightlog.cli.opening import caught_up, holds_something, home, how_to_record, say
from flightlog.cli.options import EXIT_CODES
from flightlog.cli.render.safe import clean
from flightlog.cli.render.words import of_them, short_moment, size
from flightlog.home import Home
from flightlog.records.errors import BadQuestion, StoreError
from flightlog.records.traces import Selection, Trace
from flightlog.store.clearport import Deleted
from flightlog.store.port import Reader

_MOST_NAMED: Final = 20
"""Traces that are named one by one; of more it is said how many there are."""


class StillWritten(StoreError):
    """A trace that a program goes on recording would come back, in part."""

    def __init__(self, trace: Trace, running: int) -> None:
        super().__init__(
            f"trace {trace.trace_id} is still being written ({of_them(running, 'span')} running): what comes "
            "later would make it anew; delete it when it has ended, or give --force"
        )


@click.command("delete", epilog=EXIT_CODES)
@click.argument("traces", metavar="TRACE|QUESTION...", nargs=-1, required=True)
@click.option("--yes", "-y", is_flag=True, help="Do not ask.")
@click.option(
    "--force", is_flag=True, help="Delete also what is still being written; what comes later stays."
)
def command(*, traces: tuple[str, ...], yes: bool, force: bool) -> None:
    """Delete traces for good.

    Some by their names, or all of which some span fits a QUESTION, such as 'environment:ci since:2h'.

    Everything of them goes: spans, events, annotations, and large values that nothing else refers to; sums and
    statistics forget them. All are looked up before any is deleted, and you are asked first. What they took is
    overwritten and fills again; `flightlog prune` gives free room back to the disk.

    It works in small parts, so programs that record at the same time go on.

    A trace that is still being written is not deleted, and the exit code is 1; one that a question found stays, and the
    rest goes.
    """
    found = home()
    if not holds_something(found):
        raise BadQuestion(f"nothing is recorded in {found.path} yet; {how_to_record()}")
    names, asked = divided(traces)
    if names and asked:
        raise BadQuestion("give names of traces or a question, not both")
    with caught_up(found) as (reader, _):
        rows = _fitting(reader, asked, force=force) if asked else _rows(reader, names)
        if not (force or asked):
            _refuse_unended(reader, rows)
    if not rows:
        say("no trace is like that; nothing was deleted")
        return
    if not (yes or _agreed(rows)):
        say("nothing was deleted")
        return
    _delete(found, rows)
    ids = [row.trace_id for row in rows]
    spans = sum(row.span_count for row in rows)
    auditing.note(found, "deleted", ids, question=" ".join(asked), spans=spans)


def _rows(reader: Reader, refs: Sequence[str]) -> list[Trace]:
    ids = dict.fromkeys(find(reader, ref) for ref in refs)
    return [row for row in map(reader.trace, ids) if row is not None]


def _fitting(reader: Reader, asked: Sequence[str], *, force: bool) -> list[Trace]:
    """The traces that a question means; those that are still being written stay, and that is said."""
    found = list(reader.each_trace(Selection(question=question_of(asked))))
    rows = [row for row in found if force or row.status not in ("running", "paused")]
    if len(rows) < len(found):
        say(f"{of_them(len(found) - len(rows), 'trace')} still being written: left as they are")
    return rows


def _refuse_unended(reader: Reader, rows: Sequence[Trace]) -> None:
    for row in rows:
        spans = reader.spans(row.trace_id, payloads=False)
        if running := sum(span.status == "running" for span in spans):
            raise StillWritten(row, running)


def _agreed(rows: Sequence[Trace]) -> bool:
    """Whether somebody who sits there agrees."""
    if not sys.stdin.isatty():
        raise BadQuestion("nobody is there to be asked; give --yes to delete without asking")
    for row in rows[:_MOST_NAMED]:
        began = short_moment(row.start, 0)
        say(f"{row.trace_id}  {clean(row.name)}, {of_them(row.span_count, 'span')}, {began}")
    if len(rows) > _MOST_NAMED:
        spans = sum(row.span_count for row in rows)
        say(f"and {of_them(len(rows) - _MOST_NAMED, 'more trace')}; {of_them(spans, 'span')} in all")
    return click.confirm(f"Delete {of_them(len(rows), 'trace')} for good?", err=True)


def _delete(found: Home, rows: Sequence[Trace]) -> None:
    shown = _Shown(sum(row.span_count for row in rows))
    try:
        took = found.delete((row.trace_id for row in rows), progress=shown.at)
    finally:
        shown.wipe()
    for row, gone in list(zip(rows, took, strict=True))[:_MOST_NAMED]:
        parts = {
            "span": gone.spans,
            "event": gone.events,
            "annotation": gone.annotations,
            "payload": gone.payloads,
        }
        told = [of_them(number, noun) for noun, number in parts.items() if number]
        say(f"deleted {row.trace_id}: {', '.join([*told, size(gone.bytes)])} of values")
    if len(rows) > 1:
        freed = sum(gone.bytes for gone in took)
        say(f"{of_them(len(rows), 'trace')} deleted, {size(freed)} of values freed")


class _Shown:
    """How far it is, on a terminal."""

    def __init__(self, spans: int) -> None:
        self._spans = spans
        self._gone = 0
        self._is_shown = sys.stderr.isatty()

    def at(self, gone: Deleted) -> None:
        """One part more is gone."""
        self._gone += gone.spans
        if self._is_shown:
            click.echo(f"\r\x1b[K{self._gone:,} of {of_them(self._spans, 'span')}", err=True, nl=False)

    def wipe(self) -> None:
        """Leave the line empty."""
        if self._is_shown:
            click.echo("\r\x1b[K", err=True, nl=False)
