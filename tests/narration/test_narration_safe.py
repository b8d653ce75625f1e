"""One home for what a terminal would obey: sinks and the command line show the same."""

from __future__ import annotations

import json
import sys
import unicodedata

import pytest

from flightlog.cli.render import safe as of_cli
from flightlog.narration import safe
from flightlog.narration.words import clock, duration, ended, of_them, plain, short
from flightlog.sinks import plain as of_sinks


def test_whoever_shows_a_text_asks_the_same_place() -> None:
    assert of_cli.clean is safe.clean
    assert of_sinks.clean is safe.clean
    assert of_sinks.clean_json is safe.clean_json


def test_every_control_character_and_every_direction_is_written_out() -> None:
    for code in range(sys.maxunicode + 1):
        letter = chr(code)
        if unicodedata.category(letter) in {"Cc", "Cs", "Zl", "Zp"} or unicodedata.bidirectional(letter) in {
            "LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI",
        }:  # fmt: skip
            assert safe.clean(letter).isascii()
            assert safe.clean(letter).startswith("\\")


@pytest.mark.parametrize(
    "text", ["plain", "é", "日本語", "e\u0301", "👩\u200d💻", "a\u200cb", "[red]x[/red]"]
)
def test_letters_stay_as_they_are(text: str) -> None:
    assert safe.clean(text) == text


def test_json_keeps_its_meaning_and_its_lines() -> None:
    value = {"a": "\x7f\u202e\U000e0041é\x1b"}
    document = json.dumps(value, ensure_ascii=False, indent=1)
    shown = safe.clean_json(document)
    assert json.loads(shown) == value
    assert shown.count("\n") == document.count("\n")
    assert not safe.OBEYED.search(shown.replace("\n", ""))
    assert of_cli.clean_json(document.encode()).decode() == shown


@pytest.mark.parametrize(
    ("ns", "said"),
    [
        (None, ""),
        (0, "0 ns"),
        (999, "999 ns"),
        (1_240, "1.24 µs"),
        (999_499, "999 µs"),
        (40_000_000, "40.0 ms"),
        (1_200_000_000, "1.20 s"),
        (123 * 10**9, "2m 03s"),
        (3_700 * 10**9, "1h 01m"),
        (100 * 3_600 * 10**9, "4d 04h"),
        (-5, "-5 ns"),
    ],
)
def test_a_duration_is_told_in_the_unit_that_fits(ns: int | None, said: str) -> None:
    assert duration(ns) == said


def test_words_are_short_safe_and_ended() -> None:
    assert of_them(1, "step") == "1 step"
    assert of_them(1_200, "retry", "retries") == "1,200 retries"
    assert short("a" * 100) == "a" * 79 + "…"
    assert plain({"a": [1, "\x1b"]}) == '{"a":[1,"\\u001b"]}'
    assert [ended(text) for text in ("a", "a.", "a?", "a…")] == ["a.", "a.", "a?", "a…"]
    assert clock(10**40) == "??:??:??.???"
