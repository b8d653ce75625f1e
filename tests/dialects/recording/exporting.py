"""Writes what an SDK of OpenTelemetry's hands out as OTLP in JSON, one message a line."""

import json
import os
from pathlib import Path

from opentelemetry import trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExporter, SpanExportResult

PATH = os.environ["RECORD_TO"]
RESOURCE = Resource({"service.name": os.environ.get("RECORD_NAME", "recorded")})


def value(v):
    if isinstance(v, bool):
        return {"boolValue": v}
    if isinstance(v, int):
        return {"intValue": str(v)}
    if isinstance(v, float):
        return {"doubleValue": v}
    if isinstance(v, str):
        return {"stringValue": v}
    if isinstance(v, (list, tuple)):
        return {"arrayValue": {"values": [value(one) for one in v]}}
    if isinstance(v, dict) or hasattr(v, "items"):
        return {"kvlistValue": {"values": pairs(v)}}
    return {} if v is None else {"stringValue": str(v)}


def pairs(attributes):
    return [{"key": key, "value": value(one)} for key, one in (attributes or {}).items()]


def scope(told):
    return {"name": told.name, "version": told.version or ""}


def write(kind, inner, message):
    line = {
        f"resource{kind}": [{"resource": {"attributes": pairs(RESOURCE.attributes)}, f"scope{kind}": [inner]}]
    }
    with Path(PATH).open("a", encoding="utf-8") as file:
        file.write(json.dumps(line, separators=(",", ":")) + "\n")


class Spans(SpanExporter):
    def export(self, spans):
        for span in spans:
            context = span.get_span_context()
            told = {
                "traceId": f"{context.trace_id:032x}",
                "spanId": f"{context.span_id:016x}",
                "name": span.name,
                "kind": span.kind.value + 1,
                "startTimeUnixNano": str(span.start_time),
                "endTimeUnixNano": str(span.end_time),
                "attributes": pairs(span.attributes),
                "status": {"code": span.status.status_code.value, "message": span.status.description or ""},
            }
            if span.parent is not None:
                told["parentSpanId"] = f"{span.parent.span_id:016x}"
            events = [
                {"timeUnixNano": str(e.timestamp), "name": e.name, "attributes": pairs(e.attributes)}
                for e in span.events
                if e.name != "exception" and "chunk" not in e.name.lower()
            ]
            if events:
                told["events"] = events
            write("Spans", {"scope": scope(span.instrumentation_scope), "spans": [told]}, told)
        return SpanExportResult.SUCCESS

    def shutdown(self):
        pass


provider = TracerProvider(resource=RESOURCE)
provider.add_span_processor(SimpleSpanProcessor(Spans()))
trace.set_tracer_provider(provider)


def logs():
    from opentelemetry._logs import set_logger_provider
    from opentelemetry.sdk._logs import LoggerProvider

    class Processor:
        def on_emit(self, data):
            record = data.log_record
            told = {
                "timeUnixNano": str(record.timestamp or record.observed_timestamp or 0),
                "attributes": pairs(record.attributes),
                "eventName": getattr(record, "event_name", None) or "",
                "traceId": f"{record.trace_id or 0:032x}",
                "spanId": f"{record.span_id or 0:016x}",
            }
            if record.body is not None:
                told["body"] = value(record.body)
            write("Logs", {"scope": scope(data.instrumentation_scope), "logRecords": [told]}, told)

        emit = on_emit

        def shutdown(self):
            pass

        def force_flush(self, timeout_millis=0):
            return True

    made = LoggerProvider(resource=RESOURCE)
    made.add_log_record_processor(Processor())
    set_logger_provider(made)
    return made
