"""The vocabularies: kinds, statuses, levels, events with a meaning, and what a record knows of itself."""

from __future__ import annotations

import typing

import msgspec
import pytest
from hypothesis import given

from flightlog.records import genai
from flightlog.records.event import Event
from flightlog.records.events import VOCABULARY
from flightlog.records.kinds import KINDS, LEVEL_OFF, LEVELS, RANKS, STATUSES, Level, Status
from flightlog.records.record import Known, Unknown
from flightlog.records.span import Span
from strategies import spans

OPTIONAL = {"exception": {"exception.stacktrace"}}
"""Fields that an event may do without; its example shows the short form."""


def test_every_status_has_a_rank_and_the_type_lists_the_same() -> None:
    assert typing.get_args(Status) == STATUSES
    assert set(RANKS) == set(STATUSES)
    assert RANKS["running"] == RANKS["paused"] < RANKS["interrupted"] < RANKS["ok"]
    assert RANKS["ok"] == RANKS["error"] == RANKS["cancelled"]


def test_levels_rise_in_the_order_of_the_type_and_none_reaches_off() -> None:
    assert tuple(LEVELS) == typing.get_args(Level)
    assert list(LEVELS.values()) == sorted(LEVELS.values())
    assert max(LEVELS.values()) < LEVEL_OFF


def test_kinds_are_words_that_differ_and_none_is_a_failure() -> None:
    assert len(set(KINDS)) == len(KINDS)
    assert all(kind == kind.lower() and kind.replace("_", "").isalpha() for kind in KINDS)
    assert not set(KINDS) & {"error", "failure", "exception", *STATUSES}


@pytest.mark.parametrize("name", VOCABULARY)
def test_an_event_with_a_meaning_shows_exactly_its_fields(name: str) -> None:
    meaning = VOCABULARY[name]
    assert meaning.text
    assert all(meaning.fields.values())
    assert set(meaning.example) == set(meaning.fields) - OPTIONAL.get(name, set())


@pytest.mark.parametrize("name", VOCABULARY)
def test_the_example_of_a_meaning_is_an_event(name: str) -> None:
    event = Event(event_id="a", time=1, name=name, attributes=dict(VOCABULARY[name].example))
    assert msgspec.json.decode(msgspec.json.encode(event), type=Known) == event


def test_the_names_of_attributes_of_model_calls_differ_and_are_open_telemetrys_or_ours() -> None:
    names = [value for name, value in vars(genai).items() if name.isupper() and isinstance(value, str)]
    assert len(set(names)) == len(names) > 8
    ours = {name for name in names if name.startswith("flightlog.")}
    general = {name for name in names if name.startswith(("server.", "error."))}
    assert all(name.startswith("gen_ai.") for name in set(names) - ours - general)
    assert general == {"server.address", "server.port", "error.type"}


def test_every_request_parameter_becomes_an_attribute_that_has_a_name() -> None:
    names = {value for value in vars(genai).values() if isinstance(value, str)}
    assert set(genai.PARAMETERS.values()) <= names
    assert names >= genai.LISTS
    assert not set(genai.CONTENT) & set(genai.PARAMETERS)


@given(spans())
def test_the_duration_of_a_span_is_end_minus_start_and_unknown_while_it_runs(span: Span) -> None:
    if span.end is None:
        assert span.duration_ns is None
    else:
        assert span.duration_ns == span.end - span.start


def test_an_unknown_line_is_called_what_it_calls_itself() -> None:
    assert Unknown({"type": "dream"}).type == "dream"
    assert Unknown({}).type == ""


@pytest.mark.parametrize("record", typing.get_args(Known))
def test_a_record_is_frozen_and_every_one_of_its_fields_but_its_key_has_a_default(record: type) -> None:
    assert record.__struct_config__.frozen
    required = {field.name for field in msgspec.structs.fields(record) if field.required}
    keys = {"trace_id", "span_id", "event_id", "process_id", "annotation_id"}
    assert required <= keys | {"name", "start", "time", "started", "status"}
