"""What tells of people is left alone until a setting asks for it; then numbers are proven first."""

from __future__ import annotations

import pytest

from flightlog.redaction.gate import DefaultGate
from flightlog.redaction.modes import REDACTED
from flightlog.redaction.personal import is_card, is_iban
from flightlog.redaction.policy import policy_from

PERSONAL = {"email": "mask", "card": "mask", "iban": "mask", "phone": "mask"}

FOUND = [
    ("card", "pay with {} now", "4111 1111 1111 1111"),
    ("card", "card={}", "5500005555555559"),
    ("card", "({})", "3782-822463-10005".replace("-", "")),
    ("iban", "to {} by Monday", "DE89 3704 0044 0532 0130 00"),
    ("iban", "iban:{}", "GB82WEST12345698765432"),
    ("email", "write to {}.", "ada.lovelace+x@mail.example.org"),
    ("email", "<{}>", "a@b.co"),
    ("phone", "call {} today", "+49 30 901820-0".replace("-0", "")),
    ("phone", "call {} today", "(212) 555-0143"),
    ("phone", "call {} today", "212-555-0143"),
]

LEFT_ALONE = [
    "4111 1111 1111 1112",
    "1234567890123456",
    "DE89 3704 0044 0532 0130 01",
    "trace 0af7651916cd43dd8448eb211c80319c",
    "2026-01-05T10:00:01.123456Z",
    "550e8400-e29b-41d4-a716-446655440000",
    "1700000000123456789",
    "10.0.0.1:8080, 192.168.100.200",
    "git@host, @decorator, a @ b, user@localhost",
    "0.1234567890123456",
    "12345678 tokens in 1024 ms",
]


@pytest.mark.parametrize(("rule", "around", "what"), FOUND)
def test_it_is_found_when_asked_for_and_counted_under_its_rule(rule: str, around: str, what: str) -> None:
    text = around.format(what)
    gate = DefaultGate(b"k", policy_from(PERSONAL))
    assert gate.text("output", text) == around.format(REDACTED)
    assert {name for name, hits in gate.hits.items() if hits} == {rule}


@pytest.mark.parametrize(("rule", "around", "what"), FOUND)
def test_it_stays_unless_asked_for(rule: str, around: str, what: str) -> None:
    text = around.format(what)
    assert DefaultGate(b"k").text("output", text) is text
    others = {name: mode for name, mode in PERSONAL.items() if name != rule}
    assert what in DefaultGate(b"k", policy_from(others)).text("output", text)


@pytest.mark.parametrize("text", LEFT_ALONE)
def test_what_only_looks_like_it_stays(text: str) -> None:
    assert DefaultGate(b"k", policy_from(PERSONAL)).text("output", text) is text


def test_a_card_is_proven_by_its_check_digit() -> None:
    assert [digit for digit in "0123456789" if is_card("411111111111111" + digit)] == ["1"]


def test_an_account_is_proven_by_its_remainder() -> None:
    found = [f"{check:02}" for check in range(2, 99) if is_iban(f"DE{check:02}370400440532013000")]
    assert found == ["89"]
