"""The beginning of a long text is read as far as its secrets allow, and never further than it was looked at."""

from __future__ import annotations

import pytest
from fake_secrets import KINDS

from flightlog.redaction.gate import DefaultGate
from flightlog.redaction.modes import DROPPED, REDACTED
from flightlog.redaction.pieces import BEYOND
from flightlog.redaction.policy import policy_from

ROOM = 256 * 1024
PROSE = "It rained - as before: nobody minded (much), and the road's edge was gone. "


def _beginning(text: str, path: str = "output") -> str:
    return DefaultGate(b"k").beginning(path, text, ROOM)


def test_ordinary_text_is_kept_as_far_as_there_is_room() -> None:
    text = PROSE * 10_000
    assert _beginning(text) == text[:ROOM]


def test_a_few_secrets_cut_nothing_off() -> None:
    text = PROSE * 1000 + "password=geheim77 " + PROSE * 10_000
    kept = _beginning(text)
    assert kept == text.replace("geheim77", REDACTED)[: len(kept)]
    assert len(kept) >= ROOM - 100


def test_a_text_dense_with_secrets_is_cut_earlier_and_at_the_same_place_each_time() -> None:
    text = "".join(f"password=hunter{n:07} " for n in range(100_000))
    kept = _beginning(text)
    assert kept == _beginning(text)
    assert 1000 < len(kept) < ROOM // 4
    assert "hunter" not in kept


@pytest.mark.parametrize("place", [*range(4000, 4200, 8), 4096 + 4095, 12_288, 20_000, ROOM - 20, ROOM - 1])
def test_a_secret_at_the_edge_of_a_piece_is_found(place: int) -> None:
    secret = KINDS["json web token"]()
    text = (PROSE * 8000)[:place] + " " + secret + " " + PROSE * 8000
    kept = _beginning(text)
    assert secret[:20] not in kept
    assert kept.startswith((PROSE * 8000)[:place])


def test_a_secret_that_reaches_beyond_what_is_looked_at_ends_the_text() -> None:
    block = "-----BEGIN PRIVATE KEY-----\n" + ("a1B2" * 16 + "\n") * 400 + "-----END PRIVATE KEY-----\n"
    kept = _beginning(PROSE * 40 + block + PROSE * 10_000)
    assert kept == PROSE * 40 + REDACTED


def test_a_text_that_is_hardly_longer_than_the_room_is_looked_at_whole() -> None:
    text = "password=geheim77 " + PROSE * 4000
    text = text[: ROOM + BEYOND]
    assert _beginning(text) == text.replace("geheim77", REDACTED)


def test_a_secret_of_the_mode_drop_drops_what_was_read_before_it() -> None:
    gate = DefaultGate(b"k", policy_from({"*": "drop"}))
    assert gate.beginning("output", PROSE * 2000 + "password=geheim77 " + PROSE * 10_000, ROOM) == DROPPED


def test_what_stands_under_the_key_of_a_secret_goes_as_a_whole() -> None:
    assert _beginning(PROSE * 10_000, "input.password") == REDACTED
