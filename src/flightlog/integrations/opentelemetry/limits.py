"""How much of one span is kept: the limits of OpenTelemetry's specification, from its environment variables.

What comes first is kept, and what is beyond a limit is counted on the span (`otel.dropped`, `otel.dropped_events`,
`otel.dropped_links`). A value that cannot be used counts as not there, and is told once; an empty one means that there
is no limit.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Final, NamedTuple

from flightlog.integrations.opentelemetry.notes import note

_USUAL: Final = 128
NO_LIMIT: Final = 2**63 - 1


class Limits(NamedTuple):
    """The limits of one process."""

    attributes: int = _USUAL
    """Most attributes of a span."""
    value_length: int = NO_LIMIT
    """Most characters of a text among them."""
    events: int = _USUAL
    links: int = _USUAL
    event_attributes: int = _USUAL
    link_attributes: int = _USUAL
    other_value_length: int = NO_LIMIT
    """Most characters of a text among the attributes of events and links."""


def from_environment(environ: Mapping[str, str] | None = None) -> Limits:
    """Read them.

    Args:
        environ: the variables; None means those of this process.
    """
    found = os.environ if environ is None else environ
    count = _number(found, "OTEL_ATTRIBUTE_COUNT_LIMIT", _USUAL)
    length = _number(found, "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", NO_LIMIT)
    return Limits(
        attributes=_number(found, "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", count),
        value_length=_number(found, "OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT", length),
        events=_number(found, "OTEL_SPAN_EVENT_COUNT_LIMIT", _USUAL),
        links=_number(found, "OTEL_SPAN_LINK_COUNT_LIMIT", _USUAL),
        event_attributes=_number(found, "OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT", count),
        link_attributes=_number(found, "OTEL_LINK_ATTRIBUTE_COUNT_LIMIT", count),
        other_value_length=length,
    )


def _number(environ: Mapping[str, str], name: str, usual: int) -> int:
    told = environ.get(name)
    if told is None:
        return usual
    if not told.strip():
        return NO_LIMIT
    if told.strip().isdecimal() and len(told) < 19:
        return int(told)
    note(f"{name} must be a whole number, 0 or more, and is {told!r}; it is left out")
    return usual
