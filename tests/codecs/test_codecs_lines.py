"""The laws of a line: what is written is read back, and what is not understood leaves as it came."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import gold_records
import jsonschema
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flightlog.codecs.json_schema import json_schema
from flightlog.codecs.lines import decode, encode, stamp
from flightlog.records.errors import BadRecord
from flightlog.records.event import Event
from flightlog.records.process import Process
from flightlog.records.record import Known, Unknown
from flightlog.records.schema import SCHEMA_VERSION
from flightlog.records.span import Span
from strategies import json_values, objects, processes, records, spans, texts

GOLD = Path(__file__).parents[1] / "gold"
VALIDATOR = jsonschema.Draft202012Validator(json_schema())

EVENT: dict[str, Any] = {"v": 1, "type": "event", "event_id": "a", "time": 1, "name": "n"}
SPAN: dict[str, Any] = {
    "v": 1,
    "type": "span",
    "trace_id": "t",
    "span_id": "s",
    "name": "n",
    "start": 1,
    "status": "error",
}


def _line(fields: dict[str, Any]) -> bytes:
    return msgspec.json.encode(fields)


def _saying(line: bytes) -> Any:
    return msgspec.json.decode(line)


@given(records())
@settings(deadline=None)
def test_what_is_encoded_is_decoded_as_the_same_record(record: Known) -> None:
    assert decode(encode(record)) == record


@given(records(), objects())
@settings(deadline=None)
def test_unknown_fields_leave_as_they_came(record: Known, foreign: dict[str, Any]) -> None:
    said = _saying(encode(record))
    said |= {f"x.{name}": value for name, value in foreign.items()}
    decoded = decode(_line(said))
    assert type(decoded) is type(record)
    assert _saying(encode(decoded)) == said
    assert decode(encode(decoded)) == decoded


@given(texts(), st.integers(), objects())
@settings(deadline=None)
def test_a_line_of_an_unknown_type_or_a_newer_version_leaves_as_it_came(
    kind: str, version: int, fields: dict[str, Any]
) -> None:
    for said in (
        {**fields, "v": 1, "type": "x" + kind},
        {**fields, "v": SCHEMA_VERSION + 1 + abs(version), "type": "span"},
        {**fields, "v": -abs(version), "type": "event"},
    ):
        decoded = decode(_line(said))
        assert isinstance(decoded, Unknown)
        assert decoded.type == said["type"]
        assert _saying(encode(decoded)) == said


@given(json_values())
@settings(deadline=None)
def test_any_json_is_a_record_or_a_bad_record(value: Any) -> None:
    line = _line(value)
    if isinstance(value, dict):
        assert _saying(encode(decode(line))) == value
    else:
        with pytest.raises(BadRecord, match="not a JSON object"):
            decode(line)


@given(st.binary(max_size=60) | st.text(max_size=60))
def test_any_bytes_and_any_text_are_a_record_or_a_bad_record(line: bytes | str) -> None:
    try:
        record = decode(line)
    except BadRecord:
        return
    assert isinstance(record, Unknown)


@pytest.mark.parametrize(
    "line",
    [
        b"\xff",
        b'{"v":1,"type":"event","event_id":"a","time":1,"name":"\xff"}',
        '{"v":1,"type":"event","event_id":"a","time":1,"name":"\ud800"}',
        b"[" * 100_000,
        b"",
        b"null",
        b'{"v":1}x',
        b'{"v":1,"type":"event","event_id":7,"time":1,"name":"n"}',
        b'{"v":1,"type":"event","time":1,"name":"n"}',
        b'{"v":1,"type":"event","event_id":"a","time":"late","name":"n"}',
        b'{"v":true,"type":"event","event_id":"a","time":1,"name":"n"}',
        b'{"v":1,"type":"span","trace_id":"t","span_id":"s","name":"n","start":1,"status":"slow"}',
        b'{"v":1,"type":"span","trace_id":"t","span_id":"s","name":"n","start":1,"status":"ok","links":[7]}',
    ],
)
def test_a_line_that_is_no_record_says_why(line: bytes | str) -> None:
    with pytest.raises(BadRecord, match="not a record") as caught:
        decode(line)
    assert caught.value.reason


@pytest.mark.parametrize("kind", [[], {}, None, 7, 1.5, True])
def test_a_type_that_is_no_text_is_unknown(kind: object) -> None:
    said = {"v": 1, "type": kind}
    assert decode(_line(said)) == Unknown(said)


def test_a_line_without_a_version_is_of_the_first() -> None:
    said = {name: value for name, value in EVENT.items() if name != "v"}
    assert decode(_line(said)) == Event(event_id="a", time=1, name="n")


def test_unknown_fields_of_an_error_and_of_links_leave_as_they_came() -> None:
    said = {
        **SPAN,
        "error": {"type": "E", "code": 5, "cause": {"type": "F"}},
        "links": [{"trace_id": "t", "x": 1}, {"trace_id": "u"}, {"trace_id": "w", "y": [2]}],
    }
    decoded = decode(_line(said))
    assert isinstance(decoded, Span)
    assert decoded.error is not None
    assert decoded.error.type == "E"
    assert [link.trace_id for link in decoded.links] == ["t", "u", "w"]
    assert _saying(encode(decoded)) == said


def test_an_error_of_unknown_fields_alone_leaves_as_it_came() -> None:
    said = {**SPAN, "error": {"code": 5}}
    assert _saying(encode(decode(_line(said)))) == said


def test_unknown_fields_of_links_that_are_gone_are_gone_with_them() -> None:
    decoded = decode(_line({**SPAN, "links": [{"trace_id": "t", "x": 1}, {"trace_id": "u", "x": 2}]}))
    assert isinstance(decoded, Span)
    shorter = msgspec.structs.replace(decoded, links=decoded.links[:1])
    assert _saying(encode(shorter))["links"] == [{"trace_id": "t", "x": 1}]


@pytest.mark.parametrize("value", [{"name": "another", "x": 1}, {}, 3, None])
def test_a_foreign_field_that_is_named_like_our_own_store_of_them_changes_nothing_else(value: object) -> None:
    said = {**EVENT, "flightlog:extra": value}
    decoded = decode(_line(said))
    assert isinstance(decoded, Event)
    assert decoded.name == "n"
    if value == {}:
        assert _saying(encode(decoded)) == EVENT
    else:
        assert _saying(encode(decoded)) == said


def test_what_a_record_knows_wins_over_an_unknown_field_of_the_same_name() -> None:
    event = Event(event_id="a", time=1, name="n", extra={"name": "another", "x": 1})
    assert _saying(encode(event)) == {**EVENT, "x": 1}


def test_whole_numbers_of_any_size_leave_as_they_came() -> None:
    said = {**EVENT, "attributes": {"a": 2**63, "b": 2**64, "c": -(10**30)}, "x": 10**25}
    assert _saying(encode(decode(_line_of_python(said)))) == said


def _line_of_python(fields: dict[str, Any]) -> bytes:
    return json.dumps(fields).encode()


@given(records())
@settings(deadline=None)
def test_a_line_has_no_byte_that_framing_uses(record: Known) -> None:
    assert not set(encode(record)) & {0x00, 0x0A, 0x1E}


@given(records())
@settings(deadline=None)
def test_every_line_fits_the_published_schema(record: Known) -> None:
    VALIDATOR.validate(json.loads(encode(record)))


def test_the_schema_refuses_what_is_no_record() -> None:
    for wrong in ({}, {**EVENT, "type": "dream"}, {**EVENT, "time": "late"}, {**SPAN, "status": "slow"}, 7):
        assert not VALIDATOR.is_valid(wrong)


def test_the_schema_is_a_valid_schema_and_names_no_inner_field() -> None:
    schema = json_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    assert "flightlog:extra" not in json.dumps(schema)
    assert VALIDATOR.is_valid({**EVENT, "from_the_future": 1})
    assert VALIDATOR.is_valid({**SPAN, "error": {"code": 5}})


@pytest.mark.parametrize("name", gold_records.RECORDS)
def test_the_written_form_of_each_record_is_the_reviewed_one(name: str) -> None:
    gold = (GOLD / f"{name}.json").read_bytes().removesuffix(b"\n")
    record = gold_records.RECORDS[name]
    assert encode(record) == gold
    assert decode(gold) == record


def test_there_is_a_gold_line_for_every_record_and_none_is_left_over() -> None:
    assert {path.stem for path in GOLD.glob("*.json")} == set(gold_records.RECORDS)
    assert {type(record) for record in gold_records.RECORDS.values()} == {*Known.__args__, Unknown}


@pytest.mark.parametrize("name", ["span", "event", "process", "annotation"])
def test_the_full_gold_lines_set_every_field(name: str) -> None:
    record = gold_records.RECORDS[name]
    said = set(_saying(encode(record)))
    assert set(msgspec.structs.asdict(record)) - {"extra"} <= said


@given(spans(), processes())
@settings(deadline=None)
def test_a_stamped_record_says_whose_it_is_and_keeps_what_it_said_itself(
    span: Span, process: Process
) -> None:
    stamped = stamp(span, process)
    assert isinstance(stamped, Span)
    for name in ("process_id", "project", "environment", "service", "version"):
        assert getattr(stamped, name) == (getattr(span, name) or getattr(process, name))
    assert stamp(stamped, process) == stamped
    assert msgspec.structs.replace(stamped, **{name: getattr(span, name) for name in _ORIGIN}) == span


_ORIGIN = ("process_id", "project", "environment", "service", "version")


@given(processes())
def test_a_process_and_an_unknown_line_are_not_stamped(process: Process) -> None:
    unknown = Unknown({"type": "dream"})
    assert stamp(process, process) is process
    assert stamp(unknown, process) is unknown
