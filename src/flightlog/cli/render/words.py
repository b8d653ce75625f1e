"""Numbers as people say them: durations, moments, ages, sizes and counts."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from flightlog.analysis.waiting import waiting_since
from flightlog.records.span import Span
from flightlog.records.traces import Trace

US: Final = 1_000
MS: Final = 1_000_000
S: Final = 1_000_000_000
MINUTE: Final = 60 * S
HOUR: Final = 60 * MINUTE
DAY: Final = 24 * HOUR

DURATION_CELLS: Final = 7
"""The widest a `duration` gets below a hundred days."""


def duration(ns: int | None, *, unknown: str = "", unicode: bool = True) -> str:
    """Nanoseconds in the unit that fits, with three digits: `842 ns`, `1.24 ms`, `2m 03s`, `3d 04h`."""
    if ns is None:
        return unknown
    if ns < 0:
        return "-" + duration(-ns, unicode=unicode)
    if ns < US:
        return f"{ns} ns"
    for unit, size, limit in (("µs" if unicode else "us", US, 999.5), ("ms", MS, 999.5), ("s", S, 59.95)):
        if ns / size < limit:
            return f"{_three_digits(ns / size)} {unit}"
    if ns < HOUR:
        return f"{ns // MINUTE}m {ns % MINUTE // S:02}s"
    if ns < DAY:
        return f"{ns // HOUR}h {ns % HOUR // MINUTE:02}m"
    return f"{ns // DAY}d {ns % DAY // HOUR:02}h"


def _three_digits(number: float) -> str:
    if number < 9.995:
        return f"{number:.2f}"
    return f"{number:.1f}" if number < 99.95 else f"{number:.0f}"


def lasting(trace: Trace, now_ns: int, *, unicode: bool = True) -> str:
    """How long a trace took; of one that is open how long it runs (`3.10 s…`) or waits (`2m 03s…`) so far."""
    if trace.status not in {"running", "paused"}:
        return duration(trace.duration_ns, unknown="open", unicode=unicode)
    return so_far(trace.waiting_since or trace.start, now_ns, unicode=unicode)


def lasting_span(span: Span, now_ns: int | None, *, unicode: bool = True) -> str:
    """The same of a span; `open` for one that has not ended when it is not said what time it is."""
    if span.end is not None or now_ns is None:
        return duration(span.duration_ns, unknown="open", unicode=unicode)
    return so_far(waiting_since(span) or span.start, now_ns, unicode=unicode)


def so_far(since_ns: int, now_ns: int, *, unicode: bool = True) -> str:
    """How long what is not over has lasted, `3.10 s…`: the last sign says that it goes on."""
    return duration(max(0, now_ns - since_ns), unicode=unicode) + ("…" if unicode else "~")


def ago(then_ns: int, now_ns: int) -> str:
    """How long ago something was, in at most seven cells: `now`, `42s ago`, `3m ago`, `2d ago`."""
    age = now_ns - then_ns
    if age < -S:
        return "ahead"
    for unit, size, limit in (
        ("s", S, MINUTE),
        ("m", MINUTE, HOUR),
        ("h", HOUR, DAY),
        ("d", DAY, 1000 * DAY),
    ):
        if age < limit:
            return f"{age // size}{unit} ago" if age >= S else "now"
    return "long ago"


def moment(ns: int) -> str:
    """A full local time, `2026-11-20 14:03:22.120+01:00`, or the number where no calendar goes."""
    return iso(ns).replace("T", " ")


def iso(ns: int) -> str:
    """The same without a blank, `2026-11-20T14:03:22.120+01:00`, for a column that programs read."""
    local = _local(ns)
    if local is None:
        return f"{ns} ns"
    return local.replace(microsecond=ns // US % 1_000_000).isoformat(timespec="milliseconds")


def minute(ns: int) -> str:
    """A local time to the minute, `2026-11-20 14:03`, or the number where no calendar goes."""
    local = _local(ns)
    return f"{ns} ns" if local is None else f"{local:%Y-%m-%d %H:%M}"


def short_moment(ns: int, now_ns: int) -> str:
    """A local time as short as it stays clear: the time today, else the date and time, else the date."""
    local, now = _local(ns), _local(now_ns)
    if local is None or now is None:
        return "?"
    if local.date() == now.date():
        return f"{local:%H:%M:%S}"
    return f"{local:%b %d %H:%M}" if local.year == now.year else f"{local:%Y-%m-%d}"


def _local(ns: int) -> datetime | None:
    try:
        return datetime.fromtimestamp(ns // S, tz=UTC).astimezone()
    except (ValueError, OverflowError, OSError):
        return None


def count(number: int | None) -> str:
    """A whole number with thousands set apart; nothing for what is unknown."""
    return "" if number is None else f"{number:,}"


def short_count(number: int) -> str:
    """A whole number in at most five cells: `812`, `12.4k`, `3.1M`."""
    for unit, size in (("G", 10**9), ("M", 10**6), ("k", 10**3)):
        if number >= size:
            shown = number / size
            return f"{shown:.1f}{unit}" if shown < 99.95 else f"{shown:.0f}{unit}"
    return str(number)


def rate(number: int, seconds: float | None) -> str:
    """How many there were in the unit of time that gives 1 or more: `12.4/s`, `3.0/h`; nothing without a time."""
    if not seconds or not number:
        return ""
    for unit, size in (("s", 1), ("min", 60), ("h", 3600)):
        each = number * size / seconds
        if each >= 1:
            return f"{short_count(round(each)) if each >= 99.95 else f'{each:.1f}'}/{unit}"
    return f"{number * 86_400 / seconds:.1f}/d"


def of_them(number: int, noun: str, plural: str = "") -> str:
    """A count with its noun: `1 span`, `12 spans`, `2 retries`."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def size(number: int) -> str:
    """Bytes in binary units: `812 B`, `1.2 MiB`."""
    if number < 1024:
        return f"{number} B"
    for unit, power in (("KiB", 1), ("MiB", 2), ("GiB", 3)):
        if number / 1024**power < 1023.95:
            return f"{number / 1024**power:.1f} {unit}"
    return f"{number / 1024**4:.1f} TiB"
