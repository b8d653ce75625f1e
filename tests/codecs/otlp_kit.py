"""OTLP for tests: any message there can be, made with the generated classes, and the way through our lines."""

from __future__ import annotations

import base64
import json as stdjson
import math
from typing import Any

from google.protobuf.json_format import MessageToDict
from hypothesis import strategies as st
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import (
    AnyValue,
    ArrayValue,
    InstrumentationScope,
    KeyValue,
    KeyValueList,
)
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord, ResourceLogs, ScopeLogs
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span, Status

from flightlog.codecs.lines import decode, encode
from flightlog.codecs.otlp import json, protobuf, writing
from flightlog.codecs.otlp.batch import Requests, requests
from flightlog.codecs.otlp.reading import Reader
from flightlog.core.capture import OpenGate
from flightlog.imports.pen import Pen
from flightlog.records import event as events
from flightlog.records import span as spans
from flightlog.records.record import Record

# -- messages -------------------------------------------------------------------------------------------------


def texts(most: int = 12) -> st.SearchStrategy[str]:
    """Any text that UTF-8 can carry."""
    return st.text(st.characters(codec="utf-8"), max_size=most)


def _scalars() -> st.SearchStrategy[AnyValue]:
    return st.one_of(
        st.just(AnyValue()),
        texts().map(lambda text: AnyValue(string_value=text)),
        st.booleans().map(lambda truth: AnyValue(bool_value=truth)),
        st.integers(-(2**63), 2**63 - 1).map(lambda number: AnyValue(int_value=number)),
        (st.floats(allow_nan=False) | st.just(math.nan)).map(lambda number: AnyValue(double_value=number)),
        st.binary(max_size=6).map(lambda data: AnyValue(bytes_value=data)),
    )


def values() -> st.SearchStrategy[AnyValue]:
    """Every form of an `AnyValue`, nested."""
    return st.recursive(
        _scalars(),
        lambda inner: st.one_of(
            st.lists(inner, max_size=3).map(lambda many: AnyValue(array_value=ArrayValue(values=many))),
            st.dictionaries(texts(5), inner, max_size=3).map(
                lambda many: AnyValue(
                    kvlist_value=KeyValueList(values=[KeyValue(key=k, value=v) for k, v in many.items()])
                )
            ),
        ),
        max_leaves=5,
    )


def attributes() -> st.SearchStrategy[list[KeyValue]]:
    """Attributes with different keys, as the specification asks for."""
    names = st.sampled_from(
        ["http.method", "error.type", "event.name", "session.id", "flightlog.kind", "a/b~c"]
    )
    return st.dictionaries(names | texts(6), values(), max_size=4).map(
        lambda many: [KeyValue(key=key, value=value) for key, value in many.items()]
    )


_TIMES = st.just(0) | st.integers(0, 2**63 - 1)
_COUNTS = st.just(0) | st.integers(0, 2**32 - 1)


def _ids(size: int) -> st.SearchStrategy[bytes]:
    return st.binary(min_size=size, max_size=size).filter(any)


def _events() -> st.SearchStrategy[Span.Event]:
    return st.builds(
        Span.Event,
        time_unix_nano=_TIMES,
        name=st.just("exception") | texts(),
        attributes=attributes(),
        dropped_attributes_count=_COUNTS,
    )


def _links() -> st.SearchStrategy[Span.Link]:
    return st.builds(
        Span.Link,
        trace_id=_ids(16),
        span_id=_ids(8),
        trace_state=texts(),
        attributes=attributes(),
        dropped_attributes_count=_COUNTS,
        flags=_COUNTS,
    )


def foreign_spans() -> st.SearchStrategy[Span]:
    """Any span that is told of over OTLP."""
    return st.builds(
        Span,
        trace_id=_ids(16),
        span_id=_ids(8),
        trace_state=texts(),
        parent_span_id=st.just(b"") | _ids(8),
        flags=_COUNTS,
        name=texts(),
        kind=st.integers(0, 5),
        start_time_unix_nano=_TIMES,
        end_time_unix_nano=_TIMES,
        attributes=attributes(),
        dropped_attributes_count=_COUNTS,
        events=st.lists(_events(), max_size=3),
        dropped_events_count=_COUNTS,
        links=st.lists(_links(), max_size=2),
        dropped_links_count=_COUNTS,
        status=st.none() | st.builds(Status, code=st.integers(0, 2), message=texts()),
    )


