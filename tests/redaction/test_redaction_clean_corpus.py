"""Texts without a secret leave as they came: prose, JSON, logs, base64, and the standard library's own sources."""

from __future__ import annotations

import base64
import json
import random
from pathlib import Path

import clean_texts
import pytest

from flightlog.redaction.gate import DefaultGate
from flightlog.redaction.modes import REDACTED

CORPUS = Path(__file__).parent / "corpus"
CLEAN_LINES = [
    line
    for line in (CORPUS / "clean.txt").read_text(encoding="utf-8").splitlines()
    if line and not line.startswith("#")
]

EXAMPLES_IN_THE_LIBRARY = frozenset(
    {
        f"passwd='{REDACTED}')",  # urllib/request.py shows how a password is handed over
        f"password: {REDACTED}",  # distutils/command/register.py shows a settings file
    }
)
"""Made-up passwords in the docstrings of some Python versions: rightly taken out."""


@pytest.mark.parametrize("line", CLEAN_LINES)
def test_a_text_without_a_secret_is_returned_as_the_same_object(line: str) -> None:
    gate = DefaultGate(b"k")
    assert gate.text("output", line) is line
    assert not any(gate.hits.values())


def test_all_clean_lines_together_are_clean() -> None:
    text = "\n".join(CLEAN_LINES)
    assert DefaultGate(b"k").text("output", text) is text


def test_clean_lines_are_clean_inside_json() -> None:
    for line in CLEAN_LINES:
        text = json.dumps({"role": "assistant", "content": line})
        assert DefaultGate(b"k").text("output", text) is text


@pytest.mark.parametrize("kind", clean_texts.MADE)
def test_made_texts_of_every_kind_are_clean(kind: str) -> None:
    gate = DefaultGate(b"k")
    for text in clean_texts.made(kind, 60_000):
        assert gate.text("output", text) is text


def test_the_library_that_python_brings_along_holds_less_than_one_false_positive_a_million_characters() -> (
    None
):
    gate = DefaultGate(b"k")
    characters = 0
    changed: list[str] = []
    for name, text in (*clean_texts.library_sources(every=4), *clean_texts.library_prose()):
        characters += len(text)
        redacted = gate.text("", text)
        if redacted is not text:
            changed += [f"{name}: {line.strip()}" for line in redacted.splitlines() if REDACTED in line]
    false = [line for line in changed if line.split(": ", 1)[1] not in EXAMPLES_IN_THE_LIBRARY]
    print(f"{len(false)} false positives in {characters / 1e6:.1f} million characters: {false}")
    assert characters > 2_000_000
    assert len(false) < characters / 1e6


def test_random_base64_holds_no_false_positive() -> None:
    draw = random.Random(7)
    gate = DefaultGate(b"k")
    for _ in range(40):
        text = base64.b64encode(draw.randbytes(20_000)).decode()
        assert gate.text("output.image", text) is text
        wrapped = base64.encodebytes(draw.randbytes(5_000)).decode()
        assert gate.text("output.image", wrapped) is wrapped
