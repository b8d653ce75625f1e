"""B3, the headers of Zipkin: `b3` in one, or `X-B3-TraceId` and its like in several.

Ids are 16 or 32 hexadecimal digits, in one header `trace_id-span_id-sampled-parent_id`, of which the last two may be
missing; a decision may come alone (`b3: 0`). `d`, or the flag 1, is debug, which is sampled.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

SINGLE: Final = "b3"
TRACE_ID: Final = "x-b3-traceid"
SPAN_ID: Final = "x-b3-spanid"
SAMPLED: Final = "x-b3-sampled"
FLAGS: Final = "x-b3-flags"

_DIGITS: Final = frozenset("0123456789abcdefABCDEF")
_DECISIONS: Final = {"1": True, "d": True, "true": True, "0": False, "false": False}


class Found(NamedTuple):
    """What B3 headers say."""

    trace_id: str
    """Empty when only a decision came."""
    span_id: str
    sampled: bool | None
    """None when the decision is left to us."""


def parse_single(text: str) -> Found | None:
    """Read the one header; None when it is not valid."""
    parts = text.strip(" \t").split("-")
    if len(parts) == 1:
        decision = _DECISIONS.get(parts[0].lower())
        return None if decision is None else Found("", "", decision)
    if len(parts) > 4 or not _are_ids(parts[0], parts[1]):
        return None
    sampled = _DECISIONS.get(parts[2].lower()) if len(parts) > 2 else None
    return Found(parts[0].lower().zfill(32), parts[1].lower(), sampled)


def parse_multi(headers: Mapping[str, str]) -> Found | None:
    """Read the several headers, by their names in lower case; None when there are none or they are not valid."""
    sampled = _DECISIONS.get(headers.get(SAMPLED, "").strip().lower())
    if headers.get(FLAGS, "").strip() == "1":
        sampled = True
    trace_id, span_id = headers.get(TRACE_ID, "").strip(), headers.get(SPAN_ID, "").strip()
    if not trace_id and not span_id:
        return None if sampled is None else Found("", "", sampled)
    if not _are_ids(trace_id, span_id):
        return None
    return Found(trace_id.lower().zfill(32), span_id.lower(), sampled)


def render_single(trace_id: str, span_id: str, *, sampled: bool) -> dict[str, str]:
    """Write the one header."""
    return {SINGLE: f"{trace_id}-{span_id}-{int(sampled)}"}


def render_multi(trace_id: str, span_id: str, *, sampled: bool) -> dict[str, str]:
    """Write the several headers."""
    return {"X-B3-TraceId": trace_id, "X-B3-SpanId": span_id, "X-B3-Sampled": str(int(sampled))}


def _are_ids(trace_id: str, span_id: str) -> bool:
    return (
        len(trace_id) in {16, 32}
        and len(span_id) == 16
        and _DIGITS.issuperset(trace_id + span_id)
        and bool(trace_id.strip("0"))
        and bool(span_id.strip("0"))
    )
