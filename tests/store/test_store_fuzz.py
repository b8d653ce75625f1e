"""No line can make an append fail: one that did would stand at the head of its journal for ever."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contracts.store_lines import PROCESS, Engine
from flightlog.records.line import Line
from flightlog.store.port import Chunk

_text = st.one_of(
    st.sampled_from(
        ["", "\x00", "a\x00b", "0" * 16, "A" * 16, "f" * 32, "0" * 15 + " ", "…", "é" * 300, "-1"]
    ),
    st.text(max_size=8).filter(lambda text: text.isprintable()),
)
_number = st.sampled_from([0, 1, -1, 5, 2**53, 2**63 - 1, -(2**63), 2**63, 10**30])
_json = st.recursive(
    st.one_of(st.none(), st.booleans(), _number, st.floats(allow_nan=False, allow_infinity=False), _text),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(_text, inner, max_size=3)),
    max_leaves=6,
)
_keys = [
    "session",
    "turn",
    "user",
    "tags",
    "job",
    "flags",
    "gen_ai.usage.input_tokens",
    "gen_ai.request.model",
]
_object = st.dictionaries(st.one_of(st.sampled_from(_keys), _text), _json, max_size=4)
_error = st.fixed_dictionaries({}, optional={"type": _text, "message": _text, "stack": _text})
_link = st.fixed_dictionaries(
    {"trace_id": _text}, optional={"span_id": _text, "relation": _text, "attributes": _object}
)
_anywhere = {
    "process_id": _text,
    "project": _text,
    "environment": _text,
    "service": _text,
    "version": _text,
    "attributes": _object,
    "flightlog:extra": _object,
    "new_field": _json,
}
_span = st.fixed_dictionaries(
    {
        "v": st.just(1),
        "type": st.just("span"),
        "trace_id": _text,
        "span_id": _text,
        "name": _text,
        "start": _number,
        "status": st.sampled_from(["running", "paused", "ok", "error", "interrupted", "cancelled"]),
    },
    optional={
        "end": _number,
        "parent_id": _text,
        "kind": st.one_of(st.just("llm"), _text),
        "level": st.sampled_from(["info", "fatal"]),
        "input": _json,
        "output": _json,
        "error": _error,
        "links": st.lists(_link, max_size=2),
        "thread": _text,
        "task": _text,
        "context": _object,
        "otel": _object,
        "revision": _number,
        **_anywhere,
    },
)
_event = st.fixed_dictionaries(
    {"v": st.just(1), "type": st.just("event"), "event_id": _text, "time": _number, "name": _text},
    optional={
        "trace_id": _text,
        "span_id": _text,
        "body": _text,
        "context": _object,
        "otel": _object,
        **_anywhere,
    },
)
_annotation = st.fixed_dictionaries(
    {
        "v": st.just(1),
        "type": st.just("annotation"),
        "annotation_id": _text,
        "trace_id": _text,
        "time": _number,
        "name": _text,
    },
    optional={
        "value": st.one_of(st.booleans(), _number, st.floats(allow_nan=False)),
        "label": _text,
        "note": _text,
        "by": _text,
        **_anywhere,
    },
)
_process = st.fixed_dictionaries(
    {"v": st.just(1), "type": st.just("process"), "process_id": _text, "started": _number},
    optional={"pid": _number, "host": _text, "attributes": _object, "new_field": _json},
)
_line = st.one_of(_span, _span, _event, _annotation, _process).map(
    lambda fields: Line(msgspec.json.encode(fields))
)


def _without_defaults(record: dict[str, Any]) -> dict[str, Any]:
    """What a line must say again; errors and links leave out defaults of their own."""
    own = record.keys() - {"error", "links"}
    return {name: record[name] for name in own if record[name] not in ("", [], {}, None, 0, "info")}


def _readings(line: bytes) -> list[Any]:
    """What a line says: as it is, and with the value of an annotation as the float that it is read as."""
    said = msgspec.json.decode(line)
    if said["type"] == "annotation" and type(said.get("value")) is int:
        return [said, {**said, "value": float(said["value"])}]
    return [said]


@settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(_line, max_size=6), st.booleans())
def test_any_line_is_stored_and_comes_out_and_nothing_is_wrong_afterwards(
    lines: list[Line], dead: bool
) -> None:
    with tempfile.TemporaryDirectory() as directory:
        engine = Engine(Path(directory) / "store.db")
        try:
            writer = engine.writer()
            for line in lines:
                writer.append([Chunk(PROCESS, [line])])
            writer.append([Chunk(PROCESS, lines, dead=dead)])
            reader = engine.reader()
            assert reader.verify() == []
            records = [msgspec.json.decode(line) for line in reader.lines()]
            for trace in reader.traces(20):
                assert reader.trace(trace.trace_id) is not None
                assert len(reader.spans(trace.trace_id)) >= trace.span_count
                list(reader.lines(trace.trace_id))
            if len(lines) == 1 and not dead:
                expected = [_without_defaults(said) for said in _readings(lines[0])]
                assert any(
                    said.items() <= record.items()
                    for record in map(_without_defaults, records)
                    for said in expected
                ) or (expected[0]["type"] == "process")
        finally:
            engine.close()