def foreign_logs() -> st.SearchStrategy[LogRecord]:
    """Any log record."""
    return st.builds(
        LogRecord,
        time_unix_nano=_TIMES,
        observed_time_unix_nano=_TIMES,
        severity_number=st.integers(0, 24),
        severity_text=texts(),
        body=st.none() | values(),
        attributes=attributes(),
        dropped_attributes_count=_COUNTS,
        flags=_COUNTS,
        trace_id=st.just(b"") | _ids(16),
        span_id=st.just(b"") | _ids(8),
        event_name=texts(),
    )


_RESOURCES = st.builds(Resource, attributes=attributes(), dropped_attributes_count=_COUNTS)
_SCOPES = st.builds(
    InstrumentationScope,
    name=texts(),
    version=texts(),
    attributes=attributes(),
    dropped_attributes_count=_COUNTS,
)


def trace_requests() -> st.SearchStrategy[ExportTraceServiceRequest]:
    """Requests with one span in each group: how spans are grouped is nothing that a line keeps."""

    def group(resource: Resource, scope: InstrumentationScope, span: Span, url: str) -> ResourceSpans:
        scoped = ScopeSpans(scope=scope, spans=[span], schema_url=url)
        return ResourceSpans(resource=resource, scope_spans=[scoped], schema_url=url)

    groups = st.builds(group, _RESOURCES, _SCOPES, foreign_spans(), texts())
    return groups.map(lambda one: ExportTraceServiceRequest(resource_spans=[one]))


def log_requests() -> st.SearchStrategy[ExportLogsServiceRequest]:
    """The same with a log record."""

    def group(resource: Resource, scope: InstrumentationScope, log: LogRecord, url: str) -> ResourceLogs:
        scoped = ScopeLogs(scope=scope, log_records=[log], schema_url=url)
        return ResourceLogs(resource=resource, scope_logs=[scoped], schema_url=url)

    groups = st.builds(group, _RESOURCES, _SCOPES, foreign_logs(), texts())
    return groups.map(lambda one: ExportLogsServiceRequest(resource_logs=[one]))


def as_json(request: Any) -> bytes:
    """A request as the OTLP specification writes JSON: protobuf's mapping, but ids are hexadecimal."""
    return stdjson.dumps(_hexadecimal(MessageToDict(request))).encode()


def _hexadecimal(value: Any) -> Any:
    if isinstance(value, list):
        return [_hexadecimal(one) for one in value]
    if not isinstance(value, dict):
        return value
    return {
        name: base64.b64decode(one).hex()
        if name in {"traceId", "spanId", "parentSpanId"} and isinstance(one, str)
        else _hexadecimal(one)
        for name, one in value.items()
    }


# -- through our lines ----------------------------------------------------------------------------------------


class Read:
    """What came of a document."""

    def __init__(self, data: bytes, *, as_json: bool = False, gate: Any = None, **options: Any) -> None:
        self.bad: list[tuple[str, str]] = []
        logs = options.pop("logs", None)
        self.pen = Pen(gate or OpenGate(), options.pop("value_bytes", 1 << 20))
        form: Any = json if as_json else protobuf
        self.reader = Reader(form, self.pen, bad=lambda place, why: self.bad.append((place, why)), **options)
        groups = json.resources(data) if as_json else protobuf.resources(data, 0, len(data), logs=logs)
        self.lines: list[bytes] = []
        self.processes: dict[str, Any] = {}
        for process, lines in self.reader.read(groups):
            if process.process_id not in self.processes:
                self.lines.append(encode(process))
            self.processes[process.process_id] = process
            self.lines += lines
        self.records = [decode(line) for line in self.lines]
        self.spans = [one for one in self.records if isinstance(one, spans.Span)]
        self.events = [one for one in self.records if isinstance(one, events.Event)]


def back(records: list[Record], processes: dict[str, Any]) -> Requests:
    """The requests that records make, each event with its span where that can be."""
    told = [one for one in records if isinstance(one, spans.Span)]
    known = {(one.trace_id, one.span_id) for one in told}
    within: dict[Any, list[Any]] = {}
    alone: list[Any] = []
    for one in records:
        if isinstance(one, events.Event) and not writing.is_log(one) and (one.trace_id, one.span_id) in known:
            within.setdefault((one.trace_id, one.span_id), []).append(one)
        elif type(one).__name__ in {"Event", "Annotation"}:
            alone.append(one)
    pairs = [(one, within.get((one.trace_id, one.span_id), [])) for one in told]
    return requests(pairs, alone, processes)
