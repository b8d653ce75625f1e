"""What every span can, for whatever stands before a span of its own."""

from __future__ import annotations

from collections.abc import Mapping

from flightlog.core.engine import Span
from flightlog.records.kinds import Level


class OnSpan:
    """Hands on to the span behind it."""

    __slots__ = ("_span",)

    def __init__(self, span: Span) -> None:
        self._span = span

    @property
    def span(self) -> Span:
        """The span behind it."""
        return self._span

    @property
    def trace_id(self) -> str:
        """The trace that it belongs to; empty before it starts."""
        return self._span.trace_id

    @property
    def span_id(self) -> str:
        """Its own id; empty before it starts."""
        return self._span.span_id

    @property
    def recorded(self) -> bool:
        """Whether it leaves a record."""
        return self._span.recorded

    @property
    def ended(self) -> bool:
        """Whether it is over."""
        return self._span.ended

    def set(self, /, **attributes: object) -> None:
        """Add attributes, as for a span."""
        self._span.set(**attributes)

    def set_attributes(self, attributes: Mapping[str, object]) -> None:
        """Add attributes whose names are no Python identifiers, as for a span."""
        self._span.set_attributes(attributes)

    def event(self, name: str, /, level: Level = "info", body: str = "", **attributes: object) -> None:
        """Record a point in time on the call, as for a span."""
        self._span.event(name, level, body, **attributes)

    def link(self, other: object, /, relation: str = "caused_by", **attributes: object) -> None:
        """Relate the call to another span, as for a span."""
        self._span.link(other, relation, **attributes)
