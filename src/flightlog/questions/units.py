"""Numbers as people type them in a question: `1.5s`, `200ms`, `7d`, `$0.01`, `10k`, `2026-11-20T14:00Z`.

Each is read exactly and written back exactly: what stands for a number is the same number again.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Final

from flightlog.records.question import Moment

DURATIONS: Final = {
    "ns": 1,
    "us": 10**3,
    "µs": 10**3,
    "ms": 10**6,
    "s": 10**9,
    "m": 60 * 10**9,
    "h": 3600 * 10**9,
    "d": 86_400 * 10**9,
    "w": 7 * 86_400 * 10**9,
}
"""Nanoseconds of each unit."""

PICO: Final = 10**12
"""Trillionths of a US dollar in one."""

MOST: Final = 2**62
"""The greatest number; nothing that is recorded is greater."""

_LATEST: Final = 2**63 - 1
"""Nanoseconds of the latest time that a store holds, and of the earliest before 1970."""

DAYS: Final = {"today": 0, "yesterday": 1}
"""Days that have a name, and how many days ago they began."""

_THOUSANDS: Final = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9}
_NUMBER: Final = re.compile(r"[+-]?(?:[0-9]{1,30}(?:\.[0-9]{0,30})?|\.[0-9]{1,30})")
_DURATION: Final = re.compile(rf"({_NUMBER.pattern})(ns|us|µs|ms|s|m|h|d|w)", re.IGNORECASE)
_COUNT: Final = re.compile(rf"({_NUMBER.pattern})([kmg]?)", re.IGNORECASE)
_PLAIN: Final = re.compile(rf"({_NUMBER.pattern}(?:e[+-]?[0-9]{{1,3}})?)([kmg]?)", re.IGNORECASE)
_MONEY: Final = re.compile(rf"\$?({_NUMBER.pattern})")


def duration(text: str) -> int | None:
    """Nanoseconds of a number with a unit; None for anything else, and beyond `MOST`. Zero needs no unit."""
    found = nanoseconds(text)
    return None if found is None else _whole(found)


def nanoseconds(text: str) -> Decimal | None:
    """The same, however many they are."""
    if text == "0":
        return Decimal(0)
    match = _DURATION.fullmatch(text)
    return Decimal(match[1]) * DURATIONS[match[2].lower()] if match else None


def of_duration(ns: int) -> str:
    """Nanoseconds in the greatest unit up to days of which there is at least one."""
    fitting = [unit for unit in ("d", "h", "m", "s", "ms", "us", "ns") if ns % DURATIONS[unit] == 0]
    unit = next((unit for unit in ("s", "ms", "us") if abs(ns) >= DURATIONS[unit]), "ns")
    best = fitting[0] if ns and fitting[0] in "dhm" else unit
    return f"{_decimal(Decimal(ns) / DURATIONS[best])}{best}"


def money(text: str) -> int | None:
    """Trillionths of a US dollar of an amount in dollars; None for anything else."""
    match = _MONEY.fullmatch(text)
    return _whole(Decimal(match[1]) * PICO) if match else None


def of_money(pico_usd: int) -> str:
    """An amount in dollars."""
    return _decimal(Decimal(pico_usd) / PICO)


def count(text: str) -> int | None:
    """A whole number, perhaps in thousands, millions or billions; None for anything else."""
    match = _COUNT.fullmatch(text)
    found = Decimal(match[1]) * _THOUSANDS[match[2].lower()] if match else None
    return None if found is None or abs(found) > MOST or found % 1 else int(found)


def number(text: str) -> int | float | None:
    """Any number, of an attribute; None for anything else, and for what no machine type holds."""
    match = _PLAIN.fullmatch(text)
    if match is None:
        return None
    found = Decimal(match[1]) * _THOUSANDS[match[2].lower()]
    if abs(found) <= MOST and found % 1 == 0:
        return int(found)
    as_float = float(found)
    return as_float if abs(as_float) != float("inf") else None


def of_number(value: float) -> str:
    """A number that `number` reads as the same."""
    return repr(value)


def moment(text: str) -> Moment | None:
    """So long ago, a day, or a date perhaps with a time, local unless it says otherwise; None for anything else.

    A date beyond all that 64 bits hold is the last that they hold: nothing was recorded beyond it.
    """
    if text.lower() in DAYS:
        return Moment(midnight(DAYS[text.lower()]))
    ago = duration(text)
    if ago is not None:
        return Moment(ago, is_ago=True)
    fraction = re.fullmatch(r"(.*?:\d\d:\d\d)\.(\d{1,9})(.*)", text)
    try:
        parsed = datetime.fromisoformat(fraction[1] + fraction[3] if fraction else text).astimezone()
    except (ValueError, OverflowError, OSError):
        return None
    if len(text) < len("2026-01-01"):
        return None
    since_epoch = parsed - _EPOCH
    seconds = since_epoch.days * 86_400 + since_epoch.seconds
    ns = seconds * 10**9 + (int(fraction[2].ljust(9, "0")) if fraction else 0)
    return Moment(max(-_LATEST, min(ns, _LATEST)))


def of_moment(moment: Moment) -> str:
    """A time as `moment` reads it."""
    if moment.is_ago:
        return of_duration(moment.ns)
    seconds, rest = divmod(moment.ns, 10**9)
    when = _EPOCH + timedelta(seconds=seconds)
    fraction = f".{rest:09}".rstrip("0") if rest else ""
    return f"{when:%Y-%m-%dT%H:%M:%S}{fraction}Z".zfill(20)


def midnight(days_ago: int) -> int:
    """Unix nanoseconds at which today, or a day so many days before it, began here."""
    today = datetime.now().astimezone().replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=None)
    return int((today - timedelta(days=days_ago)).astimezone().timestamp()) * 10**9


_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def _whole(value: Decimal) -> int | None:
    return int(value.to_integral_value()) if abs(value) <= MOST else None


def _decimal(value: Decimal) -> str:
    shown = f"{value:f}"
    return shown.rstrip("0").rstrip(".") if "." in shown else shown
