"""Many values as one JSON array, one a line, made piece by piece."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

import msgspec

from flightlog.analysis.tree import Tree
from flightlog.export import nested
from flightlog.export.rows import Cell
from flightlog.records.annotation import Annotation
from flightlog.records.traces import Trace


def rows(values: Iterable[Mapping[str, Cell]]) -> Iterator[bytes]:
    """An array of rows."""
    return _array([msgspec.json.encode(value)] for value in values)


def documents(traces: Iterable[tuple[Trace | None, Tree, Sequence[Annotation]]]) -> Iterator[bytes]:
    """An array of traces, each with its spans nested and what was said of them (see `nested`)."""
    return _array(nested.pieces(*one) for one in traces)


def _array(items: Iterable[Iterable[bytes]]) -> Iterator[bytes]:
    separator = b"[\n"
    for item in items:
        yield separator
        yield from item
        separator = b",\n"
    yield b"[]\n" if separator == b"[\n" else b"\n]\n"
