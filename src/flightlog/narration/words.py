"""Numbers and texts as people say them: durations, times of day, counts, a value in a few letters."""

from __future__ import annotations

import time
from typing import Final

import msgspec

from flightlog.narration.safe import clean

MOST_NAME: Final = 80
"""Letters of a name in a sentence."""
MOST_TEXT: Final = 300
"""Letters of any other text that a sentence quotes."""

_NS: Final = ((1_000, 1, "ns"), (999_500, 1e3, "µs"), (999_500_000, 1e6, "ms"), (59_950_000_000, 1e9, "s"))
_HOURS_A_DAY: Final = 24


def duration(ns: int | None) -> str:
    """Nanoseconds in the unit that fits: `842 ns`, `1.24 ms`, `2m 03s`, `3d 04h`; nothing for what is unknown."""
    if ns is None:
        return ""
    if ns < 0:
        return "-" + duration(-ns)
    for limit, size, unit in _NS:
        if ns < limit:
            return f"{ns} ns" if unit == "ns" else f"{_three_digits(ns / size)} {unit}"
    minutes, seconds = divmod(ns // 10**9, 60)
    if minutes < 60:
        return f"{minutes}m {seconds:02}s"
    hours = minutes // 60
    if hours < _HOURS_A_DAY:
        return f"{hours}h {minutes % 60:02}m"
    return f"{hours // _HOURS_A_DAY}d {hours % _HOURS_A_DAY:02}h"


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


def of_them(number: int, noun: str, plural: str = "") -> str:
    """A count with its noun: `1 step`, `12 steps`, `2 retries`."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def short(text: str, most: int = MOST_NAME) -> str:
    """A text of a record, safe and on one line, cut where it is long."""
    cut = clean(text[: most + 1])
    return cut if len(cut) <= most else cut[: most - 1] + "…"


def plain(value: object, most: int = MOST_NAME) -> str:
    """A value of a record, in a few letters: a text as it is, anything else as JSON."""
    return short(value if isinstance(value, str) else msgspec.json.encode(value).decode(), most)


def ended(text: str) -> str:
    """The text with a full stop, unless it has an end of its own."""
    return text if text.endswith((".", "!", "?", "…", '"', "”", "»")) else text + "."
