"""What is secret, what becomes of it, and how much of inputs and outputs is recorded, as settings say it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from msgspec import DecodeError
from msgspec.json import decode

from flightlog.settings.values import text


class Withheld(tuple[str, ...]):
    """Texts of which nobody is told more than their number."""

    __slots__ = ()

    def __str__(self) -> str:
        return f"{len(self)} withheld" if self else ""

    __repr__ = __str__


def words(value: object) -> tuple[str, ...]:
    """Read a list of texts, or one text with commas between them."""
    if isinstance(value, str):
        value = [word.strip() for word in value.split(",")]
    if not isinstance(value, (list, tuple, set, frozenset)) or not all(isinstance(one, str) for one in value):
        raise ValueError("a list of texts")
    return tuple(one for one in value if one)


def withheld(value: object) -> Withheld:
    """Read a list of texts that nobody is to be told."""
    return Withheld(words(value))


_MODES: Final = ("mask", "last4", "hash", "drop")
_MODES_EXPECTED: Final = (
    "a mode (mask last4 hash drop), and rules with one, as in mask,json_web_token=hash,email=mask,option=off"
)
_OFF: Final = "off"
_NEVER_OFF: Final = "; single rules can be switched off, redaction as a whole cannot"


def modes_text(value: object) -> str:
    """Read what becomes of secrets: one word for all, and words for single rules."""
    if isinstance(value, Mapping):
        value = ",".join(f"{name}={mode}" if name != "*" else str(mode) for name, mode in value.items())
    parts = []
    for part in filter(None, (part.strip() for part in text(value).split(","))):
        rule, sign, mode = (word.strip() for word in part.rpartition("="))
        if not sign and mode not in _MODES:
            rule, mode = mode, "mask"  # a rule by its name alone is switched on
        if (
            (sign and not rule)
            or rule in {_OFF, *_MODES}
            or mode not in ({_OFF, *_MODES} if rule else _MODES)
        ):
            raise ValueError(_MODES_EXPECTED + (_NEVER_OFF if part == _OFF else ""))
        parts.append(f"{rule}={mode}" if rule else mode)
    return ",".join(parts)


def modes(setting: str) -> dict[str, str]:
    """Mode by rule, of the setting `redact`; `*` is every rule that is not named."""
    parts = (part.rpartition("=") for part in setting.split(",") if part)
    return {rule or "*": mode for rule, _, mode in parts}


def own_rules(value: object) -> Mapping[str, Any]:
    """Read rules of a program's own: names with patterns, or in code with functions."""
    expected = "a table of names with a pattern each (in code also functions from text to text)"
    if isinstance(value, str):
        try:
            value = decode(value)
        except DecodeError:
            raise ValueError(f"{expected}, as a JSON object") from None
    if not isinstance(value, Mapping):
        raise ValueError(expected)
    for name, rule in value.items():
        if not isinstance(name, str) or not name.replace("_", "a").isalnum():
            raise ValueError(f"{expected}; a name has letters, digits and _")
        if isinstance(rule, str):
            try:
                re.compile(rule)
            except re.error as error:
                raise ValueError(f"{expected}; {name} is no pattern: {error}") from None
        elif not callable(rule) and not isinstance(rule, re.Pattern):
            raise ValueError(expected)
    return dict(value)


_CONTENT_EXPECTED: Final = "one of all, metadata, and kinds with either, as in all,llm=metadata"


def content(value: object) -> str:
    """Read a content policy: one word for every kind, and words for single ones."""
    if isinstance(value, Mapping):
        value = ",".join(f"{kind}={policy}" if kind != "*" else str(policy) for kind, policy in value.items())
    parts = [part.strip() for part in text(value).split(",") if part.strip()]
    for part in parts:
        kind, sign, policy = (word.strip() for word in part.rpartition("="))
        if policy not in {"all", "metadata"} or bool(kind) != bool(sign):
            raise ValueError(_CONTENT_EXPECTED)
    return ",".join(parts) or "all"
