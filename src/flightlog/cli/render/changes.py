"""Two times beside each other, as tables: what each group is now, and by how much that is other than before."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from flightlog.analysis.periods import Change, failing, relative
from flightlog.cli.render import figures, words
from flightlog.cli.render.table import Column
from flightlog.cli.render.table import lines as table_lines
from flightlog.cli.render.terminal import Style, Terminal
from flightlog.records.traces import Figures
from flightlog.store.groupings import Grouping

_NOTABLE = 0.1
"""A change by less than a tenth is not coloured."""


def lines(found: Mapping[Grouping, Sequence[Change]], terminal: Terminal, most: int) -> Iterator[str]:
    """A table for each grouping that has something in it."""
    if not any(found.values()):
        yield terminal.paint("dim", "no span has ended in either time")
    first = True
    for grouping, rows in found.items():
        if not rows:
            continue
        if not first:
            yield ""
        first = False
        yield from table_lines(_columns(grouping, rows[:most], terminal), terminal)
        if len(rows) > most:
            yield terminal.paint("dim", f"{terminal.ellipsis()} {len(rows) - most:,} more; -n shows more")


def _columns(grouping: Grouping, rows: Sequence[Change], terminal: Terminal) -> list[Column]:
    def lasting(ns: int | None) -> str:
        return words.duration(ns, unicode=terminal.unicode)

    def right(title: str, cells: Sequence[str], leaves: int, styles: Sequence[Style] = ()) -> Column:
        return Column(title, cells, styles, align="right", leaves=leaves)

    def figure(title: str, read: str, leaves: int) -> list[Column]:
        """A figure of now, and by how much it grew."""
        grown = [_grown(row, read) for row in rows]
        now = [lasting(getattr(row.after, read)) if row.after else "" for row in rows]
        return [
            right(title, now, leaves),
            right(
                f"±{title}" if terminal.unicode else f"+-{title}",
                list(map(percent, grown)),
                leaves,
                _styles(grown),
            ),
        ]

    def numbers(title: str, read: str, leaves: int) -> Column:
        return right(
            f"±{title}" if terminal.unicode else f"+-{title}",
            [percent(_grown(row, read)) for row in rows],
            leaves,
        )

    worse = [_points(row) for row in rows]
    return [
        *figures.grouped(grouping, [row.row for row in rows]),
        right("spans", [words.count(row.after.spans) if row.after else "0" for row in rows], 0),
        right("before", [words.count(row.before.spans) if row.before else "" for row in rows], 3),
        Column("±spans" if terminal.unicode else "+-spans", list(map(_spans, rows)), align="right"),
        right("failed", [figures.share(row.after) if row.after else "" for row in rows], 2),
        right(
            "±failed" if terminal.unicode else "+-failed",
            ["" if one is None else f"{one:+.1f}" for one in worse],
            1,
            [("red" if one > 0 else "green") if one and abs(one) >= _NOTABLE else "" for one in worse],
        ),
        *figure("p50", "p50_ns", 2),
        *figure("p95", "p95_ns", 1),
        *figure("total", "total_ns", 6),
        numbers("in", "input_tokens", 5),
        numbers("out", "output_tokens", 5),
        right("cost", [figures.money(row.after, terminal) if row.after else "" for row in rows], 4),
        numbers("cost", "cost_pico_usd", 4),
    ]


def percent(share: float | None) -> str:
    """By how much something grew: `+12 %`, `-3.4 %`, `x12`; nothing for what is not known."""
    if share is None:
        return ""
    if share >= 9.995:
        return f"x{share + 1:.0f}"
    return f"{100 * share:+.1f} %" if abs(share) < 0.1 else f"{100 * share:+.0f} %"


def _grown(row: Change, read: str) -> float | None:
    return relative(_told(row.before, read), _told(row.after, read))


def _told(row: Figures | None, read: str) -> float | None:
    value: float | None = None if row is None else getattr(row, read)
    return value


def _spans(row: Change) -> str:
    if row.before is None:
        return "new"
    return "gone" if row.after is None else percent(_grown(row, "spans"))


def _points(row: Change) -> float | None:
    """By how many of a hundred more failed."""
    before, after = failing(row.before), failing(row.after)
    return None if before is None or after is None else 100 * (after - before)


def _styles(grown: Sequence[float | None]) -> list[Style]:
    return ["" if one is None or abs(one) < _NOTABLE else "red" if one > 0 else "green" for one in grown]
