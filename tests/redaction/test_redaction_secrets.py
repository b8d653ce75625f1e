"""The corpus of secrets: each kind is caught in every place, and what stands around it stays."""

from __future__ import annotations

import json

import fake_secrets
import pytest
from places import OUT_OF_REACH, PLACES, Place

from flightlog.redaction.gate import DefaultGate
from flightlog.redaction.modes import REDACTED

LENGTHS = (12, 24, 40, 88)
SURROUNDINGS = (
    "{}",
    "key {} failed",
    'call("{}")',
    '{"error": "Incorrect key provided: {}."}',
    "Traceback:\n  ValueError: {}\n",
    "a={}&b=1",
    "https://a.example/x?k={}",
    "x%3D{}",
    "x=3D{}",
    "x\\x00{}",
    "first\\n{}\\nlast",
    "<b>{}</b>",
    "({}), [{}]",
    "`{}`",
    "\x1b[31m{}\x1b[0m",
    "\\u0022{}\\u0022",
    "KEY_{}",
)


@pytest.mark.parametrize("kind", fake_secrets.KINDS)
def test_a_secret_of_a_known_shape_is_caught_wherever_it_stands(kind: str) -> None:
    for surroundings in SURROUNDINGS:
        secret = fake_secrets.KINDS[kind]()
        redacted = DefaultGate(b"k").text("output", surroundings.replace("{}", secret))
        assert redacted == surroundings.replace("{}", REDACTED)


@pytest.mark.parametrize("kind", fake_secrets.KINDS)
def test_a_secret_of_a_known_shape_is_caught_inside_escaped_json(kind: str) -> None:
    secret = fake_secrets.KINDS[kind]()
    text = json.dumps({"body": json.dumps({"note": f"use {secret} here"})})
    redacted = DefaultGate(b"k").text("output", text)
    assert json.loads(json.loads(redacted)["body"]) == {"note": f"use {REDACTED} here"}


@pytest.mark.parametrize("place", PLACES, ids=[place.name for place in PLACES])
def test_a_secret_without_a_shape_is_caught_by_where_it_stands(place: Place) -> None:
    for length in LENGTHS:
        text, left = place.filled(length)
        assert DefaultGate(b"k").text("output", text) == left


@pytest.mark.parametrize(
    "kind", ["github personal", "hugging face", "npm", "aws access key id", "gitlab", "openai"]
)
def test_secrets_that_follow_one_another_without_a_gap_leave_nothing(kind: str) -> None:
    secrets = [fake_secrets.KINDS[kind]() for _ in range(3)]
    assert DefaultGate(b"k").text("output", f"first {''.join(secrets)} last") == f"first {REDACTED} last"


def _reached(place: Place) -> int:
    filled = map(place.filled, LENGTHS)
    return sum(DefaultGate(b"k").text("output", text) == left for text, left in filled)


def test_places_that_are_out_of_reach_are_listed_as_long_as_they_are() -> None:
    assert [place.name for place in OUT_OF_REACH if _reached(place) == len(LENGTHS)] == []


def test_recall_over_all_kinds_and_places_is_99_percent_with_those_out_of_reach_counted_in() -> None:
    kinds = sum(
        secret not in DefaultGate(b"k").text("", f"found {secret} in it") for secret in _one_of_each()
    )
    places = sum(map(_reached, (*PLACES, *OUT_OF_REACH))) / len(LENGTHS)
    total = len(fake_secrets.KINDS) + len(PLACES) + len(OUT_OF_REACH)
    print(
        f"recall {(kinds + places) / total:.4f} over {len(fake_secrets.KINDS)} kinds, {len(PLACES)} places and "
        f"{len(OUT_OF_REACH)} that are known to be out of reach"
    )
    assert kinds == len(fake_secrets.KINDS)
    assert (kinds + places) / total >= 0.99


def _one_of_each() -> list[str]:
    return [make() for make in fake_secrets.KINDS.values()]


def test_the_corpus_holds_at_least_ninety_kinds_and_four_hundred_places() -> None:
    assert len(fake_secrets.KINDS) >= 90
    assert len({place.name for place in PLACES}) >= 400


def test_the_private_lines_of_a_key_of_putty_go_and_what_stands_around_them_stays() -> None:
    text = "PuTTY-User-Key-File-3: ssh-rsa\nPrivate-Lines: 14\n{}\nPrivate-MAC: 0a1b\n"
    redacted = DefaultGate(b"k").text("output", text.replace("{}", fake_secrets.putty_lines()))
    assert redacted == text.replace("{}\n", REDACTED)


def test_recall_over_the_whole_corpus_is_complete_and_each_find_is_counted() -> None:
    gate = DefaultGate(b"k")
    secrets = [make() for make in fake_secrets.KINDS.values() for _ in range(20)]
    missed = [secret[:8] for secret in secrets if secret in gate.text("", f"found {secret} in it")]
    print(
        f"recall {1 - len(missed) / len(secrets):.4f} over {len(secrets)} secrets of {len(fake_secrets.KINDS)} kinds"
    )
    assert missed == []
    assert sum(gate.hits.values()) == len(secrets)
    assert gate.hits["rule_failed"] == 0
