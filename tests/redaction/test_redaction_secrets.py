"""The corpus of secrets: each kind is caught in every place, and what stands around it stays."""

from __future__ import annotations

import json
from pathlib import Path

import fake_secrets
import pytest

from flightlog.redaction.gate import DefaultGate
from flightlog.redaction.rule import REDACTED

CORPUS = Path(__file__).parent / "corpus"
SURROUNDINGS = (
    "{}",
    "key {} failed",
    'call("{}")',
    '{{"error": "Incorrect key provided: {}."}}',
    "Traceback:\n  ValueError: {}\n",
    "a={}&b=1",
    "https://a.example/x?k={}",
    "x%3D{}",
    "first\\n{}\\nlast",
    "<b>{}</b>",
    "({}), [{}]",
)


def _places() -> list[tuple[str, str, str]]:
    """Return (place, text, text without the secret); the last is written out where more than it goes."""
    lines = (CORPUS / "places.txt").read_text(encoding="utf-8").splitlines()
    rows = [[*line.split(" | "), ""][:3] for line in lines if not line.startswith("#")]
    return [
        (place, _unfold(text), _unfold(expected or text.replace("{basic}", "{}").replace("{}", REDACTED)))
        for place, text, expected in rows
    ]


def _unfold(text: str) -> str:
    return text.replace("⏎", "\n")


PLACES = _places()


@pytest.mark.parametrize("kind", fake_secrets.KINDS)
@pytest.mark.parametrize("surroundings", SURROUNDINGS)
def test_a_secret_of_a_known_shape_is_caught_wherever_it_stands(kind: str, surroundings: str) -> None:
    for _ in range(5):
        secret = fake_secrets.KINDS[kind]()
        before = surroundings.replace("{{", "{").replace("}}", "}")
        redacted = DefaultGate(b"k").text("output", before.replace("{}", secret))
        assert redacted == before.replace("{}", REDACTED)


@pytest.mark.parametrize("kind", fake_secrets.KINDS)
def test_a_secret_of_a_known_shape_is_caught_inside_escaped_json(kind: str) -> None:
    secret = fake_secrets.KINDS[kind]()
    text = json.dumps({"body": json.dumps({"note": f"use {secret} here"})})
    redacted = DefaultGate(b"k").text("output", text)
    assert json.loads(json.loads(redacted)["body"]) == {"note": f"use {REDACTED} here"}


@pytest.mark.parametrize(("place", "text", "expected"), PLACES, ids=[place for place, _, _ in PLACES])
@pytest.mark.parametrize("length", [12, 24, 40, 88])
def test_a_secret_without_a_shape_is_caught_by_where_it_stands(
    place: str, text: str, expected: str, length: int
) -> None:
    alone = place.startswith("bearer") and "Authorization" not in text
    secret = fake_secrets.opaque(max(length, 16) if alone else length)
    filled = text.replace("{basic}", fake_secrets.basic()).replace("{}", secret)
    assert DefaultGate(b"k").text("output", filled) == expected


def test_the_corpus_holds_at_least_twenty_five_kinds_and_as_many_places() -> None:
    assert len(fake_secrets.KINDS) >= 25
    assert len(PLACES) >= 25


def test_recall_over_the_whole_corpus_is_complete_and_each_find_is_counted() -> None:
    gate = DefaultGate(b"k")
    secrets = [make() for make in fake_secrets.KINDS.values() for _ in range(20)]
    missed = [secret[:8] for secret in secrets if secret in gate.text("", f"found {secret} in it")]
    print(
        f"recall {1 - len(missed) / len(secrets):.4f} over {len(secrets)} secrets of {len(fake_secrets.KINDS)} kinds"
    )
    assert missed == []
    assert sum(gate.hits.values()) == len(secrets)
    assert gate.hits["rule failed"] == 0
