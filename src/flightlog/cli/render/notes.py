"""What is remarkable about a whole trace, in a few words that a list and a card share."""

from __future__ import annotations

from flightlog.analysis.pace import Pace
from flightlog.cli.render import words
from flightlog.cli.render.terminal import Terminal
from flightlog.records.traces import Trace


def of_trace(trace: Trace, pace: Pace, terminal: Terminal, *, helped: bool = False) -> list[str]:
    """Slow and from when on that is, tried again, cut off by a death; empty for most traces.

    Args:
        trace: the trace's row.
        pace: from when on it is slow.
        terminal: what the words are drawn on.
        helped: whether what was tried again went well (`analysis.retries`), which the row cannot tell.
    """
    notes = []
    if trace.slow:
        limit = pace.limit_ns(trace.name, trace.kind)
        at_least = "≥" if terminal.unicode else ">="
        notes.append(f"slow ({at_least} {words.duration(limit, unicode=terminal.unicode)})")
    if trace.retries:
        told = words.of_them(trace.retries, "retry", "retries")
        notes.append(f"ok after {told}" if helped else told)
    if trace.interrupted:
        notes.append(f"{trace.interrupted:,} interrupted")
    return notes


def in_short(trace: Trace) -> list[str]:
    """The same without any number."""
    said = {"slow": trace.slow, "retried": trace.retries, "interrupted": trace.interrupted}
    return [note for note, holds in said.items() if holds]
