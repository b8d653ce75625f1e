"""What one line of a document is, by what stands in it: many a document begins with a line that says nothing.

A program printed something before its records, a file was rotated in the middle of a line, a text holds half a
character: the lines behind that one tell what the document is.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import islice
from typing import Any, Final, Literal, get_args

import msgspec

Form = Literal[
    "auto",
    "otlp-json",
    "otlp-protobuf",
    "flightlog",
    "flightlog-json",
    "frame-trace",
    "flujo",
    "lash",
    "tracellm",
    "narration",
    "jaeger",
    "zipkin",
    "chrome",
    "claude-code",
    "langfuse",
    "phoenix",
]
FORMS: Final[tuple[Form, ...]] = get_args(Form)

_LINES: Final = 32
_BYTES: Final = 64 << 20
"""So many of its first lines, and of its first bytes, may tell what a document is."""
_GROUPS: Final = ("resourceSpans", "resourceLogs", "resourceMetrics")
"""What a message of OTLP has; metrics are not read, but stand among other messages in many a file."""


def form_of(text: bytes) -> Form | None:
    """What a line, or a document of one value, is; None where that is unknown or no JSON."""
    value = _value(text)
    if isinstance(value, dict) and "type" in value and "v" in value:
        return "flightlog"
    first = value[0] if isinstance(value, list) and value else value
    return "otlp-json" if isinstance(first, dict) and not first.keys().isdisjoint(_GROUPS) else None


def is_foreign(text: bytes) -> bool:
    """Whether this is sound JSON of some other kind; an empty object or array may be a message with nothing in it."""
    try:
        return bool(msgspec.json.decode(text))
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return False


def told_by_lines(data: Any, size: int) -> Form | None:
    """What the first line says that is a record by itself; None where none of the first ones is."""
    heads = islice(_lines(data, min(size, _BYTES)), _LINES)
    return next(filter(None, (form_of(line) for line in heads if line[:1] == b"{")), None)


def _lines(data: Any, size: int) -> Iterator[bytes]:
    start = 0
    while start < size:
        stop = data.find(b"\n", start, size)
        stop = size if stop < 0 else stop
        yield bytes(data[start:stop])
        start = stop + 1


def _value(text: bytes) -> Any:
    """What is written there, also where a text in it holds what no text may; None where it is no JSON."""
    try:
        return msgspec.json.decode(text)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        pass
    try:
        return json.loads(text.decode("utf-8", "replace"))
    except (ValueError, RecursionError):
        return None
