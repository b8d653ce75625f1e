"""Values of attributes as OpenTelemetry allows them, made ready to be captured.

Texts, truth values, numbers, bytes and None stay; sequences and mappings of them are taken over as they are now;
anything else becomes a text. What JSON cannot say (bytes, NaN, an infinity) becomes a text as well, and is noted by a
JSON Pointer, as in what comes in over OTLP (`codecs/otlp/values.py`). A key is a text and not empty. What does not fit
is told once. A text that is cut is redacted before.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from flightlog.codecs.otlp.values import gated, is_plain, plain, pointer
from flightlog.core.memo import redacted, texts
from flightlog.core.outcome import text_of
from flightlog.core.redact import shortened
from flightlog.integrations.opentelemetry.limits import NO_LIMIT
from flightlog.integrations.opentelemetry.notes import note

SIMPLE: Final = frozenset({str, int, bool})
"""Types whose values are taken as they are, but for the length of texts."""

_DEEPEST: Final = 32


class Cleaned(NamedTuple):
    """What is kept of attributes."""

    kept: dict[str, Any]
    dropped: int
    """How many are not."""
    types: dict[str, str]
    """What those were that JSON cannot say, by pointer into the record."""


def cleaned(given: object, most: int, longest: int, at: str = "/attributes") -> Cleaned:
    """The attributes that are kept.

    Args:
        given: what the program gave, which should be a mapping or None.
        most: most attributes.
        longest: most characters of a text.
        at: where they will stand in the record.
    """
    kept: dict[str, Any] = {}
    types: dict[str, str] = {}
    dropped = 0
    for name, value in pairs(given):
        key = key_of(name)
        if not key or (key not in kept and len(kept) >= most):
            dropped += 1
        else:
            kept[key] = sayable(value, longest, key, types, at)
    return Cleaned(kept, dropped, types)


def sayable(value: Any, longest: int, key: str, types: dict[str, str], at: str = "/attributes") -> Any:
    """One value as a record can have it.

    Args:
        value: as the program gave it.
        longest: most characters of a text.
        key: its name.
        types: told what it was, where that cannot be seen of it.
        at: where it will stand in the record.
    """
    if type(value) in SIMPLE and longest == NO_LIMIT:
        return value
    found = clean(value, longest)
    if is_plain(found):
        return found
    said: dict[str, str] = {}
    found = plain(found, pointer(at, key), said, _passes)
    types.update((gated(place, texts.__getitem__), kind) for place, kind in said.items())
    return found


def forget(types: dict[str, str], key: str) -> None:
    """Take out what was noted of an attribute that has another value now."""
    place = gated(pointer("/attributes", key), texts.__getitem__)
    for one in [one for one in types if one == place or one.startswith(f"{place}/")]:
        del types[one]


def are_simple(values: Iterable[Any]) -> bool:
    """Whether all of them can be handed on as they are: a loop, as this is asked for each span that has attributes."""
    for one in values:
        kind = type(one)
        if kind is float:
            if one - one != 0.0:  # NaN or an infinity
                return False
        elif kind not in SIMPLE:
            return False
    return True


def _passes(text: str) -> bool:
    return redacted(text) == text


def pairs(given: object) -> list[tuple[Any, Any]]:
    """What stands in a mapping now; nothing, and a word about it, where it is none."""
    if not given:
        return []
    if isinstance(given, Mapping):
        return [*given.items()]
    note(f"attributes must be a mapping, and are of type {type(given).__name__}; they are left out")
    return []


def key_of(key: object) -> str:
    """The name of a member of a mapping: another object's text, as the SDK has it; empty where it has none."""
    if isinstance(key, str):
        return str.__str__(key) if is_key(key) else ""
    if key is None:
        is_key(key)
        return ""
    note(f"the name of an attribute must be a text, and is {text_of(key)!r}; its text is taken")
    return text_of(key)


def is_key(key: object) -> bool:
    """Whether this can be the name of an attribute; a word about it where not."""
    if isinstance(key, str) and key:
        return True
    note(f"the name of an attribute must be a text and not empty, and is {text_of(key)!r}; it is left out")
    return False


def clean(value: Any, longest: int, depth: int = 0) -> Any:
    """One value as plain texts, numbers, bytes, lists and dicts, with its texts cut to a length."""
    kind = type(value)
    if kind in SIMPLE or kind is float or value is None or kind is bytes:
        return shortened(value, longest) if kind is str else value
    if depth >= _DEEPEST:
        return shortened(text_of(value), longest)
    if isinstance(value, Mapping):
        members = [(key_of(key), inner) for key, inner in [*value.items()]]
        return {key: clean(inner, longest, depth + 1) for key, inner in members if key}
    if isinstance(value, str):
        return shortened(str.__str__(value), longest)
    if isinstance(value, (int, float)):
        return int(value) if isinstance(value, int) else float(value)
    if isinstance(value, bytes):
        return bytes(value)
    if isinstance(value, Sequence):
        return [clean(inner, longest, depth + 1) for inner in value]
    note(f"a value of type {type(value).__name__} is no value of an attribute; its text is recorded")
    return shortened(text_of(value), longest)
