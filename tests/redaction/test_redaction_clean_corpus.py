"""Texts without a secret leave as they came: prose, JSON, logs, base64, and the standard library's own sources."""

from __future__ import annotations

import base64
import json
import random
import sysconfig
from pathlib import Path

import pytest

from flightlog.redaction.gate import DefaultGate
from flightlog.redaction.rule import REDACTED

CORPUS = Path(__file__).parent / "corpus"
CLEAN_LINES = [
    line
    for line in (CORPUS / "clean.txt").read_text(encoding="utf-8").splitlines()
    if line and not line.startswith("#")
]

NOT_OUR_PROSE = ("test", "tests", "idle_test", "site-packages", "dist-packages", "__pycache__")
"""Folders of the standard library that hold made-up passwords, or are not the standard library."""

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


def test_the_sources_of_the_standard_library_hold_no_false_positive() -> None:
    gate = DefaultGate(b"k")
    characters = 0
    changed: list[str] = []
    for path in _library_sources():
        text = path.read_text(encoding="utf-8", errors="replace")
        characters += len(text)
        redacted = gate.text("", text)
        if redacted is not text:
            changed += [f"{path.name}: {line.strip()}" for line in redacted.splitlines() if REDACTED in line]
    false = [line for line in changed if line.split(": ", 1)[1] not in EXAMPLES_IN_THE_LIBRARY]
    print(f"{len(false)} false positives in {characters / 1e6:.1f} million characters")
    assert false == []
    assert characters > 5_000_000


def test_random_base64_holds_no_false_positive() -> None:
    draw = random.Random(7)
    gate = DefaultGate(b"k")
    for _ in range(40):
        text = base64.b64encode(draw.randbytes(20_000)).decode()
        assert gate.text("output.image", text) is text
        wrapped = base64.encodebytes(draw.randbytes(5_000)).decode()
        assert gate.text("output.image", wrapped) is wrapped


def _library_sources() -> list[Path]:
    root = Path(sysconfig.get_path("stdlib"))
    return [
        path
        for path in sorted(root.rglob("*.py"))
        if not set(path.relative_to(root).parts) & set(NOT_OUR_PROSE)
    ]
