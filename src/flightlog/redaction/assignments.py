"""Secrets that are known by the key they are assigned to, inside a text: `password=…`, `"api_key": "…"`.

Keys are judged by the same table as the keys of a record (`keys.py`); values are weighed (`evidence.py`),
because a text is weaker evidence than a record's structure. JSON inside a text is read at any usual depth of
escaping. A text is read a bounded number of times over, however its keys are nested.
"""

from __future__ import annotations

import re
from typing import Final

from flightlog.redaction.evidence import (
    SCHEME,
    Value,
    is_drawn,
    is_header,
    is_phrase,
    is_secretive,
    is_telling,
    is_weak,
)
from flightlog.redaction.keys import ELSEWHERE, is_secret
from flightlog.redaction.modes import Hide
from flightlog.redaction.prose import CREDENTIALS
from flightlog.redaction.rule import Family, Rule

ROOTS: Final = (
    *("pass", "pw", "secret", "token", "key", "cred", "auth", "cookie", "jwt", "psk"),
    *("contrasena", "kennwort", "senha", "wachtwoord"),
    *ELSEWHERE,
)
"""Parts of words, at least one of which is in every key that `keys.py` calls secret, but for codes."""

REACH: Final = 64
"""Characters before a delimiter in which the root has to stand."""

_BEGUN: Final = (
    ("k", "k(?:ey|en(?:(?<=token)|nwort)|ie(?<=cookie)|(?<=psk))"),
    ("c", "c(?:re(?:d|t(?<=secret))|ontrasena|htwoord(?<=wachtwoord))"),
    ("h", "h(?<=[eu][nt]h)(?:a(?<=senha)|(?<=auth))"),
    ("j", "jwt"),
)
"""All roots in ASCII but for those that begin with a `p`, each with a letter without which it is not there.

A pattern that begins with one rare letter, or with nothing but letters, is searched at the speed of a scan for them:
half the cost of looking for each root."""

ROOT_SIGNS: Final = tuple(
    (letter, re.compile(sign)) for letter, sign in (*_BEGUN, ("p", r"""p(?:ass|w[d"'\s_.:=\\-])"""))
)
"""Of which one finds every root in ASCII. Two letters are in every long text that was encoded, so after `pw` there
has to be what can follow it in a key, or a key."""

_ROOT_SEARCHES: Final = tuple((letter, sign.search) for letter, sign in ROOT_SIGNS)

_ROOT_IN_WORD: Final = re.compile("k(?:en|ey|ie)|p(?:ass|w|sk)|cre[dt]|auth|jwt|contrase|wachtw|senha").search
"""The same for one word, in which one search costs less than six."""

_FEW: Final = 6
"""With fewer delimiters, looking before each is cheaper than looking through the whole text."""

_KEY_CHARACTERS: Final = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-"
_LETTERS: Final = _KEY_CHARACTERS[:52]
_WORDS_WITH_AN_OWNER: Final = ("key", "keys", "token", "tokens")
"""Keys of which prose says with a word before them what they are: "API key", "max token"."""

_QUOTES: Final = "\"'`"
_AFTER_QUOTATIONS: Final = frozenset(["", *" \t\r\n),;.:+%]}"])
_ASCII_LOWER: Final = {code: code + 32 for code in range(ord("A"), ord("Z") + 1)}

_COLOURS: Final = r"(?:(?:\x1b|\\{1,7}(?:x1b|u001b|033|e))\[[0-9;]{0,15}m ?){0,6}"
"""Changes of colour on a terminal, each with the blank that a highlighter puts behind it: as they are, or as Python and
JSON escape them."""
_IN_COLOUR: Final = re.compile(r"(?:\x1b|\\(?:x1b|u001b|033|e))\[(?:[0-9;]{0,12};)?$")
_END_OF_COLOUR: Final = re.compile("[0-9]{0,3}m")

