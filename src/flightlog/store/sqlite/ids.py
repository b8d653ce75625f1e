"""Ids as keys: sixteen or thirty-two hexadecimal digits as bytes, anything else as the text it is.

Half the size of the text, and still one to one: an id that is not canonical (upper case, another length) is
kept as text, which SQLite orders before every blob.
"""

from __future__ import annotations

from typing import Final

TRACE_DIGITS: Final = 32
"""Hexadecimal digits of a trace id."""

SPAN_DIGITS: Final = 16
"""Hexadecimal digits of a span id and of an event id."""

NO_ID: Final = "0" * SPAN_DIGITS
"""What OpenTelemetry writes for no span."""

Key = bytes | str
"""An id as a store keeps it."""


def key(text: str, digits: int) -> Key:
    """The key of an id that should have this many digits."""
    if len(text) != digits:
        return text
    try:
        blob = bytes.fromhex(text)
    except ValueError:
        return text
    return blob if blob.hex() == text else text


def trace_key(trace_id: str) -> Key:
    """The key of a trace id."""
    return key(trace_id, TRACE_DIGITS)


def span_key(span_id: str) -> Key:
    """The key of a span id or an event id; `key` without its call."""
    if len(span_id) != SPAN_DIGITS:
        return span_id
    try:
        blob = bytes.fromhex(span_id)
    except ValueError:
        return span_id
    return blob if blob.hex() == span_id else span_id


def row_key(span_id: str) -> bytearray | str:
    """`span_key` for a row that is only written, in the type that is bound fastest (see `statements.py`)."""
    if len(span_id) != SPAN_DIGITS:
        return span_id
    try:
        blob = bytearray.fromhex(span_id)
    except ValueError:
        return span_id
    return blob if blob.hex() == span_id else span_id


def trace_row_key(trace_id: str) -> bytearray | str:
    """`trace_key` in the type that is bound fastest."""
    if len(trace_id) != TRACE_DIGITS:
        return trace_id
    try:
        blob = bytearray.fromhex(trace_id)
    except ValueError:
        return trace_id
    return blob if blob.hex() == trace_id else trace_id


def optional_span_key(span_id: str) -> Key | None:
    """The key of a span id, None for none."""
    return key(span_id, SPAN_DIGITS) if span_id else None


def text(stored: Key | None) -> str:
    """The id that a key stands for; empty for none."""
    return stored.hex() if isinstance(stored, bytes) else stored or ""


def order(stored: Key) -> tuple[bool, Key]:
    """What to sort keys by so that they come as SQLite orders them."""
    return isinstance(stored, bytes), stored


def as_text(column: str) -> str:
    """SQL that turns a key column into its id."""
    return f"CASE typeof({column}) WHEN 'blob' THEN lower(hex({column})) ELSE {column} END"
