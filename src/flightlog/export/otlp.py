"""Traces as messages of OTLP in a file: JSON, one message a line, or protobuf, each message after its length.

The lines are what OpenTelemetry specifies for files: each is a request of `resourceSpans` or of `resourceLogs`. The
length is a number of four bytes, the greatest first. A trace is one message
of spans, with their events in them, and where something belongs to no span, or judges, one of log records. What OTLP
cannot carry (an id or a time that it does not know) is left out and counted.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from msgspec import Struct

from flightlog.codecs.otlp import writing
from flightlog.codecs.otlp.batch import requests
from flightlog.records.annotation import Annotation
from flightlog.records.event import Event
from flightlog.records.process import Process
from flightlog.records.span import Span

AT_ONCE: Final = 500
"""Spans of one message at most; collectors refuse what is very large."""


class Parts(Struct, frozen=True, eq=False):
    """The records of one trace."""

    spans: Sequence[Span]
    events: Sequence[Event]
    annotations: Sequence[Annotation] = ()


class Left(Struct):
    """What was left out."""

    untold: int = 0
    """Records that OTLP cannot carry."""


def messages(
    traces: Iterable[Parts], processes: Mapping[str, Process], *, as_json: bool, left: Left | None = None
) -> Iterator[bytes]:
    """The file, a message at a time.

    Args:
        traces: their records; a span that has not ended goes out without an end.
        processes: those that are known, by id; a mapping that grows while the traces go by is as good.
        as_json: lines of JSON; else protobuf.
        left: told what was left out.
    """
    for parts in traces:
        for some, alone in _shares(parts):
            made = requests(some, alone, processes)
            if left is not None:
                left.untold += made.untold
            if made.span_count:
                yield _framed(made.traces(as_json=as_json), as_json=as_json)
            if made.log_count:
                yield _framed(made.log_records(as_json=as_json), as_json=as_json)


def _shares(parts: Parts) -> Iterator[tuple[list[tuple[Span, list[Event]]], list[Event | Annotation]]]:
    """So many spans at a time, each with its events; with the last of them what goes alone."""
    owned: dict[str, list[Event]] = {span.span_id: [] for span in parts.spans}
    alone: list[Event | Annotation] = []
    for event in parts.events:
        within = None if writing.is_log(event) else owned.get(event.span_id)
        (alone if within is None else within).append(event)
    alone += parts.annotations
    pairs = [(span, owned.pop(span.span_id, [])) for span in parts.spans]
    for start in range(0, max(len(pairs), 1), AT_ONCE):
        is_last = start + AT_ONCE >= len(pairs)
        yield pairs[start : start + AT_ONCE], alone if is_last else []


def _framed(message: bytes, *, as_json: bool) -> bytes:
    return message + b"\n" if as_json else len(message).to_bytes(4, "big") + message
