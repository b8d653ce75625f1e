"""`flightlog export`: traces as documents that other programs read."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import Final

import click
from msgspec import structs

from flightlog.analysis.tree import Tree, build
from flightlog.cli import auditing, exporting
from flightlog.cli.asking import divided, question_of
from flightlog.cli.doors import InFile, or_files, trace_of
from flightlog.cli.doors import divided as files_of
from flightlog.cli.exporting import Whole
from flightlog.cli.filters import selecting
from flightlog.cli.naming import find
from flightlog.cli.opening import home, pace, paced, reading, say
from flightlog.cli.options import EXIT_CODES
from flightlog.cli.render.words import of_them
from flightlog.codecs.lines import decode
from flightlog.export import file
from flightlog.export.scores import MOST as MOST_SCORES
from flightlog.export.scores import Scores
from flightlog.export.stricter import Stricter
from flightlog.records.annotation import Annotation, Judgement
from flightlog.records.errors import BadQuestion
from flightlog.records.event import Event
from flightlog.records.process import Process
from flightlog.records.span import Span
from flightlog.records.traces import EVERY_TRACE, Selection, Trace
from flightlog.store.port import Reader

_HEAD: Final = 64
"""Within so many bytes a line says of which type it is."""


@click.command("export", epilog=EXIT_CODES)
@click.argument("words", nargs=-1, metavar="[TRACE... | FILE... | QUESTION...]")
@click.option(
    "--format",
    "form",
    type=click.Choice(exporting.FORMS),
    default="jsonl",
    show_default=True,
    metavar="FORMAT",
    help=f"What it is written as: {', '.join(exporting.FORMS)}; docs/export.md says what each holds and what reads it.",
)
@click.option(
    "--rows",
    "of",
    type=click.Choice(["traces", "spans"]),
    help="Flat rows with the columns of docs/export.md instead of records; csv is always rows, of traces, and parquet, "
    "of spans.",
)
@selecting
@click.option(
    "--redact",
    default="",
    metavar="MODES",
    help="Redact more on the way out, as the setting of this name says: email=mask,phone=hash.",
)
@click.option(
    "--content",
    default="",
    metavar="POLICY",
    help="Leave inputs and outputs out, as the setting of this name says: metadata, or all,llm=metadata.",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False, allow_dash=True),
    help="A file instead of standard output; it appears when it is complete.",
)
@click.option("--force", is_flag=True, help="Replace the file if there is one; write into a FIFO or device.")
def command(
    *,
    words: tuple[str, ...],
    form: str,
    of: str | None,
    selection: Selection,
    redact: str,
    content: str,
    output: Path | None,
    force: bool,
) -> None:
    """Write traces as documents that other programs read.

    The traces that are named, those that a QUESTION (docs/questions.md) or the options choose, or everything that is
    recorded. A QUESTION chooses whole traces of which some span fits it, and with --rows spans the spans that fit it.
    With FILEs that `flightlog import` reads before it: of what is in them, and nothing of it is kept.

    As jsonl: processes, spans, events, annotations, and with everything also lines that this version does not
    understand, as they came. As json: an array of traces with their spans nested. With --rows, and as csv: one
    flat row for each trace or span, with stable columns; a cell that a spreadsheet would take for a formula
    begins with an apostrophe. As html: one page that opens offline. As mermaid and dot: what called what, all that is
    alike as one box. As story: sentences.

    The records are redacted already: nothing else was ever written. A file or a pipe gets every byte as it was
    recorded; on a terminal, characters that it would obey are written out.
    """
    files, rest = files_of(words)
    named, asked = divided(rest)
    if files and named:
        raise BadQuestion(f"files, or the names of traces that were recorded: {named[0]!r} is none of a file")
    if named and (asked or selection != EVERY_TRACE):
        raise BadQuestion(
            "the names of traces, or a question and options that choose traces: give only one of both"
        )
    selection = structs.replace(selection, question=question_of(asked))
    into_file = output is not None and str(output) != "-"
    exporting.check(form, of, to_terminal=not into_file and sys.stdout.isatty())
    if output is not None and into_file:
        file.check(output, replace=force)
    with reading() if named else or_files(files) as reader:
        ids = _ids(reader, files, named)
        chosen = Chosen(reader, ids, selection)
        chosen.stricter = exporting.stricter(redact, content)
        pieces = exporting.pieces(chosen, form, of)
        if output is None or not into_file:
            sys.stdout.flush()
            on_terminal = sys.stdout.isatty()
            sys.stdout.buffer.writelines(
                map(exporting.safe(form), pieces) if on_terminal else exporting.told(pieces, chosen)
            )
            sys.stdout.buffer.flush()
            _end(chosen, ids, files)
            return
        try:
            file.save(exporting.told(pieces, chosen), output, replace=force)
        except OSError as error:
            raise click.FileError(str(output), error.strerror or str(error)) from error
    say(f"{of_them(chosen.number, chosen.noun)} written to {output}")
    _end(chosen, ids, files)


def _ids(reader: Reader | None, files: Sequence[InFile], named: Sequence[str]) -> list[str] | None:
    """The traces that were named; None where none was."""
    if reader is None or not (named or any(one.ref for one in files)):
        return None
    found = [trace_of(reader, one) for one in files] if files else [find(reader, ref) for ref in named]
    return list(dict.fromkeys(found))


def _end(chosen: Chosen, ids: Sequence[str] | None, files: Sequence[InFile]) -> None:
    """Say what was left out, and tell the audit log, which is about what this home holds."""
    _say_left_out(chosen)
    if not files:
        _note(chosen, ids)


def _note(chosen: Chosen, ids: Sequence[str] | None) -> None:
    """Tell the audit log."""
    count = len(ids) if ids is not None else chosen.number if chosen.noun == "trace" else 0
    auditing.note(home(), "exported", ids or (), count=count, question=auditing.as_typed())


def _say_left_out(chosen: Chosen) -> None:
    if chosen.scores_left_out:
        say(
            f"{of_them(chosen.scores_left_out, 'score')} left out that {MOST_SCORES} columns have no room for"
        )
    if chosen.untold:
        say(f"{of_them(chosen.untold, 'record')} left out that the format cannot carry")
    if chosen.unknown:
        say(f"{of_them(chosen.unknown, 'line')} left out of which nobody here can say what is secret")


class Chosen:
    """What is exported, counted while it goes by; nothing where there is no reader."""

    def __init__(self, reader: Reader | None, ids: Sequence[str] | None, selection: Selection) -> None:
        self._reader = reader
        self._ids = ids
        """Of the traces that were named; None where a selection says which."""
        self._selection = selection
        self._pace = pace(home())
        self.stricter = Stricter()
        self.processes: dict[str, Process] = {}
        self.number = 0
        self.noun = "trace"
        self.untold = 0
        self.unknown = 0
        """Lines that nobody understands, left out where more is to be redacted."""
        self.scores_left_out = 0

    def traces(self) -> Iterator[Trace]:
        """Rows of traces, newest first."""
        if self._reader is None:
            return
        if self._ids is None:
            found: Iterable[Trace | None] = self._reader.each_trace(self._selection)
        else:
            found = map(self._reader.trace, self._ids)
        for trace in found:
            if trace is not None:
                self.number += 1
                yield self.stricter.record(paced(trace, self._pace))

    def spans(self) -> Iterator[Span]:
        """Spans, those of the newest trace first."""
        self.noun = "span"
        found: Iterable[Span]
        if self._reader is None:
            return
        if self._ids is None:
            found = self._reader.each_span(self._selection)
        else:
            found = chain.from_iterable(map(self._reader.spans, self._ids))
        for span in found:
            self.number += 1
            yield self.stricter.record(span)

    def scores(self, *, of_spans: bool) -> Scores:
        """The columns that what was said of what is chosen asks for; those of the rows are promised and come first."""
        judged: Iterable[Judgement | Annotation] = ()
        if self._reader is not None:
            judged = (
                self._reader.judgements(self._selection)
                if self._ids is None
                else chain.from_iterable(map(self._reader.annotations, self._ids))
            )
        made = Scores(judged, of_spans=of_spans)
        self.scores_left_out = made.left_out
        return made

    def said(self, trace_id: str) -> list[Annotation]:
        """What was said of a trace and its spans, by time."""
        return (
            []
            if self._reader is None
            else list(map(self.stricter.record, self._reader.annotations(trace_id)))
        )

    def trees(self) -> Iterator[tuple[Trace, Tree]]:
        """Traces with their spans, one held at a time."""
        for trace in self.traces():
            if self._reader is not None:
                spans, events = self._reader.spans(trace.trace_id), self._reader.events(trace.trace_id)
                yield trace, build(map(self.stricter.record, spans), map(self.stricter.record, events))

    def wholes(self) -> Iterator[Whole]:
        """The same with what was said of them, and with their processes in `processes`."""
        for trace in self.traces():
            found = Whole(trace, [], [], [])
            for line in self._reader.lines(trace.trace_id) if self._reader is not None else ():
                record = self.stricter.record(decode(line))
                if isinstance(record, Span):
                    found.spans.append(record)
                elif isinstance(record, Event):
                    found.events.append(record)
                elif isinstance(record, Annotation):
                    found.annotations.append(record)
                elif isinstance(record, Process):
                    self.processes[record.process_id] = record
            yield found

    def lines(self) -> Iterator[bytes]:
        """Record lines with their line ends."""
        self.noun = "line"
        if self._reader is None:
            return
        for line in self._all_lines(self._reader):
            safe = self.stricter.line(line)
            self.unknown += safe is None
            if safe is not None:
                self.number += 1
                yield safe + b"\n"

    def _all_lines(self, reader: Reader) -> Iterator[bytes]:
        """The lines of what was chosen; each process is said once."""
        if self._ids is None:
            yield from reader.lines(selection=self._selection)
            return
        said: set[bytes] = set()
        for line in chain.from_iterable(map(reader.lines, self._ids)):
            if line not in said:
                yield line
            if b'"type":"process"' in line[:_HEAD]:
                said.add(line)
