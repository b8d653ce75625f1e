"""What a batch adds to the rollups and takes from them."""

from __future__ import annotations

import sqlite3
from typing import Any, Final

import msgspec

from flightlog.store.rollups import measured
from flightlog.store.sqlite.facts import LLM, OPEN, Written
from flightlog.store.sqlite.statements import insert

SUMS: Final = (
    "spans ok error cancelled interrupted duration_ns llm_calls unknown_usage"
    " input_tokens output_tokens cache_read_tokens cache_write_tokens reasoning_tokens"
)
"""The sums of a rollup row, in the order of its columns."""

_PLACE: Final = {"ok": 1, "error": 2, "cancelled": 3, "interrupted": 4}
_DURATION: Final = 5
_CALLS: Final = 6
_UNKNOWN: Final = 7
_TOKENS: Final = 8
_WIDTH: Final = len(SUMS.split())
_ADD: Final = ", ".join(f"{name} = {name} + excluded.{name}" for name in SUMS.split())

_add_rollups: Final = insert(
    "rollups", f"hour series {SUMS}", f"ON CONFLICT (hour, series) DO UPDATE SET {_ADD}"
)
_add_durations: Final = insert(
    "durations",
    "hour series bucket spans",
    "ON CONFLICT (hour, series, bucket) DO UPDATE SET spans = spans + excluded.spans",
)
_DROP_EMPTY: Final = {
    "rollups": "DELETE FROM rollups WHERE spans = 0 AND (hour, series) IN"
    " (SELECT value ->> 0, value ->> 1 FROM json_each(?1))",
    "durations": "DELETE FROM durations WHERE spans = 0 AND (hour, series, bucket) IN"
    " (SELECT value ->> 0, value ->> 1, value ->> 2 FROM json_each(?1))",
}


class Tally:
    """Differences, by the keys of the two tables."""

    __slots__ = ("_durations", "_has_less", "_rollups")

    def __init__(self) -> None:
        self._rollups: dict[tuple[int, int], list[int]] = {}
        self._durations: dict[tuple[int, int, int], int] = {}
        self._has_less = False

    def add(self, series: int, span: Written, sign: int = 1) -> None:
        """Count a span that is written, or take back one that is overwritten with a `sign` of -1."""
        if span.status in OPEN:
            return
        hours, took, number = measured(span.start, span.end)
        sums = self._rollups.get((hours, series))
        if sums is None:
            sums = self._rollups[hours, series] = [0] * _WIDTH
        sums[0] += sign
        sums[_PLACE[span.status]] += sign
        sums[_DURATION] += sign * took
        place = (hours, series, number)
        self._durations[place] = self._durations.get(place, 0) + sign
        self._has_less |= sign < 0
        if span.kind == LLM:
            usage = span.usage
            sums[_CALLS] += sign
            sums[_UNKNOWN] += 0 if usage.is_known else sign
            for column, tokens in enumerate(usage, _TOKENS):
                sums[column] += sign * (tokens or 0)

    def write(self, connection: sqlite3.Connection) -> None:
        """Apply all differences; a row that comes to nothing goes."""
        _add_rollups.run(connection, [(*place, *sums) for place, sums in self._rollups.items()])
        _add_durations.run(connection, [(*place, count) for place, count in self._durations.items()])
        if self._has_less:
            keys: dict[str, list[Any]] = {"rollups": [*self._rollups], "durations": [*self._durations]}
            for table, statement in _DROP_EMPTY.items():
                connection.execute(statement, (msgspec.json.encode(keys[table]).decode(),))
