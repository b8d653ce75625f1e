"""Values of a record by path, and whether one fits what is wanted.

The first part of a path is a field of the record, else the name of an attribute; attribute names have dots, so the
longest name that is there wins. Further parts are keys and positions.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import Enum
from typing import Any, Final

import msgspec
from msgspec import UNSET

from flightlog.core.fields import decoded
from flightlog.core.memo import captured
from flightlog.records.event import Event
from flightlog.records.span import Span


class Missing(Enum):
    """Stands for a value that is not there."""

    MISSING = "(not there)"


MISSING: Final = Missing.MISSING

_FIRST: Final = frozenset(
    {"name", "kind", "level", "status", "input", "output", "error", "body", "attributes", "context", "links"}
)
"""Fields of a record that come before an attribute of the same name."""


def value_at(record: Span | Event, path: str) -> Any:
    """What a record has at a path, or MISSING. `human` is the plain sentence of an event: its body."""
    first, _, rest = path.partition(".")
    if path == "human" and isinstance(record, Event):
        first = "body"
    if first in _FIRST and first in record.__struct_fields__:
        return _within(getattr(record, first), rest)
    found = _within(record.attributes, path)
    if found is MISSING and first in record.__struct_fields__ and first != "extra":
        found = _within(getattr(record, first), rest)
    return found


def _within(value: Any, path: str) -> Any:
    if value is UNSET:
        return MISSING
    if not path:
        return value
    if isinstance(value, msgspec.Struct):
        value = msgspec.structs.asdict(value)
    if isinstance(value, Mapping):
        return _by_key(value, path)
    if isinstance(value, list):
        first, _, rest = path.partition(".")
        position = int(first) if re.fullmatch(r"-?[0-9]{1,9}", first) else len(value)
        return _within(value[position], rest) if -len(value) <= position < len(value) else MISSING
    return MISSING


def _by_key(value: Mapping[str, Any], path: str) -> Any:
    end = len(path)
    while end > 0:
        if path[:end] in value:
            found = _within(value[path[:end]], path[end + 1 :])
            if found is not MISSING:
                return found
        end = path.rfind(".", 0, end)
    return MISSING


class Part:
    """Wanted: a text that has this one in it."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __repr__(self) -> str:
        return f"…{self.text}…"


class Anything:
    """Wanted: whatever is not empty."""

    def __repr__(self) -> str:
        return "(anything)"


def fits(wanted: Any, found: Any) -> bool:
    """Whether a value is what is wanted."""
    if isinstance(wanted, re.Pattern):
        return isinstance(found, str) and wanted.search(found) is not None
    if isinstance(wanted, Part):
        return isinstance(found, str) and wanted.text in found
    if isinstance(wanted, Anything):
        return found is not MISSING and found not in (None, "", [], {})
    if found is MISSING:
        return wanted is None
    if isinstance(wanted, bool) is not isinstance(found, bool) and isinstance(wanted, (int, float)):
        return False  # to Python True is 1, to a record it is not
    return bool(wanted == found) or (not isinstance(wanted, str) and bool(_as_captured(wanted) == found))


def _as_captured(value: Any) -> Any:
    """The value as a record would hold it."""
    return decoded(captured(value, "")[0])
