"""The table of secret keys, row by row."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flightlog.redaction import keys
from flightlog.redaction.assignments import ROOTS
from flightlog.redaction.gate import DefaultGate

SECRET = str.split("""
password Password PASSWORD passwd pwd passphrase passcode db_password db.password old-password passwordConfirmation
password1 PGPASSWORD secret secrets client_secret clientSecret client-secret CLIENT_SECRET secret_id SecretString
aws_secret_access_key AWSSecretAccessKey token access_token accessToken id_token x-csrf-token X-Amz-Security-Token
refresh_tokens oauth2_token api_key apikey apiKey api-key API_KEY api.key x-api-key X-Goog-Api-Key openai_api_keys
access_key access_key_id AWSAccessKeyId private_key privateKey secret_key signing_key encryption_key master_key
shared_access_key ssh_key session_key account_key subscription-key authorization Authorization proxy-authorization
authorization_code cookie cookies Cookie set-cookie Set-Cookie credential credentials google_credentials auth _auth
basic_auth REDISCLI_AUTH jwt smtp_pass DB_PASS user_pass pw db_pw pass presharedKey
client-key-data storepass keypass auth-pass default_pass wpa_key Kennwort wachtwoord senha contrasena
""")

OPEN = str.split("""
max_tokens maxTokens max_token input_tokens output_tokens prompt_tokens tokens total_tokens token_count n_tokens
tokenCount tokenizer tokenize num_token token_ids token_type token_limit next_token nextToken page_token eos_token
stop_token pad_token tokens_per_second monkey keyboard key keys Key primary_key foreign_key cache_key partition_key
sort_key public_key idempotency_key key_id keyword author authority authorize authenticated auth_type oauth session
session_id sessionId user username passed passenger compass bypass forward_pass n_pass passive secretary
password_length password_policy passwordPolicy secret_name secret_ref cookie_path cookie_policy authorization_url
token_url token_endpoint credentials_path credentials_file ssh_key_path has_password is_secret requires_token
status_code error_code code codes zip_code no_auth model temperature gen_ai.usage.input_tokens
gen_ai.request.max_tokens content input output
""")


WITHOUT_A_ROOT = str.split(
    "device_code recoveryCodes backup-codes contraseña Пароль db_пароль 密码 パスワード hasło"
)


@pytest.mark.parametrize("key", WITHOUT_A_ROOT)
def test_a_key_without_any_of_the_roots_hides_its_value_too(key: str) -> None:
    assert DefaultGate(b"k").hides(key)


@pytest.mark.parametrize("key", SECRET)
def test_a_key_that_names_a_secret_hides_its_value(key: str) -> None:
    assert DefaultGate(b"k").hides(key)


@pytest.mark.parametrize("key", [*OPEN, "", ".", "_", "-", "7", "名前", "clé"])
def test_a_key_that_names_no_secret_shows_its_value(key: str) -> None:
    assert not DefaultGate(b"k").hides(key)


@pytest.mark.parametrize("key", SECRET)
def test_every_secret_key_has_a_root_by_which_it_is_found_in_a_text(key: str) -> None:
    assert any(root in key.lower() for root in ROOTS)


@pytest.mark.parametrize("key", [*SECRET, "Senha", "SENHA_DO_BANCO", "contrasena", "wachtwoord", "kennwort"])
def test_every_secret_key_hides_its_value_behind_many_others(key: str) -> None:
    """In a text with many keys and in a document, what is asked first is whether a root is there at all."""
    secret = "Xk2mQ9vTr7Lb4Np1"
    others = {f"field{number}": number for number in range(9)}
    line = " ".join(f"{name}={value}" for name, value in others.items())
    gate = DefaultGate(b"k")
    assert secret not in gate.text("output", f"{line} {key}={secret}")
    assert secret not in gate.text("output", json.dumps({**others, key: secret}))


def test_every_word_of_the_table_that_makes_a_secret_has_a_root() -> None:
    for word in keys.HOLDERS:
        assert any(root in word for root in ROOTS), word


def test_the_words_of_a_very_long_key_that_decide_stand_at_its_end() -> None:
    assert DefaultGate(b"k").hides("a_" * 500_000 + "password")
    assert not DefaultGate(b"k").hides("password_" + "a_" * 500_000)


def test_judgements_are_kept_for_a_bounded_number_of_keys() -> None:
    gate = DefaultGate(b"k")
    for number in range(10_000):
        gate.hides(f"key_{number}")
    kept = keys._judged.cache_info()
    assert kept.maxsize is not None
    assert kept.currsize <= kept.maxsize


@given(st.text(max_size=300))
def test_any_text_can_be_a_key(key: str) -> None:
    assert DefaultGate(b"k").hides(key) in (True, False)


@given(
    st.lists(
        st.sampled_from(["api", "key", "max", "token", "secret", "name", "user"]), min_size=1, max_size=4
    )
)
def test_the_way_words_are_joined_does_not_matter(words: list[str]) -> None:
    gate = DefaultGate(b"k")
    camel = words[0] + "".join(word.title() for word in words[1:])
    answers = {gate.hides(joint.join(words)) for joint in ("_", "-", ".", " ")} | {gate.hides(camel)}
    answers.add(gate.hides("_".join(words).upper()))
    assert len(answers) == 1


@pytest.mark.parametrize(
    ("key", "text", "stays"),
    [
        ("pass", "all of them", True),
        ("pass", "hunter22x", False),
        ("token", " the", True),
        ("token", "a1b2c3d4e5", False),
        ("pw", "kurz", False),
    ],
)
def test_a_key_that_names_other_things_as_often_hides_only_what_looks_like_a_secret(
    key: str, text: str, stays: bool
) -> None:
    assert (DefaultGate(b"k").text(f"input.{key}", text) == text) is stays
