"""W3C `baggage`: names and values that travel with a trace.

What comes in is handed on as it came, bounded: at most 64 members and 8192 bytes, which is what every platform must
hand on (W3C Baggage). A member that breaks the grammar is left out, and so is what is beyond the bound. Nothing of
it is recorded unless its name is on the list of the setting `baggage_keys`: whoever sends a request can put
anything there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Final

MOST_MEMBERS: Final = 64
MOST_BYTES: Final = 8192

_ALPHANUMERIC: Final = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789")
_TOKEN: Final = _ALPHANUMERIC | frozenset("!#$%&'*+-.^_`|~")
_OCTETS: Final = frozenset(map(chr, range(0x21, 0x7F))) - frozenset('",;\\')
_UNCHANGED: Final = _OCTETS - {"%"}

sources: Final[list[Callable[[], Mapping[str, str]]]] = []
"""What else knows of baggage at the place that runs: an interface of others that has its own. By name, not encoded."""


def parse(values: Iterable[str]) -> tuple[dict[str, str], int]:
    """Read the header's values as members by name, in order; also says how many were left out.

    Of a name that stands twice the last counts.
    """
    found: dict[str, str] = {}
    size = left_out = 0
    for member in ",".join(values).split(","):
        member = member.strip(" \t")  # noqa: PLW2901 - the same without the white space around it
        if not member:
            continue
        key = member.partition("=")[0].rstrip(" \t")
        size += len(member) + 1
        if (
            size > MOST_BYTES + 1
            or (len(found) >= MOST_MEMBERS and key not in found)
            or not _is_member(member)
        ):
            left_out += 1
            continue
        found[key] = member
    return found, left_out


def value_of(member: str) -> str:
    """The value of a member, decoded, without its properties."""
    return _decoded(member.partition("=")[2].partition(";")[0].strip(" \t"))


def member(key: str, value: str) -> str:
    """One member; empty when the name cannot stand in a header."""
    if not key or not _TOKEN.issuperset(key):
        return ""
    plain = "".join(
        sign if sign in _UNCHANGED else "".join(f"%{byte:02X}" for byte in sign.encode("utf-8", "replace"))
        for sign in value
    )
    return f"{key}={plain}"


def render(members: Mapping[str, str]) -> tuple[str, int]:
    """Write members as one value within the bounds; also says how many were left out for it."""
    kept: list[str] = []
    size = 0
    for one in members.values():
        if len(kept) < MOST_MEMBERS and size + len(one) <= MOST_BYTES:
            kept.append(one)
            size += len(one) + 1
    return ",".join(kept), len(members) - len(kept)


def _is_member(text: str) -> bool:
    key, sign, rest = text.partition("=")
    value, _, properties = rest.partition(";")
    key = key.rstrip(" \t")
    return (
        bool(key and sign)
        and _TOKEN.issuperset(key)
        and _OCTETS.issuperset(value.strip(" \t"))
        and (_OCTETS | {" ", "\t", ";"}).issuperset(properties)
    )


def _decoded(text: str) -> str:
    """Undo percent-encoding; what is no UTF-8 becomes U+FFFD."""
    head, *rest = text.split("%")
    data = bytearray(head, "ascii", "replace")
    for part in rest:
        try:
            data.append(int(part[:2], 16) if len(part) > 1 and part[:2].isalnum() else 256)
            data += part[2:].encode("ascii", "replace")
        except ValueError:  # a percent sign that stands for itself
            data += b"%" + part.encode("ascii", "replace")
    return data.decode("utf-8", "replace")
