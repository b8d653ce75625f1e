"""What two traces, or two sets of them, come to: a table of before, after and the change."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from msgspec import Struct

from flightlog.cli.render import money, words
from flightlog.cli.render.table import Column
from flightlog.cli.render.table import lines as table_lines
from flightlog.cli.render.terminal import Style, Terminal

TITLES: Final[Mapping[str, str]] = {
    "duration": "duration",
    "duration_ns": "duration",
    "cost": "cost",
    "pico_usd": "cost",
    "input_tokens": "tokens in",
    "output_tokens": "tokens out",
    "cache_read_tokens": "from cache",
    "llm_calls": "model calls",
}
"""What measures are called; others by their own name."""

GOOD_IF_MORE: Final = frozenset({"cache_read_tokens"})
"""Measures of which more is better; of all others less is."""

_LEAST_SHARE: Final = 0.05
"""A change below this share is drawn without colour."""


class Row(Struct, frozen=True):
    """One measure before and after; None is unknown."""

    name: str
    """One of the measures, which says its unit; or of a duration any name, see `is_step`."""
    before: float | None
    after: float | None
    is_sure: bool = True
    """False for a change that may be chance: it gets no colour."""
    aside: str = ""
    is_step: bool = False
    """The name is one of a program's steps, and what was measured is how long it took."""
    is_score: bool = False
    """The name is one of a score, and what was measured is what traces were judged; neither more nor less is good."""


def lines(rows: Sequence[Row], terminal: Terminal, aside: str = "") -> Iterator[str]:
    """Draw the rows of which anything is known; `aside` is the title of a last column."""
    known = [row for row in rows if row.before or row.after or row.is_score]
    if not known:
        return
    arrow = "→" if terminal.unicode else ">"
    yield from table_lines(
        [
            Column("", [_title(row) for row in known], least=8),
            Column("before", [_shown(row, row.before, terminal) for row in known], align="right"),
            Column(" ", [arrow] * len(known), ["dim"] * len(known)),
            Column("after", [_shown(row, row.after, terminal) for row in known], align="right"),
            Column(
                "change",
                [delta(row, terminal) for row in known],
                [style(row) for row in known],
                align="right",
                leaves=2,
            ),
            Column(
                "  ",
                [share(row.before, row.after) for row in known],
                [style(row) for row in known],
                align="right",
                leaves=1,
            ),
            Column(aside, [row.aside for row in known], ["dim"] * len(known), leaves=3),
        ],
        terminal,
    )


def _title(row: Row) -> str:
    return row.name if row.is_step or row.is_score else TITLES.get(row.name, row.name.replace("_", " "))


def _shown(row: Row, value: float | None, terminal: Terminal) -> str:
    if row.is_score:
        return "?" if value is None else f"{value:.3g}"
    return shown("duration" if row.is_step else row.name, value, terminal)


def shown(name: str, value: float | None, terminal: Terminal) -> str:
    """A measure in its unit."""
    if value is None:
        return "?"
    if name in {"duration", "duration_ns"}:
        return words.duration(round(value), unicode=terminal.unicode)
    if name in {"cost", "pico_usd"}:
        return money.dollars(round(value))
    return f"{value:,.10g}" if value != round(value) else f"{round(value):,}"


def delta(row: Row, terminal: Terminal) -> str:
    """How much more it is now, in its unit; nothing where it is as it was or unknown."""
    if row.before is None or row.after is None or row.before == row.after:
        return ""
    sign = "+" if row.after > row.before else "-"
    return sign + _shown(row, abs(row.after - row.before), terminal)


def share(before: float | None, after: float | None) -> str:
    """How much more it is, of what it was: `+30 %`; `x12` from ten times on; nothing where that says nothing."""
    if before is None or after is None or not before or before == after:
        return ""
    if after / before >= 10:
        return f"x{after / before:,.0f}"
    told = f"{100 * (after - before) / before:+.0f} %"
    return "" if told in {"+0 %", "-0 %"} else told


def style(row: Row) -> Style:
    """Red for worse, green for better, none for what hardly changed or may be chance."""
    if not row.is_sure or row.before is None or row.after is None or row.before == row.after:
        return ""
    if row.is_score:
        return "bold"
    if row.before and abs(row.after - row.before) / row.before < _LEAST_SHARE:
        return ""
    return "red" if (row.after > row.before) is (row.name not in GOOD_IF_MORE) else "green"
