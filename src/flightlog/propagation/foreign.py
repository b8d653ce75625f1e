"""Ids of any scheme, made safe to keep, and ids of ours made from them.

Whoever sends a request may put anything into its headers. A text that is kept is printable ASCII and bounded; an id
that is not 32 (or 16) hexadecimal digits becomes one by a hash, so the same foreign id is the same trace for every
service that reads it.
"""

from __future__ import annotations

from typing import Final

MOST_CHARACTERS: Final = 128
_DIGITS: Final = frozenset("0123456789abcdef")
_PRINTABLE: Final = frozenset(map(chr, range(0x20, 0x7F)))
_UUID: Final = (8, 13, 18, 23)
"""Where a UUID in text has its dashes."""
_HASHED: Final = 32


def cleaned(text: str) -> str:
    """An id as it is kept: printable ASCII, at most 128 characters; a longer one ends with a hash."""
    kept = "".join(sign for sign in text if sign in _PRINTABLE).strip()
    if len(kept) <= MOST_CHARACTERS:
        return kept
    return f"{kept[: MOST_CHARACTERS - _HASHED - 1]}~{_hashed('id', kept, 16)}"


def trace_id_of(text: str) -> str:
    """The trace id that an id stands for; empty for an empty one.

    32 hexadecimal digits and a UUID stand for themselves, 16 for the same with zeros before them.
    """
    plain = text.lower()
    if len(plain) == 36 and all(plain[place] == "-" for place in _UUID):
        plain = plain.replace("-", "")
    if len(plain) in {16, 32} and _is_id(plain):
        return plain.zfill(32)
    return _hashed("trace", text, 16) if text else ""


def span_id_of(text: str) -> str:
    """The span id that an id stands for; empty for an empty one. 16 hexadecimal digits stand for themselves."""
    plain = text.lower()
    if len(plain) == 16 and _is_id(plain):
        return plain
    return _hashed("span", text, 8) if text else ""


def is_own(text: str) -> bool:
    """Whether an id stands for itself, so that nothing is lost when only the id made from it is kept."""
    return trace_id_of(text).endswith(text.lower().replace("-", ""))


def as_uuid(trace_id: str) -> str:
    """A trace id in the form of a UUID: a correlation id that any service takes, and that leads back to the trace."""
    return "-".join((trace_id[:8], trace_id[8:12], trace_id[12:16], trace_id[16:20], trace_id[20:]))


def _is_id(plain: str) -> bool:
    return _DIGITS.issuperset(plain) and bool(plain.strip("0"))


def _hashed(what: str, text: str, size: int) -> str:
    from hashlib import blake2b  # only where an id of another scheme comes in

    return blake2b(text.encode("utf-8", "replace"), digest_size=size, person=what.encode()).hexdigest()