TAIL: Final = (
    r"""([a-zь0-9_.-]{0,32}+)(\\{0,7}["'`]|&[a-z0-9#]{3,5};)?[\])]?\*{0,2}"""
    + _COLOURS
    + r"""([ \t]{0,8}(?:=(?![=>~])|=>|:=|[:\uff1a](?!:)|::(?= [A-Za-z0-9+/]{8})|;s:[0-9]{1,6}:)[ \t]{0,8})"""
    + r"""(?:\*\*[ \t]{0,8})?"""
    + _COLOURS
)
"""From a root to the start of the value: the rest of the key, its closing quote, the delimiter (of PHP, too, as it
serializes)."""
HEADS: Final = (
    *((letter, sign.replace("ey|", "ey(?:(?<=[a-z0-9_.-]key)|(?<=[a-z] key))|")) for letter, sign in _BEGUN),
    ("p", "p(?:ass|w)"),
)
"""Patterns of which one ends where a root in ASCII does, each with a letter of it. A key alone is no secret's."""
_TOLD: Final = tuple((letter, re.compile(head + TAIL)) for letter, head in HEADS)
_TOLD_ELSEWHERE: Final = re.compile(f"(?:{'|'.join(ELSEWHERE)}){TAIL}")

_OPENING: Final = re.compile(r"""[bfruN]{0,2}(\\{0,7})(["'`])(?:\2\2)?""")
_LEAD: Final = re.compile(
    r"(?:[ \t]*\r?\n[ \t]*)?string\([0-9]{1,7}\) (?=\")|Some\((?=\")"
    r"|&(?:quot|apos|#34|#39|#x27);(?=[^\s&])|[&!][A-Za-z][\w/.-]{0,40}[ \t]{1,4}(?=\S)"
)
"""What stands before a value and says what it is: its type in PHP and in Rust, a quotation mark of HTML, an anchor or a
tag in YAML."""
_IN_ANGLES: Final = re.compile(r"<([A-Za-z0-9+/_~.=-]{10,})>")
_BELOW: Final = re.compile(r"(?:[|>][+-]?[0-9]?)?[ \t]{0,8}(?:#[^\r\n]*)?\r?\n([ \t]*)(?=[^\s#])")
"""From a key of YAML to the value on the next line, whose indentation is the group."""
_LINE: Final = re.compile(r"[^\r\n]+")
_MAPPING: Final = re.compile(r"""-[ \t]|[\w.-]+["']?[ \t]*[:=]|[{}\[\]@<(]|//|/\*""")
"""Begins a line that holds no value of the line before it, or none that could be told from a word."""
_LONGEST_BLOCK: Final = 16_384
_LONG_BRACKETS: Final = re.compile(r"\[(=*)\[([^\s\[\]]{3,})\]\1\]")
_NAMED_USER: Final = re.compile(r"""(?i:user(?:name)?|login|e-?mail|uid|account)["']?[ \t]{0,2}(?:=>|[:=])""")
_BESIDE: Final = 200
"""Characters before a `pass:` in which somebody has to be named, for it to be a password as it stands."""
_SCHEMES: Final = re.compile(r"(?:[Bb]earer|[Bb]asic|[Tt]oken|Digest|ApiKey) (?=\S)")
"""What stands before the secret where no line but a word is the value: `authorization=Bearer …`."""
_STOP: Final = re.compile(r"""["'`\r\n]""")
_WORD: Final = re.compile(r"""(?:[^\s"'`,;&|<>\\\x1b]|\\(?![nrt"'`\\\s]|(?:x1b|u001b|033|e)\[))++""")


