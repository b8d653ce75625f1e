"""The seam between the recorder and its hot path.

Everything above the core takes the hot path's names from here and never from `_pure`: a compiled twin with the
same names can stand in its place, and every test of the core runs on whichever was chosen. `NAME` and `REASON`
say which one runs and why.
"""

from __future__ import annotations

from typing import Final

from flightlog.core._pure import (
    Span,
    Unrecorded,
    announce_open,
    announce_overdue,
    ask,
    bind,
    clock,
    current,
    disown,
    event,
    ids,
    install,
    open_spans,
    span,
    verdicts,
)

NAME: Final = "pure"
"""Which engine runs."""

REASON: Final = "this release has one engine, in plain Python"
"""Why that one."""

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
    "ids",
    "install",
    "open_spans",
    "span",
    "verdicts",
]
