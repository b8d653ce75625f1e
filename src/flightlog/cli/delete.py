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
from flightlog.records.question import And, Comparison, Pattern, Question, Related
from flightlog.records.traces import Selection, Trace
from flightlog.store.clearport import Deleted
from flightlog.store.port import Reader

_OPEN: Final = ("running", "paused")
_GOES_ON: Final = Related("span", Comparison("status", "=", Pattern(("running",))))
"""Some span of the trace goes on, though its root may be over."""

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
        question = question_of(asked)
        rows = _fitting(reader, question, force=force) if question is not None else _rows(reader, names)
        if not (force or asked):
            _refuse_unended(reader, rows)
    if not rows:
        say("no trace is like that; nothing was deleted")
        return
    if not (yes or _agreed(rows)):
        say("nothing was deleted")
        return
    shown = _Shown(sum(row.span_count for row in rows))
    try:
        _delete(found, rows, shown, every_project=not asked)
    finally:  # also of what was gone before it was interrupted
        if shown.traces or shown.spans:
            ids = [row.trace_id for row in rows[: shown.traces + 1]]
            auditing.note(found, "deleted", ids, question=" ".join(asked), spans=shown.spans)


def _rows(reader: Reader, refs: Sequence[str]) -> list[Trace]:
    ids = dict.fromkeys(find(reader, ref) for ref in refs)
    return [row for row in map(reader.trace, ids) if row is not None]


def _fitting(reader: Reader, question: Question, *, force: bool) -> list[Trace]:
    """The traces that a question means; those that are still being written stay, and that is said."""
    found = list(reader.each_trace(Selection(question=question)))
    open_ones = Selection(question=And((question, _GOES_ON)))
    still = set() if force else {(row.trace_id, row.project) for row in reader.each_trace(open_ones)}
    rows = [
        row for row in found if force or not (row.status in _OPEN or (row.trace_id, row.project) in still)
    ]
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


def _delete(found: Home, rows: Sequence[Trace], shown: _Shown, *, every_project: bool) -> None:
    """Delete these; by a question not what another project has under the same id."""
    places = ((row.trace_id, None if every_project else row.project) for row in rows)
    try:
        took = found.delete(places, progress=shown.at)
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
        self.traces = 0
        self.spans = 0
        self._all = spans
        self._is_shown = sys.stderr.isatty()

    def at(self, gone: Deleted) -> None:
        """One part more is gone."""
        self.traces += gone.traces
        self.spans += gone.spans
        if self._is_shown:
            click.echo(f"\r\x1b[K{self.spans:,} of {of_them(self._all, 'span')}", err=True, nl=False)

    def wipe(self) -> None:
        """Leave the line empty."""
        if self._is_shown:
            click.echo("\r\x1b[K", err=True, nl=False)
