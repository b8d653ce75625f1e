"""How much a store holds, and what was lost on the way into it."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from flightlog.store.port import Sizes

_SIZES: Final = """
SELECT (SELECT count(*) FROM traces WHERE start IS NOT NULL), (SELECT coalesce(sum(spans), 0) FROM traces),
  (SELECT count(*) FROM events), (SELECT value FROM totals WHERE name = 'payloads'),
  (SELECT value FROM totals WHERE name = 'payload_bytes'), (SELECT count(*) FROM strays),
  (SELECT count(*) FROM series),
  (SELECT count(*) FROM events) - (SELECT count(*) FROM events WHERE trace IS NOT NULL)
    + (SELECT count(*) FROM events WHERE trace IN (SELECT id FROM traces WHERE start IS NULL))
"""
_COUNTERS: Final = """
SELECT name, sum(value) FROM process_counters GROUP BY name
UNION ALL SELECT 'store_strays', count(*) FROM strays
UNION ALL SELECT 'store_folded_spans', count(*) FROM span_more WHERE name IS NOT NULL
"""
_COUNTERS_OF: Final = "SELECT name, value FROM process_counters WHERE process_id = ?"


def sizes(connection: sqlite3.Connection, path: str) -> Sizes:
    """How much there is; the write-ahead log counts as part of the store."""
    row = connection.execute(_SIZES).fetchone()
    files = (Path(path + suffix) for suffix in ("", "-wal"))
    return Sizes(sum(file.stat().st_size for file in files if file.exists()), *row)


def counters(
    connection: sqlite3.Connection, newer: Mapping[str, Mapping[str, int]] | None = None
) -> dict[str, int]:
    """Losses of every process, summed by name, and the store's own, which begin with `store_`."""
    total: dict[str, int] = dict(connection.execute(_COUNTERS).fetchall())
    for process_id, counted in (newer or {}).items():
        known = dict(connection.execute(_COUNTERS_OF, (process_id,)).fetchall())
        for name, number in counted.items():
            total[name] = total.get(name, 0) + max(0, number - known.get(name, 0))
    return total
