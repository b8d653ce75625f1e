"""Record lines to requests: sorted by who told of them, events with their spans."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, Literal

from msgspec import Struct

from flightlog.codecs.otlp import encoding, writing
from flightlog.codecs.otlp.encoding import Outgoing
from flightlog.codecs.otlp.messages import LogMessage, SpanMessage
from flightlog.records.annotation import Annotation
from flightlog.records.errors import BadRecord
from flightlog.records.event import Event
from flightlog.records.process import Process
from flightlog.records.span import Span

_UNKNOWN: Final = Process(process_id="0" * 32, started=0)


class Requests(Struct):
    """What there is to export."""

    spans: list[Outgoing] = []
    logs: list[Outgoing] = []
    span_count: int = 0
    log_count: int = 0
    untold: int = 0
    """Records that OTLP cannot carry: their ids or times are none that it knows."""

    def of(self, signal: Literal["traces", "logs"]) -> tuple[list[Outgoing], int]:
        """What there is of one signal, and how many records that are."""
        return (self.spans, self.span_count) if signal == "traces" else (self.logs, self.log_count)

    def traces(self, *, as_json: bool) -> bytes:
        """The request for spans."""
        return encoding.json(self.spans, logs=False) if as_json else encoding.protobuf(self.spans)

    def log_records(self, *, as_json: bool) -> bytes:
        """The request for log records."""
        return encoding.json(self.logs, logs=True) if as_json else encoding.protobuf(self.logs)


def requests(
    spans: Iterable[tuple[Span, Sequence[Event]]],
    alone: Iterable[Event | Annotation],
    processes: Mapping[str, Process],
) -> Requests:
    """Put records together as requests.

    Args:
        spans: spans, each with the events that go with it.
        alone: what goes as a log record.
        processes: those that are known, by id; of another one as much is said as its records know.
    """
    found = Requests()
    groups: dict[Any, Outgoing] = {}
    for record, events in spans:
        process = processes.get(record.process_id) or _implied(record)
        try:
            message = writing.span(record, events, process)
        except BadRecord:
            found.untold += 1 + len(events)
            continue
        found.span_count += 1
        _put(message, record, process, groups, found.spans)
    for one in alone:
        process = processes.get(one.process_id) or _implied(one)
        try:
            told = writing.log(one, process)
        except BadRecord:
            found.untold += 1
            continue
        found.log_count += 1
        _put(told, one, process, groups, found.logs)
    return found


def _put(
    message: SpanMessage | LogMessage,
    record: Span | Event | Annotation,
    process: Process,
    groups: dict[Any, Outgoing],
    into: list[Outgoing],
) -> None:
    """Put a message to the others of its process and scope."""
    scope = writing.scope(record)
    key = (
        type(message),
        process.process_id,
        process.project,
        process.environment,
        process.service,
        process.version,
        repr(scope),
    )
    group = groups.get(key)
    if group is None:
        group = groups[key] = Outgoing(writing.resource(process), scope, [])
        into.append(group)
    group.records.append(message)  # type: ignore[arg-type]  # the key holds its type


def _implied(record: Span | Event | Annotation) -> Process:
    """A process of which only its records tell."""
    return Process(
        process_id=record.process_id or _UNKNOWN.process_id,
        project=record.project,
        environment=record.environment,
        service=record.service,
        version=record.version,
        started=0,
    )
