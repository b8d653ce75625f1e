"""JSON inside a text: what is secret goes, and every other byte stays."""

from __future__ import annotations

import json

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from flightlog.redaction import documents
from flightlog.redaction.gate import DefaultGate
from flightlog.redaction.modes import MODES, REDACTED
from flightlog.redaction.policy import policy_from
from strategies import secretive_texts

HIDDEN = """
{"password": "·", "n": 1}                              | {"password": "geheim7", "n": 1}
{"password": "·"}                                      | {"password": 12345678}
{"password": "·", "a": [1, 2]}                         | {"password": {"a": "x", "b": [1, {"c": 2}]}, "a": [1, 2]}
{"cookies": "·"}                                       | {"cookies": ["a", "b"]}
{"a": [{"b": {"api_key": "·"}}]}                       | {"a": [{"b": {"api_key": "geheim7"}}]}
{"password":"·","password":"·"}                        | {"password":"geheim7","password":"x2y3z4"}
{"Authorization": "Bearer ·"}                          | {"Authorization": "Bearer abc123def456"}
{"name": "API_KEY", "value": "·"}                      | {"name": "API_KEY", "value": "geheim77"}
{"value": "·", "name": "API_KEY"}                      | {"value": "geheim77", "name": "API_KEY"}
{"headers": [["x-api-key", "·"], ["accept", "a/b"]]}   | {"headers": [["x-api-key", "geheim77"], ["accept", "a/b"]]}
{"password": {"type": "string", "default": "·"}}       | {"password": {"type": "string", "default": "geheim7"}}
{"p\\u0061ssword": "·"}                                | {"p\\u0061ssword": "geheim7"}
{"password": "·"}                                      | {"password": "\\u0067eheim7\\n"}
{"a": "{\\"password\\": \\"·\\"}"}                     | {"a": "{\\"password\\": \\"geheim7\\"}"}
{"https://ada:·@a.example/": 1}                        | {"https://ada:geheim7@a.example/": 1}
[{"error": "password=· is wrong"}]                     | [{"error": "password=geheim7 is wrong"}]
["mysql", "-u", "root", "-p·", "app"]                  | ["mysql", "-u", "root", "-pgeheim7", "app"]
{"cmd": ["curl", "-u", "ada:·", "http://h"]}           | {"cmd": ["curl", "-u", "ada:geheim7", "http://h"]}
{"data": {"a": "·", "b": "·"}, "kind": "Secret"}       | {"data": {"a": "eHl6", "b": "x"}, "kind": "Secret"}
{"Name": "/db/password", "Value": "·"}                 | {"Name": "/db/password", "Value": "geheim77"}
{"token": "·", "a": {"token": " the"}}                 | {"token": "a1b2c3d4e5", "a": {"token": " the"}}
{"note": "·"}                                          | {"note": "KEY_OF_GITHUB"}
""".replace("KEY_OF_GITHUB", "gh" + "p_" + "a1B2c3" * 6)

LEFT_ALONE = [
    '{"password": null, "secret": true, "api_key": ""}',
    '{"password": {"type": "string", "description": "The new password"}}',
    '{"properties": {"token": {"$ref": "#/$defs/Token"}, "api_key": {"anyOf": [{"type": "null"}]}}}',
    '{"token": " the", "logprob": -0.31, "bytes": [32, 116]}',
    '{"role": "tool", "name": "reset_password", "content": "Done. The mail is on its way to 2 people."}',
    '{"usage": {"prompt_tokens": 12345678, "max_tokens": 10}}',
    '{"name": "token", "value": "yes"}',
    '["token", "secret"]',
    '["git", "push", "-u", "origin"]',
    '{"kind": "ConfigMap", "data": {"uri": "a1b2c3d4e5"}}',
    '{"items": [{"kind": "Secret"}, {"data": {"uri": "a1b2c3d4e5"}}]}',
    '{"token": "Hello", "url": "https://a.example/x", "note": "a: b = c (d) | e"}',
    '{"a" :\t1.50e+3 , "b":[ ] }\n',
]


