"""What `flightlog stats` asks of a store, and how the answers look on a terminal."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from msgspec import Struct, structs

from flightlog.analysis.pace import Pace
from flightlog.analysis.periods import Change, Period, changes
from flightlog.analysis.spread import possible
from flightlog.cli.render import bars, figures, table, words
from flightlog.cli.render import changes as changed
from flightlog.cli.render.safe import clean
from flightlog.cli.render.table import Column
from flightlog.cli.render.terminal import Terminal
from flightlog.records.question import Question
from flightlog.records.traces import Figures, Trace, TraceFigures
from flightlog.store.groupings import Grouping
from flightlog.store.port import Reader

SLOTS: Final = 12
"""Parts of the time that bars under `when` have, at most."""

Rows = dict[Grouping, list[Figures]]
Changes = dict[Grouping, list[Change]]


class Asked(Struct, frozen=True):
    """What somebody wants to know of spans."""

    groupings: tuple[Grouping, ...]
    period: Period
    project: str
    question: Question | None
    exact: bool
    histogram: bool
    limit: int

    def rows(self, reader: Reader | None) -> Rows:
        """What the store says; nothing without one."""
        if reader is None:
            return {grouping: [] for grouping in self.groupings}
        found = reader.figures(
            self.groupings,
            since=self.period.since,
            until=self.period.until,
            project=self.project,
            question=self.question,
            exact=self.exact,
            slots=SLOTS,
        )
        return {grouping: [possible(row) for row in rows] for grouping, rows in found.items()}


def compared(reader: Reader | None, asked: Asked, shift: int) -> Changes:
    """The same of this time and of the one so many nanoseconds earlier; of the one right before for 0."""
    if asked.period.is_short:
        asked = structs.replace(asked, exact=True)
    elif not asked.exact and asked.question is None:
        asked = structs.replace(asked, period=asked.period.whole_hours())
    seconds = asked.period.seconds or 0
    earlier = asked.period.earlier(shift or round(seconds * 1e9))
    before = structs.replace(asked, period=earlier).rows(reader)
    return {grouping: changes(before[grouping], rows) for grouping, rows in asked.rows(reader).items()}


def spans_view(found: Rows | Changes, asked: Asked, look: Terminal) -> Iterator[str]:
    """Tables, and below them how they are to be read."""
    rows: Rows = {}
    pairs: Changes = {}
    for grouping, some in found.items():
        rows[grouping] = [row.row if isinstance(row, Change) else row for row in some]
        pairs[grouping] = [row for row in some if isinstance(row, Change)]
    if any(pairs.values()):
        yield from changed.lines(pairs, look, asked.limit)
    else:
        seconds = _seconds(asked.period, rows)
        yield from figures.of_spans(rows, look, asked.limit, seconds=seconds, shows_times=True)
    if asked.histogram and (first := next(iter(rows.values()), [])):
        yield ""
        yield from bars.histogram(_together(first), look)
    if any(rows.values()):
        yield ""
        notes = _notes(rows, asked.period, is_compared=any(pairs.values()))
        together = look.dot().join(notes)
        for line in [together] if len(together) <= look.width else notes:
            yield look.paint("dim", line)


def traces_view(told: TraceFigures, failed: Sequence[Trace], look: Terminal, pace: Pace) -> Iterator[str]:
    """What whole traces add up to, and the newest that failed."""
    yield from figures.of_traces(told, look, pace)
    if failed:
        yield ""
        yield from _failed(failed, look)


def _failed(failed: Sequence[Trace], look: Terminal) -> Iterator[str]:
    now = time.time_ns()
    took = [words.duration(trace.duration_ns, unicode=look.unicode) for trace in failed]
    columns = [
        Column("", ["✗" if look.unicode else "x"] * len(failed), ["red"] * len(failed)),
        Column("newest that failed", [clean(trace.name) for trace in failed], least=8),
        Column("started", [words.short_moment(trace.start, now) for trace in failed]),
        Column("took", took, align="right"),
        Column("trace", [trace.trace_id for trace in failed]),
    ]
    yield from table.lines(columns, look)


def _notes(rows: Mapping[Grouping, Sequence[Figures]], period: Period, *, is_compared: bool) -> list[str]:
    """How exact that is, and of when."""
    some = next(row for found in rows.values() for row in found)
    parts = []
    if period.since is not None:
        until = period.until or time.time_ns()
        parts.append(f"{words.minute(period.since)} to {words.minute(until)}")
    if some.is_exact:
        parts.append("each span was looked at")
    else:
        parts.append("approximate, from sums by the hour: percentiles within 2.5 %")
        if is_compared:
            parts.append("percentiles change in steps of 5 %")
        parts.append("--exact looks at each span")
    left = sum(row.unpriced_calls for row in next(iter(rows.values())))
    if left:
        parts.append(f"{words.of_them(left, 'call')} not priced yet")
    return parts


def _seconds(period: Period, rows: Mapping[Grouping, Sequence[Figures]]) -> float | None:
    """How long the time is in which these spans started; None where that is not known."""
    if period.since is not None:
        return ((period.until or time.time_ns()) - period.since) / 1e9
    starts = sorted({slot.start for found in rows.values() for row in found for slot in row.slots})
    if len(starts) < 2:
        return None
    return (starts[-1] - starts[0]) * len(starts) / (len(starts) - 1) / 1e9


def _together(rows: Sequence[Figures]) -> dict[int, int]:
    together: dict[int, int] = {}
    for row in rows:
        for bucket, spans in row.durations.items():
            together[bucket] = together.get(bucket, 0) + spans
    return together
