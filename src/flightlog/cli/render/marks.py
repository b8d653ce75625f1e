"""The signs and colours of statuses, kinds and events: one cell each, in every font, with ASCII beside it."""

from __future__ import annotations

from typing import Final

from flightlog.cli.render.terminal import Style, Terminal

_STATUS: Final[dict[str, tuple[str, str, Style]]] = {
    "ok": ("✓", "+", "green"),
    "error": ("✗", "x", "alarm"),
    "running": ("●", "*", "cyan"),
    "paused": ("‖", "=", "yellow"),
    "cancelled": ("⊘", "-", "yellow"),
    "interrupted": ("!", "!", "yellow"),
}
"""Sign, ASCII sign and colour. None of them is an emoji, which some terminals draw two cells wide."""

_KIND: Final[dict[str, Style]] = {
    "llm": "magenta",
    "prompt": "magenta",
    "tool": "green",
    "guardrail": "yellow",
    "evaluation": "yellow",
    "embedding": "cyan",
    "retrieval": "cyan",
    "rerank": "cyan",
    "http": "cyan",
    "db": "cyan",
}


_SLOW: Final = {"slow": ("◆", "S"), "slowish": ("◇", "s")}


def status_sign(status: str, terminal: Terminal) -> str:
    """The sign of a status, without colour; always one cell."""
    sign, ascii_sign, _ = _STATUS.get(status, ("?", "?", ""))
    return sign if terminal.unicode else ascii_sign


def status_style(status: str) -> Style:
    """The colour of a status."""
    return _STATUS[status][2] if status in _STATUS else ""


def kind_style(kind: str) -> Style:
    """The colour of a kind's family: models, tools, judges, look-ups; faint for what only holds others."""
    return _KIND.get(kind, "dim")


def bar_style(kind: str) -> Style:
    """The colour of a bar on the time axis: that of the kind, or none."""
    return _KIND.get(kind, "")


def slow_sign(slowness: str, terminal: Terminal) -> str:
    """The sign beside a duration that is slow or slowish; a blank for any other."""
    sign, ascii_sign = _SLOW.get(slowness, (" ", " "))
    return sign if terminal.unicode else ascii_sign


def slow_style(slowness: str) -> Style:
    """The colour of a duration."""
    if slowness == "slow":
        return "red"
    return "yellow" if slowness == "slowish" else ""


def event_sign(terminal: Terminal) -> str:
    """The sign of a point in time."""
    return "•" if terminal.unicode else "."
