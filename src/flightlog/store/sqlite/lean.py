"""Lines as this engine reads them: the records' own declarations, with large fields left as the JSON they are.

A store moves inputs, outputs and attributes from a line into a row without looking into them, so decoding
them into objects and encoding them again would be most of its work. `decode` agrees with `codecs.lines`:
what that refuses, or does not know, is no record here either.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Final, TypeAlias

import msgspec
from msgspec import Meta, MsgspecError, Raw, field

from flightlog.codecs import lines as codec
from flightlog.records.annotation import Annotation
from flightlog.records.errors import BadRecord
from flightlog.records.event import Event
from flightlog.records.process import Process
from flightlog.records.schema import SCHEMA_VERSION
from flightlog.records.span import Link, Span

NOTHING: Final = Raw(b"")
"""A field that the line does not have; compare by identity."""

Whole = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]
"""What fits SQLite's integers; a line beyond that is kept, but not interpreted."""

# A lean field is other than the declared one on purpose: nothing hands a lean record on as its base.


class LeanSpan(Span, frozen=True, kw_only=True, tag="span", forbid_unknown_fields=True, gc=False):
    """A span whose values are still JSON; where a list or an object would be made for each, there is none."""

    start: Whole
    end: Whole | None = None
    revision: Whole = 0
    input: Raw = NOTHING
    output: Raw = NOTHING
    attributes: Raw = NOTHING  # type: ignore[assignment]  # see above
    context: Raw = NOTHING  # type: ignore[assignment]  # see above
    otel: Raw = NOTHING  # type: ignore[assignment]  # see above
    links: tuple[Link, ...] = ()  # type: ignore[assignment]  # see above
    extra: Raw = field(default=NOTHING, name="flightlog:extra")  # type: ignore[assignment]  # see above


class LeanEvent(Event, frozen=True, kw_only=True, tag="event", forbid_unknown_fields=True, gc=False):
    """An event whose attributes are still JSON."""

    time: Whole
    attributes: Raw = NOTHING  # type: ignore[assignment]  # see above


class LeanAnnotation(
    Annotation, frozen=True, kw_only=True, tag="annotation", forbid_unknown_fields=True, gc=False
):
    """An annotation whose attributes are still JSON."""

    time: Whole
    attributes: Raw = NOTHING  # type: ignore[assignment]  # see above


class LeanProcess(Process, frozen=True, kw_only=True, tag="process", forbid_unknown_fields=True):
    """A process, whole."""

    started: Whole


Lean: TypeAlias = LeanSpan | LeanEvent | LeanAnnotation | LeanProcess

_decode_one: Final = msgspec.json.Decoder(Lean).decode
_OPEN: Final = ord("{")


def decode(lines: Sequence[bytes]) -> list[Lean | None]:
    """The record of each line; None for a line that is none of ours."""
    records = _decode_together(lines)
    return [_decode_alone(line) for line in lines] if records is None else records


def content(raw: Raw) -> str | None:
    """The JSON of an object that may be absent or empty; None for both."""
    if raw is NOTHING:
        return None
    found = str(raw, "utf-8")
    return None if found == "{}" else found


def _decode_together(lines: Sequence[bytes]) -> list[Lean | None] | None:
    """Decode all lines; None when one of them is unusual in any way.

    Each by a call of its own, which costs less than to join them: 0.5 against 0.75 us a line.
    """
    try:
        if not all(map(bytes.isascii, lines)):
            for line in lines:
                line.decode()  # skipped values are not checked for being UTF-8
        records: list[Lean | None] = list(map(_decode_one, lines))
    except (MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    for record in records:
        if (
            type(record) is LeanSpan
            and record.attributes is record.context is record.otel is record.extra is NOTHING
            and record.v == SCHEMA_VERSION
        ):
            continue  # as `_is_plain` would say, without its call
        if not _is_plain(record):
            return None
    return records


def _decode_alone(line: bytes) -> Lean | None:
    try:
        line.decode()
        record: Lean = _decode_one(line)
        if _is_plain(record):
            return record
    except (MsgspecError, UnicodeDecodeError, RecursionError):
        pass
    return _decode_by_codec(line)


def _decode_by_codec(line: bytes) -> Lean | None:
    """Decode a line of an older version or with unknown fields, which the codec keeps in `extra`."""
    try:
        known: Lean = _decode_one(msgspec.json.encode(codec.decode(line)))
    except (BadRecord, MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    return known


def _is_plain(record: Any) -> bool:
    """Whether this version wrote it, nothing in it is foreign, and what is still JSON is an object."""
    if record.v != SCHEMA_VERSION:
        return False
    if type(record) is LeanSpan:
        raws = (record.attributes, record.context, record.otel)
        return record.extra is NOTHING and all(map(_is_object, raws))
    if record.extra:
        return False
    return type(record) is LeanProcess or _is_object(record.attributes)


def _is_object(raw: Raw) -> bool:
    return raw is NOTHING or memoryview(raw)[0] == _OPEN
