"""`flightlog spans`: the spans of one trace, or those that fit a question, as a table."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from functools import partial

import click
import msgspec

from flightlog.cli import shortened
from flightlog.cli.asking import divided, hint, question_of
from flightlog.cli.jsonout import print_array
from flightlog.cli.looks import drawn, paged
from flightlog.cli.naming import find
from flightlog.cli.opening import reading, reading_if_any, say
from flightlog.cli.options import EXIT_CODES, as_json
from flightlog.cli.render import spanlist
from flightlog.cli.render.terminal import Terminal
from flightlog.codecs.lines import encode
from flightlog.records.errors import BadQuestion
from flightlog.records.span import Span
from flightlog.records.traces import Selection

MOST = 50


@click.command("spans", epilog=EXIT_CODES)
@click.argument("words", nargs=-1, required=True, metavar="[TRACE] [QUESTION]...")
@click.option(
    "-n",
    "--limit",
    type=click.IntRange(1, 1_000_000_000),
    default=MOST,
    show_default=True,
    help="Most spans to list where no trace is named.",
)
@as_json
@drawn
@paged
def command(
    words: tuple[str, ...],
    limit: int,
    *,
    as_json: bool,
    look: Terminal,
    page: Callable[[Iterable[str]], None],
) -> None:
    """List the spans of one trace, or those that fit a question.

    With a QUESTION, such as 'kind:llm status:error duration>1.5s' (docs/questions.md): those that fit it, of one trace
    or, where none is named, of all, those of the newest trace first.

    One line a span, by start: status, name, kind, offset from the beginning of the trace, duration, parent
    and id. A narrow terminal gets fewer columns; a pipe or a file gets all of them, uncut.

    With --json: an array of record lines, each with its duration_ns, which is null while a span is open.
    """
    named, asked = divided(words)
    if len(named) > 1:
        raise BadQuestion(f"one trace, and a question about it; {named[1]!r} is neither")
    question = question_of(asked)
    with reading() if named else reading_if_any() as reader:
        if reader is None:
            if as_json:
                print_array(())
            return
        if named:
            spans = reader.spans(find(reader, named[0]), payloads=as_json, question=question)
        else:
            spans = reader.newest_spans(limit, Selection(question=question), payloads=as_json)
        digits = None if named else partial(shortened.digits, reader, spans)
        rows = [] if as_json or not spans else list(spanlist.lines(spans, look, time.time_ns(), digits))
    if as_json:
        print_array(_with_duration(span) for span in spans)
    elif rows:
        page(rows)
    if not spans and question:
        say(f"no span is like that{hint(question)}")
    elif not named and len(spans) == limit:
        say(f"these are the first {limit:,}; -n shows more")


def _with_duration(span: Span) -> bytes:
    return encode(span)[:-1] + b',"duration_ns":' + msgspec.json.encode(span.duration_ns) + b"}"
