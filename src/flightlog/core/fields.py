"""Pieces of a line that are rarely needed, and the last step of every line: text to bytes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from flightlog.core.capture import Cut, quote
from flightlog.core.memo import CUT, cut_items
from flightlog.records.kinds import LEVELS

_NOTE_BYTES: Final = 400
"""Room for the note that names what was left out."""

_DIGITS: Final = frozenset("0123456789abcdef")

_FIRST_OF_PAIR: Final = "[\ud800-\udbff](?=[\udc00-\udfff])"
_SECOND_OF_PAIR: Final = "[\udc00-\udfff](?<=[\ud800-\udbff][\udc00-\udfff])"


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
    except UnicodeEncodeError as error:
        return _mended(line, line[error.start])


def _mended(line: str, half: str) -> bytes:
    """A line has a quarter of a million halves at most: to decode costs 300 ns for each that is left alone.

    Args:
        line: what cannot be encoded.
        half: the first character of it that cannot; the search for pairs looks for the other sort first.
    """
    import re  # hardly any line needs it, and the core starts without

    if re.search(_SECOND_OF_PAIR if half < "\udc00" else _FIRST_OF_PAIR, line):
        return line.encode("utf-16", "surrogatepass").decode("utf-16", "replace").encode()
    # The codec's own `?` for each half is the one way that costs next to nothing; JSON has no NUL.
    marked = line.replace("?", "\0").encode(errors="replace").decode()
    return marked.replace("?", "\ufffd").replace("\0", "?").encode()


def decoded(fragment: str | None) -> Any:
    """A captured value as it will be read back."""
    if fragment is None:
        return None
    from msgspec.json import decode  # 25 ms, and most programs never read back

    return decode(encoded(fragment))


def related(other: object) -> tuple[str, str] | None:
    """Trace id and span id of whatever names a span, as `Span.link` says; None when nothing does."""
    if isinstance(other, str):
        return _of_traceparent(other)
    if isinstance(other, Mapping):
        if "trace_id" not in other and isinstance(header := other.get("traceparent"), str):
            return _of_traceparent(header)
        trace_id, span_id = other.get("trace_id"), other.get("span_id")
    else:
        if not hasattr(other, "trace_id") and hasattr(other, "get_span_context"):
            other = other.get_span_context()  # a span of OpenTelemetry's
        trace_id, span_id = getattr(other, "trace_id", None), getattr(other, "span_id", None)
    trace_id, span_id = _id_of(trace_id, 32), _id_of(span_id, 16)
    return (trace_id, span_id) if trace_id else None


def _id_of(found: object, digits: int) -> str:
    """An id as text; OpenTelemetry has it as a number, and 0 for none."""
    if isinstance(found, int) and 0 < found < 16**digits:
        return f"{found:0{digits}x}"
    return found if isinstance(found, str) else ""


def _of_traceparent(text: str) -> tuple[str, str] | None:
    version, trace_id, span_id, *_ = [*text.strip().lower().split("-"), "", "", ""]
    sizes = (len(version), len(trace_id), len(span_id))
    if sizes != (2, 32, 16) or not set(trace_id + span_id) <= _DIGITS or not int(trace_id, 16):
        return None
    return trace_id, span_id


def is_about_a_span(other: object) -> bool:
    """Whether this is of a sort that names spans, though maybe none: one that is off, say."""
    return other is None or hasattr(other, "trace_id") or hasattr(other, "get_span_context")
