"""`flightlog export`: traces as JSON lines, JSON or comma-separated values."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import click
import msgspec

from flightlog.analysis.tree import Tree
from flightlog.cli.filters import selecting
from flightlog.cli.naming import find
from flightlog.cli.opening import home, pace, paced, reading, reading_if_any, say
from flightlog.cli.options import EXIT_CODES
from flightlog.cli.render.safe import clean, clean_json
from flightlog.cli.render.words import of_them
from flightlog.export import csv, file, json, rows
from flightlog.loading import load_trace
from flightlog.records.errors import BadQuestion
from flightlog.records.span import Span
from flightlog.records.traces import EVERY_TRACE, Selection, Trace
from flightlog.store.port import Reader


@click.command("export", epilog=EXIT_CODES)
@click.argument("trace", metavar="[TRACE]", required=False)
@click.option(
    "--format",
    "form",
    type=click.Choice(["jsonl", "json", "csv"]),
    default="jsonl",
    show_default=True,
    help="One JSON object a line, one JSON array, or comma-separated values.",
)
@click.option(
    "--rows",
    "of",
    type=click.Choice(["traces", "spans"]),
    help="Flat rows with the columns of docs/export.md instead of records; csv is always rows, of traces.",
)
@selecting
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False, allow_dash=True),
    help="A file instead of standard output; it appears when it is complete.",
)
@click.option("--force", is_flag=True, help="Replace the file if there is one; write into a FIFO or device.")
def command(
    *,
    trace: str | None,
    form: str,
    of: str | None,
    selection: Selection,
    output: Path | None,
    force: bool,
) -> None:
    """Write traces as JSON lines, JSON or CSV.

    One trace, those that the options choose, or everything that is recorded.

    As jsonl: processes, spans, events, annotations, and with everything also lines that this version does not
    understand, as they came. As json: an array of traces with their spans nested. With --rows, and as csv: one
    flat row for each trace or span, with stable columns; a cell that a spreadsheet would take for a formula
    begins with an apostrophe.

    The records are redacted already: nothing else was ever written. A file or a pipe gets every byte as it was
    recorded; on a terminal, characters that it would obey are written out.
    """
    if trace and selection != EVERY_TRACE:
        raise BadQuestion("one trace, or options that choose traces: give only one of both")
    into_file = output is not None and str(output) != "-"
    if output is not None and into_file:
        file.check(output, replace=force)
    with reading() if trace else reading_if_any() as reader:
        chosen = Chosen(reader, find(reader, trace) if reader and trace else None, selection)
        pieces = _pieces(chosen, form, of)
        if output is None or not into_file:
            sys.stdout.flush()
            sys.stdout.buffer.writelines(map(_safe(form), pieces) if sys.stdout.isatty() else pieces)
            sys.stdout.buffer.flush()
            return
        try:
            file.save(pieces, output, replace=force)
        except OSError as error:
            raise click.FileError(str(output), error.strerror or str(error)) from error
    say(f"{of_them(chosen.number, chosen.noun)} written to {output}")


def _safe(form: str) -> Callable[[bytes], bytes]:
    """How a piece is shown on a terminal: what that would obey is written out, in JSON as JSON has it."""
    return _safe_row if form == "csv" else clean_json


def _safe_row(row: bytes) -> bytes:
    return clean(row.decode().removesuffix("\r\n")).encode() + b"\n"


def _pieces(chosen: Chosen, form: str, of: str | None) -> Iterator[bytes]:
    if form == "csv" or of:
        table = rows.of_spans(chosen.spans()) if of == "spans" else rows.of_traces(chosen.traces())
        if form == "csv":
            return csv.lines(list(rows.SPAN_COLUMNS if of == "spans" else rows.TRACE_COLUMNS), table)
        if form == "json":
            return json.rows(table)
        return (msgspec.json.encode(row) + b"\n" for row in table)
    if form == "json":
        return json.documents(chosen.trees())
    return chosen.lines()


class Chosen:
    """What is exported, counted while it goes by; nothing where there is no reader."""

    def __init__(self, reader: Reader | None, trace_id: str | None, selection: Selection) -> None:
        self._reader = reader
        self._trace_id = trace_id
        self._selection = selection
        self._pace = pace(home())
        self.number = 0
        self.noun = "trace"

    def traces(self) -> Iterator[Trace]:
        """Rows of traces, newest first."""
        if self._reader is None:
            return
        if self._trace_id is None:
            found: Iterable[Trace | None] = self._reader.each_trace(self._selection)
        else:
            found = [self._reader.trace(self._trace_id)]
        for trace in found:
            if trace is not None:
                self.number += 1
                yield paced(trace, self._pace)

    def spans(self) -> Iterator[Span]:
        """Spans, those of the newest trace first."""
        self.noun = "span"
        found: Iterable[Span]
        if self._reader is None:
            return
        if self._trace_id is None:
            found = self._reader.each_span(self._selection)
        else:
            found = self._reader.spans(self._trace_id)
        for span in found:
            self.number += 1
            yield span

    def trees(self) -> Iterator[tuple[Trace, Tree]]:
        """Traces with their spans, one held at a time."""
        for trace in self.traces():
            if self._reader is not None:
                yield trace, load_trace(self._reader, trace.trace_id)

    def lines(self) -> Iterator[bytes]:
        """Record lines with their line ends."""
        self.noun = "line"
        if self._reader is None:
            return
        for line in self._reader.lines(self._trace_id, self._selection):
            self.number += 1
            yield line + b"\n"
