"""Traces and spans as rows with stable columns, for tables, data frames and spreadsheets.

The columns and their order are a promise (`docs/export.md`): new ones come at the end, none changes its meaning.
Times are given twice, as Unix nanoseconds and as ISO 8601 in UTC; what is unknown is None; what is not text or
number is JSON.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import msgspec
from msgspec import UNSET

from flightlog.records import genai
from flightlog.records.span import Span
from flightlog.records.traces import Trace

Cell = str | int | float | bool | None
"""What stands in one column of one row."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

TRACE_COLUMNS: Final[Mapping[str, Callable[[Trace], Cell]]] = {
    "trace_id": lambda trace: trace.trace_id,
    "name": lambda trace: trace.name,
    "kind": lambda trace: trace.kind,
    "status": lambda trace: trace.status,
    "started": lambda trace: moment(trace.start),
    "start": lambda trace: trace.start,
    "duration_ns": lambda trace: trace.duration_ns,
    "span_count": lambda trace: trace.span_count,
    "error_count": lambda trace: trace.error_count,
    "llm_calls": lambda trace: trace.llm_calls,
    "input_tokens": lambda trace: trace.input_tokens,
    "output_tokens": lambda trace: trace.output_tokens,
    "unknown_usage_calls": lambda trace: trace.unknown_usage_calls,
    "model": lambda trace: trace.model,
    "retries": lambda trace: trace.retries,
    "slow": lambda trace: trace.slow,
    "interrupted": lambda trace: trace.interrupted,
    "project": lambda trace: trace.project,
    "environment": lambda trace: trace.environment,
    "session": lambda trace: trace.session,
    "user": lambda trace: trace.user,
    "tags": lambda trace: _json(trace.tags),
    "service": lambda trace: trace.service,
}
"""Columns of a trace, in order."""

SPAN_COLUMNS: Final[Mapping[str, Callable[[Span], Cell]]] = {
    "trace_id": lambda span: span.trace_id,
    "span_id": lambda span: span.span_id,
    "parent_id": lambda span: span.parent_id or None,
    "name": lambda span: span.name,
    "kind": lambda span: span.kind,
    "level": lambda span: span.level,
    "status": lambda span: span.status,
    "started": lambda span: moment(span.start),
    "start": lambda span: span.start,
    "duration_ns": lambda span: span.duration_ns,
    "error_type": lambda span: span.error.type if span.error else None,
    "error_message": lambda span: span.error.message if span.error else None,
    "provider": lambda span: _text(span.attributes.get(genai.PROVIDER)),
    "model": lambda span: _text(
        span.attributes.get(genai.RESPONSE_MODEL) or span.attributes.get(genai.REQUEST_MODEL)
    ),
    "input_tokens": lambda span: _number(span.attributes.get(genai.INPUT_TOKENS)),
    "output_tokens": lambda span: _number(span.attributes.get(genai.OUTPUT_TOKENS)),
    "session": lambda span: _cell(span.context.get("session")),
    "turn": lambda span: _cell(span.context.get("turn")),
    "user": lambda span: _cell(span.context.get("user")),
    "project": lambda span: span.project,
    "environment": lambda span: span.environment,
    "service": lambda span: span.service or None,
    "version": lambda span: span.version or None,
    "process_id": lambda span: span.process_id or None,
    "thread": lambda span: span.thread or None,
    "task": lambda span: span.task or None,
    "input": lambda span: _cell(span.input),
    "output": lambda span: _cell(span.output),
    "attributes": lambda span: _json(span.attributes) if span.attributes else None,
}
"""Columns of a span, in order."""


def of_traces(traces: Iterable[Trace]) -> Iterator[dict[str, Cell]]:
    """A row for each trace."""
    return ({name: cell(trace) for name, cell in TRACE_COLUMNS.items()} for trace in traces)


def of_spans(spans: Iterable[Span]) -> Iterator[dict[str, Cell]]:
    """A row for each span."""
    return ({name: cell(span) for name, cell in SPAN_COLUMNS.items()} for span in spans)


def moment(ns: int) -> str | None:
    """ISO 8601 in UTC to the nanosecond; None where no calendar goes."""
    try:
        second = _EPOCH + timedelta(seconds=ns // 10**9)
    except OverflowError:
        return None
    return f"{second:%Y-%m-%dT%H:%M:%S}.{ns % 10**9:09}Z"


def _cell(value: Any) -> Cell:
    """A value as a cell; `Any`, because a program may have recorded anything."""
    if value is UNSET or value is None:
        return None
    return value if isinstance(value, (str, int, float)) else _json(value)


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _number(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()
