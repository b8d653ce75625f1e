"""Lines to records and back, losing nothing.

`decode` accepts what any version wrote: older lines are brought up to date, unknown fields are kept in
`extra`, and a line of an unknown type or a newer version becomes `Unknown`. `encode` writes them all back, so
`encode(decode(line))` says what `line` said.

A line inside a journal leaves out what is the same for its whole process; `stamp` writes it on again.
"""

from __future__ import annotations

from typing import Any, Final, cast

import msgspec
from msgspec import Struct

from flightlog.records.annotation import Annotation
from flightlog.records.errors import BadRecord
from flightlog.records.event import Event
from flightlog.records.process import Process
from flightlog.records.record import Known, Record, Unknown
from flightlog.records.schema import SCHEMA_VERSION, upcast
from flightlog.records.span import Span

_TYPES: Final[dict[str, type[Struct]]] = {
    "span": Span,
    "event": Event,
    "process": Process,
    "annotation": Annotation,
}
_WIRE_NAMES: Final = {
    name: frozenset(field.encode_name for field in msgspec.structs.fields(kind))
    for name, kind in _TYPES.items()
}
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
    except msgspec.MsgspecError:
        return _decode_tolerantly(line)
    except RecursionError as error:
        raise BadRecord("nested too deeply", _as_bytes(line)) from error
    return record if record.v == SCHEMA_VERSION else _decode_tolerantly(line)


def encode(record: Record) -> bytes:
    """Write one record as JSON, without a line feed; fields that are not set are left out."""
    if isinstance(record, Unknown):
        return _encode(record.fields)
    if not record.extra:
        return _encode(record)
    fields = msgspec.to_builtins(record)
    fields.update(fields.pop("flightlog:extra"))
    return _encode(fields)


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
    except (msgspec.MsgspecError, RecursionError) as error:
        raise BadRecord(str(error), _as_bytes(line)) from error
    if not isinstance(fields, dict):
        raise BadRecord("not a JSON object", _as_bytes(line))
    version = fields.get("v", 1)
    kind = fields.get("type")
    if not isinstance(version, int) or not 1 <= version <= SCHEMA_VERSION or kind not in _TYPES:
        return Unknown(fields)
    return _known_with_extra(upcast(fields), kind, line)


def _known_with_extra(fields: dict[str, Any], kind: str, line: bytes | str) -> Record:
    names = _WIRE_NAMES[kind]
    known = {key: value for key, value in fields.items() if key in names or key == "type"}
    extra = {key: value for key, value in fields.items() if key not in known}
    if extra:
        known["flightlog:extra"] = {**known.get("flightlog:extra", {}), **extra}
    try:
        record: Record = cast("Record", msgspec.convert(known, _TYPES[kind]))
    except msgspec.ValidationError as error:
        raise BadRecord(str(error), _as_bytes(line)) from error
    return record


def _as_bytes(line: bytes | str) -> bytes:
    return line.encode(errors="replace") if isinstance(line, str) else line
