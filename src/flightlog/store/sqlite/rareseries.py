"""Which way to a question's spans is short: through the newest traces, or through the series that can fit.

Newest first, one trace after the other, is short where many spans fit. Where the names in a question leave few spans of
a large store, those are looked at through the index by series instead; where they leave many, but not most, those that
started lately are, then those of a longer time, until there are traces enough. How many there are, rollups tell: spans
that are still open are not among them, which makes no answer wrong, only a way longer.
"""

# ruff: noqa: S608 - every statement here is put together from constants; values are bound
from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from typing import Final, NamedTuple

from flightlog.records.question import And, Comparison, Not, Or, Question
from flightlog.store.sqlite.asked import clause
from flightlog.store.sqlite.names import FOLDED
from flightlog.store.sqlite.statements import as_array

MOST_SPANS: Final = 20_000
"""Spans that are looked at through their series; where there are many more, newest traces first is shorter."""

_FIELDS: Final = frozenset({"name", "kind", "model", "service", "environment"})
"""What all spans of a series have in common, but those of the series that stands for all names beyond the limit."""

_SERIES: Final = f"""SELECT n.id FROM series n CROSS JOIN
  (SELECT NULL AS name, NULL AS kind, NULL AS model, NULL AS service, NULL AS environment) m
WHERE n.name = '{FOLDED}' OR """
_COUNT: Final = """SELECT
  coalesce((SELECT sum(spans) FROM past_rollups WHERE series IN (SELECT value FROM json_each(?1))), 0)
  + coalesce((SELECT sum(spans) FROM rollups WHERE hour >= (SELECT (coalesce(max(day), -1) + 1) * 24 FROM day_rollups)
    AND series IN (SELECT value FROM json_each(?1))), 0)"""


_ALL: Final = """SELECT coalesce((SELECT sum(spans) FROM past_rollups), 0)
  + coalesce((SELECT sum(spans) FROM rollups
    WHERE hour >= (SELECT (coalesce(max(day), -1) + 1) * 24 FROM day_rollups)), 0)"""
_TIMES: Final = "SELECT (SELECT min(start) FROM traces), (SELECT max(start) FROM traces)"
_WINDOW_SPANS: Final = 5_000
_WIDER: Final = 6


class Named(NamedTuple):
    """The series that alone can fit."""

    series: str
    """As a JSON array."""
    spans: int
    """About how many spans they have."""

    @property
    def is_few(self) -> bool:
        """Whether all of their spans are looked at."""
        return self.spans <= MOST_SPANS


def rare_series(connection: sqlite3.Connection, question: Question | None) -> str | None:
    """The series that alone can fit, as a JSON array; None where they are not few, or the question names none."""
    found = named_series(connection, question)
    return found.series if found is not None and found.is_few else None


def windows(connection: sqlite3.Connection, named: Named) -> Iterator[int | None]:
    """From when on spans of these series are looked at: of the last while, of one six times as long, … and of ever.

    What is found of a time is all there is of its newest traces, for no span begins before its trace. Nothing comes
    where the series have most of all spans, for then one trace after the other is shorter.
    """
    (every,) = connection.execute(_ALL).fetchone()
    if named.spans * 2 > every:
        return
    first, last = connection.execute(_TIMES).fetchone()
    width = (last - first) * _WINDOW_SPANS // max(1, named.spans)
    while 0 < width < last - first:
        yield last - width
        width *= _WIDER
    yield None


def named_series(connection: sqlite3.Connection, question: Question | None) -> Named | None:
    """The series that alone can fit, and how many spans they have; None where the question names none."""
    parts = question.parts if isinstance(question, And) else (question,)
    named = tuple(part for part in parts if part is not None and _is_of_series(part))
    if not named:
        return None
    sql, values = clause(And(named))
    series = as_array(number for (number,) in connection.execute(_SERIES + sql, values).fetchall())
    (spans,) = connection.execute(_COUNT, (series,)).fetchone()
    return Named(series, spans)


def _is_of_series(question: Question) -> bool:
    """Whether a question is one of series alone."""
    match question:
        case And(parts) | Or(parts):
            return all(map(_is_of_series, parts))
        case Not(inner):
            return _is_of_series(inner)
        case Comparison(field):
            return field in _FIELDS
        case _:
            return False
