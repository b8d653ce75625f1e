"""Values that a store has of the fields that a question may name, for whoever types one."""

from __future__ import annotations

import sqlite3
from typing import Final

from flightlog.store.sqlite.names import FOLDED

_OF_SERIES: Final = ("name", "kind", "model", "provider", "service", "environment", "project")
_SERIES: Final = "SELECT {0} FROM series WHERE {0} NOT IN ('', ?) GROUP BY {0} ORDER BY max(id) DESC LIMIT ?"
_TAGS: Final = """WITH RECURSIVE tags (tag) AS (SELECT min(tag) FROM trace_tags
  UNION ALL SELECT (SELECT min(g.tag) FROM trace_tags g WHERE g.tag > tags.tag) FROM tags WHERE tags.tag IS NOT NULL)
SELECT tag FROM tags WHERE tag IS NOT NULL LIMIT ?"""
_BOUND: Final = """SELECT DISTINCT CAST(c.{0} AS TEXT) FROM (SELECT root FROM traces WHERE start IS NOT NULL
  ORDER BY start DESC LIMIT ?) t JOIN span_context c ON c.span = t.root WHERE c.{0} IS NOT NULL"""


def known_values(connection: sqlite3.Connection, most: int) -> dict[str, list[str]]:
    """Up to so many values of each field, those that came last first; sessions and users are those of new traces."""
    found = {name: _column(connection, _SERIES.format(name), FOLDED, most) for name in _OF_SERIES}
    found["tag"] = _column(connection, _TAGS, most)
    for name in ("session", "user"):
        found[name] = _column(connection, _BOUND.format(name), most)
    return found


def _column(connection: sqlite3.Connection, sql: str, *values: str | int) -> list[str]:
    return [value for (value,) in connection.execute(sql, values)]
