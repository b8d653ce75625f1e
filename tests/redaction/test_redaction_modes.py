"""What stands in the place of a secret, by mode."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flightlog.redaction.gate import DefaultGate
from flightlog.redaction.modes import DROPPED, MODES, REDACTED, Dropped, hide_by, is_hidden
from flightlog.redaction.policy import policy_from
from strategies import secretive_texts

SECRET = "geheim7geheim7wxyz"


def _redacted(text: str, modes: dict[str, str], key: bytes = b"k") -> str:
    return DefaultGate(key, policy_from(modes)).text("output", text)


def test_a_mask_shows_nothing() -> None:
    assert _redacted(f"password={SECRET}", {}) == f"password={REDACTED}"


def test_the_last_four_characters_of_a_long_secret_are_shown_and_of_a_short_one_none() -> None:
    assert _redacted(f"password={SECRET}", {"*": "last4"}) == "password=[REDACTED …wxyz]"
    assert _redacted("password=geheim7", {"*": "last4"}) == f"password={REDACTED}"


def test_signs_at_the_end_of_a_secret_are_not_shown_as_they_are() -> None:
    hidden = hide_by("last4", b"k")(f"{SECRET}]\n[,")
    assert hidden == "[REDACTED …....]"


def test_equal_secrets_have_equal_hashes_in_one_home_and_others_in_another() -> None:
    first, again, other = (
        _redacted(f"password={secret}", {"*": "hash"}) for secret in (SECRET, SECRET, SECRET + "1")
    )
    assert re.fullmatch(r"password=\[REDACTED #[0-9a-f]{16}\]", first)
    assert first == again != other
    assert _redacted(f"password={SECRET}", {"*": "hash"}, b"another") != first


def test_a_secret_has_the_same_hash_wherever_it_was_found() -> None:
    gate = DefaultGate(b"k", policy_from({"*": "hash"}, exact=["geheim8geheim8"]))
    places = [
        gate.text("password", SECRET),
        gate.text("", f"password={SECRET}").removeprefix("password="),
        gate.text("", f'{{"password": "{SECRET}"}}').removeprefix('{"password": "').removesuffix('"}'),
        gate.text("", f"https://ada:{SECRET}@h/").removeprefix("https://ada:").removesuffix("@h/"),
    ]
    assert len(set(places)) == 1


def test_a_text_with_a_secret_to_drop_goes_as_a_whole() -> None:
    assert _redacted(f"so password={SECRET} it is", {"*": "drop"}) == DROPPED
    assert _redacted(f"https://ada:{SECRET}@h/ and password=x1y2z3", {"url_password": "drop"}) == DROPPED
    with pytest.raises(Dropped):
        hide_by("drop", b"k")("secret")


def test_each_rule_may_have_a_mode_of_its_own() -> None:
    text = f"https://ada:{SECRET}@h/ password={SECRET}"
    assert (
        _redacted(text, {"url_password": "last4"}) == f"https://ada:[REDACTED …wxyz]@h/ password={REDACTED}"
    )
    assert _redacted(text, {"assignment": "off"}) == f"https://ada:{REDACTED}@h/ password={SECRET}"


@pytest.mark.parametrize("mode", MODES)
def test_what_stands_for_a_secret_is_known_as_that(mode: str) -> None:
    hidden = _redacted(f"password={SECRET}", {"*": mode}).removeprefix("password=")
    assert is_hidden(hidden)
    assert not is_hidden(f"{hidden} {SECRET}")


def _shout(text: str) -> str:
    return text.replace("hunter", "[REDACTED: a name]")


@given(secretive_texts(), st.sampled_from(MODES), st.sampled_from(["", "password", "a.token", "output"]))
@settings(max_examples=400, deadline=None)
def test_redacting_twice_is_redacting_once_in_every_mode_and_with_rules_of_ones_own(
    text: str, mode: str, path: str
) -> None:
    rules = {"ticket": r"T-([0-9]{3,})", "name": _shout, "hyphen": r"a-b"}
    gate = DefaultGate(b"k", policy_from({"*": mode, "email": mode}, rules=rules, exact=["aB3-_./"]))
    once = gate.text(path, text)
    found = dict(gate.hits)
    assert gate.text(path, once) == once
    assert gate.hits == found


def test_what_is_dropped_is_counted_by_the_rule_that_dropped_it() -> None:
    gate = DefaultGate(b"k", policy_from({"*": "drop"}))
    gate.text("", "key " + "ghp" + "_" + "a1B2" * 9)
    gate.text("input.password", "geheim9")
    gate.text("", json.dumps({"password": "geheim9"}))
    assert (gate.hits["github_token"], gate.hits["secret_key"]) == (1, 2)
