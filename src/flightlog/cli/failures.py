"""`flightlog failures`: what failed last, alike errors together."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Any, Final

import click

from flightlog.analysis.failures import Alike, alike
from flightlog.cli.asking import hint, question_of, words
from flightlog.cli.filters import project
from flightlog.cli.jsonout import print_array
from flightlog.cli.looks import drawn, paged
from flightlog.cli.moments import moment
from flightlog.cli.opening import reading_if_any, say
from flightlog.cli.options import EXIT_CODES, as_json
from flightlog.cli.render import failing
from flightlog.cli.render.terminal import Terminal
from flightlog.cli.render.words import of_them
from flightlog.records.question import Question
from flightlog.records.span import Span
from flightlog.store.port import Reader

MOST_SPANS: Final = 10_000
"""Failed spans that are looked at, the newest ones."""


@click.command("failures", epilog=EXIT_CODES)
@click.option(
    "--since",
    default="24h",
    show_default=True,
    callback=moment,
    metavar="TIME",
    help="Failed since then: 2h, 3d, 2026-11-20, 2026-11-20T14:00Z.",
)
@project
@click.option(
    "-n",
    "--limit",
    type=click.IntRange(1, 1_000_000),
    default=20,
    show_default=True,
    help="Most groups to show.",
)
@words
@as_json
@drawn
@paged
def command(
    *,
    since: int,
    project: str,
    limit: int,
    words: tuple[str, ...],
    as_json: bool,
    look: Terminal,
    page: Callable[[Iterable[str]], None],
) -> None:
    """Say what failed last, alike errors together.

    Each failure counts at the place where it began: a span that failed because of a failed span below it is
    not told. Errors are alike when step, kind, error and message differ only in numbers, ids and what is
    quoted; the most frequent come first, with the newest traces and the command that shows more.

    With a QUESTION, such as 'kind:tool error:Timeout' (docs/questions.md): only failures that fit it.

    With --json: an array of groups, each with its newest examples.
    """
    question = question_of(words)
    with reading_if_any() as reader:
        spans = _failures(reader, since, project, question) if reader else []
        is_empty = reader is None
    groups = alike(spans)
    if len(spans) == MOST_SPANS:
        say(f"only the newest {MOST_SPANS:,} failures were looked at; give a later --since")
    if as_json:
        print_array(_document(group) for group in groups[:limit])
    elif groups:
        page(failing.lines(groups, len(spans), look, time.time_ns(), limit))
    elif not is_empty:
        say(f"nothing has failed in that time{' that fits' if question else ''}{hint(question)}")
    if as_json and len(groups) > limit:
        say(f"{of_them(len(groups) - limit, 'more group')}; -n shows more")


def _failures(reader: Reader, since: int, project: str, question: Question | None) -> list[Span]:
    return reader.failures(MOST_SPANS, since=since, project=project, question=question)


def _document(group: Alike) -> dict[str, Any]:
    examples = [
        {"trace_id": span.trace_id, "span_id": span.span_id, "start": span.start} for span in group.examples
    ]
    return {**{name: getattr(group, name) for name in group.__struct_fields__}, "examples": examples}
