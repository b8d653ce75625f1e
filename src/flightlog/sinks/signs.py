"""The signs and colours of statuses and levels: one cell each, in every font, with ASCII beside it."""

from __future__ import annotations

from typing import Final

from flightlog.sinks.stream import Look

_STATUS: Final[dict[str, tuple[str, str, str]]] = {
    "ok": ("✓", "+", "green"),
    "error": ("✗", "x", "alarm"),
    "running": ("●", "*", "cyan"),
    "paused": ("‖", "=", "yellow"),
    "cancelled": ("⊘", "-", "yellow"),
    "interrupted": ("!", "!", "yellow"),
}
"""Sign, ASCII sign and style; the same as in the tables of the command line."""

_LEVEL: Final = {"warn": "yellow", "error": "red", "fatal": "alarm", "trace": "dim", "debug": "dim"}


def status_sign(status: str, seen: Look) -> str:
    """The sign of a status; always one cell."""
    sign, ascii_sign, _ = _STATUS.get(status, ("?", "?", ""))
    return sign if seen.unicode else ascii_sign


def status_style(status: str) -> str:
    """The colour of a status."""
    return _STATUS[status][2] if status in _STATUS else ""


def level_style(level: str) -> str:
    """The colour of a level."""
    return _LEVEL.get(level, "")


def event_sign(seen: Look) -> str:
    """The sign of a point in time."""
    return "•" if seen.unicode else "."
