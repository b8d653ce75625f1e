"""Names that repeat, as small integers: series of spans, and the sources that lines come from.

Rows are only ever added. A cache belongs to one connection and is dropped when a transaction fails, so it
never knows a row that was not committed.
"""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Iterable
from typing import Final

from flightlog.records.kinds import KINDS
from flightlog.store.sqlite.facts import Series
from flightlog.store.sqlite.intake import NewSeries
from flightlog.store.sqlite.statements import insert, lookup

FOLDED: Final = "…"
"""Name of the series that stands for all names beyond a project's limit."""

SERIES_LIMIT: Final = 20_000
"""Series a project may have before further names are folded."""

_SERIES_COLUMNS: Final = "project environment service name kind provider model"
_KNOWN_KINDS: Final = frozenset(KINDS)

_add_series: Final = insert("series", _SERIES_COLUMNS, "ON CONFLICT DO NOTHING")
_find_series: Final = lookup(
    "s.id, s.project, s.environment, s.service, s.name, s.kind, s.provider, s.model",
    "series s ON s.project = k.column1 AND s.environment = k.column2 AND s.service = k.column3"
    " AND s.name = k.column4 AND s.kind = k.column5 AND s.provider = k.column6 AND s.model = k.column7",
    7,
)
_add_sources: Final = insert("sources", "process_id version", "ON CONFLICT DO NOTHING")
_find_sources: Final = lookup(
    "s.id, s.process_id, s.version",
    "sources s ON s.process_id = k.column1 AND s.version = k.column2",
    2,
)


class SeriesNames:
    """Series to their ids, with a limit per project."""

    def __init__(self, limit: int = SERIES_LIMIT) -> None:
        self._limit = limit
        self._ids: dict[Series, int] = {}
        self._folded: dict[Series, int] = {}

    def forget(self) -> None:
        """Drop everything that was learned."""
        self._ids.clear()
        self._folded.clear()

    def resolve(self, connection: sqlite3.Connection, wanted: Iterable[NewSeries]) -> None:
        """Give each wanted series its id, or that of the series it folds into."""
        wanted = list(wanted)
        self._find_or_add(connection, {new.series for new in wanted})
        for new in wanted:
            found = self._ids.get(new.series)
            new.is_folded = found is None
            try:
                new.id = self._folded[new.series] if found is None else found
            except KeyError as error:
                raise _damage("series") from error

    def _find_or_add(self, connection: sqlite3.Connection, wanted: Iterable[Series]) -> None:
        missing = {series for series in wanted if series not in self._ids}
        self._folded.clear()
        if not missing:
            return
        self._learn(connection, missing)
        missing = {series for series in missing if series not in self._ids}
        if not missing:
            return
        added, folded = self._within_limit(connection, missing)
        new = {*added, *folded.values()}
        _add_series.run(connection, sorted(new))
        self._learn(connection, new)
        self._folded = {
            series: self._ids[stand_in] for series, stand_in in folded.items() if stand_in in self._ids
        }

    def _learn(self, connection: sqlite3.Connection, wanted: Iterable[Series]) -> None:
        for number, *names in _find_series.ask(connection, sorted(wanted)):
            self._ids[Series(*names)] = number

    def _within_limit(
        self,
        connection: sqlite3.Connection,
        missing: set[Series],
    ) -> tuple[list[Series], dict[Series, Series]]:
        """Split new series into those that fit and those that fold, the latter with what they fold into."""
        room: dict[str, int] = defaultdict(int)
        for project in {series.project for series in missing}:
            (count,) = connection.execute(
                "SELECT count(*) FROM series WHERE project = ?", (project,)
            ).fetchone()
            room[project] = self._limit - count
        added: list[Series] = []
        folded: dict[Series, Series] = {}
        for series in sorted(missing):
            room[series.project] -= 1
            if room[series.project] >= 0:
                added.append(series)
            else:
                folded[series] = _stand_in(series)
        return added, folded


class SourceNames:
    """(process id, version) to their ids."""

    def __init__(self) -> None:
        self._ids: dict[tuple[str, str], int] = {}

    def forget(self) -> None:
        """Drop everything that was learned."""
        self._ids.clear()

    def resolve(self, connection: sqlite3.Connection, wanted: Iterable[tuple[str, str]]) -> None:
        """Make sure that every wanted source has an id."""
        missing = sorted({source for source in wanted if source not in self._ids})
        if missing:
            _add_sources.run(connection, missing)
            for number, process_id, version in _find_sources.ask(connection, missing):
                self._ids[process_id, version] = number

    def id(self, source: tuple[str, str]) -> int:
        """The id of a source that was resolved."""
        try:
            return self._ids[source]
        except KeyError as error:
            raise _damage("sources") from error


def _damage(table: str) -> sqlite3.DatabaseError:
    """What SQLite raises for a damaged page: a row that was there or was just added is not found again."""
    return sqlite3.DatabaseError(f"malformed index: a row of {table} cannot be found again")


def _stand_in(series: Series) -> Series:
    kind = series.kind if series.kind in _KNOWN_KINDS else FOLDED
    return Series(series.project, "", "", FOLDED, kind, "", "")
