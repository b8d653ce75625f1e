"""The messages of OTLP as values, whichever way they travelled.

Names and meanings are those of opentelemetry-proto 1.10 (`trace.proto`, `logs.proto`, `common.proto`,
`resource.proto`). Ids are lower-case hexadecimal digits, times Unix nanoseconds, enumerations numbers.

`attributes` is what the two directions differ in: read, they are the still encoded `KeyValue`s as bytes, which most
spans have in common with others and which need not be decoded twice; written, they are pairs of a key and a value. A
value is None, a bool, int (64 bits), float, str, bytes, a list, or a `dict`, which is a `KeyValueList`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Protocol

from msgspec import Struct

Pair = tuple[str, Any]
"""An attribute."""


class Resource(Struct):
    """Who told: a process, a host, a service."""

    attributes: Sequence[Any] = ()
    dropped: int = 0
    schema_url: str = ""
    """Of the `ResourceSpans` or `ResourceLogs`."""


class Scope(Struct):
    """Which library told."""

    name: str = ""
    version: str = ""
    attributes: Sequence[Any] = ()
    dropped: int = 0
    schema_url: str = ""
    """Of the `ScopeSpans` or `ScopeLogs`."""


class SpanMessage(Struct, gc=False):
    """`Span`."""

    trace_id: str = ""
    span_id: str = ""
    trace_state: str = ""
    parent_id: str = ""
    flags: int = 0
    name: str = ""
    kind: int = 0
    start: int = 0
    end: int = 0
    attributes: Sequence[Any] = ()
    dropped: int = 0
    events: Sequence[Any] = ()
    """Read: still encoded. Written: `EventMessage`s."""
    dropped_events: int = 0
    links: Sequence[Any] = ()
    """Read: still encoded. Written: `LinkMessage`s."""
    dropped_links: int = 0
    code: int = 0
    message: str = ""
    """Of the status, as `code`."""


class EventMessage(Struct, gc=False):
    """`Span.Event`."""

    time: int = 0
    name: str = ""
    attributes: Sequence[Any] = ()
    dropped: int = 0


class LinkMessage(Struct, gc=False):
    """`Span.Link`."""

    trace_id: str = ""
    span_id: str = ""
    trace_state: str = ""
    attributes: Sequence[Any] = ()
    dropped: int = 0
    flags: int = 0


class LogMessage(Struct, gc=False):
    """`LogRecord`."""

    time: int = 0
    observed: int = 0
    severity: int = 0
    severity_text: str = ""
    body: Any = None
    """Read: still encoded, or None where there is none. Written: a value."""
    has_body: bool = False
    """Whether there is one: an empty body is not the same as none."""
    attributes: Sequence[Any] = ()
    dropped: int = 0
    flags: int = 0
    trace_id: str = ""
    span_id: str = ""
    event_name: str = ""


class ScopeGroup(Struct):
    """What one library told, still encoded, each record with its number."""

    scope: Scope
    place: str
    """Where a record stands in the document, with {} for its number."""
    spans: Iterable[tuple[int, Any]] = ()
    logs: Iterable[tuple[int, Any]] = ()


class ResourceGroup(Struct):
    """What one resource told."""

    resource: Resource
    groups: Iterator[ScopeGroup]
    place: str = ""
    """Where it stands in the document."""
    at: int = 0
    """The byte at which it begins, where that is known."""


class Form(Protocol):
    """One of the two encodings: how the pieces of a message are read.

    Every function raises `Malformed` for what it cannot read.
    """

    def span(self, raw: Any, /) -> SpanMessage:
        """Read a span; its attributes, events and links stay encoded."""

    def event(self, raw: Any, /) -> EventMessage:
        """Read an event of a span."""

    def link(self, raw: Any, /) -> LinkMessage:
        """Read a link of a span."""

    def log(self, raw: Any, /) -> LogMessage:
        """Read a log record; its attributes and its body stay encoded."""

    def pair(self, raw: Any, /) -> Pair:
        """Read an attribute."""

    def value(self, raw: Any, /) -> Any:
        """Read an `AnyValue`."""

    def members(self, writer: Any, /) -> Any:
        """What writes attributes as members of a JSON object: `members.Members`, or a faster one of its kind."""


class Malformed(ValueError):
    """A message that cannot be read; the text says why."""
