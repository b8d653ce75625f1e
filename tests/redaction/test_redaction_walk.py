"""A text that parses as JSON is walked, three levels deep and up to 64 KiB: what no other rule would find is found.

The secrets here are words that no rule for texts takes for one, under keys that tell it; the first test
says so of each. What is found is found by the walk and by nothing else.
"""

from __future__ import annotations

import json

import pytest

from flightlog.redaction import documents
from flightlog.redaction.gate import DefaultGate
from flightlog.redaction.modes import REDACTED

ONLY_BY_WALKING = {
    "a container": ("credentials", {"first": "vier", "then": ["elf", 7]}),
    "a key that is escaped": ("\\u0070assword", "correcthorse"),
    "a plain word": ("cookies", ["correct", "horse"]),
}
"""By what is special about them: a key, and what stands under it."""


def _document(key: str, value: object) -> str:
    return '{"note": "x", "' + key + '": ' + json.dumps(value) + "}"


def _nested(text: str, levels: int) -> str:
    for _ in range(levels - 1):
        text = json.dumps({"body": text})
    return text


def _innermost(text: str, levels: int) -> str:
    for _ in range(levels - 1):
        text = json.loads(text)["body"]
    return text


def _redacted(text: str) -> str:
    return DefaultGate(b"k").text("output", text)


@pytest.mark.parametrize("kind", ONLY_BY_WALKING)
def test_none_of_them_is_found_where_the_same_text_is_no_document(kind: str) -> None:
    text = _document(*ONLY_BY_WALKING[kind])
    for broken in ("log: " + text, text[:-1], text + "}"):
        assert _redacted(broken) is broken


@pytest.mark.parametrize("levels", range(1, documents.DEEPEST + 1))
@pytest.mark.parametrize("kind", ONLY_BY_WALKING)
def test_each_is_found_on_every_level_that_is_walked(kind: str, levels: int) -> None:
    key, value = ONLY_BY_WALKING[kind]
    redacted = _innermost(_redacted(_nested(_document(key, value), levels)), levels)
    assert json.loads(redacted) == {"note": "x", json.loads(f'"{key}"'): REDACTED}


@pytest.mark.parametrize("kind", ONLY_BY_WALKING)
def test_on_the_level_below_those_the_document_is_a_text_like_any_other(kind: str) -> None:
    text = _nested(_document(*ONLY_BY_WALKING[kind]), documents.DEEPEST + 1)
    assert _redacted(text) is text


@pytest.mark.parametrize("kind", ONLY_BY_WALKING)
def test_a_document_of_just_the_greatest_length_is_walked_and_of_one_character_more_is_not(kind: str) -> None:
    key, value = ONLY_BY_WALKING[kind]
    for length in (63 * 1024, documents.LONGEST, documents.LONGEST + 1):
        text = _document(key, value)
        text = text.replace('"x"', '"' + "x" * (length - len(text) + 1) + '"')
        assert len(text) == length
        redacted = _redacted(text)
        if length > documents.LONGEST:
            assert redacted is text
        else:
            assert json.loads(redacted)[json.loads(f'"{key}"')] == REDACTED


def test_the_length_of_what_is_nested_is_its_own() -> None:
    key, value = ONLY_BY_WALKING["a container"]
    text = _document(key, value)
    around = json.dumps({"body": text, "more": "y" * (documents.LONGEST - 200)})
    assert len(text) < len(around) <= documents.LONGEST
    assert json.loads(json.loads(_redacted(around))["body"])[key] == REDACTED
    too_long = json.dumps({"body": text, "more": "y" * documents.LONGEST})
    assert _redacted(too_long) is too_long
