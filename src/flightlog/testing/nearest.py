"""The record that comes nearest to what a test wants, and a table of how it differs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from difflib import SequenceMatcher
from typing import Any, Final

from msgspec import Struct

from flightlog.narration.cells import fill, width
from flightlog.narration.safe import clean
from flightlog.records.event import Event
from flightlog.records.span import Span
from flightlog.testing.paths import MISSING, Part, fits, value_at

NAME_COUNTS: Final = 4.0
"""How many other fields a wholly different name weighs."""

_READ: Final = 200
"""Characters of a text that are looked at to tell how far it is from another."""
_SHOWN: Final = 56
"""Characters of a value in a table."""
_BEFORE: Final = 12
"""Characters that stand before the first difference of two long texts."""


class Difference(Struct):
    """One field that is not as wanted."""

    path: str
    wanted: Any
    found: Any


def differences(record: Span | Event, wanted: Mapping[str, Any]) -> list[Difference]:
    """The fields that do not fit, in the order in which they are wanted."""
    pairs = ((path, value, value_at(record, path)) for path, value in wanted.items())
    return [Difference(path, value, found) for path, value, found in pairs if not fits(value, found)]


def nearest(
    records: Iterable[Span | Event], wanted: Mapping[str, Any]
) -> tuple[Span | Event, list[Difference]] | None:
    """The record that differs least, the earliest of several; None when there is none at all."""
    judged = [(record, differences(record, wanted)) for record in records]
    return min(judged, key=lambda each: _distance(each[1]), default=None)


def _distance(found: Sequence[Difference]) -> float:
    return sum(
        _apart(each.wanted, each.found) * (NAME_COUNTS if each.path == "name" else 1) for each in found
    )


def _apart(wanted: Any, found: Any) -> float:
    """How far two values are apart: above 0, at most 1."""
    if isinstance(wanted, re.Pattern):
        wanted = wanted.pattern
    elif isinstance(wanted, Part):
        wanted = wanted.text
    if isinstance(wanted, str) and isinstance(found, str):
        return max(0.05, 1 - SequenceMatcher(None, wanted[:_READ], found[:_READ], autojunk=False).ratio())
    return 0.9 if type(wanted) is type(found) else 1.0


def table(found: Sequence[Difference]) -> list[str]:
    """The differences in three columns: where, wanted, recorded."""
    rows = [("", "wanted", "recorded"), *((each.path, *_both(each.wanted, each.found)) for each in found)]
    widths = [max(width(row[column]) for row in rows) for column in (0, 1)]
    return [f"  {fill(a, widths[0])}  {fill(b, widths[1])}  {c}".rstrip() for a, b, c in rows]


def _both(wanted: Any, found: Any) -> tuple[str, str]:
    """Two values as they are shown; of long ones the part in which they first differ."""
    left, right = shown(wanted, None), shown(found, None)
    if max(len(left), len(right)) <= _SHOWN:
        return left, right
    same = next((at for at, (a, b) in enumerate(zip(left, right, strict=False)) if a != b), 0)
    return _cut(left, max(0, same - _BEFORE)), _cut(right, max(0, same - _BEFORE))


def shown(value: Any, most: int | None = _SHOWN) -> str:
    """A value on one line, safe to print."""
    if value is MISSING:
        return str(MISSING.value)
    text = f"/{value.pattern}/" if isinstance(value, re.Pattern) else _repr(value)
    text = clean(text)
    return text if most is None else _cut(text, 0, most)


def _repr(value: Any) -> str:
    try:
        return repr(value)
    except Exception as failure:  # noqa: BLE001 - a value of the test, shown because it did not fit
        return f"<{type(value).__name__} whose repr fails: {type(failure).__name__}>"


def _cut(text: str, start: int, most: int = _SHOWN) -> str:
    lead = "…" if start else ""
    part = lead + text[start:]
    return part if len(part) <= most else part[: most - 1] + "…"
