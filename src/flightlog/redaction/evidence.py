"""What speaks for and against a value's being a secret, when nothing but a key in a text says so.

A text may be source code (`password = getpass()`), a prompt ("Token: "), a form ("password: <yours>") or
prose. So a value is looked at before it is replaced; what cannot be a secret stays, and what can is taken out.
"""

from __future__ import annotations

import re
from typing import Final

from msgspec import Struct

from flightlog.redaction.keys import words

_EMPTY: Final = re.compile(
    r"![A-Za-z]+|none|null|true|false|yes|no|nil|undefined|str|int|bytes|bool|any|object|optional|string|n/a|x+"
    r"|(?=[0-9]*\.)[0-9.]+-?",
    re.IGNORECASE,
)
"""Words for nothing, for yes and no, and for types; what hides a secret already; fractions and versions."""

_PLACEHOLDER: Final = re.compile(
    r"\[REDACTED|[{<\[(]|\$[{(A-Za-z]|%[(s]|\*{3}|\.\.\.|…|:|/|[A-Za-z]+://|arn:|urn:|![01](?![A-Za-z0-9])|void 0"
)
"""Stands where a secret will be, or was, or says where one is."""

_STANDING: Final = re.compile(r"\[REDACTED[^\]]{0,32}\]")
"""What stands in the place of a secret; the hash in it looks drawn at random, and is."""

_SENTENCES: Final = re.compile(r"pass|pwd", re.IGNORECASE)
"""In keys of secrets that may be numbers or have blanks: passwords and passphrases."""

_WEAK: Final = ("token", "tokens", "cookies", "auth", "credential", "credentials")
"""Ends of keys that name other things, too: a token is also a word of a language."""

_HEADERS: Final = ("authorization", "cookie")
"""Ends of the names of headers whose whole line is their value."""

SCHEME: Final = re.compile(r"[A-Za-z][A-Za-z0-9-]{1,31} ++(?=\S)")
"""The first word of an authorization; it is no secret and says what kind was there."""

_SOMETHING: Final = re.compile(r"[^\W_]").search
"""A letter or digit of any script; a value without one is punctuation."""

_CODE: Final = re.compile(r"[A-Za-z_]\w*+(?:\.\w+)*(?:[\[()].*|\.[A-Za-z_]+)", re.DOTALL)
"""A call, an item, an attribute."""

_NAME: Final = re.compile(r"[A-Za-z_]\w*+")


_LONGEST_WORD: Final = 28
"""Letters of the longest words of most languages."""

_RUN: Final = re.compile(r"[A-Za-z0-9]{10,}")
_WORDLIKE: Final = re.compile(
    r"(?=[A-Za-z]?[b-df-hj-np-tv-z]{0,3}[aeiouy])[A-Za-z][a-z]{2,}|[A-Z]{4,}|[0-9]{5,}"
)
"""What a run of letters and digits is mostly made of, if somebody thought of it: words, acronyms, dates."""

_PHRASE: Final = re.compile(r"[\w!#$&*+@^~-]+(?: [\w!#$&*+@^~-]+){1,7}!{0,3}")
_LONGEST_PHRASE: Final = 80
_PLAIN_WORD: Final = re.compile(r"[a-z]{2,}")
_SAYING: Final = words(
    """
    a about accepted after again all allowed already also always an and any are as ask asked at authentication
    available be because been before bytes can cannot case change changed changes character characters check choose
    chosen click complexity confirm confirmation contain contains copied correctly could create current de del der des
    did didn didnt die different digit digits disabled do does doesn doesnt don dont each either email empty enabled
    enter entered env environment error even every example expected expired failed failure field fields file first for
    forgot forgotten format found from generated get given goes hash hashed has have he her here hidden hide his
    hint how if ignored in incorrect input int invalid is isn isnt it its kennwort la last least leave length less let
    letter letters login long longer make masked match matches matching me message minimum missing more must my name
    need needed needs never new no non none not nothing null number numbers of off ok old on only optional or our
    out passe passed passcode passphrase passphrases password passwords passwort pin please previous prompt provide
    provided read received remember remove removed repeat repeated required reset retype same saved see set she short
    should show sign some stored str strength string strong submit success successfully than that the their them then
    there these they this those to too try twice type typed undefined unknown unset until update updated us use used
    user username uses using valid value values via want was we weak were what when which who why will with without
    word words wrong yes yet you your
    """
)
"""Of which one is in nearly every prompt, label and message about a password, and in few passphrases."""

_ENDS_OUTSIDE_PROGRAMS: Final = frozenset(["", *"&; \t\r\n\x1b"])


