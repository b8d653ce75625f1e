"""Which values of an environment are looked for, and how they are spelled."""

from __future__ import annotations

import html
import json
import os
from collections.abc import Callable
from unicodedata import normalize
from urllib.parse import quote, quote_plus

import pytest

from flightlog.redaction.environment import MOST, is_secret_name, secrets_of, spellings
from flightlog.redaction.gate import DefaultGate
from flightlog.redaction.modes import REDACTED
from flightlog.redaction.policy import policy_from


@pytest.mark.parametrize(
    "name",
    ["OPENAI_API_KEY", "DB_PASSWORD", "GITHUB_TOKEN", "SECRET_KEY_BASE", "MAPS_KEY", "APP_SECRET", "GH_PAT"],
)
def test_a_variable_that_is_named_like_a_secret_is_one(name: str) -> None:
    assert is_secret_name(name)


@pytest.mark.parametrize(
    "name", ["PATH", "HOME", "KEY", "CACHE_KEY", "PRIMARY_KEY", "TOKENIZER", "MAX_TOKENS", "LANG"]
)
def test_a_variable_that_is_named_otherwise_is_none(name: str) -> None:
    assert not is_secret_name(name)


@pytest.mark.parametrize(
    "value",
    [
        "short",
        "password",
        "CHANGEME",
        "/run/secrets/key",
        "~/.ssh/id",
        "https://a.example/x",
        "1234567890",
        "aaaaaaaaaaaa",
        "<your key>",
        "${OTHER}",
        "None",
        "",
    ],
)
def test_a_value_that_is_no_secret_is_not_looked_for(value: str) -> None:
    assert secrets_of({"API_KEY": value}) == ()


def test_a_value_that_stands_under_an_open_name_too_is_no_secret() -> None:
    assert secrets_of({"API_KEY": "geheim7-x", "REGION": "geheim7-x"}) == ()


def test_the_password_of_an_address_is_looked_for_under_any_name() -> None:
    assert secrets_of({"DATABASE_URL": "postgres://ada:geheim7x@h/db"}) == ("geheim7x",)


def test_a_secret_is_found_as_it_is_in_json_and_in_an_address() -> None:
    exact = secrets_of({"API_TOKEN": 'ge"heim/7 ü'})
    gate = DefaultGate(b"k", policy_from({}, exact=exact))
    for spelling in ('ge"heim/7 ü', 'ge\\"heim/7 ü', "ge%22heim%2F7%20%C3%BC"):
        assert gate.text("", f"it is {spelling}, so") == f"it is {REDACTED}, so"


def test_the_longest_come_first_and_there_is_a_bound() -> None:
    environ = {f"APP_{n}_TOKEN": f"geheim{'x' * (n % 9)}{n:04}" for n in range(200)}
    found = secrets_of(environ)
    assert len(found) == MOST
    assert [len(secret) for secret in found] == sorted((len(secret) for secret in found), reverse=True)


@pytest.mark.parametrize(
    "spell",
    [
        json.dumps,
        repr,
        ascii,
        quote,
        quote_plus,
        lambda text: json.dumps(text, ensure_ascii=False),
        lambda text: json.dumps(json.dumps(text))[2:-2].removesuffix("\\"),
        lambda text: json.dumps(json.dumps(text, ensure_ascii=False), ensure_ascii=False)[2:-2].removesuffix(
            "\\"
        ),
        html.escape,
        lambda text: html.escape(text, quote=False),
        lambda text: normalize("NFD", text),
        lambda text: normalize("NFC", text),
    ],
    ids=[
        *("JSON in ASCII", "repr", "repr in ASCII", "address", "form", "JSON", "JSON in JSON in ASCII"),
        *("JSON in JSON", "HTML", "HTML with its quotes", "accents apart", "accents in one"),
    ],
)
def test_a_secret_is_found_as_others_write_it(spell: Callable[[str], str]) -> None:
    secret = 'Pr\u00fcf "ge/heim" <&\\ + 7'
    gate = DefaultGate(b"", policy_from({}, exact=spellings(secret)))
    assert gate.text("", f"it is {spell(secret).strip(chr(34) + chr(39))}, so") == f"it is {REDACTED}, so"


def test_a_variable_that_is_no_text_is_looked_for_all_the_same() -> None:
    secret = os.fsdecode(b"\xff\xfegeheim-12-Z")
    gate = DefaultGate(b"", policy_from({}, exact=secrets_of({"SHOP_TOKEN": secret})))
    assert gate.text("", f"it is {secret}.") == f"it is {REDACTED}."
