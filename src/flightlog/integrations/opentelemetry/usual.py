"""Spans with attributes that can be handed on as they are, which nearly all have: what the engine does, and no copy.

Who asks has seen that the names mean nothing more. The values are looked at once: the plain engine takes members that
are made here, as its own loop would ask each value's type again; the compiled one makes them faster than we could.
"""

from __future__ import annotations

from typing import Any, Final

from flightlog.core.engine import NAME
from flightlog.core.engine import Span as Made
from flightlog.core.engine import span as make_span
from flightlog.core.memo import plain_members
from flightlog.core.off import OFF
from flightlog.integrations.opentelemetry.meaning import OTHER
from flightlog.integrations.opentelemetry.values import are_simple

_OFF: Final[Any] = OFF


def _of_members(name: str, given: dict[str, Any]) -> Made | None:
    members = plain_members(given)
    if members is None:
        return None
    made = make_span(name, OTHER)
    if made is not _OFF and not made._drops:  # noqa: SLF001 - whether it records is what every span knows
        made._attributes, made._plain = members, False  # noqa: SLF001 - as `span` does with its own
    return made


def _of_values(name: str, given: dict[str, Any]) -> Made | None:
    return make_span(name, OTHER, **given) if are_simple(given.values()) else None


usual: Final = _of_members if NAME == "pure" else _of_values
"""Make a span with these attributes; None where one of them needs a second look."""
