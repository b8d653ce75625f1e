"""Values as other libraries write them, read with patience: numbers in texts, JSON in texts, lists in names.

Whatever does not fit is None or empty, never an error: an attribute may hold anything.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite
from typing import Any, Final

import msgspec

_MOST: Final = 2**53
_DEEPEST: Final = 12
_LONGEST_LIST: Final = 100_000
_decode: Final = msgspec.json.Decoder().decode


def text(value: object) -> str:
    """The value if it is a text, else an empty one."""
    return value if isinstance(value, str) else ""


def first_text(known: Mapping[str, Any], *names: str) -> str:
    """The first of these that is a text and not empty."""
    for name in names:
        if name in known and (found := text(known[name])):
            return found
    return ""


def count(value: object) -> int | None:
    """A whole number that counts something, also as a text or a float; None for none."""
    if isinstance(value, bool):
        return None
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 16:
        value = int(value)
    if isinstance(value, float) and isfinite(value) and value == int(value):
        value = int(value)
    return value if isinstance(value, int) and 0 <= value <= _MOST else None


def first_count(known: Mapping[str, Any], *names: str) -> int | None:
    """The first of these that is a count."""
    for name in names:
        if name in known and (found := count(known[name])) is not None:
            return found
    return None


def number(value: object) -> float | int | None:
    """A finite number, also as a text; None for none."""
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return value if isfinite(value) else None


def texts(value: object) -> list[str]:
    """A list of texts, also as one text or as JSON; without what is none."""
    value = parsed(value) if isinstance(value, str) and value.startswith("[") else value
    if isinstance(value, str):
        return [value] if value else []
    return [one for one in value if isinstance(one, str) and one] if isinstance(value, list) else []


def parsed(value: object) -> Any:
    """The value of a text that holds a list or an object in JSON; anything else as it is."""
    if isinstance(value, str) and value.lstrip()[:1] in ("{", "["):
        try:
            return _decode(value)
        except (msgspec.MsgspecError, RecursionError):
            return value
    return value


def mapping(value: object) -> Mapping[str, Any]:
    """The value if it is an object, also as JSON; else an empty one."""
    value = parsed(value)
    return value if isinstance(value, Mapping) else {}


def sequence(value: object) -> list[Any]:
    """The value if it is a list, also as JSON; else an empty one."""
    value = parsed(value)
    return value if isinstance(value, list) else []


def objects(value: object) -> list[Mapping[str, Any]]:
    """The objects in a list, also where the list or they are JSON."""
    return [found for one in sequence(value) if isinstance(found := parsed(one), Mapping)]


def unfolded(known: Mapping[str, Any], prefix: str) -> Any:
    """The value that was spread over names: `a.0.b.c` becomes a list of objects; None where no name begins so.

    Places that nobody named are left out of a list, so one that begins with 1 has its elements all the same.
    """
    tree: dict[str, Any] = {}
    for name, value in known.items():
        if not name.startswith(prefix):
            continue
        parts = name[len(prefix) :].split(".")
        here = tree
        for part in parts[:-1][:_DEEPEST]:
            below = here.get(part)
            if not isinstance(below, dict):
                below = here[part] = {}
            here = below
        last = ".".join(parts[_DEEPEST:]) if len(parts) > _DEEPEST + 1 else parts[-1]
        here.setdefault(last, value)
    return _listed(tree) if tree else None


def _listed(tree: Any) -> Any:
    """The tree, with a list for each level whose names are numbers."""
    if not isinstance(tree, dict):
        return tree
    if tree and all(name.isascii() and name.isdigit() and len(name) < 7 for name in tree):
        return [_listed(tree[name]) for name in sorted(tree, key=int)][:_LONGEST_LIST]
    return {name: _listed(value) for name, value in tree.items()}
