"""The union of all records, and the one that stands for what this version does not know."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from flightlog.records.annotation import Annotation
from flightlog.records.event import Event
from flightlog.records.process import Process
from flightlog.records.span import Span


class Unknown(Struct, frozen=True):
    """A line of a type or a version that this Flightlog does not know: kept whole, never interpreted."""

    fields: dict[str, Any]
    """Every field of the line, as it came."""

    @property
    def type(self) -> str:
        """What the line calls itself."""
        return str(self.fields.get("type", ""))


Known = Span | Event | Process | Annotation
"""The record types of this version; the published JSON Schema describes exactly these."""

Record = Known | Unknown
"""Anything a line can turn into."""
