"""What instrumentations read of a span although the API has no word for it.

The SDK's spans can be read, and instrumentations got used to it: those of web servers ask the current span for its
kind, others for attributes that they have set before. A span of ours answers as those do. What is written at once and
kept nowhere (events, links) is not there to be read.
"""

from __future__ import annotations

from collections.abc import Mapping
from time import time_ns
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from msgspec.json import decode
from opentelemetry.trace import SpanContext, SpanKind, Status, StatusCode, TraceState

from flightlog.core.arrived import Arrived
from flightlog.integrations.opentelemetry.links import IS_REMOTE
from flightlog.integrations.opentelemetry.resource import Resource, resource_here

if TYPE_CHECKING:
    from flightlog.core.engine import Span as Made
    from flightlog.integrations.opentelemetry.scope import Home, Scope

_KINDS = {kind.value + 1: kind for kind in SpanKind}


class Readable:
    """The SDK's words for what is known of a span."""

    __slots__ = ()

    if TYPE_CHECKING:
        made: Made
        _home: Home
        _kind: int
        _flags: int
        _status: StatusCode
        _description: str
        _dropped_attributes: int
        _dropped_events: int
        _dropped_links: int

        def get_span_context(self) -> SpanContext:
            """As in `span.py`."""

    def __repr__(self) -> str:
        return f"<span {self.name!r} {self.made.trace_id} {self.made.span_id}>"

    @property
    def name(self) -> str:
        """What it is called."""
        return self.made._name  # noqa: SLF001 - as in `span.py`: it has no other way to be read

    @property
    def kind(self) -> SpanKind:
        """Its kind in OpenTelemetry's sense."""
        return _KINDS.get(self._kind, SpanKind.INTERNAL)

    @property
    def context(self) -> SpanContext:
        """Its ids."""
        return self.get_span_context()

    @property
    def parent(self) -> SpanContext | None:
        """The ids of what it stands under."""
        above = self.made._parent_field.split('"')[3:4]  # noqa: SLF001 - as above
        if not above:
            return None
        own = self.get_span_context()
        is_remote = bool(self._flags & IS_REMOTE)
        return SpanContext(own.trace_id, number_of(above[0]), is_remote, own.trace_flags, own.trace_state)

    @property
    def status(self) -> Status:
        """How it went, as far as was said."""
        is_error = self._status is StatusCode.ERROR
        return Status(self._status, (self._description or None) if is_error else None)

    @property
    def attributes(self) -> Mapping[str, Any]:
        """Its attributes as they will be recorded."""
        known = self.made._attributes  # noqa: SLF001 - as above
        return MappingProxyType(decode("{" + ",".join(known.values()) + "}") if known else {})

    @property
    def events(self) -> tuple[()]:
        """None: each was written when it happened."""
        return ()

    @property
    def links(self) -> tuple[()]:
        """As `events`."""
        return ()

    @property
    def start_time(self) -> int:
        """Unix nanoseconds."""
        return self.made.start

    @property
    def end_time(self) -> int | None:
        """None until it has ended; then a time after its end, which its record alone knows."""
        return time_ns() if self.made.ended else None

    @property
    def resource(self) -> Resource:
        """Who records."""
        return resource_here()

    @property
    def instrumentation_scope(self) -> Scope | None:
        """Which library tells; None of a span that `fl.span` began."""
        return self._home.scope

    @property
    def dropped_attributes(self) -> int:
        """How many attributes were left out."""
        return self._dropped_attributes

    @property
    def dropped_events(self) -> int:
        """How many events were."""
        return self._dropped_events

    @property
    def dropped_links(self) -> int:
        """How many links were."""
        return self._dropped_links


def number_of(id_text: str) -> int:
    """An id as OpenTelemetry has it; 0, which is no id, for one of another scheme."""
    try:
        return int(id_text, 16)
    except ValueError:
        return 0


def trace_state_of(arrived: Arrived | None) -> TraceState | None:
    """The trace state that came in with a trace."""
    return (
        TraceState.from_header([arrived.tracestate]) if arrived is not None and arrived.tracestate else None
    )
