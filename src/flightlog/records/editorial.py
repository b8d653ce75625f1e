"""What makes a narration good to read, as rules that a program can check: length, voice, tense, secrets, number.

They are advice for whoever writes the sentences, never a reason to leave one out: development warns by them, and
`flightlog lint-narration` lists them for what was recorded. Each rule is a pure function of texts and tells what
is wrong, what the limit is, by how much it is missed, and what to do.

A length is counted in letters as people see them: a combining mark, a variation selector, a skin tone, and
whatever a joiner ties to the letter before it count nothing, and two letters of a flag count one. The rules of
Unicode for clusters go further (Hangul made of parts, Indic conjuncts); there a text may count a few too many.

Tense is checked on the first words of the plain sentence alone, in English: one that begins with "will", "going
to" or "about to", with or without one word before it ("worker will", "we'll"), or with its subject ("the worker
will", "worker w-3 will"), tells the future, unless it is somebody's name ("Will Smith"); and one that begins with
a form in "-ing" tells of work that goes on, which is wrong only where it is known to be over. A few nouns
("nothing", "morning") and a form that a verb follows ("Indexing failed") are not taken for such a form.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from typing import Final

from msgspec import Struct

HUMAN_LIMITS: Final[Mapping[str, int]] = {"warn": 120, "error": 150, "fatal": 150}
"""Letters of the plain sentence, by level; where something went wrong there is more to say."""
HUMAN_LIMIT: Final = 100
"""Letters of the plain sentence at every other level."""
CUTE_LIMIT: Final = 150
STORY_LIMIT: Final = 200
MOST_A_REQUEST: Final = 100
"""Narrations under one root; with more of them nobody reads any."""

RULES: Final[Mapping[str, str]] = {
    "human-length": "the plain sentence is at most 100 characters long, 120 for warn, 150 for error and fatal",
    "human-unfinished": "the plain sentence has letters, and does not stop at a joining sign or a blank",
    "human-tense": "the plain sentence tells what happens or has happened, never what will",
    "cute-length": "the cute sentence is at most 150 characters long",
    "cute-emoji": "the cute sentence has an emoji",
    "story-length": "the story is at most 200 characters long",
    "story-dialogue": "in the story somebody speaks, in quotation marks",
    "secret": "no sentence and no target holds a secret; the gate replaced one in this",
    "too-many": "one request has at most 100 narrations",
}
"""Every rule, by its name."""


class Finding(Struct, frozen=True):
    """One thing about a narration that could be better."""

    rule: str
    """Its name in `RULES`."""
    text: str
    """For the developer: what is wrong, what the limit is, by how much it is missed, what to do."""


def findings(
    level: str, human: str, cute: str = "", story: str = "", *, target: str = "", is_done: bool = False
) -> list[Finding]:
    """Check the sentences of one narration; a voice without a text has nothing to check.

    Args:
        level: of the narration.
        human: the plain sentence.
        cute: the one with a wink.
        story: the one with dialogue.
        target: what it was done to, of which readers make a sentence where there is none.
        is_done: what is told is known to be over, as after a call.
    """
    return [
        *_human(level, human, is_done=is_done),
        *_cute(cute),
        *_story(story),
        *_secrets(human, cute, story, target),
    ]


def too_many(count: int) -> Finding | None:
    """What is wrong with so many narrations under one root, if anything."""
    if count <= MOST_A_REQUEST:
        return None
    return Finding(
        "too-many",
        f"{count} narrations in one request, {count - MOST_A_REQUEST} more than {MOST_A_REQUEST}; "
        "tell a loop once, or at level debug",
    )


def letters(text: str) -> int:
    """Count the letters of a text as people see them; how far that goes stands at the top of this file."""
    if text.isascii():
        return len(text)
    seen = "".join(letter for letter in text if letter == _JOINER or not _counts_nothing(letter))
    return len(_FLAG.sub("f", _JOINED.sub("", seen)))


_JOINER: Final = "\u200d"
_JOINED: Final = re.compile("\u200d.?", re.DOTALL)
_FLAG: Final = re.compile("[\U0001f1e6-\U0001f1ff]{2}")
_EMOJI: Final = re.compile(
    "[\u203c\u2049\u20e3\u2139\u2194-\u21aa\u231a-\u23ff\u24c2\u25aa-\u25fe\u2600-\u27bf\u2934\u2935"
    "\u2b05-\u2b55\u3030\u303d\u3297\u3299\U0001f000-\U0001faff]"
)
_SPOKEN: Final = (
    ('"', '"'),
    ("“", "”"),
    ("„", "“"),
    ("«", "»"),
    ("»", "«"),
    ("\u2018", "\u2019"),
    ("'", "'"),
    ("「", "」"),
    ("『", "』"),
)
"""Quotation marks that open and close what somebody says."""

_FUTURE: Final = re.compile(
    r"\W*(?:\w+['\u2019]ll|(?:\w+ )?(?:will|Will(?! [A-Z])|[Gg]oing to|[Aa]bout to)"
    r"|(?:(?:The|An?|This|These|Our|Each|Every|All) (?:(?!(?:that|which|who|free) )[\w-]+ ){1,3}|\w+ [\w-]*\d[\w-]* )"
    r"(?:will|(?:is|are) about to)"
    r"|\w+(?: is| are|['\u2019](?:s|re|m)) about to|(?:I['\u2019]m|[Ww]e['\u2019]re) going to)\b"
)
_GOES_ON: Final = re.compile(r"\W*([A-Za-z]+ing)\b(?:\s+([A-Za-z]+))?")
_NO_VERBS: Final = frozenset(
    """anything bring ceiling during evening everything king morning nothing ping pricing ring something spring
    sting string swing thing wing""".split()  # noqa: SIM905 - a list of words reads best as one
)
_VERBS: Final = frozenset(
    """is was are were has had does did took ran went began can could may might must""".split()  # noqa: SIM905 - a list of words reads best as one
)
_REPLACED: Final = "[REDACTED"
_SHOWN: Final = 40
_READ: Final = 1_000
"""Letters in which somebody has to speak; a longer story has its own finding."""
_NEVER_LAST: Final = frozenset(":,;=/([{<-\u2013\u2014&+ ")


def _human(level: str, text: str, *, is_done: bool) -> Iterator[Finding]:
    if not text:
        return
    limit = HUMAN_LIMITS.get(level, HUMAN_LIMIT)
    over = letters(text) - limit
    if over > 0:
        yield Finding(
            "human-length",
            f"the plain sentence has {limit + over} characters, {over} more than {limit} at level {level}; "
            "say what happened to what, and put the rest in fields",
        )
    if not any(map(str.isalpha, text)):
        yield Finding("human-unfinished", f"{_quoted(text)} has no letters; say in words what happened")
    elif text[-1] in _NEVER_LAST or text[-1].isspace():
        yield Finding(
            "human-unfinished",
            f"the plain sentence stops at {text[-1]!r}, as when a value was empty; end it, or leave that part out",
        )
    yield from _tense(text, is_done=is_done)


def _tense(text: str, *, is_done: bool) -> Iterator[Finding]:
    if _FUTURE.match(text):
        yield Finding(
            "human-tense",
            f"{_quoted(text)} tells the future; say what happens now, or afterwards what happened",
        )
    found = _GOES_ON.match(text) if is_done else None
    if found and found[1].lower() not in _NO_VERBS and not _is_verb(found[2] or ""):
        yield Finding(
            "human-tense", f"{_quoted(text)} tells of what goes on, and it is over; say it in the past tense"
        )


def _is_verb(word: str) -> bool:
    return word.lower() in _VERBS or word.endswith("ed")


def _cute(text: str) -> Iterator[Finding]:
    if not text:
        return
    yield from _length("cute", "the cute sentence", text, CUTE_LIMIT)
    if not _EMOJI.search(text):
        yield Finding("cute-emoji", "the cute sentence has no emoji; add one, or leave the sentence out")


def _story(text: str) -> Iterator[Finding]:
    if not text:
        return
    yield from _length("story", "the story", text, STORY_LIMIT)
    if not _has_dialogue(text):
        yield Finding(
            "story-dialogue", "nobody speaks in the story; let somebody, in quotation marks, or leave it out"
        )


def _length(voice: str, what: str, text: str, limit: int) -> Iterator[Finding]:
    over = letters(text) - limit
    if over > 0:
        yield Finding(
            f"{voice}-length",
            f"{what} has {limit + over} characters, {over} more than {limit}; tell less of it",
        )


def _has_dialogue(text: str) -> bool:
    """Whether letters stand between two quotation marks that belong together; an apostrophe is none."""
    text = text[:_READ]
    for opening, closing in _SPOKEN:
        start = text.find(opening)
        while start >= 0 and (end := text.find(closing, start + 1)) > 0:
            is_mark = opening not in "'\u2018" or start == 0 or not text[start - 1].isalnum()
            if is_mark and any(map(str.isalnum, text[start + 1 : end])):
                return True
            start = text.find(opening, start + 1)
    return False


def _secrets(*texts: str) -> Iterator[Finding]:
    if any(_REPLACED in text for text in texts):
        yield Finding(
            "secret", "a secret was taken out of the narration; name what it is for, or its id, instead"
        )


def _quoted(text: str) -> str:
    return repr(text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…")


def _counts_nothing(letter: str) -> bool:
    kind = unicodedata.category(letter)
    return kind[0] == "M" or kind == "Cf" or "\U0001f3fb" <= letter <= "\U0001f3ff"
