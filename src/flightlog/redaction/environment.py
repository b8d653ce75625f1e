"""Secrets that a program was given in its environment: the values of variables named like one.

A value is taken only if it can be told from ordinary words: long enough, no path, no address, no number, no word
that everybody uses. What is in the environment under an open name, too, is no secret of this program. Of an
address with a password in it, the password is.
"""

from __future__ import annotations

import re
from _json import encode_basestring, encode_basestring_ascii
from collections.abc import Callable, Iterator, Mapping
from typing import Final
from urllib.parse import quote, quote_plus, unquote

from flightlog.redaction.evidence import is_placeholder
from flightlog.redaction.keys import is_secret, words, words_of

SHORTEST: Final = 8
"""Characters of the shortest value that is looked for."""

MOST: Final = 64
"""Values that are looked for; the longest win. Each costs every text one search."""

_LONGEST: Final = 8192
_OPEN_KEYS: Final = words(
    """
    cache dedupe foreign host hot index idempotency message object partition primary public row routing sort
    verify
    """
)
"""Words that make the `key` after them one that may be seen."""
_PLAIN: Final = re.compile(r"[~./]|[A-Za-z]:\\|[0-9.,:-]+$|[a-z0-9+.-]+://")
_USERINFO: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^\s/@:]*:([^\s/@]+)@")
_WORDS: Final = words(
    """
    anonymous changeme changeit default development disabled enabled example guest1234 localhost mypassword
    password password1 postgres postgresql production required root1234 sandbox staging testing undefined
    """
)
"""What everybody's password is, and what stands where there is none."""


def is_secret_name(name: str) -> bool:
    """Say whether a variable of this name holds a secret."""
    if is_secret(name):
        return True
    words = words_of(name)
    return (
        len(words) > 1 and words[-1] in {"key", "keys", "pass", "pat", "auth"} and words[-2] not in _OPEN_KEYS
    )


def secrets_of(environ: Mapping[str, str]) -> tuple[str, ...]:
    """Find the secrets of an environment, as they are and as they look in JSON and in addresses."""
    known = {value for name, value in environ.items() if not is_secret_name(name)}
    found: dict[str, None] = {}
    for name, value in environ.items():
        for secret in _secrets(name, value[:_LONGEST]):
            if secret not in known:
                found.update(dict.fromkeys(spellings(secret)))
    return tuple(sorted(found, key=lambda secret: (-len(secret), secret))[:MOST])


def _secrets(name: str, value: str) -> Iterator[str]:
    for address in _USERINFO.finditer(value):
        if _is_telling(address[1]):
            yield address[1]
    if is_secret_name(name) and _is_telling(value):
        yield value


def _is_telling(value: str) -> bool:
    return (
        len(value) >= SHORTEST
        and value.lower() not in _WORDS
        and not is_placeholder(value)
        and not _PLAIN.match(value)
        and len(set(value)) > 3  # of one or two signs is what stands where there is none
    )


def spellings(secret: str) -> tuple[str, ...]:
    """A text as others write it, without those that are the text itself.

    That is in JSON of both kinds, in JSON inside JSON, in both kinds of `repr`, in an address, in a form, in HTML,
    and with its accents apart or in one with their letters. Most secrets are spelt alike in all of them.
    """
    if secret.isalnum() and secret.isascii():
        return (secret,)
    raw = secret.encode(errors="surrogatepass")  # a variable may hold bytes that are no UTF-8
    return (
        secret,
        encode_basestring(secret)[1:-1],
        encode_basestring_ascii(secret)[1:-1],
        repr(secret)[1:-1],
        ascii(secret)[1:-1],
        quote(raw, safe=""),
        quote(raw),
        quote_plus(raw),
        unquote(secret),
        _in_json_twice(encode_basestring, secret),
        _in_json_twice(encode_basestring_ascii, secret),
        *_in_markup(secret),
        *_composed(secret),
    )


def _in_json_twice(spell: Callable[[str], str], secret: str) -> str:
    return spell(spell(secret)[1:-1])[1:-1]


def _in_markup(secret: str) -> tuple[str, ...]:
    """As HTML and XML have it: quotes may be left alone, and the apostrophe has a number in two bases and a name."""
    plain = secret.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    quoted = plain.replace('"', "&quot;")
    return (plain, quoted, *(quoted.replace("'", name) for name in ("&#x27;", "&#39;", "&apos;")))


def _composed(secret: str) -> tuple[str, ...]:
    if secret.isascii():
        return ()
    from unicodedata import normalize  # 1 MB of tables, and hardly any secret needs them

    return normalize("NFC", secret), normalize("NFD", secret)
