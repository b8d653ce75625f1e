"""What a program may set: rules of its own, keys, exact texts, and what is no secret."""

from __future__ import annotations

import re

import pytest

from flightlog.redaction.gate import RULE_FAILED, DefaultGate
from flightlog.redaction.modes import REDACTED
from flightlog.redaction.outline import of_pattern
from flightlog.redaction.policy import (
    AHEAD,
    DEFAULT,
    EVERYWHERE,
    FAMILIES,
    own_rule,
    policy_from,
    rule_names,
    sought,
)
from flightlog.redaction.rule import _rest


def test_an_allowed_text_stays_under_a_key_in_a_text_and_in_a_document() -> None:
    gate = DefaultGate(b"k", policy_from({}, allowed=["geheim7"]))
    for text in ("password=geheim7 x", '{"password": "geheim7"}', "https://ada:geheim7@h/"):
        assert gate.text("output", text) == text
    assert gate.text("password", "geheim7") == "geheim7"
    assert gate.text("password", "geheim8") == REDACTED
    assert gate.hits["assignment"] == 0


def test_an_allowed_key_shows_its_value() -> None:
    gate = DefaultGate(b"k", policy_from({}, allowed=["session_key"]))
    assert not gate.hides("session_key")
    assert gate.hides("api_key")


def test_a_key_of_ones_own_hides_its_value_by_pattern_and_in_any_case() -> None:
    gate = DefaultGate(b"k", policy_from({}, keys=["*_PIN", "iban"]))
    assert gate.hides("card_pin")
    assert gate.hides("Card_Pin")
    assert gate.hides("iban")
    assert not gate.hides("pin_count")
    assert gate.text("", '{"card_pin": "geheim7", "n": 1}') == f'{{"card_pin": "{REDACTED}", "n": 1}}'


@pytest.mark.parametrize(
    "wanted", ["mother_maiden_name", "motherMaidenName", "Mother-Maiden-Name", "mother.maiden_*"]
)
@pytest.mark.parametrize(
    "key",
    [
        "mother_maiden_name",
        "motherMaidenName",
        "mother-maiden-name",
        "MOTHER_MAIDEN_NAME",
        "Mother Maiden Name",
    ],
)
def test_a_key_of_ones_own_is_the_same_in_every_spelling(wanted: str, key: str) -> None:
    gate = DefaultGate(b"k", policy_from({}, keys=[wanted]))
    assert gate.hides(key)
    assert not gate.hides("grandmotherMaidenName")
    assert "geheim7" not in gate.text("", f'{{"{key}": "geheim7"}}')


def test_a_class_in_a_pattern_of_keys_means_what_it_means_everywhere() -> None:
    gate = DefaultGate(b"k", policy_from({}, keys=["slot[a-c]"]))
    assert (gate.hides("slotB"), gate.hides("slot-"), gate.hides("slot_")) == (True, False, False)


def test_a_pattern_of_ones_own_hides_its_first_group_or_all_of_it() -> None:
    gate = DefaultGate(b"k", policy_from({}, rules={"ticket": r"T-([0-9]+)", "code": re.compile("X[0-9]+")}))
    assert gate.text("", "T-123 and X99") == f"T-{REDACTED} and {REDACTED}"
    assert (gate.hits["ticket"], gate.hits["code"]) == (1, 1)


def test_a_function_of_ones_own_gets_the_text_and_gives_it_back() -> None:
    gate = DefaultGate(b"k", policy_from({}, rules={"name": lambda text: text.replace("Ada", "[REDACTED]")}))
    assert gate.text("", "Ada wrote") == "[REDACTED] wrote"
    assert gate.hits["name"] == 1


@pytest.mark.parametrize("function", [lambda _text: 1 / 0, lambda _text: None, lambda _text: 7])
def test_a_rule_of_ones_own_that_fails_drops_the_text(function: object) -> None:
    gate = DefaultGate(b"k", policy_from({}, rules={"broken": function}))  # type: ignore[dict-item] # on purpose
    assert gate.text("", "something") == RULE_FAILED
    assert gate.hits["rule_failed"] == 1


def test_a_pattern_that_is_none_is_refused() -> None:
    with pytest.raises(re.error):
        own_rule("broken", "(")


def test_short_exact_texts_are_found_where_they_stand_alone() -> None:
    gate = DefaultGate(b"k", policy_from({}, exact=["plum", "p.m", "x", ""]))
    hidden = f"a {REDACTED}, plums; ({REDACTED}) {REDACTED}? up.ms {REDACTED}=xx"
    assert gate.text("", "a plum, plums; (plum) p.m? up.ms x=xx") == hidden
    assert gate.hits["exact_value"] == 4


def test_exact_texts_are_found_anywhere_the_longest_first() -> None:
    assert sought(["abc", "geheim7", "geheim7-long", "geheim7"]) == ("geheim7-long", "geheim7")
    gate = DefaultGate(b"k", policy_from({}, exact=["geheim7", "geheim7-long", "abc"]))
    assert gate.text("", "a geheim7-long, abcs, geheim7") == f"a {REDACTED}, abcs, {REDACTED}"
    assert gate.hits["exact_value"] == 2


def test_every_rule_can_be_switched_off_by_its_name() -> None:
    off = policy_from(dict.fromkeys(rule_names(), "off"))
    assert off.families == ()
    assert off.assignments == ()


def test_the_rules_that_are_off_until_they_are_named_are_those_about_people() -> None:
    named = {rule.name for family in FAMILIES for rule in family.rules if not rule.by_default}
    assert named == {"email", "card", "iban", "phone"}
    assert not named & {rule.name for family in DEFAULT.families for rule in family.rules}


def test_rule_names_are_words_that_settings_can_name() -> None:
    assert all(re.fullmatch("[a-z][a-z0-9]*(_[a-z0-9]+)*", name) for name in rule_names())
    assert len(rule_names()) == len(set(rule_names()))


def test_what_a_dash_never_begins_is_in_none_of_its_signs() -> None:
    """A look ahead for it leaves no way through any sign, which its outline says."""
    assert AHEAD["-"] == "(?![ >])"
    signs = [rest for family in EVERYWHERE if family.needle == "-" and (rest := _rest(family))]
    assert len(signs) > 1
    for sign in signs:
        assert of_pattern(re.compile(f"-(?=[ >]){sign}")) == []
        assert of_pattern(re.compile(f"-{sign}"))


def test_what_a_parameter_gives_away_is_found_however_short_it_may_be() -> None:
    """The look ahead behind `=` is as long as the shortest value of each rule, and as wide as all of them."""
    assert AHEAD["="] == "(?=[A-Za-z0-9%+/._~-]{16})"
    gate = DefaultGate(b"k")
    shortest = {
        "code": "aB3dE5gH7jK9mN1p",
        "SAMLResponse": "%2BaB3dE5gH7jK9mN",
        "sig": "%2F-_aB3dE5gH7jK9mN1p",
    }
    for name, value in shortest.items():
        shown = gate.text("output", f"https://a.example/x?a=b&{name}={value}")
        assert shown.startswith(f"https://a.example/x?a=b&{name}=")
        assert value[-12:] not in shown, name
