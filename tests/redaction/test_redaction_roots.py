"""What is asked first of a text: whether it names a secret at all. A no has to be certain."""

from __future__ import annotations

import itertools

import fake_secrets
import places
import pytest

from flightlog.redaction import documents, keys, policy
from flightlog.redaction.gate import DefaultGate
from flightlog.redaction.policy import DEFAULT, Policy
from flightlog.redaction.roots import may_name

SEPARATORS = ("", "_", "-", ".", " ", "__", "_-", "/", "::", "1", "#")


def _owned(owners: frozenset[str], words: tuple[str, ...]) -> list[str]:
    return [owner + between + word for owner, between, word in itertools.product(owners, SEPARATORS, words)]


SECRET_KEYS = [
    *keys.HOLDERS,
    *keys.ENDS_OF_HOLDERS,
    *(f"user{word}" for word in keys.ENDS_OF_HOLDERS),
    *_owned(keys.KEY_OWNERS, ("key", "keys", "Key", "KEYS")),
    *_owned(keys.TOKEN_OWNERS, ("token", "tokens")),
    *_owned(keys.PASS_OWNERS, ("pass", "Pass")),
    *_owned(keys.AUTH_OWNERS, ("auth",)),
    *_owned(keys.CODE_OWNERS, ("code", "codes", "Code")),
    *("token", "pass", "auth", "client-key-data", "clientKeyData", "motDePasseNouveau", "dbPwOld"),
]


def test_every_key_of_a_secret_is_a_name_in_whatever_text_it_stands() -> None:
    lost = [
        text
        for key in SECRET_KEYS
        for spelled in (key, key.upper(), key.title())
        if keys.is_secret(spelled)
        for text in (f"x {spelled} = 1", f'("{spelled}", 1)', f"<a {spelled}\n", f"({spelled})", spelled)
        if not may_name(text)
    ]
    assert not lost


def test_a_text_in_another_script_may_name_anything() -> None:
    assert may_name("é")


@pytest.mark.parametrize(
    "text",
    [
        "def found(self, key):\n    for key in keys:\n        pass\n",
        "sorted(x, key=len) and the passage that passed; return code 5, encode, decode",
        "monkey, keyboard, primary-color",
    ],
)
def test_words_of_programs_are_no_names(text: str) -> None:
    assert not may_name(text)


def test_rules_for_names_find_nothing_where_none_is() -> None:
    """Each rooted rule by itself, on every place of the corpus and every kind of secret that names nothing."""
    families = [family for family in (*policy.EVERYWHERE, *policy.ASSIGNMENTS) if family.rooted]
    gate = DefaultGate(b"k", Policy(tuple(families), ()))
    texts = [place.filled(24)[0] for place in places.PLACES]
    texts += [f"found {make()} in it" for make in fake_secrets.KINDS.values()]
    nameless = [text for text in texts if not may_name(text) and not documents.is_escaped(text)]
    assert len(nameless) > 150
    assert [text for text in nameless if gate.text("", text) is not text] == []


def test_each_place_is_cleaned_as_by_all_rules_at_once() -> None:
    """The gate that leaves out what needs a name, and one that asks every rule of every text, find the same."""
    whole = DefaultGate(b"k", Policy(DEFAULT.families))
    gate = DefaultGate(b"k")
    whole._look.may_hold = gate._look.may_hold = None
    for place in (*places.PLACES, *places.OUT_OF_REACH):
        text, _ = place.filled(24)
        for around in (text, f"_ = {text}", f"{text}\nx_y = 1"):
            assert gate.text("output", around) == whole.text("output", around)
    assert sum(gate.hits.values()) > 1000
