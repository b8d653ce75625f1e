"""`flightlog cost`: what model calls cost."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

import click
from msgspec import structs

from flightlog.analysis.spending import COMMONS, Common, Key, Spending, spending_by
from flightlog.cli import money as purse
from flightlog.cli.asking import divided, hint, question_of
from flightlog.cli.filters import selecting
from flightlog.cli.jsonout import print_document
from flightlog.cli.looks import drawn, paged
from flightlog.cli.naming import find
from flightlog.cli.opening import home, reading, reading_if_any, say
from flightlog.cli.options import EXIT_CODES, as_json
from flightlog.cli.render import money
from flightlog.cli.render import spending as table
from flightlog.cli.render.terminal import Terminal
from flightlog.pricelist import price_book
from flightlog.pricing.book import PriceBook
from flightlog.records.callfacts import CallFacts
from flightlog.records.errors import BadQuestion
from flightlog.records.traces import EVERY_TRACE, Selection

MOST: Final = 20


@click.command("cost", epilog=EXIT_CODES)
@click.argument("words", nargs=-1, metavar="[TRACE | QUESTION]...")
@click.option(
    "--by",
    "common",
    type=click.Choice(COMMONS),
    default="model",
    show_default=True,
    help="What the calls of a row have in common.",
)
@click.option(
    "-n",
    "--limit",
    type=click.IntRange(1, 1_000_000_000),
    default=MOST,
    show_default=True,
    help="Most rows of the table.",
)
@selecting
@as_json
@drawn
@paged
def command(
    *,
    words: tuple[str, ...],
    common: Common,
    limit: int,
    selection: Selection,
    as_json: bool,
    look: Terminal,
    page: Callable[[Iterable[str]], None],
) -> None:
    """Say what model calls cost, in US dollars.

    Of calls that are over, those of one trace or of all: how many, their tokens (cached are those read from a
    cache, a part of what went in), and what they cost by the price of the moment at which each began; the dearest
    first, days (of UTC) in their order. A call with several tags counts with each.

    What is unknown is never 0: a call without usage, without a model or without a price is counted as unknown, and
    a sum beside it is a least (≥). A cost that was reported with a call is taken as it is. Prices come with
    Flightlog, dated; a file that the setting prices names wins over them.

    With a QUESTION, such as 'model:gpt-4* user:u-7' (docs/questions.md): of the calls that fit it.

    --since is about the calls, the other options choose traces as for `flightlog list`; all that is given must hold.

    With --json: one object with every row; `usd` is an exact number, null where nothing is known, and a least where
    unknown_calls is not 0.
    """
    named, asked = divided(words)
    trace = named[0] if named else None
    if named and (len(named) > 1 or asked):
        raise BadQuestion(f"one TRACE, or a QUESTION; {' '.join(words)!r} is neither")
    if trace is not None and selection != EVERY_TRACE:
        raise BadQuestion("options that choose traces go without TRACE")
    selection = structs.replace(selection, question=question_of(asked))
    book = price_book(home().settings)
    rows: dict[Key, Spending] = {}
    total = Spending()
    if trace is not None:
        with reading() as one:
            rows, total = _added(common, one.model_calls(traces=[find(one, trace)]), book)
        is_empty = False
    else:
        with reading_if_any() as reader:
            if reader:
                rows, total = _added(common, reader.model_calls(selection), book)
            is_empty = reader is None
    if as_json:
        print_document(_document(common, rows, total, book))
    elif total.calls:
        page(table.lines(common, rows, total, look, most=limit, sources=purse.sources(book)))
    elif not is_empty:
        say(f"no model call is like that{hint(selection.question)}; `flightlog list` shows what was recorded")


def _added(
    common: Common, calls: Iterable[CallFacts], book: PriceBook
) -> tuple[dict[Key, Spending], Spending]:
    return spending_by(common, calls, book.charge)


def _document(
    common: Common, rows: Mapping[Key, Spending], total: Spending, book: PriceBook
) -> dict[str, Any]:
    titles = table.TITLES.get(common, (common,))
    return {
        "by": common,
        "currency": "USD",
        "rows": [{**dict(zip(titles, key, strict=True)), **_row(row)} for key, row in rows.items()],
        "total": _row(total),
        "prices": {
            "source": book.snapshot.source,
            "version": book.snapshot.version,
            "taken": book.snapshot.taken,
            "own": book.own.source if book.own else None,
        },
    }


def _row(row: Spending) -> dict[str, Any]:
    return {
        **money.of_calls(row),
        "own_calls": row.own_calls,
        "input_tokens": row.input_tokens,
        "output_tokens": row.output_tokens,
        "cache_read_tokens": row.cache_read_tokens,
        "cache_write_tokens": row.cache_write_tokens,
        "doubts": dict(row.doubts.most_common()),
    }
