"""What is said where a text stops being a question: the parser knows the place, here it becomes a sentence."""

from __future__ import annotations

import re
from typing import Final

from lark import UnexpectedInput, UnexpectedToken

from flightlog.questions.faults import fault, nearest, shortened
from flightlog.questions.fields import FIELDS, NAMED, RELATION_NAMES, SIGNS
from flightlog.questions.otherwords import SIGN_WORDS
from flightlog.records.errors import UnreadableQuestion

_WORD: Final = re.compile(r"""[^\s()"':=<>!~\\]+""")
_ALIKE: Final = 0.75
"""How much a word that stands alone must be like a field to be taken for one."""
_MOST_SHOWN: Final = 30
_QUOTED: Final = re.compile(r"""(["'])(?:(?!\1)[^\\]|\\[\s\S])*\1""")
_COMPARED: Final = re.compile(rf"({_WORD.pattern})\s*([:=<>!~]+)\s*$")
_CURLY: Final = frozenset("\u201c\u201d\u201e\u2018\u2019\u00ab\u00bb")
"""Quotes of typography, which pages and chats make of straight ones."""
_LAST_WORD: Final = re.compile(rf"({_WORD.pattern})\s*$")


def unexpected(error: UnexpectedInput, text: str) -> UnreadableQuestion:
    """The error that says what is wrong where the parser stopped."""
    at_end = isinstance(error, UnexpectedToken) and error.token.type == "$END"
    stopped: int | None = error.pos_in_stream
    place = len(text) if at_end or stopped is None else stopped
    wanted = _wanted(error)
    sign = text[place : place + 1]
    if "SIGN" in wanted:
        return _no_sign(text, place)
    if sign in ("'", '"'):
        if _QUOTED.match(text, place):
            return fault(
                "a text alone is no condition; say name~ or input: or output: before it", text, place
            )
        return fault(f"this {sign} has no partner", text, place)
    if "VALUE" in wanted:
        return _no_value(text, place)
    if sign == ")":
        why = "nothing is asked in these parentheses" if "FIELD" in wanted and _opens(text, place) else ""
        return fault(why or "this parenthesis was not opened", text, place)
    if at_end and "FIELD" in wanted:
        return fault("a condition is missing at the end; say status:error or kind:llm", text, place)
    if at_end:
        return fault("a parenthesis is not closed; it opens here", text, _open_one(text))
    word = _WORD.match(text, place)
    if word and word[0] in ("AND", "OR"):
        return fault(f"{word[0]} stands between two conditions", text, place, len(word[0]))
    if sign == "!":
        return fault("the opposite is written NOT, as in NOT status:error", text, place)
    return fault("this cannot stand here", text, place)


def _no_value(text: str, place: int) -> UnreadableQuestion:
    """A field and a sign, and nothing to compare with."""
    before = _COMPARED.search(text, 0, place)
    if text[place : place + 1] == "(" and before:
        if before[1].lower() in RELATION_NAMES:
            return fault(
                f"{before[1]} has no sign before its parenthesis", text, before.start(2), len(before[2])
            )
        each = "".join(before.groups())
        return fault(f"a value is one word or in quotes; say ({each}one OR {each}other)", text, place)
    return fault("a value is missing here", text, place)


def _wanted(error: UnexpectedInput) -> set[str]:
    """The names of what might have stood there."""
    found = getattr(error, "allowed", None) or getattr(error, "expected", None) or set()
    return set(found)


def _no_sign(text: str, place: int) -> UnreadableQuestion:
    """A word that is not followed by `:` or its like."""
    before = _LAST_WORD.search(text, 0, place)
    if before is None:
        return fault("a sign is missing here, such as : or >", text, place)
    word = before[1]
    if word in ("OR", "AND"):
        return fault(f"{word} stands between two conditions", text, before.start(1), len(word))
    if word.upper() in ("OR", "AND", "NOT"):
        return fault(f"{word.upper()} is written in capitals", text, before.start(1), len(word))
    field = FIELDS.get(_field_of(word))
    if word.lower() in RELATION_NAMES:
        why = f"{word} is followed by a question in parentheses, as in {word}(kind:llm)"
    elif word in SIGN_WORDS:
        why = f"{SIGN_WORDS[word]} is written as a word"
    elif set(word) & _CURLY:
        why = "quotes are straight here, \" or '"
    elif field:
        said = word if word.lower() in FIELDS else shortened(word)
        why = f"{said} is followed by {' '.join(SIGNS[field.nature])} and a value, as in {field.example}"
    else:
        near = nearest(word, FIELDS, least=_ALIKE)
        few = word if len(word) <= _MOST_SHOWN else "…"
        hint = (
            f"did you mean {near}?" if near else f"say name~{few} for a name with it, input:{few} for a text"
        )
        why = f"{shortened(word)} is no condition; {hint}"
    return fault(why, text, before.start(1), len(word))


def _field_of(word: str) -> str:
    """The name of the field that a word is, without what stands behind its dot where it may have such."""
    head, _, own = word.partition(".")
    return head.lower() if own and head.lower() in NAMED else word.lower()


def _opens(text: str, place: int) -> bool:
    return text[:place].rstrip().endswith("(")


def _open_one(text: str) -> int:
    """The place of the last parenthesis that is open at the end; those within quotes do not count."""
    outside = re.sub(
        r"""\\[\s\S]|"(?:[^"\\]|\\[\s\S])*"|'(?:[^'\\]|\\[\s\S])*'""", lambda m: " " * len(m[0]), text
    )
    open_ones: list[int] = []
    for place, sign in enumerate(outside):
        if sign == "(":
            open_ones.append(place)
        elif sign == ")" and open_ones:
            open_ones.pop()
    return open_ones[-1] if open_ones else len(text)
