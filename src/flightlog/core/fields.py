"""Pieces of a line that are rarely needed, and the last step of every line: text to bytes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flightlog.core.capture import Cut, quote
from flightlog.core.memo import CUT, cut_items
from flightlog.records.kinds import LEVELS


def level_field(level: str) -> str:
    """`"level":"debug",`; an unknown level is written as info, which is left out."""
    return f'"level":"{level}",' if level in LEVELS and level != "info" else ""


def cut_list(cuts: list[Cut], before: str | None = None) -> str:
    """The attribute that lists what was cut, continued if there is one already."""
    if before is None:
        return f"{quote(CUT)}:[{cut_items(cuts)}]"
    return f"{before[:-1]},{cut_items(cuts)}]"


def too_long(characters: int) -> str:
    """What stands for everything else of a line that is longer than a line may be."""
    reason = f"TooLong: the record had {characters} characters"
    return f',"attributes":{{"flightlog.capture_error":{quote(reason)}}}'


def encoded(line: str) -> bytes:
    """UTF-8; half surrogate pairs, which UTF-8 cannot hold, become U+FFFD."""
    try:
        return line.encode()
    except UnicodeEncodeError:
        return line.encode("utf-16", "surrogatepass").decode("utf-16", "replace").encode()


def decoded(fragment: str | None) -> Any:
    """A captured value as it will be read back."""
    if fragment is None:
        return None
    from msgspec.json import decode  # 25 ms, and most programs never read back

    return decode(encoded(fragment))


def related(other: object) -> tuple[str, str] | None:
    """Trace id and span id of whatever a link is given; None when it has none."""
    if isinstance(other, Mapping):
        trace_id, span_id = other.get("trace_id", ""), other.get("span_id", "")
    else:
        trace_id, span_id = getattr(other, "trace_id", ""), getattr(other, "span_id", "")
    if not isinstance(trace_id, str) or not isinstance(span_id, str) or not trace_id:
        return None
    return trace_id, span_id
