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


def event_sign(terminal: Terminal) -> str:
    """The sign of a point in time."""
    return "•" if terminal.unicode else "."
