"""Values of OTLP as values of a line, and back.

JSON has no bytes and no NaN. They become texts, and where they stood is noted, as JSON Pointers (RFC 6901) into the
line. One value of ours has no form in OTLP, a whole number of more than 64 bits: it becomes a text, as it does
where Flightlog records a program.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from binascii import Error as BadBase64
from collections.abc import Callable, Mapping
from math import isfinite
from typing import Any, Final

from msgspec.json import decode

BYTES: Final = "bytes"
DOUBLE: Final = "double"
Passes = Callable[[str], bool]
_INT64: Final = 1 << 63


def pointer(base: str, name: str | int) -> str:
    """The pointer to a member or an element."""
    return f"{base}/{name if isinstance(name, int) else _escaped(name)}"


def gated(at: str, text: Callable[[str], str]) -> str:
    """The pointer with each name in it as the gate leaves it, as the line has it; escaped, a name may hide a secret.

    Args:
        at: the pointer.
        text: writes a name as a JSON string, through the gate.
    """
    names = [name.replace("~1", "/").replace("~0", "~") for name in at.split("/")]
    return "/".join(_escaped(decode(text(name))) for name in names)


def _escaped(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")


def plain(value: Any, at: str, types: dict[str, str], passes: Passes) -> Any:
    """The value as JSON can have it.

    Args:
        value: as `messages` has values.
        at: the pointer to it.
        types: told of what JSON cannot say, by pointer.
        passes: whether the gate lets a text through as it is. Bytes in which it finds something become that text,
            so that it is taken out.
    """
    kind = type(value)
    if kind is str or kind is int or kind is bool or value is None:
        return value
    if kind is float:
        if isfinite(value):
            return value
        types[at] = DOUBLE
        return "NaN" if value != value else "Infinity" if value > 0 else "-Infinity"  # noqa: PLR0124 - what NaN is
    if kind is bytes:
        text = value.decode("utf-8", "replace")
        if not passes(text):
            return text
        types[at] = BYTES
        return b64encode(value).decode("ascii")
    if kind is list:
        return [plain(one, pointer(at, index), types, passes) for index, one in enumerate(value)]
    return {name: plain(one, pointer(at, name), types, passes) for name, one in value.items()}


def is_plain(value: Any) -> bool:
    """Whether JSON can have the value as it is."""
    kind = type(value)
    if kind is str or kind is int or kind is bool or value is None:
        return True
    if kind is float:
        return isfinite(value)
    if kind is bytes:
        return False
    return all(map(is_plain, value if kind is list else value.values()))


def typed(value: Any, at: str, types: Mapping[str, Any]) -> Any:
    """The value as it came, by what was noted; what no longer fits its note stays as it is."""
    if not types:
        return value
    noted = types.get(at)
    if noted is not None and isinstance(value, str):
        return _as_noted(value, noted)
    if isinstance(value, list):
        return [typed(one, pointer(at, index), types) for index, one in enumerate(value)]
    if isinstance(value, dict):
        return {name: typed(one, pointer(at, name), types) for name, one in value.items()}
    return value


def _as_noted(text: str, noted: Any) -> Any:
    try:
        if noted == BYTES:
            return b64decode(text, validate=True)
        if noted == DOUBLE and text in ("NaN", "Infinity", "-Infinity"):
            return float(text)
    except (BadBase64, ValueError):
        pass
    return text


def outward(value: Any) -> Any:
    """A value of a record of ours as OTLP can have it: a whole number of more than 64 bits is a text there."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value if -_INT64 <= value < _INT64 else str(value)
    if isinstance(value, list):
        return [outward(one) for one in value]
    if isinstance(value, dict):
        return {name: outward(one) for name, one in value.items()}
    return value
