"""`flightlog watch`: what happens, as it happens, on screens or as lines."""

from __future__ import annotations

import time
from collections.abc import Iterator
from itertools import islice

import click

from flightlog.cli import exploring
from flightlog.cli.asking import question_of
from flightlog.cli.jsonout import print_pieces
from flightlog.cli.looks import drawn
from flightlog.cli.opening import home, say
from flightlog.cli.options import EXIT_CODES
from flightlog.cli.render import happening
from flightlog.cli.render.terminal import Terminal, emit
from flightlog.codecs.lines import encode
from flightlog.home import Home
from flightlog.indexing import Indexing
from flightlog.pricelist import Pricing
from flightlog.records.errors import BadQuestion, FlightlogError
from flightlog.records.question import Question
from flightlog.records.span import Span
from flightlog.store.following import Mark

LOOK_SECONDS = 0.2
"""Between two looks at a store in which nothing is new."""
RETRY_SECONDS = 1.0
AT_ONCE = 500
"""Spans that are read together."""


@click.command("watch", epilog=EXIT_CODES)
@exploring.words
@click.option(
    "--lines", "as_lines", is_flag=True, help="Print a line as each span begins and ends; in a pipe always."
)
@click.option(
    "--json", "as_json", is_flag=True, help="Print record lines instead, as docs/schema.json has them."
)
@click.option("-n", "--limit", type=click.IntRange(1), default=None, help="End after so many lines.")
@click.option(
    "--quiet",
    "-q",
    is_flag=True,
    help="Without the mascot, and with --lines without a word on standard error.",
)
@drawn
def command(
    *,
    words: tuple[str, ...],
    as_lines: bool,
    as_json: bool,
    limit: int | None,
    quiet: bool,
    look: Terminal,
) -> None:
    """Watch what programs do, as they do it.

    On a terminal: how much happens at a glance, and the traces as they begin, grow and end. One opens to its tree, in
    which open spans tick, each span to all that is known of it, a trace to the messages of its model calls. The key ?
    tells all keys, q quits. That needs the extra part `tui`.

    With a QUESTION, such as 'kind:llm status:error' (docs/questions.md): only the traces of which some span fits it.
    With a TRACE, on a terminal: beginning with that one.

    With --lines, and wherever the output is no terminal: one line as a span begins (one that lasts, see
    docs/recording.md) and one as it ends: the time, what it is, how long it took, its trace. With a QUESTION, the
    spans that fit it by then. It begins with what happens from now on, and ends with Ctrl-C or after --limit lines.

    With --json: each of these as its record, one JSON object a line.

    It needs no server. It reads the home and, if nobody else does, brings what programs record into its store, so they
    need not; none of them waits for it. A home that does not exist yet, is busy, or is deleted meanwhile is waited for.
    """
    if as_lines or as_json or limit or not exploring.is_interactive():
        _print(question_of(words), limit, look, as_json=as_json, quiet=quiet)
    else:
        exploring.require_extra("flightlog watch on a terminal (without --lines)")
        exploring.explore(words, follows=True, quiet=quiet, colour=look.colour)


def _print(
    question: Question | None, limit: int | None, look: Terminal, *, as_json: bool, quiet: bool
) -> None:
    found = home()
    with Indexing(found):
        for span in islice(_each(found, question, whole=as_json, quiet=quiet), limit):
            if as_json:
                print_pieces([encode(span)])
            else:
                emit([happening.line(span, look)])


def _each(found: Home, question: Question | None, *, whole: bool, quiet: bool) -> Iterator[Span]:
    """Every span that begins or ends from now on; a store that cannot be read is said once, and tried again."""
    prices = Pricing(found.settings)
    mark: Mark | None = None
    said = ""
    while True:
        try:
            with found.reader(prices.price, prices.version) as reader:
                news = reader.news(mark, AT_ONCE, question=question, payloads=whole)
        except BadQuestion:
            raise
        except FlightlogError as error:
            if str(error) != said:
                said = str(error)
                say(f"{said}; trying again")
            time.sleep(RETRY_SECONDS)
            continue
        if mark is None and not quiet:
            say(f"watching {found.path}; Ctrl-C ends it")
        mark, said = news.mark, ""
        yield from news.spans
        if not news.has_more:
            time.sleep(LOOK_SECONDS)
