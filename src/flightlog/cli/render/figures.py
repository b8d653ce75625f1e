"""What many spans or traces add up to, as tables and bars."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import pairwise
from typing import Final

from flightlog.analysis.pace import Pace
from flightlog.cli.render import words
from flightlog.cli.render.bars import bar, heights
from flightlog.cli.render.marks import kind_style, status_sign, status_style
from flightlog.cli.render.money import UNKNOWN, dollars
from flightlog.cli.render.safe import clean
from flightlog.cli.render.table import Column
from flightlog.cli.render.table import lines as table_lines
from flightlog.cli.render.terminal import Style, Terminal
from flightlog.records.traces import Figures, Hour, TraceFigures
from flightlog.store.groupings import Grouping

HOURS_SHOWN: Final = 48
"""Columns of the bars by hour: two days, or as many days where there are more hours."""

_MOST_SLOTS: Final = 60
_BAR_CELLS: Final = 20
_BESIDE_CELLS: Final = 44
"""What stands before and behind the bars by hour."""


def of_spans(
    found: Mapping[Grouping, Sequence[Figures]],
    terminal: Terminal,
    most: int,
    *,
    seconds: float | None = None,
    shows_times: bool = False,
) -> Iterator[str]:
    """A table for each grouping that has something in it.

    Args:
        found: the rows of each.
        terminal: where they are drawn.
        most: so many rows of each.
        seconds: how long the time is in which these spans started; without it no rate is told.
        shows_times: draw when spans started, as their `slots` have it.
    """
    if not any(found.values()):
        yield terminal.paint("dim", "no span has ended in that time")
    first = True
    for grouping, rows in found.items():
        if not rows:
            continue
        if not first:
            yield ""
        first = False
        columns = _columns(grouping, rows[:most], terminal, seconds)
        if shows_times:
            columns.append(_times(rows[:most], rows, terminal))
        yield from table_lines(columns, terminal)
        if len(rows) > most:
            yield terminal.paint("dim", f"{terminal.ellipsis()} {len(rows) - most:,} more; -n shows more")


def of_traces(told: TraceFigures, terminal: Terminal, pace: Pace) -> Iterator[str]:
    """How many went well, how long they took, and when they ran."""
    if not told.traces:
        yield terminal.paint("dim", "no trace began in that time")
        return
    yield from _facts(told, terminal, pace)
    yield ""
    yield from _statuses(told, terminal)
    if len(told.hours) > 1:
        yield ""
        yield from _timeline(told.hours, terminal)


def grouped(grouping: Grouping, rows: Sequence[Figures]) -> list[Column]:
    """The columns that say what the spans of each row have in common."""
    fields = grouping.split(",")
    kinds = [clean(row.kind) or "(none)" for row in rows]
    styles = [kind_style(row.kind) for row in rows]
    # A kind may be all that tells two rows of a name apart.
    is_needed = len(fields) > 1 or len({row.name for row in rows}) < len(rows)
    columns: list[Column] = []
    for field in fields:
        if field == "name":
            names = [clean(row.name) or "(no name)" for row in rows]
            columns.append(Column("name", names, least=8, comfortable=20))
            if "kind" not in fields:
                cells = [clean(row.kind) for row in rows]
                columns.append(Column("kind", cells, styles, leaves=0 if is_needed else 6))
        elif field == "kind":
            columns.append(Column("kind", kinds, styles))
        elif field == "model":
            models = [clean(row.model) for row in rows]
            columns.append(Column("model", models, least=8, comfortable=26))
            columns.append(
                Column("provider", [clean(row.provider) for row in rows], ["dim"] * len(rows), leaves=6)
            )
        elif field == "status":
            columns.append(
                Column("status", [row.status for row in rows], [status_style(row.status) for row in rows])
            )
        else:
            part = "attribute" if field.startswith("attr.") else field
            cells = [clean(getattr(row, part)) or "(none)" for row in rows]
            columns.append(Column(clean(field), cells, least=8, comfortable=20))
    return columns


def _columns(
    grouping: Grouping, rows: Sequence[Figures], terminal: Terminal, seconds: float | None
) -> list[Column]:
    total = max((row.total_ns for row in rows), default=0)

    def lasting(ns: int | None) -> str:
        return words.duration(ns, unicode=terminal.unicode)

    def right(title: str, cells: Sequence[str], leaves: int, style: Style = "") -> Column:
        return Column(title, cells, [style] * len(rows) if style else (), align="right", leaves=leaves)

    failed = [words.count(row.errors) if row.errors else "" for row in rows]
    return [
        *grouped(grouping, rows),
        Column("spans", [words.count(row.spans) for row in rows], align="right"),
        right("rate", [words.rate(row.spans, seconds) for row in rows], 6),
        Column("failed", failed, ["red"] * len(rows), align="right", leaves=1, vital=True),
        right("of 100", [share(row) if row.errors else "" for row in rows], 5, "red"),
        right("p50", [lasting(row.p50_ns) for row in rows], 1),
        right("p90", [lasting(row.p90_ns) for row in rows], 6),
        right("p95", [lasting(row.p95_ns) for row in rows], 1),
        right("p99", [lasting(row.p99_ns) for row in rows], 4),
        right("max", [lasting(row.max_ns) for row in rows], 5),
        right("total", [lasting(row.total_ns) for row in rows], 3),
        right("self", [lasting(row.self_ns) for row in rows], 3),
        Column(
            " ",
            [bar(row.total_ns, total, 8, terminal) for row in rows],
            [kind_style(row.kind) for row in rows],
            leaves=9,
        ),
        right("in", [_tokens(row, row.input_tokens) for row in rows], 2),
        right("out", [_tokens(row, row.output_tokens) for row in rows], 2),
        right("cached", [_some(row.cache_read_tokens) for row in rows], 7),
        right("reasoned", [_some(row.reasoning_tokens) for row in rows], 8),
        right("tok/s", [_speed(row) for row in rows], 7),
        right("first", [lasting(row.first_ns) for row in rows], 7),
        right("cost", [money(row, terminal) for row in rows], 2),
        right("no usage", [_some(row.unknown_usage_calls) for row in rows], 9, "yellow"),
    ]


def _times(shown: Sequence[Figures], rows: Sequence[Figures], terminal: Terminal) -> Column:
    """When spans started: of each row a cell for each part of the time, as high as its own most."""
    starts = sorted({slot.start for row in rows for slot in row.slots})
    if len(starts) < 2:
        return Column("when", [""] * len(shown))
    step = min(after - before for before, after in pairwise(starts))
    size = min((starts[-1] - starts[0]) // step + 1, _MOST_SLOTS)
    cells = []
    for row in shown:
        numbers = [0] * size
        for slot in row.slots:
            numbers[min((slot.start - starts[0]) // step, size - 1)] += slot.spans
        cells.append(heights(numbers, max([*numbers, 1]), terminal))
    return Column("when", cells, ["cyan"] * len(shown), leaves=5)


def share(row: Figures) -> str:
    """How many of a hundred failed."""
    return f"{100 * row.errors / row.spans:.1f} %" if row.spans else ""


def money(row: Figures, terminal: Terminal) -> str:
    """What is remembered of the cost of calls: a least where some are unknown or not priced; nothing for no call."""
    if not row.priced_calls:
        return ""
    if row.priced_calls == row.unknown_cost_calls and not row.cost_pico_usd:
        return UNKNOWN
    told = dollars(row.cost_pico_usd)
    if not row.unknown_cost_calls and not row.unpriced_calls:
        return told
    return f"{'≥' if terminal.unicode else '>='} {told}"


def _some(number: int) -> str:
    return words.short_count(number) if number else ""


def _speed(row: Figures) -> str:
    speed = row.tokens_a_second
    return "" if speed is None else f"{speed:.0f}" if speed >= 9.95 else f"{speed:.1f}"


def _tokens(row: Figures, number: int) -> str:
    """Tokens of the calls that told them; `?` when none did, nothing for what is no model call."""
    if not row.llm_calls:
        return ""
    return "?" if row.unknown_usage_calls == row.llm_calls else words.short_count(number)


def _facts(told: TraceFigures, terminal: Terminal, pace: Pace) -> Iterator[str]:
    def lasting(ns: int | None) -> str:
        return words.duration(ns, unknown="unknown", unicode=terminal.unicode)

    rate = "unknown" if told.success_rate is None else f"{100 * told.success_rate:.1f} %"
    at_least = "≥" if terminal.unicode else ">="
    limit = words.duration(round(pace.limit * words.MS), unicode=terminal.unicode)
    others = ", or a limit of its own" if pace.limits else ""
    facts = {
        "traces": words.count(told.traces),
        "went well": f"{rate} of those that are over",
        "took": f"p50 {lasting(told.p50_ns)}, p95 {lasting(told.p95_ns)}, p99 {lasting(told.p99_ns)}",
        "mean": f"{lasting(told.mean_ns)}, at most {lasting(told.max_ns)}",
        "retried": f"{told.retried:,} with {words.of_them(told.retries, 'retry', 'retries')},"
        f" {told.recovered:,} of them ended ok",
        "slow": f"{told.slow:,} ({at_least} {limit}{others})",
        **_spent(told, terminal),
    }
    for name, value in facts.items():
        yield f"{terminal.paint('dim', f'{name:<11}')}{value}"


def _spent(told: TraceFigures, terminal: Terminal) -> dict[str, str]:
    """What their model calls used and cost; nothing where there were none."""
    if not told.llm_calls:
        return {}
    calls = words.of_them(told.llm_calls, "model call")
    silent = f", {told.unknown_usage_calls:,} told none" if told.unknown_usage_calls else ""
    used = f"{told.input_tokens:,} in, {told.output_tokens:,} out, of {calls}{silent}"
    if told.unknown_usage_calls == told.llm_calls:
        used = f"unknown, of {calls}"
    if not told.priced_calls:
        return {"tokens": used}
    known = told.priced_calls - told.unknown_cost_calls
    is_least = told.unknown_cost_calls or told.unpriced_calls
    sign = f"{'≥' if terminal.unicode else '>='} " if is_least else ""
    cost = f"{sign}{dollars(told.cost_pico_usd)}" if known or told.cost_pico_usd else "unknown"
    return {"tokens": used, "cost": cost}


def _statuses(told: TraceFigures, terminal: Terminal) -> Iterator[str]:
    numbers = [words.count(number) for number in told.statuses.values()]
    room = max(len(number) for number in numbers)
    for (status, number), shown in zip(told.statuses.items(), numbers, strict=True):
        style = status_style(status)
        drawn = bar(number, told.traces, _BAR_CELLS, terminal)
        share = f"{100 * number / told.traces:5.1f} %"
        sign = terminal.paint(style, status_sign(status, terminal))
        yield f"{sign} {status:<12}{shown:>{room}}  {share}  {terminal.paint(style, drawn)}".rstrip()


def _timeline(hours: Sequence[Hour], terminal: Terminal) -> Iterator[str]:
    """Traces and failures by the hour, or by longer spans of time where those are too many."""
    step = 3600 * words.S
    room = min(HOURS_SHOWN, max(8, terminal.width - _BESIDE_CELLS))
    while hours[-1].start // step - hours[0].start // step + 1 > room:
        step *= 2
    first = hours[0].start // step
    size = hours[-1].start // step - first + 1
    traces, errors = [0] * size, [0] * size
    for hour in hours:
        traces[hour.start // step - first] += hour.traces
        errors[hour.start // step - first] += hour.errors
    each = "an hour" if step == 3600 * words.S else f"{step // words.HOUR} hours"
    most = max(traces)
    started = terminal.paint("dim", f"{'started':<11}")
    yield f"{started}{heights(traces, most, terminal)}  at most {most:,} in {each}"
    if any(errors):
        failed = terminal.paint("dim", f"{'failed':<11}")
        yield f"{failed}{terminal.paint('red', heights(errors, most, terminal))}  at most {max(errors):,}"
    begins, ends = (_hour(number * step) for number in (first, first + size))
    gap = max(1, size - len(begins) - len(ends))
    yield " " * 11 + terminal.paint("dim", begins + " " * gap + ends)


def _hour(ns: int) -> str:
    return f"{datetime.fromtimestamp(ns // words.S, tz=UTC).astimezone():%b %d %H:%M}"
