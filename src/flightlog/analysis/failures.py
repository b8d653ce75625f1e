"""Failed spans, those with alike errors together: what fails, how often, and where to look."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from msgspec import Struct

from flightlog.records.span import Span

EXAMPLES: Final = 3
"""Failed spans of a group that are named."""

_VARYING: Final = re.compile(
    r"""0x[0-9a-f]+ | [0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12} | \b(?=[a-z]*[0-9])[0-9a-f]{8,}\b | \d+
    | '[^']*' | "[^"]*" """,
    re.VERBOSE | re.IGNORECASE,
)
"""What differs between two messages that say the same: addresses, ids, numbers, what is quoted."""


class Alike(Struct, frozen=True, eq=False):
    """Failed spans whose names, kinds, error types and messages differ only in ids, numbers and quotations."""

    name: str
    """Of the newest of them, as are the next three."""
    kind: str
    type: str
    message: str
    count: int
    traces: int
    """How many traces they are in."""
    newest: int
    """Unix nanoseconds: when the newest of them ended, or started while it has not."""
    oldest: int
    examples: tuple[Span, ...]
    """The newest, each of another trace."""


def alike(spans: Iterable[Span]) -> list[Alike]:
    """Group failed spans, which come newest first; the most frequent group first."""
    groups: dict[tuple[str, ...], list[Span]] = {}
    for span in spans:
        groups.setdefault(_likeness(span), []).append(span)
    return sorted((_group(some) for some in groups.values()), key=lambda group: (-group.count, -group.newest))


def _likeness(span: Span) -> tuple[str, ...]:
    fault = span.error
    told = (fault.type, _without_varying(fault.message)) if fault else ("", "")
    return (_without_varying(span.name), span.kind, *told)


def _without_varying(text: str) -> str:
    return _VARYING.sub("#", text[:2000])


def _group(spans: list[Span]) -> Alike:
    first = spans[0]
    by_trace: dict[str, Span] = {}
    for span in spans:
        by_trace.setdefault(span.trace_id, span)
    times = [span.start if span.end is None else span.end for span in spans]
    return Alike(
        name=first.name,
        kind=first.kind,
        type=first.error.type if first.error else "",
        message=first.error.message if first.error else "",
        count=len(spans),
        traces=len(by_trace),
        newest=max(times),
        oldest=min(times),
        examples=tuple(by_trace.values())[:EXAMPLES],
    )
