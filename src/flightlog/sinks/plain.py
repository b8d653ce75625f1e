"""What is said to people on a plain stream: texts made safe, durations, moments, values in a few letters.

Whatever comes from a record is shown as `narration/safe.py` makes it: no letter of a trace is ever obeyed by a
terminal, or taken for markup.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from flightlog.narration.safe import clean, clean_json
from flightlog.narration.words import clock, duration

__all__ = ["clean", "clean_json", "clock", "duration", "pairs", "short", "value"]

_VALUE: Final = 40
_NAME: Final = 80


def short(text: str, most: int = _NAME) -> str:
    """A text of a record, safe and on one line, cut where it is long."""
    cut = clean(text[: most + 1])
    return cut if len(cut) <= most else cut[: most - 1] + "…"


def value(found: Any) -> str:
    """A value of a record in a few letters: a text as it is, anything else as JSON."""
    text = found if isinstance(found, str) else msgspec.json.encode(found).decode()
    if " " in text or not text:
        text = f'"{text}"'
    return short(text, _VALUE)


def pairs(found: Mapping[str, Any], most: int) -> str:
    """Attributes as `name=value`, the first few."""
    shown = [f"{short(name, _VALUE)}={value(what)}" for name, what in list(found.items())[:most]]
    return " ".join([*shown, "…"] if len(found) > most else shown)
