"""OpenTelemetry's API on our core; this room never imports its SDK and never changes what a program exports with it."""

from flightlog.integrations.opentelemetry.feeding import LogRecordProcessor, SpanExporter, SpanProcessor
from flightlog.integrations.opentelemetry.logger import LoggerProvider
from flightlog.integrations.opentelemetry.place import FlightlogContext
from flightlog.integrations.opentelemetry.tracer import TracerProvider

__all__ = [
    "FlightlogContext",
    "LogRecordProcessor",
    "LoggerProvider",
    "SpanExporter",
    "SpanProcessor",
    "TracerProvider",
]
