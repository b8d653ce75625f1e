"""Lines to records and back, losing nothing.

`decode` accepts what any version wrote: older lines are brought up to date, unknown fields are kept in
`extra`, and a line of an unknown type or a newer version becomes `Unknown`. `encode` writes them all back, so
`encode(decode(line))` says what `line` said. Unknown fields of a span's error and of its links are kept, too:
in `extra`, under the name of the field and, for a link, in the same position.

A line inside a journal leaves out what is the same for its whole process; `stamp` writes it on again.
"""

from __future__ import annotations

from itertools import zip_longest
from typing import Any, Final, cast

import msgspec
from msgspec import Struct

from flightlog.records.annotation import Annotation
from flightlog.records.errors import BadRecord
from flightlog.records.event import Event
from flightlog.records.process import Process
from flightlog.records.record import Known, Record, Unknown
from flightlog.records.schema import SCHEMA_VERSION, upcast
from flightlog.records.span import Fault, Link, Span

_TYPES: Final[dict[str, type[Struct]]] = {
    "span": Span,
    "event": Event,
    "process": Process,
    "annotation": Annotation,
}
_EXTRA: Final = "flightlog:extra"
"""The name of the field `extra`. It is never written; in a line it is a foreign field like any other."""


def _wire_names(kind: type[Struct]) -> frozenset[str]:
    names = {field.encode_name for field in msgspec.structs.fields(kind)} | {"type"}
    return frozenset(names - {_EXTRA})


_WIRE_NAMES: Final = {name: _wire_names(kind) for name, kind in _TYPES.items()}
_INNER_NAMES: Final = {"error": _wire_names(Fault), "links": _wire_names(Link) - {"type"}}
"""The fields of a span that hold fields of their own."""

_decode_known: Final = msgspec.json.Decoder(Known).decode
_decode_any: Final = msgspec.json.Decoder().decode
_encode: Final = msgspec.json.Encoder().encode


def decode(line: bytes | str) -> Record:
    """Turn one line into a record.

    Raises:
        BadRecord: the line is not JSON, not an object, or a known field has the wrong shape.
    """
    try:
        record: Known = _decode_known(line)
    except (msgspec.MsgspecError, UnicodeError):
        return _decode_tolerantly(line)
    except RecursionError as error:
        raise BadRecord("nested too deeply", _as_bytes(line)) from error
    return record if record.v == SCHEMA_VERSION and not record.extra else _decode_tolerantly(line)


def encode(record: Record) -> bytes:
    """Write one record as JSON, without a line feed; fields that are not set are left out."""
    if isinstance(record, Unknown):
        return _encode(record.fields)
    if not record.extra:
        return _encode(record)
    fields = msgspec.to_builtins(record)
    return _encode(_put_back(fields, fields.pop(_EXTRA)))


def stamp(record: Record, process: Process) -> Record:
    """Write on what the process line of the journal said once for all."""
    if isinstance(record, (Process, Unknown)):
        return record
    return msgspec.structs.replace(
        record,
        process_id=record.process_id or process.process_id,
        project=record.project or process.project,
        environment=record.environment or process.environment,
        service=record.service or process.service,
        version=record.version or process.version,
    )


def _decode_tolerantly(line: bytes | str) -> Record:
    """Decode what the strict decoder refused: another version, unknown fields, or an unknown type."""
    try:
        fields = _decode_any(line)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise BadRecord(str(error), _as_bytes(line)) from error
    if not isinstance(fields, dict):
        raise BadRecord("not a JSON object", _as_bytes(line))
    version = fields.get("v", 1)
    kind = fields.get("type")
    if not isinstance(kind, str) or kind not in _TYPES:
        return Unknown(fields)
    if not isinstance(version, int) or not 1 <= version <= SCHEMA_VERSION:
        return Unknown(fields)
    return _known_with_extra(upcast(fields), kind, line)


def _known_with_extra(fields: dict[str, Any], kind: str, line: bytes | str) -> Record:
    known, extra = _divide(fields, _WIRE_NAMES[kind])
    for name in _INNER_NAMES.keys() & known.keys() if kind == "span" else ():
        known[name], unknown = _divide_inside(known[name], _INNER_NAMES[name])
        if unknown:
            extra[name] = unknown
    if extra:
        known[_EXTRA] = extra
    try:
        record: Record = cast("Record", msgspec.convert(known, _TYPES[kind]))
    except msgspec.ValidationError as error:
        raise BadRecord(str(error), _as_bytes(line)) from error
    return record


def _divide(fields: dict[str, Any], names: frozenset[str]) -> tuple[dict[str, Any], dict[str, Any]]:
    known = {key: value for key, value in fields.items() if key in names}
    return known, {key: value for key, value in fields.items() if key not in names}


def _divide_inside(value: Any, names: frozenset[str]) -> tuple[Any, Any]:
    """Divide an object, or each object of a list; of anything else nothing is unknown."""
    if isinstance(value, dict):
        return _divide(value, names)
    if isinstance(value, list):
        pairs = [_divide_inside(item, names) for item in value]
        unknown = [unknown for _, unknown in pairs]
        return [known for known, _ in pairs], unknown if any(unknown) else []
    return value, {}


def _put_back(value: Any, extra: Any) -> Any:
    """Join what is known and what was not; where both say something, what is known wins."""
    if isinstance(value, dict) and isinstance(extra, dict):
        joined = {key: _put_back(item, extra.get(key)) for key, item in value.items()}
        return {**joined, **{key: item for key, item in extra.items() if key not in value}}
    if isinstance(value, list) and isinstance(extra, list):
        return [_put_back(item, more) for item, more in zip_longest(value, extra[: len(value)])]
    return value


def _as_bytes(line: bytes | str) -> bytes:
    return line.encode(errors="replace") if isinstance(line, str) else line
