"""The seam between the recorder and its hot path.

Everything above the core takes the hot path's names from here, never from `_pure` or `_compiled`: either can stand
behind them, and every test of the core runs on whichever was chosen. It is chosen once, when this is imported: the
compiled one where it is there, unless `FLIGHTLOG_ENGINE` says otherwise. `NAME` and `REASON` say which one runs and
why.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Final

from flightlog._speed.presence import CORE, FORCED, VARIABLE, reason
from flightlog.core._pure import _lose as lose
from flightlog.core._pure import _parent_at as parent_at
from flightlog.core._pure import (
    announce_open,
    announce_overdue,
    ask,
    bind,
    current,
    disown,
    happened,
    ids,
    thread_here,
    verdicts,
    withholds,
    write_made,
)

if TYPE_CHECKING or CORE is None:
    from flightlog.core._pure import Span, Unrecorded, clock, event, install, open_spans, span
else:
    from flightlog.core._compiled import Span, Unrecorded, clock, event, install, open_spans, span

NAME: Final = "pure" if CORE is None else "compiled"
"""Which engine runs."""

REASON: Final = reason()
"""Why that one."""

if CORE is None and FORCED == "compiled" and sys.stderr is not None:
    sys.stderr.write(f"flightlog: {VARIABLE}=compiled, but {REASON}; the engine in plain Python runs\n")

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
