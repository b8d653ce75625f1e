"""Rows of plain spans: the many that say when, where and what, and nothing else.

Binding a value takes the interpreter lock for 20 ns if it is an integer and for 70 ns if it is a text or a blob,
and a row of `spans` has ten of the latter. Here a row is five integers: its texts are bound once for all rows
that have them in common, its ids and its line hash as a piece of one blob for a whole statement. SQLite puts
the rows together while the program runs on.
"""

# ruff: noqa: S608 - every statement here is put together from constants; values are bound
from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from functools import cache
from itertools import repeat
from typing import Final

import msgspec

from flightlog.store.sqlite.ids import NO_ID, SPAN_DIGITS
from flightlog.store.sqlite.intake import Common, NewSpan
from flightlog.store.sqlite.lean import LeanSpan
from flightlog.store.sqlite.names import SourceNames
from flightlog.store.sqlite.statements import SMALLEST
from flightlog.store.sqlite.tally import Tally

LARGEST: Final = 2048
"""Rows of the largest statement; to compile it takes 13 ms, once, and the interpreter lock is not held."""

_WIDTH: Final = 5
_KEY: Final = SPAN_DIGITS // 2
"""Bytes of a span id, and of a line hash."""

_TEMPLATE: Final = f"""
WITH common (number, series, source, thread, level) AS MATERIALIZED (
  SELECT key, value ->> 0, value ->> 1, value ->> 2, value ->> 3 FROM json_each(?1)
)
INSERT INTO spans
  (id, trace, span_id, parent_id, series, source, thread, level, start, "end", status, line_hash, more)
SELECT column2, column3, substr(?2, column1, {_KEY}),
  nullif(substr(?3, column1, {_KEY}), zeroblob({_KEY})), series, source, nullif(thread, ''), level,
  column5, column6, 'ok', substr(?4, column1, {_KEY}), 0
FROM (VALUES {{rows}}) CROSS JOIN common ON number = column4 WHERE column2 > 0
"""
"""Each row begins with where its pieces begin, which is part of the text; one of zeros is no row."""


class PlainRows:
    """The plain spans of a batch that the store does not have."""

    __slots__ = ("_alike", "_commons", "_numbers", "_places", "_sources", "_spans", "_traces")

    def __init__(self, sources: SourceNames) -> None:
        self._sources = sources
        self._spans: list[NewSpan] = []
        self._numbers: list[int] = []
        self._traces: list[int] = []
        self._places: list[int] = []
        """For each span, where among `_commons` the rest of its row is."""
        self._commons: list[tuple[int, int, str, str]] = []
        self._alike: list[list[LeanSpan]] = []
        """For each of `_commons`, the lines that have it in common."""

    def __len__(self) -> int:
        return len(self._spans)

    def __iter__(self) -> Iterator[tuple[int, int, NewSpan]]:
        """The number of each row, its trace's, and the span."""
        return zip(self._numbers, self._traces, self._spans, strict=True)

    def add(self, trace: int, number: int, spans: Sequence[NewSpan]) -> None:
        """Add spans of one trace whose rows are numbered from `number` on."""
        self._spans += spans
        self._numbers += range(number, number + len(spans))
        self._traces += repeat(trace, len(spans))
        for span in spans:
            common = span.common
            assert common is not None
            if common.number < 0:
                self._learn(common)
            self._places.append(common.number)
            self._alike[common.number].append(span.line)

    def count(self, tally: Tally) -> None:
        """Count every span in its series."""
        for (series, *_), lines in zip(self._commons, self._alike, strict=True):
            tally.add_plain(series, [line.start for line in lines], [line.end for line in lines])

    def write(self, connection: sqlite3.Connection) -> bool:
        """Write every row; False, and nothing is written, when some text does not go this way.

        That is an id that becomes no blob, or a NUL, which ends a text that SQLite reads from JSON.
        """
        lines = [span.line for span in self._spans]
        ids = _keys([line.span_id for line in lines])
        parents = _keys([line.parent_id or NO_ID for line in lines])
        if ids is None or parents is None or any("\0" in thread for _, _, thread, _ in self._commons):
            return False
        blobs = (ids, parents, b"".join([span.line_hash for span in self._spans]))
        columns = (
            self._numbers,
            self._traces,
            self._places,
            [line.start for line in lines],
            [line.end or 0 for line in lines],  # a plain span has one
        )
        commons = msgspec.json.encode(self._commons).decode()
        for first in range(0, len(lines), LARGEST):
            last = min(first + LARGEST, len(lines))
            pieces = [bytearray(blob[first * _KEY : last * _KEY]) for blob in blobs]
            size = max(SMALLEST, 1 << (last - first - 1).bit_length())
            values = [0] * (_WIDTH * size)
            for place, column in enumerate(columns):
                values[place : _WIDTH * (last - first) : _WIDTH] = column[first:last]
            connection.execute(_statement(size), [commons, *pieces, *values])
        return True

    def _learn(self, common: Common) -> None:
        common.number = len(self._commons)
        source = self._sources.id(common.source)
        self._alike.append([])
        self._commons.append((common.series.id, source, common.thread, common.level))


def _keys(ids: list[str]) -> bytes | None:
    """The keys of all ids, one after the other; None when one of them is not the text of a blob."""
    digits = "".join(ids)
    try:
        blob = bytes.fromhex(digits)
    except ValueError:
        return None
    is_canonical = blob.hex() == digits and set(map(len, ids)) == {SPAN_DIGITS}
    return blob if is_canonical else None


@cache
def _statement(size: int) -> str:
    rows = (f"({place * _KEY + 1}, {', '.join('?' * _WIDTH)})" for place in range(size))
    return _TEMPLATE.format(rows=", ".join(rows))
