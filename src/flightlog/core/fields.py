"""Pieces of a line that are rarely needed, and the last step of every line: text to bytes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from flightlog.core.capture import Cut, quote
from flightlog.core.memo import CUT, cut_items
from flightlog.records.kinds import LEVELS

_NOTE_BYTES: Final = 400
"""Room for the note that names what was left out."""

_HALVES: Final = 16
"""Different half surrogate pairs that are replaced one after the other: each wherever it stands, which costs as much
as to replace a few hundred by a pattern."""


def level_field(level: str) -> str:
    """`"level":"debug",`; an unknown level is written as info, which is left out."""
    return f'"level":"{level}",' if level in LEVELS and level != "info" else ""


def cut_list(cuts: list[Cut], before: str | None = None) -> str:
    """The attribute that lists what was cut, continued if there is one already."""
    if before is None:
        return f"{quote(CUT)}:[{cut_items(cuts)}]"
    return f"{before[:-1]},{cut_items(cuts)}]"


def joined(parts: Mapping[str, str]) -> str:
    """The fields of a line, from their parts as `fitted` takes them."""
    kept = dict(parts)
    members = ",".join(part for part in (kept.pop("attributes", ""), kept.pop(CUT, "")) if part)
    return "".join(kept.values()) + (f',"attributes":{{{members}}}' if members else "")


def fitted(parts: Mapping[str, str], room: int) -> tuple[str, int]:
    """The fields of a line that is too long, without the largest of them, and what says which are missing.

    Args:
        parts: fragments by the name of their field, in their order, `attributes` and the list of what was cut
            (`flightlog.cut`) among them, if there are any: of these two the members alone.
        room: bytes that they may have together.

    Returns:
        The fields, and how many are missing.
    """
    sizes = {name: len(encoded(fragment)) for name, fragment in parts.items() if fragment}
    missing: list[str] = []
    for name in sorted(sizes, key=lambda name: -sizes[name]):
        if sum(size for kept, size in sizes.items() if kept not in missing) <= room - _NOTE_BYTES:
            break
        missing.append(name)
    left = ", ".join(f"{name} ({sizes[name]} bytes)" for name in missing)
    note = f'"flightlog.capture_error":{quote(f"TooLong: the record is without {left}")}'
    kept = {name: "" if name in missing else fragment for name, fragment in parts.items()}
    members = ",".join(part for part in (kept.get("attributes", ""), kept.pop(CUT, ""), note) if part)
    kept["attributes"] = f',"attributes":{{{members}}}'
    return "".join(kept.values()), len(missing)


def encoded(line: str) -> bytes:
    """UTF-8; half surrogate pairs, which UTF-8 cannot hold, become U+FFFD."""
    try:
        return line.encode()
    except UnicodeEncodeError:
        return _mended(line).encode()


def _mended(line: str) -> str:
    """Decoding costs 300 ns for each half that is left alone, and a line can hold a quarter of a million."""
    import re  # hardly any line needs it, and the core starts without

    if re.search("[\udc00-\udfff](?<=[\ud800-\udbff][\udc00-\udfff])", line):  # one range is a faster search
        return line.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    place = 0
    for _ in range(_HALVES):
        found = re.compile("[\ud800-\udfff]").search(line, place)
        if found is None:
            return line
        place = found.end()
        line = line.replace(found[0], "\ufffd")
    line = re.sub("[\ud800-\udfff]{16,}", lambda halves: "\ufffd" * len(halves[0]), line)
    return re.sub("[\ud800-\udfff]", "\ufffd", line)


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
