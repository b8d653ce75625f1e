"""How much of a trace's id has to be shown so that it can be typed again."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from flightlog.records.errors import AmbiguousId
from flightlog.records.span import Span
from flightlog.records.traces import Trace
from flightlog.store.port import Reader

LEAST_DIGITS: Final = 8
"""Fewer are not shown: what is typed a day later should still name one trace."""


def digits(reader: Reader, traces: Iterable[Trace | Span]) -> int:
    """How many first digits of each of these ids name one trace of the whole store."""
    enough = LEAST_DIGITS
    for trace_id in {trace.trace_id for trace in traces}:
        while enough < len(trace_id) and not _is_unique(reader, trace_id[:enough]):
            enough += 1
    return enough


def _is_unique(reader: Reader, beginning: str) -> bool:
    try:
        reader.resolve(beginning)
    except AmbiguousId:
        return False
    return True
