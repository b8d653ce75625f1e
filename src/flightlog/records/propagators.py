"""The formats of headers that carry a place in a trace from one service to another."""

from __future__ import annotations

from typing import Final

FORMATS: Final = ("tracecontext", "baggage", "b3", "b3multi", "correlation")
"""Every format there is, in the order in which they are believed unless a setting says another."""
