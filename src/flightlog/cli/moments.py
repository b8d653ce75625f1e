"""Times and durations as people type them: `2h`, `3d`, `2026-11-20`, `2026-11-20T14:00Z`, `250ms`."""

from __future__ import annotations

import time
from datetime import datetime
from decimal import Decimal
from typing import Final

import click

from flightlog.questions.units import DAYS, midnight, nanoseconds

_LATEST: Final = 2**63 - 1


def duration_ns(text: str) -> int | None:
    """Nanoseconds of a number with a unit; None for anything else."""
    found = nanoseconds("".join(text.split()))
    return None if found is None or found < 0 else round(min(found, Decimal(_LATEST)))


def moment(_: click.Context, __: click.Parameter, text: str | None) -> int | None:
    """Turn the text of an option into Unix nanoseconds: so long ago, or a date with or without a time, local."""
    if text is None:
        return None
    if text.strip().lower() in DAYS:
        return midnight(DAYS[text.strip().lower()])
    ago = duration_ns(text)
    if ago is not None:
        return _storable(time.time_ns() - ago)
    try:
        return _storable(round(datetime.fromisoformat(text.strip()).astimezone().timestamp() * 1e6) * 1000)
    except (ValueError, OverflowError, OSError):
        raise click.BadParameter(
            f"{text!r} is no time; say 2h, 3d, yesterday, 2026-11-20 or 2026-11-20T14:00Z"
        ) from None


def _storable(ns: int) -> int:
    """The nearest time that 64 bits hold; nothing was recorded beyond it."""
    return max(-_LATEST, min(ns, _LATEST))


def lasting(_: click.Context, __: click.Parameter, text: str | None) -> int:
    """Turn the text of an option into nanoseconds; 0 when it is not given."""
    found = 0 if text is None else duration_ns(text)
    if found is None:
        raise click.BadParameter(f"{text!r} is no duration; say 250ms, 1.5s or 2m")
    return found
