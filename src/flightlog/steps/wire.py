"""Traces as JSON, in the keys of frame-trace 0.1.0: as its README shows them, and as the crate writes them.

Written: `trace_id conversation_id turn_number steps total_duration_ms start_time_ms`, and of a step `step_type
name start_time_ms duration_ms input output metadata error`, the last four only if there are any. Read: any of
these, in any order, with any others beside them, which are kept and written again.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any, Final, TypeVar

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from flightlog._speed import presence
from flightlog.core.capture import Encoder, Limits, OpenGate
from flightlog.core.outcome import text_of
from flightlog.records.errors import BadDocument
from flightlog.steps.step import MS, StepType, TraceStep, step_type, type_text

if TYPE_CHECKING:
    from flightlog.steps.trace import ExecutionTrace

_LONGEST: Final = 2**63 - 1
Time = Annotated[int, Meta(ge=0, le=_LONGEST)]
"""A point in time or a duration in nanoseconds."""
Millis = Annotated[int, Meta(ge=0, le=_LONGEST // MS)]
"""The same in milliseconds."""

_Trace = TypeVar("_Trace", bound="ExecutionTrace")


class _Step(Struct, gc=False, forbid_unknown_fields=True):
    """A step as it is written, and as it is read where nothing is unusual about it."""

    step_type: str
    name: str
    start_time_ms: Millis = 0
    duration_ms: Millis = 0
    input: Any = None
    output: Any = None
    metadata: dict[str, Any] | UnsetType | None = UNSET
    error: str | UnsetType | None = UNSET
    start_time_ns: Time | UnsetType = UNSET
    duration_ns: Time | UnsetType | None = UNSET


class _Document(Struct, forbid_unknown_fields=True):
    """A trace that is read."""

    steps: list[_Step]
    trace_id: str = ""
    conversation_id: int | str | None = None
    turn_number: int | None = None
    total_duration_ms: Any = None
    start_time_ms: Millis | None = None
    metadata: dict[str, Any] = {}


_PLAIN: Final = frozenset({str, StepType})
_STEP_KEYS: Final = frozenset(_Step.__struct_fields__)
_TRACE_KEYS: Final = frozenset(_Document.__struct_fields__)
_read: Final = msgspec.json.Decoder(_Document).decode


def new_id() -> str:
    """32 hexadecimal digits from the operating system's generator."""
    return os.urandom(16).hex()


def encode(trace: ExecutionTrace, indent: int, *, precise: bool, plain: bool) -> str:
    """One trace as JSON.

    Args:
        trace: the trace.
        indent: spaces for each level; 0 for one line.
        precise: tell nanoseconds, too.
        plain: the trace is of no class of the program's own, so what is asked of it is known.
    """
    text = None
    if plain and _write is not None and not trace.extra:
        about = trace.metadata or None
        text = _write(trace.trace_id, trace.conversation_id, trace.turn_number, about, trace.steps(), precise)
    if text is None:
        text = _encoded(trace, precise=precise)
    return msgspec.json.format(text, indent=indent) if indent > 0 else text


def _encoded(trace: ExecutionTrace, *, precise: bool) -> str:
    first, last = trace.extent_ms()
    document: dict[str, Any] = {
        "trace_id": trace.trace_id,
        "conversation_id": trace.conversation_id,
        "turn_number": trace.turn_number,
        "steps": [_step(step, precise=precise) for step in trace.steps()],
        "total_duration_ms": last - first,
        "start_time_ms": first,
    }
    if trace.metadata:
        document["metadata"] = trace.metadata
    if trace.extra:
        document.update((key, value) for key, value in trace.extra.items() if key not in document)
    try:
        data = msgspec.json.encode(document, enc_hook=_bent)
    except Exception:  # noqa: BLE001 - a value that JSON does not know: its code may raise anything
        data = msgspec.json.encode(_plain(document))
    return data.decode()


def decode(cls: type[_Trace], text: str | bytes) -> _Trace:
    """The trace that a document tells of.

    Raises:
        BadDocument: see `ExecutionTrace.from_json`.
    """
    try:
        found = _read(text)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return _decode_unusual(cls, text)
    trace = cls(found.trace_id)
    trace.conversation_id, trace.turn_number = found.conversation_id, found.turn_number
    trace.metadata = found.metadata
    if found.start_time_ms is not None:
        trace.made_ns = found.start_time_ms * MS
    for told in found.steps:
        trace.add_step(_from_wire(told))
    return trace


def _from_wire(told: _Step) -> TraceStep:
    start = told.start_time_ns
    if start is UNSET:
        start = told.start_time_ms * MS
    step = TraceStep.started(start, step_type(told.step_type), told.name, told.input)
    took = told.duration_ns
    step.duration_ns = told.duration_ms * MS if took is UNSET else took
    step.output = told.output
    if told.error is not UNSET:
        step.error = told.error
    if told.metadata is not UNSET:
        step.notes = told.metadata
    return step


