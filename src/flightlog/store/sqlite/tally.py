"""What a batch adds to the rollups and takes from them.

A question about a year would read every hour of it, and one about all time every row. So what a day adds up to
is written down once, when a later day has begun, and what all those days add up to beside it: `day_rollups`
and `past_rollups`, each with its histograms. A batch of today touches neither; a late line touches both.
"""

# ruff: noqa: S608 - every statement here is put together from constants; values are bound
from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

from flightlog.store.rollups import HOURS_A_DAY, measured, measured_together
from flightlog.store.sqlite.facts import LLM, OPEN, Written
from flightlog.store.sqlite.recompute import DURATION_ROWS, ROLLUP_ROWS, SOME, SOME_SPANS, narrowed
from flightlog.store.sqlite.statements import insert

SUMS: Final = (
    "spans ok error cancelled interrupted duration_ns llm_calls unknown_usage"
    " input_tokens output_tokens cache_read_tokens cache_write_tokens reasoning_tokens"
)
"""The sums of a rollup row, in the order of its columns."""

LAST_DAY: Final = "SELECT coalesce(max(day), -1) FROM day_rollups"
"""The last day that is written down: of every day up to it `day_rollups` and `day_durations` have all rows."""

DAYS: Final = (
    f"({LAST_DAY}), (SELECT min(hour) FROM rollups WHERE hour >= (({LAST_DAY}) + 1) * {HOURS_A_DAY})"
)
"""Two columns: that day, and the first hour after it of which there is a rollup, NULL for none."""

_PLACE: Final = {"ok": 1, "error": 2, "cancelled": 3, "interrupted": 4}
_DURATION: Final = 5
_CALLS: Final = 6
_UNKNOWN: Final = 7
_TOKENS: Final = 8
_WIDTH: Final = len(SUMS.split())

_ROLLUPS_OF: Final = narrowed(ROLLUP_ROWS, SOME)
_DURATIONS_OF: Final = narrowed(DURATION_ROWS, SOME)
_ROLLUPS_OF_SPANS: Final = ROLLUP_ROWS.format(spans=SOME_SPANS)
_DURATIONS_OF_SPANS: Final = DURATION_ROWS.format(spans=SOME_SPANS)


class _Table:
    """A table of sums: how rows are added to it, and how those that came to nothing leave it."""

    __slots__ = ("_add", "_drop", "_keys", "conflict", "name")

    def __init__(self, name: str, keys: str, sums: str) -> None:
        changes = ", ".join(f"{sum_} = {sum_} + excluded.{sum_}" for sum_ in sums.split())
        names = keys.replace(" ", ", ")
        values = ", ".join(f"value ->> {place}" for place in range(len(keys.split())))
        self.name = name
        self.conflict = f"ON CONFLICT ({names}) DO UPDATE SET {changes}"
        self._keys = len(keys.split())
        self._add = insert(name, f"{keys} {sums}", self.conflict)
        self._drop = (
            f"DELETE FROM {name} WHERE spans = 0 AND ({names}) IN (SELECT {values} FROM json_each(?1))"
        )

    def change(
        self, connection: sqlite3.Connection, differences: Sequence[tuple[int, ...]], *, has_less: bool
    ) -> None:
        self._add.run(connection, differences)
        if has_less:
            keys = msgspec.json.encode([row[: self._keys] for row in differences]).decode()
            connection.execute(self._drop, (keys,))

    def fill(self, source: _Table, unit: str, columns: str) -> str:
        """The statement that adds those rows of `source` whose `unit` is within two bounds."""
        rows = f"SELECT {columns.replace(' ', ', ')} FROM {source.name} WHERE {unit} >= ?1 AND {unit} < ?2"
        return f"INSERT INTO {self.name} {rows} {self.conflict}"


_rollups: Final = _Table("rollups", "hour series", SUMS)
_durations: Final = _Table("durations", "hour series bucket", "spans")
_day_rollups: Final = _Table("day_rollups", "day series", SUMS)
_day_durations: Final = _Table("day_durations", "day series bucket", "spans")
_past_rollups: Final = _Table("past_rollups", "series", SUMS)
_past_durations: Final = _Table("past_durations", "series bucket", "spans")

_WRITE_DOWN: Final = (
    _day_rollups.fill(_rollups, "hour", f"hour/{HOURS_A_DAY} series {SUMS}"),
    _day_durations.fill(_durations, "hour", f"hour/{HOURS_A_DAY} series bucket spans"),
)
_ADD_TO_PAST: Final = (
    _past_rollups.fill(_day_rollups, "day", f"series {SUMS}"),
    _past_durations.fill(_day_durations, "day", "series bucket spans"),
)
"""Row by row, never by `sum`, which fails where `+` only loses precision: a sum beyond 64 bits is a clock gone mad."""


