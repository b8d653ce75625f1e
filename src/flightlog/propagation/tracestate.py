"""W3C `tracestate`: what other tracers want to be told again, which is handed on as it came.

A list that breaks the grammar is dropped whole, as the specification asks (W3C Trace Context, level 2); empty
members, optional white space and several headers are allowed, and of a key that stands twice the first counts.
Beyond 512 characters the members longer than 128 go first, then the last ones.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

MOST_MEMBERS: Final = 32
MOST_CHARACTERS: Final = 512
_LONG_MEMBER: Final = 128
_LONGEST: Final = 256
"""Characters of a key, and of a value."""

_STARTS: Final = frozenset("abcdefghijklmnopqrstuvwxyz0123456789")
_KEY: Final = _STARTS | frozenset("_-*/@")
_VALUE: Final = frozenset(map(chr, range(0x20, 0x7F))) - {",", "="}


def parse(values: Iterable[str]) -> tuple[str, ...]:
    """Read the header's values, in their order, as members `key=value`; none if any of it is invalid."""
    found: dict[str, str] = {}
    count = 0
    for member in ",".join(values).split(","):
        member = member.strip(" \t")  # noqa: PLW2901 - the same without the white space around it
        if not member:
            continue
        count += 1
        key, _, value = member.partition("=")
        if count > MOST_MEMBERS or not _is_key(key) or not _is_value(value):
            return ()
        found.setdefault(key, member)
    return tuple(found.values())


def render(members: Iterable[str]) -> tuple[str, int]:
    """Write members as one value of at most 512 characters; also says how many were left out for it."""
    kept = list(members)
    count = len(kept)
    size = sum(map(len, kept)) + max(0, count - 1)
    for member in [one for one in reversed(kept) if len(one) > _LONG_MEMBER]:
        if size <= MOST_CHARACTERS:
            break
        kept.remove(member)
        size -= len(member) + 1
    while kept and size > MOST_CHARACTERS:
        size -= len(kept.pop()) + 1
    return ",".join(kept), count - len(kept)


def _is_key(key: str) -> bool:
    return 0 < len(key) <= _LONGEST and key[0] in _STARTS and _KEY.issuperset(key)


def _is_value(value: str) -> bool:
    return 0 < len(value) <= _LONGEST and _VALUE.issuperset(value)
