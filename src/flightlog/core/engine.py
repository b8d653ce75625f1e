"""The seam between the recorder and its hot path.

Everything above the core takes the hot path's names from here, never from `_pure` or `_compiled`: either can stand
behind them, and every test of the core runs on both. It is chosen once, when this is imported: the compiled one
where it is there, unless `FLIGHTLOG_ENGINE` asks for the one in plain Python. `NAME` and `REASON` say which one runs
and why.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Final

from flightlog._speed.presence import ENGINE, FORCED, VARIABLE, choice
from flightlog.core._pure import _lose as lose
from flightlog.core._pure import _parent_at as parent_at
from flightlog.core._pure import (
    announce_open,
    announce_overdue,
    ask,
    bind,
    current,
    happened,
    ids,
    thread_here,
    verdicts,
    withholds,
    write_made,
)

if TYPE_CHECKING or ENGINE is None:
    from flightlog.core._pure import Span, Unrecorded, clock, disown, event, install, open_spans, span
else:
    from flightlog.core._compiled import Span, Unrecorded, clock, disown, event, install, open_spans, span

# A record that has a span as a value, and a pickle of one, tell nobody which engine ran.
Span.__module__ = "flightlog"
Unrecorded.__module__ = __name__
if ENGINE is None:
    span.__module__ = event.__module__ = "flightlog"

NAME: Final = "pure" if ENGINE is None else "compiled"
"""Which engine runs."""

REASON: Final = choice()
"""Why that one."""


def heed_levels() -> None:
    """Have the compiled engine look again at `verdicts`, which were changed."""
    if ENGINE is not None:
        ENGINE.heed_levels()


def _refusal() -> str:
    """Why what the variable asks for is not to be had; empty where it is."""
    if FORCED == "compiled" and ENGINE is None:
        return f"{VARIABLE}=compiled, but {REASON}"
    return "" if FORCED in {"", "pure", "compiled"} else f"{VARIABLE} is neither pure nor compiled"


if sys.stderr is not None and (_refused := _refusal()):
    _runs = "the engine in plain Python" if ENGINE is None else "the compiled engine"
    sys.stderr.write(f"flightlog: {_refused}; {_runs} runs\n")

__all__ = [
    "NAME",
    "REASON",
    "Span",
    "Unrecorded",
    "announce_open",
    "announce_overdue",
    "ask",
    "bind",
    "clock",
    "current",
    "disown",
    "event",
    "happened",
    "heed_levels",
    "ids",
    "install",
    "lose",
    "open_spans",
    "parent_at",
    "span",
    "thread_here",
    "verdicts",
    "withholds",
    "write_made",
]