class Tally:
    """Differences, by the keys of the two tables of hours."""

    __slots__ = ("_durations", "_has_less", "_rollups", "_well", "days")

    def __init__(self) -> None:
        self.days: tuple[int, int | None] = (-1, None)
        """What `DAYS` said before the first change of this transaction: whoever asks for something else asks it too."""
        self._rollups: dict[tuple[int, int], list[int]] = {}
        self._durations: dict[tuple[int, int, int], int] = {}
        self._has_less = False
        self._well: dict[int, tuple[list[int], list[int | None]]] = {}
        """Starts and ends, by series, of those that ended well and are no model calls: counted together at the end."""

    def add(self, series: int, span: Written, sign: int = 1) -> None:
        """Count a span that is written, or take back one that is overwritten with a `sign` of -1."""
        if span.status == "ok" and sign > 0 and span.kind != LLM:
            known = self._well.get(series)
            if known is None:
                known = self._well[series] = ([], [])
            known[0].append(span.start)
            known[1].append(span.end)
            return
        if span.status in OPEN:
            return
        hours, took, number = measured(span.start, span.end)
        sums = self._count(hours, series, span.status, sign, sign * took)
        self._count_duration(hours, series, number, sign)
        self._has_less |= sign < 0
        if span.kind == LLM:
            usage = span.usage
            sums[_CALLS] += sign
            sums[_UNKNOWN] += 0 if usage.is_known else sign
            for column, tokens in enumerate(usage, _TOKENS):
                sums[column] += sign * (tokens or 0)

    def add_plain(self, series: int, starts: Sequence[int], ends: Sequence[int | None]) -> None:
        """Count spans of one series that ended well and are no model calls, as `add` counts each."""
        for hours, took, histogram in measured_together(starts, ends):
            self._count(hours, series, "ok", sum(histogram.values()), took)
            for number, spans in histogram.items():
                self._count_duration(hours, series, number, spans)

    def take_back(self, connection: sqlite3.Connection, traces: str) -> None:
        """Take back every span of these traces, whose rows' ids are a JSON array."""
        self._take_back(connection, _ROLLUPS_OF, _DURATIONS_OF, traces)

    def take_back_spans(self, connection: sqlite3.Connection, spans: str) -> None:
        """Take back these spans, whose ids are a JSON array."""
        self._take_back(connection, _ROLLUPS_OF_SPANS, _DURATIONS_OF_SPANS, spans)

    def _take_back(self, connection: sqlite3.Connection, rollups: str, durations: str, which: str) -> None:
        self.days = connection.execute(f"SELECT {DAYS}").fetchone()
        for hours, series, *sums in connection.execute(rollups, (which,)):
            self._rollups[hours, series] = [-number for number in sums]
        for hours, series, number, spans in connection.execute(durations, (which,)):
            self._durations[hours, series, number] = -spans
        self._has_less = True

    def write(self, connection: sqlite3.Connection) -> None:
        """Apply all differences; a row that comes to nothing goes."""
        for series, (starts, ends) in self._well.items():
            self.add_plain(series, starts, ends)
        self._well.clear()
        if not self._rollups:
            return
        rollups = [(*place, *sums) for place, sums in self._rollups.items()]
        durations = [(*place, count) for place, count in self._durations.items()]
        _rollups.change(connection, rollups, has_less=self._has_less)
        _durations.change(connection, durations, has_less=self._has_less)
        last, earliest = self.days
        first_open = (last + 1) * HOURS_A_DAY
        if min(self._rollups)[0] < first_open:
            self._write_late(connection, _until(rollups, first_open), _until(durations, first_open))
        open_hours = [hours for hours, _ in self._rollups if hours >= first_open]
        if open_hours:
            earliest = min(open_hours) if earliest is None else min(earliest, *open_hours)
            _write_down(connection, earliest // HOURS_A_DAY, max(open_hours) // HOURS_A_DAY)

    def _write_late(
        self,
        connection: sqlite3.Connection,
        rollups: Iterable[tuple[int, ...]],
        durations: Iterable[tuple[int, ...]],
    ) -> None:
        """Apply differences of days that are written down already."""
        tables = ((_day_rollups, _past_rollups, rollups), (_day_durations, _past_durations, durations))
        for days, past, differences in tables:
            by_day = [(hours // HOURS_A_DAY, *rest) for hours, *rest in differences]
            days.change(connection, by_day, has_less=self._has_less)
            past.change(connection, [row[1:] for row in by_day], has_less=self._has_less)

    def _count(self, hours: int, series: int, status: str, spans: int, took: int) -> list[int]:
        """Count spans of one status; returns the sums that they count in."""
        sums = self._rollups.get((hours, series))
        if sums is None:
            sums = self._rollups[hours, series] = [0] * _WIDTH
        sums[0] += spans
        sums[_PLACE[status]] += spans
        sums[_DURATION] += took
        return sums

    def _count_duration(self, hours: int, series: int, number: int, spans: int) -> None:
        place = (hours, series, number)
        self._durations[place] = self._durations.get(place, 0) + spans


def _until(differences: Iterable[tuple[int, ...]], hours: int) -> list[tuple[int, ...]]:
    return [row for row in differences if row[0] < hours]


def _write_down(connection: sqlite3.Connection, first: int, newest: int) -> None:
    """Write down the days from `first` on that are over, since `newest` has begun."""
    if first < newest:
        for statement in _WRITE_DOWN:
            connection.execute(statement, (first * HOURS_A_DAY, newest * HOURS_A_DAY))
        for statement in _ADD_TO_PAST:
            connection.execute(statement, (first, newest))
