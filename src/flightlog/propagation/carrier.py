"""Headers of any shape, read and written: mappings, lists of pairs, text or bytes, environments.

A carrier is somebody else's object. Only the names that propagation knows are looked at, whatever their case; a
value that is absurdly long counts as absent.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, MutableMapping
from typing import Any, Final

NAMES: Final = frozenset(
    {
        "traceparent",
        "tracestate",
        "baggage",
        "b3",
        "x-b3-traceid",
        "x-b3-spanid",
        "x-b3-sampled",
        "x-b3-flags",
        "x-correlation-id",
        "x-trace-id",
        "x-span-id",
        "x-parent-span-id",
    }
)
"""Every header that is read here, in lower case."""

_LONGEST: Final = 16_384
_LENGTHS: Final = frozenset(map(len, NAMES))
_CGI: Final = "http_"
"""What stands before a header's name in a WSGI environment."""


def read(carrier: Any) -> dict[str, list[str]]:
    """The values of the headers that are known here, by name in lower case, in their order."""
    found: dict[str, list[str]] = {}
    for key, value in pairs_of(carrier):
        name = _text(key).lower()
        if name.startswith(_CGI):
            name = name[len(_CGI) :].replace("_", "-")
        if len(name) not in _LENGTHS or name not in NAMES:
            continue
        values = value if isinstance(value, (list, tuple)) else (value,)
        texts = (_text(one) for one in values)
        found.setdefault(name, []).extend(text for text in texts if len(text) <= _LONGEST)
    return found


def pairs_of(carrier: Any) -> Iterable[tuple[Any, Any]]:
    """What a carrier holds, as pairs of name and value."""
    items = getattr(carrier, "items", None)
    pairs: Iterable[tuple[Any, Any]] = carrier if items is None else items()
    return pairs


def write(carrier: Any, headers: Mapping[str, str]) -> None:
    """Put headers into a mapping or a list of pairs, in the place of those of the same name."""
    if isinstance(carrier, list):
        _write_pairs(carrier, headers)
        return
    if isinstance(carrier, dict):
        _forget(carrier, headers)
    for name, value in headers.items():
        carrier[name] = value


def _forget(carrier: MutableMapping[Any, Any], headers: Mapping[str, str]) -> None:
    """A plain dictionary tells names of different case apart, and a server would get the header twice."""
    ours = {name.lower() for name in headers}
    for key in [key for key in carrier if _text(key).lower() in ours]:
        del carrier[key]


def _write_pairs(carrier: list[Any], headers: Mapping[str, str]) -> None:
    ours = {name.lower() for name in headers}
    is_bytes = bool(carrier) and isinstance(carrier[0][0], bytes)
    carrier[:] = [pair for pair in carrier if _text(pair[0]).lower() not in ours]
    for name, value in headers.items():
        carrier.append((name.lower().encode(), value.encode()) if is_bytes else (name, value))


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    return value.decode("latin-1") if isinstance(value, (bytes, bytearray)) else ""
