"""An annotation: a score, label or note put on a span or a trace afterwards."""

from __future__ import annotations

from typing import Any

from msgspec import Struct, field

from flightlog.records.schema import current_version


class Annotation(
    Struct,
    tag_field="type",
    tag="annotation",
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    forbid_unknown_fields=True,
):
    """One judgement. Without a span id it is about the whole trace."""

    v: int = field(default_factory=current_version)
    annotation_id: str
    """Unique within a project."""
    trace_id: str
    span_id: str = ""
    time: int
    """Unix nanoseconds, UTC."""
    name: str
    value: float | bool | None = None
    """A number or a truth value; a category goes into `label`."""
    label: str = ""
    note: str = ""
    by: str = ""
    """Who judged: a person, a model, a program."""
    attributes: dict[str, Any] = {}
    process_id: str = ""
    project: str = ""
    environment: str = ""
    service: str = ""
    version: str = ""
    extra: dict[str, Any] = field(default={}, name="flightlog:extra")
    """Fields of the line that this version does not know."""


class Judgement(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What one judge said last of a span or a trace, and what that is."""

    annotation_id: str
    trace_id: str
    span_id: str = ""
    """Empty for a whole trace."""
    time: int
    """Unix nanoseconds."""
    name: str
    value: float | bool | None = None
    label: str = ""
    note: str = ""
    by: str = ""
    about: str = ""
    """The name of the span, or of the trace's root; empty while that is not there."""
    kind: str = ""
    """Its kind."""
    model: str = ""
    """Its model; else that of the first model call of its trace."""
    trace_name: str = ""
    service: str = ""
