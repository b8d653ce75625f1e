"""Rows as a Parquet file, written a group of rows at a time.

The columns are those of `rows` and of scores, each with a type of its own: `started` is a timestamp in nanoseconds and
UTC, numbers are 64 bits wide, truth values are truth values, everything else is text; what is unknown is null. A number
that does not fit its column is null, too. pyarrow writes the file; it is the extra part `flightlog[parquet]`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, Final

from flightlog.export.rows import Cell
from flightlog.records.errors import MissingExtra

ROWS: Final = 2_000
"""Rows of one group: what is held at once."""

NUMBERS: Final = frozenset(
    {
        "duration_ns",
        "error_count",
        "input_tokens",
        "interrupted",
        "llm_calls",
        "output_tokens",
        "retries",
        "span_count",
        "start",
        "unknown_usage_calls",
    }
)
"""Columns of 64-bit numbers."""
TRUTHS: Final = frozenset({"slow"})
"""Columns of truth values."""
MOMENT: Final = "started"
"""The column that is a timestamp; it is made of `start`."""

_MOST: Final = 1 << 63


def document(
    columns: Sequence[str],
    rows: Iterable[Mapping[str, Cell]],
    scores: Mapping[str, type[float | bool | str]] = {},
) -> Iterator[bytes]:
    """The file, some groups of rows at a time.

    Args:
        columns: the columns of `rows` that are promised.
        rows: with all columns.
        scores: the columns behind those, each with what is in it.

    Raises:
        MissingExtra: pyarrow is not installed.
    """
    arrow, parquet = _libraries()
    types = {float: arrow.float64(), bool: arrow.bool_(), str: arrow.string()}
    promised = [(name, _type(arrow, name)) for name in columns]
    schema = arrow.schema([*promised, *((name, types[kind]) for name, kind in scores.items())])
    out = _Pieces()
    rest = iter(rows)
    with parquet.ParquetWriter(arrow.PythonFile(out, mode="w"), schema, compression="zstd") as writer:
        while group := list(islice(rest, ROWS)):
            arrays = [
                arrow.array([_cell(name, row) for row in group], type=schema.field(name).type)
                for name in columns
            ]
            arrays += [
                arrow.array([row[name] for row in group], type=schema.field(name).type) for name in scores
            ]
            writer.write_table(arrow.Table.from_arrays(arrays, schema=schema))
            yield out.taken()
    yield out.taken()


def _libraries() -> tuple[Any, Any]:
    try:
        import pyarrow as pa  # type: ignore[import-untyped]  # it brings no types; large, so only for who asks
        from pyarrow import parquet
    except ImportError as error:
        raise MissingExtra("parquet", "writing Parquet") from error
    return pa, parquet


class _Pieces:
    """A file that is only written, in memory, until somebody takes what is there."""

    closed = False

    def __init__(self) -> None:
        self._held: list[bytes] = []
        self._size = 0

    def write(self, data: Any) -> int:
        self._held.append(bytes(data))
        self._size += len(self._held[-1])
        return len(self._held[-1])

    def tell(self) -> int:
        return self._size

    def flush(self) -> None:
        """Nothing waits."""

    def close(self) -> None:
        """What was written can still be taken."""

    def taken(self) -> bytes:
        """What was written since the last time."""
        held, self._held = self._held, []
        return b"".join(held)


def _type(arrow: Any, name: str) -> Any:
    if name == MOMENT:
        return arrow.timestamp("ns", tz="UTC")
    if name in NUMBERS:
        return arrow.int64()
    return arrow.bool_() if name in TRUTHS else arrow.string()


def _cell(name: str, row: Mapping[str, Cell]) -> Cell:
    value = row["start"] if name == MOMENT else row[name]
    if name in NUMBERS or name == MOMENT:
        return value if type(value) is int and -_MOST <= value < _MOST else None
    if value is None or name in TRUTHS:
        return value
    return value if isinstance(value, str) else _plain(value)


def _plain(value: float | bool) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
