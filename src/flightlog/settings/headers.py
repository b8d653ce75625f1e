"""Which formats of headers are believed and written, and what may leave with a request, as settings say it."""

from __future__ import annotations

from typing import Final

from flightlog.records.propagators import FORMATS

_OTHERS: Final = frozenset({"jaeger", "xray", "ottrace", "none"})
"""Words that OpenTelemetry's `OTEL_PROPAGATORS` knows as well; they stand for nothing here."""
_EXPECTED: Final = "a list of formats: tracecontext, baggage, b3, b3multi, correlation; or none"


class Names(tuple[str, ...]):
    """Names in order, which are told as they are written in a variable."""

    __slots__ = ()

    def __str__(self) -> str:
        return ",".join(self) or "none"


def propagators(value: object) -> Names:
    """Read a list of formats, or one text with commas between them."""
    found = tuple(word.lower() for word in listed(value, _EXPECTED))
    if any(word not in FORMATS and word not in _OTHERS for word in found):
        raise ValueError(_EXPECTED)
    return Names(word for word in dict.fromkeys(found) if word in FORMATS)


def hosts(value: object) -> Names:
    """Read a list of patterns of host names; `none` is an empty one."""
    found = listed(value, "a list of patterns of host names such as *.internal; * or none")
    return Names(word for word in found if word.lower() != "none")


def listed(value: object, expected: str) -> tuple[str, ...]:
    """Read a list of texts without empty ones, or one text with commas between them."""
    if isinstance(value, str):
        value = value.split(",")
    if not isinstance(value, (list, tuple, set, frozenset)) or not all(isinstance(one, str) for one in value):
        raise ValueError(expected)
    return tuple(word for one in value if (word := one.strip()))