@pytest.mark.parametrize("row", HIDDEN.strip().splitlines())
def test_only_what_is_secret_in_a_document_goes(row: str) -> None:
    left, text = (half.strip() for half in row.split(" | "))
    redacted = DefaultGate(b"k").text("output", text)
    assert redacted == left.replace("·", REDACTED)
    json.loads(redacted)


@pytest.mark.parametrize("text", LEFT_ALONE)
def test_a_document_without_a_secret_is_returned_as_the_same_object(text: str) -> None:
    assert DefaultGate(b"k").text("output", text) is text


def test_spacing_and_the_way_numbers_are_written_stay() -> None:
    text = '{ "a" :  1.50e3 ,\r\n\t"password":"geheim7",  "b": -0 }'
    assert DefaultGate(b"k").text("output", text) == text.replace("geheim7", REDACTED)


@pytest.mark.parametrize("levels", [1, 2, 3, 4, 5])
def test_json_in_json_is_walked_and_beyond_that_read_as_a_text(levels: int) -> None:
    text = '{"password": "geheim7"}'
    for _ in range(levels):
        text = json.dumps({"body": text})
    redacted = DefaultGate(b"k").text("output", text)
    for _ in range(levels):
        redacted = json.loads(redacted)["body"]
    assert json.loads(redacted) == {"password": REDACTED}


def test_a_document_that_is_too_long_to_be_walked_is_read_as_a_text() -> None:
    text = json.dumps({"note": "x" * documents.LONGEST, "password": "geheim7"})
    assert json.loads(DefaultGate(b"k").text("output", text))["password"] == REDACTED


def test_a_document_that_was_cut_off_is_read_as_a_text() -> None:
    text = '{"password": "geheim7", "note": "so lo'
    assert DefaultGate(b"k").text("output", text) == text.replace("geheim7", REDACTED)


def test_a_deeply_nested_document_is_gone_through() -> None:
    text = "[" * 5_000 + '{"password": "geheim7"}' + "]" * 5_000
    assert "geheim7" not in DefaultGate(b"k").text("output", text)


def _values() -> st.SearchStrategy[object]:
    names = st.sampled_from(["password", "token", "name", "value", "user", "n", "headers", "api_key"])
    leaves = st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(allow_nan=False, allow_infinity=False),
        secretive_texts(4),
    )
    return st.recursive(
        leaves,
        lambda inner: (
            st.lists(inner, max_size=4) | st.dictionaries(names | secretive_texts(2), inner, max_size=4)
        ),
        max_leaves=12,
    )


@given(_values(), st.sampled_from([None, 2]), st.booleans(), st.sampled_from(MODES))
@example(["--password ="], None, False, "mask")
@example(["--password 3="], None, False, "mask")
@settings(max_examples=300, deadline=None)
def test_a_document_stays_one_and_comes_to_rest_in_every_mode(
    value: object, indent: int | None, ascii_only: bool, mode: str
) -> None:
    text = json.dumps(value, indent=indent, ensure_ascii=ascii_only)
    gate = DefaultGate(b"k", policy_from({"*": mode}))
    once = gate.text("output", text)
    found = dict(gate.hits)
    assert gate.text("output", once) == once
    assert gate.hits == found
    if text[0] in "{[" and not once.startswith("[REDACTED"):
        json.loads(once)


@given(_values())
@settings(max_examples=200, deadline=None)
def test_what_is_not_secret_in_a_document_is_the_same_afterwards(value: object) -> None:
    document = {"note": "clean", "rest": value, "list": [1, "two", None, 3.5]}
    redacted = json.loads(DefaultGate(b"k").text("output", json.dumps(document)))
    assert redacted["note"] == "clean"
    assert redacted["list"] == [1, "two", None, 3.5]
    assert _is_like(redacted["rest"], value)


def _is_like(left: object, before: object) -> bool:
    """Say whether one is the other but for what was replaced."""
    if isinstance(left, dict) and isinstance(before, dict):
        return all(map(_is_like, left.values(), before.values()))
    if isinstance(left, list) and isinstance(before, list):
        return len(left) == len(before) and all(map(_is_like, left, before))
    return left == before or "[REDACTED" in str(left)
