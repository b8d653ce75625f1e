"""A span: one unit of work with a start and an end."""

from __future__ import annotations

from typing import Any

from msgspec import UNSET, Struct, UnsetType, field

from flightlog.records.kinds import Level, Status
from flightlog.records.schema import current_version


class Fault(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """What went wrong: the error of a span."""

    type: str = ""
    """Qualified class name of the exception, or a code (OpenTelemetry `error.type`)."""
    message: str = ""
    """What it said, redacted."""
    stack: str = ""
    """The formatted traceback, innermost frame last."""


class Link(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """A relation to another span that is not the parent."""

    trace_id: str
    span_id: str = ""
    relation: str = ""
    """Why they belong together: `caused_by`, `retry_of`, `follows_from`, …; an open word."""
    attributes: dict[str, Any] = {}


class Span(
    Struct,
    tag_field="type",
    tag="span",
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    forbid_unknown_fields=True,
):
    """One line about a span. Several lines may speak of one span; the greatest of them wins (`RANKS`)."""

    v: int = field(default_factory=current_version)
    trace_id: str
    """32 lower-case hexadecimal digits."""
    span_id: str
    """16 lower-case hexadecimal digits."""
    parent_id: str = ""
    name: str
    kind: str = ""
    """An open word; the well-known ones are in `KINDS`."""
    level: Level = "info"
    start: int
    """Unix nanoseconds, UTC."""
    end: int | None = None
    """Unix nanoseconds; start plus a monotonic duration. Absent while the span runs."""
    status: Status
    input: Any | UnsetType = UNSET
    output: Any | UnsetType = UNSET
    error: Fault | None = None
    attributes: dict[str, Any] = {}
    links: list[Link] = []
    thread: str = ""
    task: str = ""
    """Name of the asyncio task, if there was one."""
    context: dict[str, Any] = {}
    """What `bind` put there: session, turn, user, tags, job, … and any other key."""
    otel: dict[str, Any] = {}
    """What OpenTelemetry carries and this record does not name: flags, span kind, trace state, scope, …"""
    process_id: str = ""
    project: str = ""
    environment: str = ""
    service: str = ""
    version: str = ""
    revision: int = 0
    """Greater than 0 when the line was rewritten after it was recorded, and once the span was paused: it grows with
    each pause and each resumption, in whatever process."""
    extra: dict[str, Any] = field(default={}, name="flightlog:extra")
    """Fields of the line that this version does not know, kept so that they leave as they came."""

    @property
    def duration_ns(self) -> int | None:
        """End minus start in nanoseconds, or None while the span runs."""
        return None if self.end is None else self.end - self.start
