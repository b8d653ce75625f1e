"""What model calls cost, as a table with a total and where its prices come from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from flightlog.analysis.spending import Common, Key, Spending
from flightlog.cli.render import money, words
from flightlog.cli.render.cells import flow
from flightlog.cli.render.safe import clean
from flightlog.cli.render.table import Column
from flightlog.cli.render.table import lines as table_lines
from flightlog.cli.render.terminal import Style, Terminal

TITLES: Final[Mapping[Common, tuple[str, ...]]] = {"model": ("model", "provider")}
"""What the parts of a key are called, where that is not what the calls have in common."""

_NONE: Final = "(none)"
_TOTAL: Final = "total"


def lines(
    common: Common,
    rows: Mapping[Key, Spending],
    total: Spending,
    terminal: Terminal,
    *,
    most: int,
    sources: Sequence[str],
) -> Iterator[str]:
    """Draw the rows, the total, why calls are unknown, and whose prices these are."""
    shown = list(rows.items())[:most]
    yield from table_lines(_columns(common, [*shown, (None, total)], terminal), terminal)
    if len(rows) > most:
        yield terminal.paint("dim", f"{terminal.ellipsis()} {len(rows) - most:,} more; -n shows more")
    yield ""
    for text, style in _told(total, sources):
        for line in flow(clean(text).split(" "), " ", terminal.width, terminal.ellipsis()):
            yield terminal.paint(style, line)


def _columns(common: Common, rows: Sequence[tuple[Key | None, Spending]], terminal: Terminal) -> list[Column]:
    sums = [row for _, row in rows]
    styles: list[Style] = ["bold" if key is None else "" for key, _ in rows]
    titles = TITLES.get(common, (common,))
    keys = [
        Column(
            title,
            [_key(key, place) for key, _ in rows],
            styles if place == 0 else ["dim"] * len(rows),
            least=8 if place == 0 and common != "trace" else 0,
            comfortable=26,
            leaves=5 if place else 0,
        )
        for place, title in enumerate(titles)
    ]
    return [
        *keys,
        Column("calls", [words.count(row.calls) for row in sums], styles, align="right"),
        _tokens("in", [row.input_tokens for row in sums], sums, leaves=1),
        _tokens("out", [row.output_tokens for row in sums], sums, leaves=1),
        _tokens("cached", [row.cache_read_tokens for row in sums], sums, leaves=3),
        Column("cost", [money.spent(row, terminal) for row in sums], styles, align="right"),
        Column(
            "unknown",
            [words.count(row.unknown_calls) if row.unknown_calls else "" for row in sums],
            ["yellow"] * len(sums),
            align="right",
            leaves=2,
            vital=True,
        ),
        Column(
            "reported",
            [words.count(row.reported_calls) if row.reported_calls else "" for row in sums],
            ["dim"] * len(sums),
            align="right",
            leaves=4,
        ),
    ]


def _key(key: Key | None, place: int) -> str:
    if key is None:
        return "" if place else _TOTAL
    return clean(key[place]) or ("" if place else _NONE)


def _tokens(title: str, numbers: Sequence[int], rows: Sequence[Spending], leaves: int) -> Column:
    """Tokens that were told; `?` where no call told any."""
    cells = [
        words.short_count(number) if number else ("?" if title != "cached" and _told_nothing(row) else "")
        for number, row in zip(numbers, rows, strict=True)
    ]
    return Column(title, cells, align="right", leaves=leaves)


def _told_nothing(row: Spending) -> bool:
    return not (row.input_tokens or row.output_tokens)


def _told(total: Spending, sources: Sequence[str]) -> Iterator[tuple[str, Style]]:
    if total.doubts:
        why = ", ".join(f"{number:,} {doubt}" for doubt, number in total.doubts.most_common())
        calls = words.of_them(total.unknown_calls, "call")
        yield f"cost of {calls} not known, or not whole: {why}", "yellow"
    if total.reported_calls:
        yield f"reported with {words.of_them(total.reported_calls, 'call')}, taken as it is", "dim"
    yield f"US dollars; prices of {'; '.join(sources)}", "dim"
