"""How single values are read: from a text, as environment variables and files have them, or as they are in code.

Each function returns the value, or raises ValueError saying what was expected.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

KIB: Final = 1024
MIB: Final = 1024 * KIB
GIB: Final = 1024 * MIB

_UNITS: Final = {
    "": 1,
    "b": 1,
    "k": KIB,
    "kb": KIB,
    "kib": KIB,
    "m": MIB,
    "mb": MIB,
    "mib": MIB,
    "g": GIB,
    "gb": GIB,
    "gib": GIB,
}
_MILLISECONDS: Final = {"": 1.0, "ms": 1.0, "s": 1e3, "m": 60e3, "h": 3600e3}
_TRUE: Final = frozenset({"1", "true", "yes", "on"})
_FALSE: Final = frozenset({"0", "false", "no", "off", ""})


def text(value: object) -> str:
    """Read a text."""
    if not isinstance(value, str):
        raise ValueError("a text")
    return value


def truth(value: object) -> bool:
    """Read a truth value, also as the words that people use."""
    if isinstance(value, bool):
        return value
    word = str(value).strip().lower()
    if word in _TRUE:
        return True
    if word in _FALSE:
        return False
    raise ValueError("true or false")


def ratio(value: object) -> float:
    """Read a share, from 0 to 1."""
    number = number_of(value, "a number from 0 to 1")
    if not 0 <= number <= 1:
        raise ValueError("a number from 0 to 1")
    return number


def seconds(value: object) -> float:
    """Read a number of seconds."""
    number = number_of(value, "a number of seconds")
    if not 0 <= number < 1e9:
        raise ValueError("a number of seconds, 0 or more")
    return number


def milliseconds(value: object) -> float:
    """Read a duration; a bare number is milliseconds."""
    expected = "a number of milliseconds, or a duration such as 900ms, 1.5s or 2m"
    word = str(value).strip().lower()
    digits = word.rstrip("hms")
    if isinstance(value, bool) or word[len(digits) :] not in _MILLISECONDS:
        raise ValueError(expected)
    number = number_of(digits.strip(), expected) * _MILLISECONDS[word[len(digits) :]]
    if not 0 <= number < 1e12:
        raise ValueError(expected)
    return number


def limits_text(value: object) -> str:
    """Limits by kind or name, as one text; a table of a TOML file or a mapping from code is taken as well."""
    if isinstance(value, Mapping):
        pairs: list[tuple[str, object]] = [(str(word).strip(), limit) for word, limit in value.items()]
    else:
        split = (part.partition("=") for part in text(value).split(",") if part.strip())
        pairs = [(word.strip(), limit) for word, _, limit in split]
    expected = "a list of limits such as llm=10s,render_*=2s"
    if any(not word or limit == "" or set(word) & set("=,") for word, limit in pairs):
        raise ValueError(expected)
    try:
        return ",".join(f"{word}={milliseconds(limit):.15g}ms" for word, limit in pairs)
    except ValueError:
        raise ValueError(expected) from None


def limits(setting: str) -> dict[str, float]:
    """Milliseconds by kind, name or pattern of names, in the order given, of `slow_warns` or `slow_limits`."""
    pairs = (part.partition("=") for part in setting.split(",") if part)
    return {word: milliseconds(limit) for word, _, limit in pairs}


def number_of(value: object, expected: str) -> float:
    """Read a number."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise ValueError(expected)
    try:
        return float(value)
    except (ValueError, OverflowError):
        raise ValueError(expected) from None


def count(value: object) -> int:
    """Read a whole number from 1 on."""
    expected = "a whole number, 1 or more"
    if isinstance(value, bool) or not isinstance(value, (int, str)):
        raise ValueError(expected)
    try:
        number = int(value)
    except ValueError:
        raise ValueError(expected) from None
    if number < 1:
        raise ValueError(expected)
    return number


def size(value: object) -> int:
    """Read a number of bytes, with or without a unit."""
    expected = "a number of bytes such as 1048576, 64KiB or 1GiB"
    word = str(value).strip().lower().replace("_", "")
    digits = word.rstrip("bgikm")
    unit = word[len(digits) :]
    if unit not in _UNITS:
        raise ValueError(expected)
    number = number_of(digits.strip(), expected) * _UNITS[unit]
    if not 1 <= number <= 2**60:
        raise ValueError(expected)
    return int(number)


def size_text(value: object) -> str:
    """Read a number of bytes that need not be given; it stays the text it is."""
    if value == "":
        return ""
    size(value)
    return str(value)


def age_text(value: object) -> str:
    """Read a long duration that need not be given; it stays the text it is."""
    expected = "a duration such as 30d, 12h or 90m"
    word = text(value).strip().lower()
    if word and (word[-1] not in "mhdw" or not 0 < number_of(word[:-1], expected) < 1e6):
        raise ValueError(expected)
    return word


def one_of(*words: str) -> Callable[[object], str]:
    """Make what reads one of these words."""

    def choose(value: object) -> str:
        if value not in words:
            raise ValueError("one of " + ", ".join(words))
        return str(value)

    return choose
