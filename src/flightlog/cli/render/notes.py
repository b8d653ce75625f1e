"""What is remarkable about a whole trace, in a few words that a list and a card share."""

from __future__ import annotations

from flightlog.cli.render import words
from flightlog.cli.render.terminal import Terminal
from flightlog.records.traces import Trace


def of_trace(trace: Trace, slow_limit_ns: int, terminal: Terminal) -> list[str]:
    """Slow and from when on that is, tried again, cut off by a death; empty for an ordinary trace.

    Args:
        trace: the trace's row.
        slow_limit_ns: what the setting `slow_limit` says, in nanoseconds.
        terminal: what the words are drawn on.
    """
    notes = []
    if trace.slow:
        at_least = "≥" if terminal.unicode else ">="
        notes.append(f"slow ({at_least} {words.duration(slow_limit_ns, unicode=terminal.unicode)})")
    if trace.retries:
        notes.append(words.of_them(trace.retries, "retry", "retries"))
    if trace.interrupted:
        notes.append(f"{trace.interrupted:,} interrupted")
    return notes


def in_short(trace: Trace) -> list[str]:
    """The same without any number."""
    said = {"slow": trace.slow, "retried": trace.retries, "interrupted": trace.interrupted}
    return [note for note, holds in said.items() if holds]
