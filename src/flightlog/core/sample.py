"""Head sampling: whether a trace is recorded at all, decided once at its root.

The decision is a pure function of the trace id, so every process that sees the trace decides alike. It reads
the 56 low bits, which W3C trace context level 2 declares random.
"""

from __future__ import annotations

from typing import Final

_DIGITS: Final = 14
_RANGE: Final = 16**_DIGITS


def keeps(trace_id: str, ratio: float) -> bool:
    """Whether a trace with this id is among the `ratio` (0 to 1) of traces that are recorded."""
    return ratio >= 1.0 or int(trace_id[-_DIGITS:], 16) < ratio * _RANGE