def _decode_unusual(cls: type[_Trace], text: str | bytes) -> _Trace:
    """Read a document with keys that have no meaning here, or with values of another type than usual."""
    try:
        document = msgspec.json.decode(text)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise BadDocument(f"this is not JSON: {error}") from error
    if not isinstance(document, dict) or not isinstance(document.get("steps"), list):
        raise BadDocument("this is no execution trace: it must be an object with a list of `steps`")
    trace = cls(str(document.get("trace_id") or ""))
    trace.conversation_id, trace.turn_number = document.get("conversation_id"), document.get("turn_number")
    if isinstance(about := document.get("metadata"), dict):
        trace.metadata = about
    if type(start := document.get("start_time_ms")) is int and 0 <= start <= _LONGEST // MS:
        trace.made_ns = start * MS
    trace.extra = {key: value for key, value in document.items() if key not in _TRACE_KEYS}
    for number, found in enumerate(document["steps"]):
        trace.add_step(_read_step(found, number))
    return trace


def _step(step: TraceStep, *, precise: bool) -> _Step:
    took, kind, name = step.duration_ns, step.step_type, step.name
    told = _Step(
        kind if type(kind) in _PLAIN else type_text(kind),
        name if type(name) is str else text_of(name),
        step.start_ns // MS,
        0 if took is None else took // MS,
        UNSET if step.input is None else step.input,
        UNSET if step.output is None else step.output,
        step.notes or UNSET,
        UNSET if step.error is None else step.error,
    )
    if precise:
        told.start_time_ns, told.duration_ns = step.start_ns, took
    return told


def _read_step(found: Any, number: int) -> TraceStep:
    if not isinstance(found, dict):
        raise BadDocument(f"steps[{number}] is not an object")
    kind, name = found.get("step_type"), found.get("name")
    if not isinstance(kind, str) or not isinstance(name, str):
        raise BadDocument(f"steps[{number}] must have a text as its `step_type` and one as its `name`")
    step = TraceStep.started(_time(found, "start_time", number), step_type(kind), name, found.get("input"))
    if found.get("duration_ns", 0) is not None:
        step.duration_ns = _time(found, "duration", number)
    step.output, step.error = found.get("output"), _error(found.get("error"))
    step.notes = _metadata(found)
    return step


def _time(found: dict[str, Any], name: str, number: int) -> int:
    exact, told = found.get(f"{name}_ns"), found.get(f"{name}_ms", 0)
    if type(exact) is int and 0 <= exact <= _LONGEST:
        return exact
    if not isinstance(told, int | float) or not 0 <= told <= _LONGEST // MS:
        raise BadDocument(f"steps[{number}].{name}_ms must be a number of milliseconds, not {told!r:.40}")
    return round(told * MS)


def _error(value: Any) -> str | None:
    return value if value is None or isinstance(value, str) else msgspec.json.encode(value).decode()


def _metadata(found: dict[str, Any]) -> dict[str, Any] | None:
    """The metadata of a step, with every key that has no meaning here beside it, so that none is lost."""
    about = found.get("metadata")
    kept = dict(about) if isinstance(about, dict) else {}
    if not found.keys() <= _STEP_KEYS:
        kept.update((key, value) for key, value in found.items() if key not in _STEP_KEYS)
    return kept or None


def _plain(document: dict[str, Any]) -> Any:
    """The document with each value of it bent that JSON does not know; the others stay what they are."""
    whole = {_text(key): _known(value) for key, value in document.items() if key != "steps"}
    return {**whole, "steps": [_members(step) for step in document["steps"]]}


def _known(value: Any) -> Any:
    try:
        return msgspec.Raw(msgspec.json.encode(value, enc_hook=_bent))
    except Exception:  # noqa: BLE001 - as in `encode`
        return _bent(value)


def _bent(value: Any) -> Any:
    """What JSON does not know, as something that it does."""
    # What stays in the program's hands is not redacted: the receiver goes on with these very values.
    fragment, _ = Encoder(OpenGate(), Limits(value_bytes=2**30, nodes=10**7), lambda: None).encode(value, "")
    return msgspec.Raw(fragment.encode("utf-8", "replace"))


def _text(key: Any) -> str:
    return text_of(key).encode("utf-8", "replace").decode()


def _members(step: _Step) -> dict[str, Any]:
    values = {name: getattr(step, name) for name in step.__struct_fields__}
    return {name: _known(value) for name, value in values.items() if value is not UNSET}


def _writer() -> Callable[..., str | None] | None:
    """The compiled way to write a trace, which answers None for what is unusual in one."""
    if presence.CORE is None:
        return None
    made = presence.CORE.TraceWriter(TraceStep, StepType, msgspec.json.Encoder(enc_hook=_bent).encode)
    write: Callable[..., str | None] = made.write
    return write


_write: Final = _writer()
