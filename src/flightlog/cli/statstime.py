"""The times that `flightlog stats` is about, as its options say them."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Final

import click

from flightlog.analysis.periods import Period
from flightlog.cli.moments import duration_ns, lasting, moment

_DAY_NS: Final = 86_400 * 10**9
_WORDS: Final = {"yesterday": _DAY_NS, "last-day": _DAY_NS, "last-week": 7 * _DAY_NS, "previous": 0}


def windowed(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add `--until` and `--last`; `--since` is among the options that choose traces."""
    command = click.option(
        "--last",
        callback=lasting,
        metavar="DURATION",
        help="Started within the last 24h, 30m, 7d; the same as --since.",
    )(command)
    return click.option(
        "--until",
        callback=moment,
        metavar="TIME",
        help="Started before then, as --since.",
    )(command)


def compared_to(_: click.Context, __: click.Parameter, text: str | None) -> int | None:
    """By how many nanoseconds the other time is earlier; 0 for the time right before."""
    if text is None:
        return None
    word = text.strip().lower()
    found = _WORDS.get(word, duration_ns(word))
    if found is None or (found == 0 and word != "previous"):
        raise click.BadParameter(f"{text!r} is no time; say yesterday, last-week, previous or 3d")
    return found


def period_of(since: int | None, until: int | None, last: int, shift: int | None) -> Period:
    """The time that is meant.

    Raises:
        UsageError: two of the options contradict each other.
    """
    if last and since is not None:
        raise click.UsageError("--last and --since say the same; give one of them")
    if shift is None:
        end = until
        begin = (time.time_ns() if until is None else until) - last if last else since
    else:
        end = time.time_ns() if until is None else until
        begin = since if since is not None else end - (last or shift or _DAY_NS)
    if begin is not None and end is not None and begin >= end:
        raise click.UsageError("that time ends before it begins")
    return Period(begin, end)
