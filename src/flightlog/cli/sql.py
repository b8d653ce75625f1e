"""`flightlog sql`: one query, read-only, on documented views."""

from __future__ import annotations

import csv
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, Final

import click

from flightlog.cli.impatience import Impatience
from flightlog.cli.jsonout import print_array
from flightlog.cli.looks import drawn, paged
from flightlog.cli.opening import answered, holds_something, home, no_trace, say
from flightlog.cli.options import as_json
from flightlog.cli.render import grid
from flightlog.cli.render.safe import clean
from flightlog.cli.render.terminal import Terminal
from flightlog.records.errors import BadQuestion
from flightlog.store.views import FUNCTIONS, VIEWS

MOST: Final = 1000
SECONDS: Final = 10.0


@click.command(
    "sql",
    epilog="Exit codes: 0 fine, 1 trouble (the home or its store cannot be used), 2 a query that is no SQL, "
    "does more than read, or takes too long.",
)
@click.argument("query", required=False, default="")
@click.option("--views", "wants_views", is_flag=True, help="Say which views and columns there are.")
@click.option(
    "-n",
    "--limit",
    type=click.IntRange(1, 1_000_000_000),
    default=MOST,
    show_default=True,
    help="Most rows to print.",
)
@click.option(
    "--seconds",
    type=click.FloatRange(0.001, 86_400),
    default=SECONDS,
    show_default=True,
    help="How long the query may take.",
)
@as_json
@click.option("--csv", "as_csv", is_flag=True, help="Print CSV instead, with a line of titles.")
@drawn
@paged
def command(
    *,
    query: str,
    wants_views: bool,
    limit: int,
    seconds: float,
    as_json: bool,
    as_csv: bool,
    look: Terminal,
    page: Callable[[Iterable[str]], None],
) -> None:
    """Ask the store in SQL, read-only.

    QUERY is one SELECT of SQLite's on the views spans, traces, events, annotations and costs; `flightlog sql --views`
    says their columns, docs/sql.md tells more. Times are nanoseconds since 1970, costs US dollars, inputs and outputs
    JSON:

    \b
        flightlog sql "SELECT model, count(*) calls, sum(cost_usd) usd
                       FROM costs GROUP BY model ORDER BY usd DESC"

    Nothing can be changed: what writes, attaches a file or sets a pragma is refused. A query may take ten seconds
    and half a gibibyte of memory.

    With --json: an array with one object a row.
    """  # noqa: D301 - click takes the character itself for the beginning of lines that stay as they are
    if as_json and as_csv:
        raise BadQuestion("--json or --csv, not both")
    if wants_views:
        _print_views(look, page, as_json=as_json)
        return
    if not query.strip():
        raise BadQuestion("which query? `flightlog sql --views` says what can be asked")
    found = home()
    if not holds_something(found):
        say(no_trace(found))
    with Impatience(seconds) as impatience, answered(found, query, seconds) as answer:
        columns, rest = answer.columns, impatience.rows(answer)
        rows = islice(rest, limit)
        if as_json:
            print_array(dict(zip(columns, map(_plain, row), strict=True)) for row in rows)
        elif as_csv:
            _print_csv(columns, rows)
        elif columns and (whole := list(rows)):
            page(grid.lines(columns, whole, look))
        else:
            say("no row is like that")
        if next(rest, None) is not None:
            say(f"these are the first {limit:,} rows; -n prints more")


def _print_views(look: Terminal, page: Callable[[Iterable[str]], None], *, as_json: bool) -> None:
    if as_json:
        columns = ((view.name, column.name, column.meaning) for view in VIEWS for column in view.columns)
        print_array({"view": view, "column": name, "meaning": meaning} for view, name, meaning in columns)
        return
    told = [(view.name, view.meaning, [(c.name, c.meaning) for c in view.columns]) for view in VIEWS]
    page(grid.views(told, FUNCTIONS, look))


def _print_csv(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(map(_safe, columns))
    writer.writerows(map(_safe, map(_plain, row)) for row in rows)
    sys.stdout.flush()


def _plain(value: Any) -> Any:
    """A value that JSON has: bytes are hexadecimal digits."""
    return value.hex() if isinstance(value, bytes) else value


def _safe(value: Any) -> Any:
    """A cell whose text no terminal obeys; its lines stay lines."""
    if not isinstance(value, str):
        return value
    return "\n".join(clean(line) for line in _lines(value))


def _lines(text: str) -> Iterator[str]:
    yield from text.replace("\r\n", "\n").split("\n")
