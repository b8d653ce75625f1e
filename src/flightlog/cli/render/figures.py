"""What many spans or traces add up to, as tables and bars."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Final

from flightlog.analysis.pace import Pace
from flightlog.cli.render import words
from flightlog.cli.render.cells import fill
from flightlog.cli.render.marks import kind_style, status_sign, status_style
from flightlog.cli.render.safe import clean
from flightlog.cli.render.table import Column
from flightlog.cli.render.table import lines as table_lines
from flightlog.cli.render.terminal import Terminal
from flightlog.records.traces import Figures, Hour, TraceFigures
from flightlog.store.port import Grouping

HOURS_SHOWN: Final = 48
"""Columns of the bars by hour: two days, or as many days where there are more hours."""

_LEVELS: Final = "▁▂▃▄▅▆▇█"
_ASCII_LEVELS: Final = ".:-=+*#@"
_BAR_CELLS: Final = 20
_BESIDE_CELLS: Final = 44
"""What stands before and behind the bars by hour."""


def of_spans(
    found: Mapping[Grouping, Sequence[Figures]],
    terminal: Terminal,
    most: int,
    costs: Mapping[tuple[str, ...], str] | None = None,
) -> Iterator[str]:
    """A table for each grouping that has something in it; by model and provider with what calls cost."""
    if not any(found.values()):
        yield terminal.paint("dim", "no span has ended in that time")
    first = True
    for grouping, rows in found.items():
        if not rows:
            continue
        if not first:
            yield ""
        first = False
        yield from table_lines(_columns(grouping, rows[:most], terminal, costs or {}), terminal)
        if len(rows) > most:
            yield terminal.paint("dim", f"{terminal.ellipsis()} {len(rows) - most:,} more; -n shows more")


def of_traces(told: TraceFigures, terminal: Terminal, pace: Pace) -> Iterator[str]:
    """How many went well, how long they took, and when they ran."""
    yield from _facts(told, terminal, pace)
    if told.traces:
        yield ""
        yield from _statuses(told, terminal)
    if len(told.hours) > 1:
        yield ""
        yield from _timeline(told.hours, terminal)


def _columns(
    grouping: Grouping, rows: Sequence[Figures], terminal: Terminal, costs: Mapping[tuple[str, ...], str]
) -> list[Column]:
    kinds = [clean(row.kind) or "(none)" for row in rows]
    styles = [kind_style(row.kind) for row in rows]
    total = max((row.total_ns for row in rows), default=0)
    is_needed = len({row.name for row in rows}) < len(rows)  # it is all that tells two rows of a name apart

    def lasting(ns: int | None) -> str:
        return words.duration(ns, unicode=terminal.unicode)

    named = {
        "name": [
            Column("name", [clean(row.name) or "(no name)" for row in rows], least=8, comfortable=20),
            Column("kind", [clean(row.kind) for row in rows], styles, leaves=0 if is_needed else 6),
        ],
        "kind": [Column("kind", kinds, styles)],
        "model": [
            Column("model", [clean(row.model) for row in rows], least=8, comfortable=26),
            Column("provider", [clean(row.provider) for row in rows], ["dim"] * len(rows), leaves=6),
        ],
    }
    return [
        *named[grouping],
        Column("spans", [words.count(row.spans) for row in rows], align="right"),
        Column(
            "failed",
            [words.count(row.errors) if row.errors else "" for row in rows],
            ["red"] * len(rows),
            align="right",
            leaves=1,
            vital=True,
        ),
        Column(
            "rate",
            [f"{100 * row.errors / row.spans:.1f} %" if row.errors else "" for row in rows],
            ["red"] * len(rows),
            align="right",
            leaves=5,
        ),
        Column("p50", [lasting(row.p50_ns) for row in rows], align="right", leaves=1),
        Column("p95", [lasting(row.p95_ns) for row in rows], align="right", leaves=1),
        Column("p99", [lasting(row.p99_ns) for row in rows], align="right", leaves=4),
        Column("total", [lasting(row.total_ns) for row in rows], align="right", leaves=3),
        Column(" ", [_bar(row.total_ns, total, 8, terminal) for row in rows], styles, leaves=8),
        Column("in", [_tokens(row, row.input_tokens) for row in rows], align="right", leaves=2),
        Column("out", [_tokens(row, row.output_tokens) for row in rows], align="right", leaves=2),
        Column(
            "cached",
            [words.short_count(row.cache_read_tokens) if row.cache_read_tokens else "" for row in rows],
            align="right",
            leaves=7,
        ),
        Column(
            "cost",
            [costs.get((row.model, row.provider), "") if row.model else "" for row in rows],
            align="right",
            leaves=2,
        ),
        Column(
            "no usage",
            [words.count(row.unknown_usage_calls) if row.unknown_usage_calls else "" for row in rows],
            ["yellow"] * len(rows),
            align="right",
            leaves=9,
        ),
    ]


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
        "retried": f"{told.retried:,} with {words.of_them(told.retries, 'retry', 'retries')},"
        f" {told.recovered:,} of them ended ok",
        "slow": f"{told.slow:,} ({at_least} {limit}{others})",
    }
    for name, value in facts.items():
        yield f"{terminal.paint('dim', f'{name:<11}')}{value}"


def _statuses(told: TraceFigures, terminal: Terminal) -> Iterator[str]:
    numbers = [words.count(number) for number in told.statuses.values()]
    room = max(len(number) for number in numbers)
    for (status, number), shown in zip(told.statuses.items(), numbers, strict=True):
        style = status_style(status)
        bar = _bar(number, told.traces, _BAR_CELLS, terminal)
        share = f"{100 * number / told.traces:5.1f} %"
        sign = terminal.paint(style, status_sign(status, terminal))
        yield f"{sign} {status:<12}{shown:>{room}}  {share}  {terminal.paint(style, bar)}".rstrip()


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
    yield f"{started}{_spark(traces, most, terminal)}  at most {most:,} in {each}"
    if any(errors):
        failed = terminal.paint("dim", f"{'failed':<11}")
        yield f"{failed}{terminal.paint('red', _spark(errors, most, terminal))}  at most {max(errors):,}"
    begins, ends = (_hour(number * step) for number in (first, first + size))
    gap = max(1, size - len(begins) - len(ends))
    yield " " * 11 + terminal.paint("dim", begins + " " * gap + ends)


def _hour(ns: int) -> str:
    return f"{datetime.fromtimestamp(ns // words.S, tz=UTC).astimezone():%b %d %H:%M}"


def _spark(numbers: Sequence[int], most: int, terminal: Terminal) -> str:
    """One cell a number, its height its share of the most; nothing at all is a blank."""
    levels = _LEVELS if terminal.unicode else _ASCII_LEVELS
    top = len(levels) - 1
    return "".join(levels[-(-number * top // most)] if number else " " for number in numbers)


def _bar(part: int, whole: int, cells: int, terminal: Terminal) -> str:
    """A bar that fills so many cells for the whole, at least half a cell for anything."""
    halves = min(2 * cells, -(-2 * cells * part // whole)) if whole > 0 and part > 0 else 0
    if not terminal.unicode:
        return fill("=" * -(-halves // 2), cells)
    return fill("━" * (halves // 2) + ("╸" if halves % 2 else ""), cells)