def clean(text: str, hide: Hide) -> tuple[str, int]:
    """Replace the secret values, and say how many there were.

    A value that stays may hold further keys with values of their own. Where it has no end of its own, those
    end where it ends, so a key of the same sort in it would only read the same again and is passed over.
    """
    pieces: list[str] = []
    done = 0
    read: dict[tuple[bool, bool], int] = {}
    for match in _keyed(text):
        key, before = _key(text, match)
        sort = (is_header(key, match[3]), is_weak(key))
        if match.start() < done or match.end() < read.get(sort, 0) or not _assigns(key, before, match):
            continue
        value = _value(text, match, key, before)
        hidden = hide(value.text) if is_telling(value) else None
        if hidden is not None:
            pieces += text[done : value.start], hidden
            done = value.start + len(value.text)
        elif not value.quoted:
            read[sort] = value.start + len(value.text)
    return ("".join([*pieces, text[done:]]), len(pieces) // 2) if pieces else (text, 0)


def _keyed(text: str) -> list[re.Match[str]]:
    """Every place where something is assigned to a key with a root in it, in order, each delimiter once."""
    lowered = text.lower()
    if len(lowered) != len(text):  # a letter such as "İ" grew, and positions would no longer be the text's
        lowered = text.translate(_ASCII_LOWER)
    told = [pattern for letter, pattern in _TOLD if letter in lowered]
    if not text.isascii():
        told.append(_TOLD_ELSEWHERE)
    found = {match.end(): match for pattern in told for match in pattern.finditer(lowered)}
    return [found[end] for end in sorted(found)]


def _key(text: str, match: re.Match[str]) -> tuple[str, str]:
    """Return the key and what of the line is before it; with "key" and "token" goes the word before them."""
    head = text[max(0, match.start() - REACH) : match.start()]
    before = head.rstrip(_KEY_CHARACTERS)
    if before.endswith(("[", ";")) and _IN_COLOUR.search(before):
        colour = _END_OF_COLOUR.match(head, len(before))
        before += colour[0] if colour else ""
    key = text[match.start() - len(head) + len(before) : match.end(1)]
    if not match[2] and before.endswith(" ") and key.lower() in _WORDS_WITH_AN_OWNER:
        rest = before[:-1].rstrip(_LETTERS)
        word = before[len(rest) : -1]
        if word:
            key, before = f"{word}_{key}", rest
    return key, before[before.rfind("\n") + 1 :]


def _assigns(key: str, before: str, match: re.Match[str]) -> bool:
    """Say whether a secret may follow; `arn:aws:…:secret:name` assigns nothing."""
    return is_secret(key) and not (before.endswith(":") and match[3] == ":")


def _value(text: str, match: re.Match[str], key: str, before: str) -> Value:
    start = match.end()
    lead = _LEAD.match(text, start)
    start = lead.end() if lead else start
    opening = _OPENING.match(text, start)
    block = _block(text, match, before) if not opening else None
    brackets = _LONG_BRACKETS.match(text, start) if match[3].strip() == "=" else None
    angles = _IN_ANGLES.match(text, start)
    if block:
        start, end = block
    elif brackets:
        start, end = brackets.span(2)
    elif angles and is_drawn(angles[1]):
        start, end = angles.span(1)
    elif opening and not match[2] and _is_closing(text, opening, before):
        opening, end = None, start
    elif opening:
        start, end = opening.end(), _end_of_quotation(text, opening)
    elif is_header(key, match[3]):
        end = _end_of_header(text, start, before)
    else:
        told = _SCHEMES.match(text, start)
        start = told.end() if told else start
        end = _end_of_phrase(text, start, key) or _end_of_word(text, start)
    scheme = SCHEME.match(text, start, end) if is_header(key, match[3]) else None
    start = scheme.end() if scheme else start
    return Value(
        key=key,
        text=text[start:end],
        start=start,
        delimiter=match[3],
        leads=not before.strip(" \t-*"),
        quoted_key=bool(match[2]),
        quoted=bool(opening or brackets or (lead and lead[0][0] == "&" and lead[0][-1] == ";")),
        after=text[end : end + 1],
        beside=key.lower() == "pass" and _is_beside_a_user(text, match.start()),
    )


def _is_beside_a_user(text: str, place: int) -> bool:
    return _NAMED_USER.search(text, max(0, place - _BESIDE), place) is not None


def _block(text: str, match: re.Match[str], before: str) -> tuple[int, int] | None:
    """Find the value of a key of YAML in the lines below it, which are indented more than the key is."""
    below = _BELOW.match(text, match.end())
    if below is None or match[3].strip() != ":":
        return None
    is_block = text[match.end()] in "|>"
    leads = not before.strip(" \t-")
    indent = len(before) if leads else 0
    line = _LINE.match(text, below.end())
    if (
        line
        and leads
        and not is_block
        and len(below[1]) == indent
        and is_drawn(line[0])
        and " " not in line[0].strip()
    ):
        return line.start(), line.start() + len(line[0].rstrip())
    if len(below[1]) <= indent or not (leads or is_block):
        return None
    if line is None or (not is_block and (_MAPPING.match(line[0]) or not is_secretive(line[0]))):
        return None
    start, end = line.start(), line.start() + len(line[0].rstrip())
    while is_block and end - start < _LONGEST_BLOCK:
        further = _further(text, line.end(), indent)
        if further is None:
            break
        line, end = further, further.end()
    return start, end


def _further(text: str, place: int, indent: int) -> re.Match[str] | None:
    """The next line, if it is indented more."""
    end = re.compile(r"\r?\n").match(text, place)
    line = _LINE.match(text, end.end()) if end else None
    return line if line and len(line[0]) - len(line[0].lstrip(" \t")) > indent else None


def _is_closing(text: str, opening: re.Match[str], before: str) -> bool:
    """Say whether a quotation seems to end here, as in `input("Password: ")`, and not to begin."""
    return text[opening.end() : opening.end() + 1] in _AFTER_QUOTATIONS and _is_inside(before, opening[2])


def _is_inside(before: str, quote: str) -> bool:
    """Say whether a quotation is open after `before`, as far as that reaches."""
    return len(re.findall(rf"(?<![A-Za-z]){quote}|{quote}(?![A-Za-z])", before)) % 2 == 1


def _end_of_quotation(text: str, opening: re.Match[str]) -> int:
    """Find where a quoted value ends, at the latest at the end of its line.

    Each depth of JSON in JSON doubles the backslashes and adds one: a quotation opened by k of them is closed
    by n when n mod 2(k+1) is k; fewer than k close the text around it.
    """
    depth, quote = len(opening[1]), opening[2]
    start = opening.end()
    for stop in _STOP.finditer(text, start):
        if stop[0] in "\r\n":
            return stop.start()
        run = text[start : stop.start()]
        start = stop.end()
        count = len(run) - len(run.rstrip("\\"))
        if stop[0] == quote and (count < depth or count % (2 * (depth + 1)) == depth):
            return stop.start() - min(count, depth)
    return len(text)


def _end_of_header(text: str, start: int, before: str) -> int:
    """Find the end of the line, or of the quotation in which the header stands."""
    around = before[-1:]
    if not around or around not in _QUOTES:
        around = "".join(quote for quote in _QUOTES if _is_inside(before, quote))
    end = re.compile(rf"[\r\n{around}]|\\[nr{around}]").search(text, start)
    return end.start() if end else len(text)


def _end_of_phrase(text: str, start: int, key: str) -> int:
    """Find the end of the line, where it is the words of a passphrase whose key says so; 0 where it is not."""
    line = _LINE.match(text, start) if key.lower().endswith("passphrase") else None
    phrase = line[0].rstrip() if line else ""
    return start + len(phrase) if phrase.count(" ") > 1 and is_phrase(phrase) else 0


def _end_of_word(text: str, start: int) -> int:
    word = _WORD.match(text, start)
    return start + len(word[0].rstrip(")]}:.")) if word else start


def may_assign(text: str) -> bool:
    """Say whether something may be assigned to a key with a root in it.

    Most texts have few delimiters or none: then only what stands before each is looked at.
    """
    if not text.isascii():
        return _is_assigned(text)
    places: list[int] = []
    place = text.find(":")
    while place >= 0:
        places.append(place)
        place = text.find(":", place + 1) if len(places) < _FEW else -1
    place = text.find("=")
    while place >= 0 and len(places) < _FEW:
        places.append(place)
        place = text.find("=", place + 1)
    if len(places) == _FEW:
        return _is_assigned(text)
    if not places:
        return False
    if "\\" in text or "\x1b" in text:  # a change of colour can stand between
        return _is_assigned(text)
    for place in places:
        before = text[place - REACH if place > REACH else 0 : place].rstrip().lower()
        if _ROOT_IN_WORD(before, before.rfind(" ") + 1):
            return _is_assigned(text)
    return False


def _is_assigned(text: str) -> bool:
    if ":" not in text and "=" not in text and "\uff1a" not in text:
        return False  # every delimiter has one of them
    lowered = text.lower()
    for letter, pattern in _TOLD:
        if letter in lowered and pattern.search(lowered):
            return True
    if text.isascii() or not any(holder in lowered for holder in ELSEWHERE):
        return False
    return _TOLD_ELSEWHERE.search(lowered) is not None


def has_root(text: str) -> bool:
    """Say whether a part of a secret's key in ASCII is anywhere in the text."""
    lowered = text.lower()
    for letter, search in _ROOT_SEARCHES:  # noqa: SIM110 # a generator costs as much as two searches
        if letter in lowered and search(lowered):
            return True
    return False


RULES: Final = (Rule("assignment", clean), CREDENTIALS)

FAMILIES: Final = (Family("", may_assign, RULES, rooted=True),)
"""One rule, whose keys are the table's, under whatever delimiter."""
