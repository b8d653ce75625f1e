"""Values of attributes as OpenTelemetry allows them, made ready to be captured.

Texts, truth values, numbers and bytes stay; sequences and mappings of them are taken over as they are now; anything
else becomes a text. None is no value: the attribute is left as it was, as the specification allows. A key is a text
and not empty. What does not fit is told once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from flightlog.core.outcome import text_of
from flightlog.integrations.opentelemetry.limits import NO_LIMIT
from flightlog.integrations.opentelemetry.notes import note

SIMPLE: Final = frozenset({str, int, bool, float})
"""Types whose values are taken as they are, but for the length of texts."""

_DEEPEST: Final = 32


def cleaned(given: object, most: int, longest: int) -> tuple[dict[str, Any], int]:
    """The attributes that are kept, and how many are not.

    Args:
        given: what the program gave, which should be a mapping or None.
        most: most attributes.
        longest: most characters of a text.
    """
    kept: dict[str, Any] = {}
    dropped = 0
    for key, value in pairs(given):
        if not is_key(key) or (key not in kept and len(kept) >= most):
            dropped += 1
        elif value is not None:
            kept[key] = value if type(value) in SIMPLE and longest == NO_LIMIT else clean(value, longest)
    return kept, dropped


def pairs(given: object) -> list[tuple[Any, Any]]:
    """What stands in a mapping now; nothing, and a word about it, where it is none."""
    if not given:
        return []
    if isinstance(given, Mapping):
        return [*given.items()]
    note(f"attributes must be a mapping, and are of type {type(given).__name__}; they are left out")
    return []


def is_key(key: object) -> bool:
    """Whether this can be the name of an attribute; a word about it where not."""
    if isinstance(key, str) and key:
        return True
    note(f"the name of an attribute must be a text and not empty, and is {text_of(key)!r}; it is left out")
    return False


def clean(value: Any, longest: int, depth: int = 0) -> Any:
    """One value, with its texts cut to a length."""
    if isinstance(value, str):
        return value if len(value) <= longest else value[:longest]
    if value is None or isinstance(value, (bool, int, float, bytes)):
        return value
    if depth >= _DEEPEST:
        return text_of(value)[:longest]
    if isinstance(value, Mapping):
        return {key: clean(inner, longest, depth + 1) for key, inner in [*value.items()] if is_key(key)}
    if isinstance(value, Sequence):
        return [clean(inner, longest, depth + 1) for inner in value]
    note(f"a value of type {type(value).__name__} is no value of an attribute; its text is recorded")
    return text_of(value)[:longest]
