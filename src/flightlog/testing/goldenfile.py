"""A golden trace as JSON that people can read in a review: one span a line, what is under it further right."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec
from msgspec import Struct, field

from flightlog.testing.shape import Shape, normalised

MARK: Final = "golden_trace"
"""The field that holds the version, and tells such a file from any other."""

_WIDTH: Final = 110
_OWN: Final = ("name", "kind", "status", "error")
_ORDINARY: Final = {"kind": "step", "status": "ok", "error": ""}
_encode: Final = msgspec.json.Encoder(order="deterministic").encode


class Golden(Struct, forbid_unknown_fields=True):
    """A golden trace as it stands in a file."""

    spans: list[Shape]
    version: int = field(default=1, name=MARK)


def read(given: bytes | Mapping[str, Any], name: str) -> list[Shape]:
    """The spans of a golden trace, each text as that of a recorded one.

    Args:
        given: what the file holds, or the same as a dictionary.
        name: what the message calls it.

    Raises:
        ValueError: it is no golden trace, or one of another version.
    """
    try:
        golden: Golden = (
            msgspec.json.decode(given, type=Golden)
            if isinstance(given, bytes)
            else msgspec.convert(given, Golden)
        )
    except (msgspec.MsgspecError, RecursionError) as error:
        raise ValueError(f"{name} is no golden trace: {str(error) or 'nested too deeply'}") from None
    if golden.version != 1:
        raise ValueError(f"{name} is a golden trace of version {golden.version}; this reads version 1")
    return [normalised(shape) for shape in golden.spans]


def written(shapes: Sequence[Shape]) -> str:
    """The text of the file, with a line feed at its end."""
    lines = [f'{{"{MARK}": 1, "spans": [', *_siblings(shapes, 1), "]}"]
    return "\n".join(lines) + "\n"


def _siblings(shapes: Sequence[Shape], depth: int) -> Iterator[str]:
    for shape in shapes:
        last = "" if shape is shapes[-1] else ","
        yield from _one(shape, depth, last)


def _one(shape: Shape, depth: int, last: str) -> Iterator[str]:
    """A span: on one line where that is not too long, else each of its fields on a line of its own."""
    indent = "  " * depth
    own = ", ".join(_member(name, getattr(shape, name)) for name in _OWN if _is_said(shape, name))
    fields = [_member(name, value) for name, value in shape.fields.items()]
    events = "" if not shape.events else ", " + _member("events", shape.events)
    below = ', "children": [' if shape.children else f"}}{last}"
    if not fields:
        yield f"{indent}{{{own}{events}{below}"
    elif len(inline := f'{indent}{{{own}, "fields": {{{", ".join(fields)}}}{events}{below}') <= _WIDTH:
        yield inline
    else:
        yield f'{indent}{{{own}, "fields": {{'
        yield from (f"{indent}   {member}," for member in fields[:-1])
        yield f"{indent}   {fields[-1]}}}{events}{below}"
    if shape.children:
        yield from _siblings(shape.children, depth + 1)
        yield f"{indent}]}}{last}"


def _is_said(shape: Shape, name: str) -> bool:
    return name not in _ORDINARY or getattr(shape, name) != _ORDINARY[name]


def _member(name: str, value: Any) -> str:
    return f"{_json(name)}: {_json(value)}"


def _json(value: Any) -> str:
    """JSON on one line, with a blank after each colon and comma."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_json(str(name))}: {_json(item)}" for name, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_json, value)) + "]"
    return _encode(value).decode()
