"""Secrets that a sentence tells: "my password is …", "the API key is …", "log in with ada:…", "creds: ada / …".

Prose goes on in the same way with plain words ("the key is under the mat"). So where the sentence itself says little,
what it tells has to look drawn at random.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from flightlog.redaction.evidence import is_drawn, is_placeholder
from flightlog.redaction.keys import is_secret
from flightlog.redaction.modes import STANDS
from flightlog.redaction.rule import Family, finding, matching

Span = tuple[int, int]

_TOLD: Final = r"[^\s\"'`()<>\\]{5,}[^\s\"'`()<>\\.,;:?!]"
"""What a sentence tells, without the quotation marks and the stop of the sentence."""


def _is_told(word: str) -> bool:
    return not (word.startswith(STANDS) or is_placeholder(word) or word.isdigit())


_SAID: Final = matching(
    "said",
    r"assw(?:ord (?:(?:for|of|di|de|para|pour) [^\s.,;:]{1,40}(?: [^\s.,;:]{1,40}){0,4}(?: |(?=:)))?"
    r"(?:is|was|to|:)(?: now| set to)?"
    rf"|ort (?:ist|lautet)):? [\"'`]?((?=[^\s\"'`]*[0-9]){_TOLD})",
    _is_told,
)
_NAMED: Final = matching("said", rf"assword [\"'`]?({_TOLD})", is_drawn)
"""`password …`, with nothing between."""
_AS_PASSWORD: Final = matching(
    "said", rf"[Uu]se [\"'`]?({_TOLD})[\"'`]? (?:as|for) (?:the|your|my|our|a) (?:new )?password", is_drawn
)

_KEY_IS: Final = re.compile(rf"k(?:ey|en) (?:is|was)(?: now| set to)?:? [\"'`]?({_TOLD})")
_OWNER: Final = re.compile(r"(?:\bpass(?:phrase|code|word) .*|([A-Za-z]+)[ _-])([A-Za-z]*)$")
_LONGEST_OWNER: Final = 40


def _of_keys(text: str) -> Iterator[Span]:
    """`API key is …`, `the access token was …`: the word before says whose key it is."""
    for told in _KEY_IS.finditer(text):
        owner = _OWNER.search(text, max(0, told.start() - _LONGEST_OWNER), told.start() + 3)
        if owner and is_secret(f"{owner[1] or 'pass'}_{owner[2]}") and is_drawn(told[1]):
            yield told.span(1)


_CREDENTIALS: Final = matching(
    "said",
    r"""[Cc]red(?:ential)?s?\*{0,2}[ \t]{0,4}[:=]\*{0,2}[ \t]{1,4}["'`]?[\w.@+-]{1,64}["'`]? ?/ ?"""
    rf"""["'`]?({_TOLD})""",
    is_drawn,
)
"""`creds: ada / …`"""

_IDENTIFY: Final = matching(
    "command",
    r"/(?:msg|quote|query) (?:NickServ|nickserv|ns)[^\s]{0,40} (?:identify|IDENTIFY|Identify) (?:[^\s:]{1,64} )?"
    r"([^\s:]{3,}+)(?![^\r\n])",
    _is_told,
)
_IDENTIFIED: Final = matching(
    "command",
    r"PRIVMSG (?:NickServ|nickserv)[^\s]{0,40} :?(?:identify|IDENTIFY|Identify) (?:[^\s:]{1,64} )?([^\s:]{3,}+)"
    r"(?![^\r\n])",
    _is_told,
)
"""What somebody tells the keeper of names of a chat."""

FAMILIES: Final = (
    *(
        Family(
            letter,
            re.compile(
                rf"{letter}(?:asswor(?:d(?: |:|(?<=(?:the|our| my) password)|(?<= a password))|t (?:ist|lautet) ))"
            ).search,
            (_SAID, _NAMED, _AS_PASSWORD),
            rooted=True,
        )
        for letter in "pP"
    ),
    Family("k", re.compile(r"k(?:e[yn] (?:is|was)[ :])").search, (finding("said", _of_keys),), rooted=True),
    Family("/", re.compile("/(?:msg |quote |query )").search, (_IDENTIFY,)),
    Family("G", re.compile("G(?<=PRIVMSG) ").search, (_IDENTIFIED,)),
)

CREDENTIALS: Final = _CREDENTIALS
"""Is asked where something is assigned to a key."""
