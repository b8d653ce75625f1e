"""An event: a point in time, on a span or on its own."""

from __future__ import annotations

from typing import Any

from msgspec import Struct, field

from flightlog.records.kinds import Level
from flightlog.records.schema import current_version


class Event(
    Struct,
    tag_field="type",
    tag="event",
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    forbid_unknown_fields=True,
):
    """One point event. Without a trace id it belongs to the process alone."""

    v: int = field(default_factory=current_version)
    event_id: str
    """16 lower-case hexadecimal digits, unique within a project."""
    trace_id: str = ""
    span_id: str = ""
    time: int
    """Unix nanoseconds, UTC."""
    name: str
    level: Level = "info"
    body: str = ""
    attributes: dict[str, Any] = {}
    context: dict[str, Any] = {}
    otel: dict[str, Any] = {}
    process_id: str = ""
    project: str = ""
    environment: str = ""
    service: str = ""
    version: str = ""
    extra: dict[str, Any] = field(default={}, name="flightlog:extra")
    """Fields of the line that this version does not know."""
