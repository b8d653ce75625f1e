"""A document of one JSON value, value by value: the same as decoded whole, from any place on that it breaks off."""

from __future__ import annotations

import json
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flightlog.imports.documents import opened
from flightlog.imports.elements import Torn, completed, elements
from flightlog.imports.foreign import sample_of
from flightlog.imports.table import BY_NAME

_PLAIN = st.none() | st.booleans() | st.integers(-(2**40), 2**40) | st.text(max_size=8)
_VALUES = st.recursive(
    _PLAIN,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=12,
)
_INDENT = st.sampled_from([None, 1])


def _read(data, names=frozenset()):
    found = []
    torn = False
    try:
        for one in elements(data, len(data), names):
            found.append((one.key, one.number, data[one.start : one.stop]))  # noqa: PERF401 - what came before it ends
    except Torn:
        torn = True
    return found, torn


def _decoded(data, names=frozenset()):
    found, torn = _read(data, names)
    return [(key, number, json.loads(raw)) for key, number, raw in found], torn


@given(st.lists(_VALUES, max_size=6), _INDENT, st.booleans())
def test_a_list_is_its_elements(values, indent, is_ascii):
    data = json.dumps(values, indent=indent, ensure_ascii=is_ascii).encode()
    assert _decoded(data) == ([("", place, one) for place, one in enumerate(values, 1)], False)


@given(st.dictionaries(st.text(max_size=4), _VALUES, max_size=4), st.lists(_VALUES, max_size=4), _INDENT)
def test_an_object_is_its_members_and_the_elements_of_those_that_are_opened(members, records, indent):
    data = json.dumps({**members, "the records": records}, indent=indent).encode()
    told = [(key, 0, one) for key, one in members.items()]
    told += [("the records", place, one) for place, one in enumerate(records, 1)]
    assert _decoded(data, frozenset({"the records"})) == (told, False)


@given(st.lists(st.dictionaries(st.text(max_size=4), _VALUES, max_size=3), min_size=1, max_size=4), st.data())
def test_whatever_is_cut_off_what_is_whole_before_it_is_given(values, data):
    text = json.dumps(values).encode()
    cut = text[: data.draw(st.integers(1, len(text) - 1))]
    found, torn = _decoded(cut)
    assert torn
    assert [one for _, _, one in found] == values[: len(found)]


@given(_VALUES.filter(lambda value: isinstance(value, dict | list)), st.data())
def test_a_head_is_completed_to_something_that_can_be_read(value, data):
    text = json.dumps(value).encode()
    head = text[: data.draw(st.integers(1, len(text)))]
    assert isinstance(json.loads(completed(head)), type(value))
    assert json.loads(completed(text)) == value


@pytest.mark.parametrize(
    "text", [b'{"a" 1', b'{"a": [1, }', b"[1, ]]", b"{a: 1}", b'{"a": tru', b"[}", b'["\\']
)
def test_what_is_no_json_ends_and_gives_no_more(text):
    found, _ = _read(text)
    assert len(found) <= 2
    assert len(completed(text)) <= len(text) + 2


def test_what_is_nested_a_hundred_thousand_times_is_completed_at_once():
    assert completed(b"[" * 100_000) == b"[" * 100_000 + b"]" * 100_000


def test_of_a_large_document_never_more_than_one_value_is_in_the_memory(tmp_path):
    path = tmp_path / "large.json"
    span = {"traceId": "a" * 32, "id": "b" * 16, "timestamp": 1, "tags": {"text": "x" * 2000}}
    path.write_text(json.dumps([span] * 5_000), encoding="utf-8")
    with opened(str(path)) as document:
        assert BY_NAME["zipkin"].tells(sample_of(document.data))
        tracemalloc.start()
        try:
            count = sum(1 for _ in elements(document.data, document.size, frozenset()))
            _, most = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert count == 5_000
    assert most < 500_000  # of ten million bytes; what other threads take meanwhile is in it
