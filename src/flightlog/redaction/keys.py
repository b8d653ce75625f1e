"""Which keys hold a secret: the decision, as one table of words.

A key is taken apart into words at `_`, `-`, `.`, blanks, digits and camel-case humps, and only whole words count:
`tokenizer`, `monkey` and `keyboard` are no secrets, and neither is a bare `key`.

| the key's words                                        | secret | examples                                 |
|--------------------------------------------------------|--------|------------------------------------------|
| start with one of `QUESTIONS`                          | no     | has_password, is_secret                  |
| end with one of `TRAITS`                               | no     | password_length, secret_name, cookie_path |
| contain one of `HOLDERS`                               | yes    | db_password, clientSecret, Set-Cookie    |
| contain a word with one of `ENDS_OF_HOLDERS`           | yes    | userpassword, webhooksecret              |
| contain `key` or `keys` after one of `KEY_OWNERS`      | yes    | api_key, x-api-key, AWSAccessKeyId       |
| end with `token` after one of `COUNTED`                | no     | max_token, next_token, eos_token         |
| are `token` alone                                      | yes (1)| token                                    |
| end with `token` otherwise                             | yes    | accessToken, x-csrf-token                |
| end with `tokens` after one of `TOKEN_OWNERS`          | yes    | refresh_tokens                           |
| end with `pass` after one of `PASS_OWNERS`             | yes    | smtp_pass, DB_PASS                       |
| are `pass` alone                                       | yes (1)| pass                                     |
| are `auth` alone, or end with it after `AUTH_OWNERS`   | yes    | auth, basic_auth                         |
| end with `code` or `codes` after one of `CODE_OWNERS`  | yes    | device_code                              |
| contain one of `ELSEWHERE`                             | yes    | пароль                                   |
| are `client key data`                                  | yes    | client-key-data                          |
| are anything else                                      | no     | max_tokens, primary_key, session_id      |

(1) if the value looks like a secret: language models call the pieces of a text so, too, and tests pass (`PIECES`).
"""

from __future__ import annotations

import itertools
import re
from functools import lru_cache
from typing import Final


def words(text: str) -> frozenset[str]:
    """The words of a text, as a table of them is written here."""
    return frozenset(text.split())


QUESTIONS: Final = words("has have is needs no requires use uses")
"""First words of a key that asks about a secret."""

TRAITS: Final = words(
    """
    age arn at banner budget changed config configuration consent count created date days domain
    duration enabled endpoint expires expiry expression field file filename hint in label len length
    limit manager max mgr min mode modified name names path period policy prefix present prevention
    prompt provider ref required rotated rotation rule rules scope scopes server servers size source
    spec state status store strategy strength suffix ttl type types updated uri url usage used valid
    version
    """
)
"""Last words of a key that tells something about a secret, not the secret."""

HOLDERS: Final = words(
    """
    accesskey accesstoken apikey apikeys authorization authtoken clientsecret cookie cookies
    contrasena credential credentials dbpassword jwt kennwort passcode passe passphrase passwd passwort password
    passwords pgpassword presharedkey privatekey privkey psk pw pwd refreshtoken secret secretkey secrets senha
    sessiontoken wachtwoord
    """
)
"""Words that make every key a secret's."""

ENDS_OF_HOLDERS: Final = (
    *("password", "passwd", "passphrase", "secret", "apikey", "accesskey", "secretkey", "privatekey"),
    *("keypass", "storepass", "requirepass", "masterauth"),
    *("accesstoken", "authtoken", "apitoken", "refreshtoken", "sessiontoken", "bottoken", "csrftoken"),
)
"""Ends of words that were joined without a sign: `userpassword`, `webhooksecret`."""

KEY_OWNERS: Final = words(
    """
    access account admin anthropic api app application auth aws azure decryption deploy
    encryption gemini github gitlab groq hmac licence license master mistral openai preshared private recovery
    secret sendgrid session shared signing ssh stripe subscription twilio webhook wep wifi wireguard wpa
    """
)
"""Words that make the `key` after them a secret."""

COUNTED: Final = words(
    """
    audio begin bos cached cls completion continuation current each end eos every first image input
    key last mask max min n next num output pad page pagination per prev previous prompt reasoning sep
    single special start stop sync text total unk
    """
)
"""Words that make the `token` after them a piece of text, a number of those, or a place in a list."""

TOKEN_OWNERS: Final = words("access auth bearer refresh")
"""Words that make the `tokens` after them secrets; any other tokens are counted."""

PASS_OWNERS: Final = words(
    """
    admin amqp auth basic become bind db default email ftp http imap ldap login mail mongo mongodb mysql pg postgres
    proxy rabbitmq redis root service smtp ssh sudo user vault vnc wifi
    """
)
"""Words that make the `pass` after them a password."""

AUTH_OWNERS: Final = words("basic http proxy rediscli")
"""Words that make the `auth` after them a credential."""

PIECES: Final = words("token pass")
"""Keys that, standing alone, name something else as often: `{"token": " the", "logprob": -0.1}`, `{"pass": "all"}`."""

CODE_OWNERS: Final = words("auth backup device recovery")
"""Words that make the `code` or `codes` after them as good as a password."""

ELSEWHERE: Final = ("contraseña", "hasło", "парол", "密码", "密碼", "パスワード", "비밀번호")
"""The same as "password" in letters that are not in ASCII; every key that holds one is a secret's."""

_KEY_OF_A_CLIENT: Final = ["client", "key", "data"]
"""What settings of Kubernetes call a private key in base64."""

LONGEST: Final = 128
"""Characters of a key that are looked at, from its end: the words that decide stand there."""

_WORD: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[^\W\d_A-Za-z]+")


def is_secret(key: str) -> bool:
    """Say whether a value under this key is a secret, whatever it is."""
    return _judged(key if len(key) <= LONGEST else key[-LONGEST:])


def is_piece(key: str) -> bool:
    """Say whether under this secret's key only what looks like a secret is one."""
    return key.lower() in PIECES


def words_of(key: str) -> list[str]:
    """The words of a key, in lower case."""
    return [word.lower() for word in _WORD.findall(key)]


@lru_cache(maxsize=4096)
def _judged(key: str) -> bool:
    if not key.isascii() and any(holder in key.lower() for holder in ELSEWHERE):
        return True
    words = words_of(key)
    if not words or words[0] in QUESTIONS or words[-1] in TRAITS:
        return False
    return (
        not HOLDERS.isdisjoint(words)
        or any(word.endswith(ENDS_OF_HOLDERS) for word in words)
        or _has_owned_key(words)
        or _ends_secretly(words)
        or words[-3:] == _KEY_OF_A_CLIENT
    )


def _has_owned_key(words: list[str]) -> bool:
    return any(
        second in ("key", "keys") and first in KEY_OWNERS for first, second in itertools.pairwise(words)
    )


def _ends_secretly(words: list[str]) -> bool:
    last = words[-1]
    owner = words[-2] if len(words) > 1 else ""
    if last == "token":
        return owner not in COUNTED
    if last == "tokens":
        return owner in TOKEN_OWNERS
    if last in ("code", "codes"):
        return owner in CODE_OWNERS
    if last == "pass":
        return not owner or owner in PASS_OWNERS
    return last == "auth" and (not owner or owner in AUTH_OWNERS)
