"""W3C `traceparent`: a span's place in one header value, or one environment variable.

Format: `version-trace_id-parent_id-flags`, lower-case hexadecimal with dashes (W3C Trace Context, level 2). A
newer version may carry more fields, which are ignored; version `ff` and all-zero ids are invalid.
`traceresponse`, which a server answers with, has the same form.
"""

from __future__ import annotations

from typing import Final

_DIGITS: Final = frozenset("0123456789abcdef")
_SAMPLED: Final = 0x01
_LENGTH: Final = 55
_RANDOM: Final = 0x02
"""Set on what begins here: our trace ids are random in the bits that sampling reads."""


def parse(text: str) -> tuple[str, str, bool] | None:
    """Read a traceparent as (trace id, parent id, sampled), or None when it is not a valid one."""
    found = parse_flags(text)
    return None if found is None else (found[0], found[1], bool(found[2] & _SAMPLED))


def parse_flags(text: str) -> tuple[str, str, int] | None:
    """Read a traceparent as (trace id, parent id, flags), or None when it is not a valid one."""
    text = text.strip(" \t\r\n")
    parts = text.split("-", 4)
    if len(parts) < 4 or [len(part) for part in parts[:4]] != [2, 32, 16, 2]:
        return None
    version, trace_id, parent_id, flags = parts[:4]
    if not _DIGITS.issuperset(version + trace_id + parent_id + flags) or version == "ff":
        return None
    if version == "00" and len(text) != _LENGTH:
        return None
    if not trace_id.strip("0") or not parent_id.strip("0"):
        return None
    return trace_id, parent_id, int(flags, 16)


def is_sampled(flags: int) -> bool:
    """Whether these flags say that the trace is recorded."""
    return bool(flags & _SAMPLED)


def is_random(flags: int) -> bool:
    """Whether these flags say that the trace id is random."""
    return bool(flags & _RANDOM)


def render(trace_id: str, span_id: str, *, sampled: bool, is_random: bool = True) -> str:
    """Write a traceparent of version 00."""
    return f"00-{trace_id}-{span_id}-{(_RANDOM if is_random else 0) | (_SAMPLED if sampled else 0):02x}"