class Value(Struct, frozen=True):
    """A value behind a key, and how both stand in their text."""

    key: str
    text: str
    start: int
    delimiter: str
    """With the blanks around it."""
    leads: bool
    """The key begins its line."""
    quoted_key: bool
    quoted: bool
    after: str
    """The character behind the value; empty at the end of the text."""
    beside: bool = False
    """Somebody is named close before the key: `user: ada, pass: …`."""


def is_header(key: str, delimiter: str) -> bool:
    """Say whether a key is a header's name, so that the whole line is its value."""
    return delimiter[0] == ":" and key.lower().endswith(_HEADERS)


def is_weak(key: str) -> bool:
    """Say whether a key that can be a secret's often is not: only a value that looks random is replaced."""
    key = key.lower()
    return key.endswith(_WEAK) or key == "pass"


def is_opaque(word: str) -> bool:
    """Say whether a word of 16 characters or more looks drawn at random: letters with a digit among them."""
    return len(word) >= 16 and _has_digit(word) and not word.isdigit()


def is_drawn(text: str) -> bool:
    """Say whether a text looks drawn at random, where nothing but that tells a secret from `sha256crypt`.

    It has a run of ten letters and digits or more, both among them, of which words are less than two thirds.
    Nearly every random one of letters of both cases is known by that (97 % of those of 12 characters), and
    nine in ten of those of one case.
    """
    return any(map(_is_drawn, _RUN.findall(text)))


def _is_drawn(run: str) -> bool:
    words = sum(map(len, _WORDLIKE.findall(run)))
    return _has_digit(run) and not run.isdigit() and 3 * words < 2 * len(run)


def is_secretive(text: str) -> bool:
    """Say whether a text by itself looks like a secret: one word with letters and digits, or a long one."""
    text = _STANDING.sub("", text).strip()
    return _has_random_word(text) or (len(text) > _LONGEST_WORD and " " not in text)


def is_placeholder(text: str) -> bool:
    """Say whether a text stands where a secret will be, or was, or is another word for nothing."""
    return not _SOMETHING(text) or _EMPTY.fullmatch(text) is not None or _PLACEHOLDER.match(text) is not None


def is_phrase(text: str) -> bool:
    """Say whether several words are more likely a passphrase than what a program says about one.

    Programs say sentences: with a verb, an article, or the word "password" in them, with a stop at their end, or begun
    with a capital. A passphrase is words in lower case, four words or more however written, or has a word with a digit
    in it.
    """
    if len(text) > _LONGEST_PHRASE or not _PHRASE.fullmatch(text):
        return False
    said = text.rstrip("!").split(" ")
    if not _SAYING.isdisjoint(word.lower() for word in said):
        return False
    plain = all(map(_PLAIN_WORD.fullmatch, said))
    mixed = any(_has_digit(word) and not word.isdigit() for word in said)
    return plain or mixed or (len(said) > 3 and text.replace(" ", "").isalpha())


def is_telling(value: Value) -> bool:
    """Say whether the value can be a secret."""
    text = value.text
    if len(text) < 3 or is_placeholder(text):
        return False
    if f"_{value.key}".lower().endswith(f"_{text}".lower()):
        return False  # `password=password` hands on a variable, and `"password": "password"` names a field
    if value.key == "PASS" and value.delimiter[0] == ":":
        return False  # the report of a test
    if value.beside:
        return not text.isdigit() and not _CODE.fullmatch(text)
    if is_weak(value.key) or is_header(value.key, value.delimiter):
        return _has_random_word(text) and not _CODE.fullmatch(text)
    if " " in text or text.isdigit():
        return _SENTENCES.search(value.key) is not None and (
            value.quoted_key or text.isdigit() or is_phrase(text)
        )
    if value.quoted:
        return True
    if _NAME.fullmatch(text):
        return _is_no_variable(value)
    return not _CODE.fullmatch(text)


def _is_no_variable(value: Value) -> bool:
    """Tell a secret that looks like a name in a program (`password=hunter`) from one.

    With a digit in it, it is taken for a program's only when it is built of several words. Without, it is
    taken for a secret where programs have blanks or commas (`password=hunter&`, `password=hunter ip=…`), and
    alone on a line of settings (`password: hunter`).
    """
    text = value.text
    if _has_digit(text):
        return "_" not in text or is_opaque(text)
    if value.delimiter == "=":
        return value.after in _ENDS_OUTSIDE_PROGRAMS
    alone = value.leads and value.after in ("", "\n", "\r") and not value.quoted_key
    return alone and text.islower() and text.isalpha() and value.delimiter in (":", ": ")


def _has_random_word(text: str) -> bool:
    words = re.split(r"[\s=;]+", _STANDING.sub("", text))
    return any(len(word) >= 8 and _has_digit(word) and not word.isdigit() for word in words)


def _has_digit(text: str) -> bool:
    return any(letter.isdigit() for letter in text)
