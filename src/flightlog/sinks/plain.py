r"""What is said to people on a plain stream: texts made safe, durations, moments, values in a few letters.

A traced program records what it is given, and a terminal obeys what it is sent. So whatever comes from a
record is shown with control characters, direction overrides and invisible letters written out (`\x1b`,
`\u202e`); no letter of a trace is ever markup.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from typing import Any, Final

import msgspec

_OBEYED: Final = re.compile(
    "["
    "\x00-\x1f\x7f-\x9f"  # C0, DEL and C1: escape sequences, line feeds, bells
    "\u00ad\u061c\u115f\u1160\u180e\u3164\uffa0"  # invisible: soft hyphen, Arabic letter mark, fillers
    "\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f"  # invisible or directing: marks, overrides, isolates
    "\ud800-\udfff\ufeff\ufff9-\ufffb"  # half a letter, byte order mark, annotation anchors
    "\U000e0000-\U000e0fff"  # tags: a whole alphabet nobody can see
    "]"
)
_VALUE: Final = 40
_NAME: Final = 80

_NS: Final = ((1_000, 1, "ns"), (999_500, 1e3, "µs"), (999_500_000, 1e6, "ms"), (59_950_000_000, 1e9, "s"))


def clean(text: str) -> str:
    """Write out every character that a terminal would obey or hide."""
    if text.isascii() and text.isprintable():
        return text
    return _OBEYED.sub(lambda match: match[0].encode("unicode_escape").decode("ascii"), text)


def clean_json(document: str) -> str:
    """Write the same characters of a JSON document as JSON escapes, which leaves its meaning as it is."""
    return document if document.isascii() else _OBEYED.sub(_json_escape, document)


def _json_escape(match: re.Match[str]) -> str:
    units = match[0].encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{high:02x}{low:02x}" for high, low in zip(units[::2], units[1::2], strict=True))


def short(text: str, most: int = _NAME) -> str:
    """A text of a record, safe and on one line, cut where it is long."""
    cut = clean(text[: most + 1])
    return cut if len(cut) <= most else cut[: most - 1] + "…"


def value(found: Any) -> str:
    """A value of a record in a few letters: a text as it is, anything else as JSON."""
    text = found if isinstance(found, str) else msgspec.json.encode(found).decode()
    if " " in text or not text:
        text = f'"{text}"'
    return short(text, _VALUE)


def pairs(found: Mapping[str, Any], most: int) -> str:
    """Attributes as `name=value`, the first few."""
    shown = [f"{short(name, _VALUE)}={value(what)}" for name, what in list(found.items())[:most]]
    return " ".join([*shown, "…"] if len(found) > most else shown)


def duration(ns: int | None) -> str:
    """Nanoseconds in the unit that fits: `842 ns`, `1.24 ms`, `2m 03s`; nothing for what is unknown."""
    if ns is None:
        return ""
    if ns < 0:
        return "-" + duration(-ns)
    for limit, size, unit in _NS:
        if ns < limit:
            return f"{ns} ns" if unit == "ns" else f"{_three_digits(ns / size)} {unit}"
    minutes, seconds = divmod(ns // 10**9, 60)
    return f"{minutes}m {seconds:02}s" if minutes < 60 else f"{minutes // 60}h {minutes % 60:02}m"


def _three_digits(number: float) -> str:
    if number < 9.995:
        return f"{number:.2f}"
    return f"{number:.1f}" if number < 99.95 else f"{number:.0f}"


def clock(ns: int) -> str:
    """The local time of day with milliseconds, `14:03:22.120`."""
    try:
        return time.strftime("%H:%M:%S", time.localtime(ns // 10**9)) + f".{ns // 10**6 % 1000:03}"
    except (OverflowError, ValueError, OSError):  # a time that no calendar has
        return "??:??:??.???"
