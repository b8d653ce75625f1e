"""Text to question. Importing this loads the parser, so it is imported when a question is asked and not before."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import cache
from importlib.resources import files
from typing import Any, Final, NamedTuple, cast

from lark import Lark, Token, Transformer, UnexpectedInput, v_args

from flightlog.questions import units
from flightlog.questions.faults import fault, meant, shortened
from flightlog.questions.fields import FIELDS, NAMED, RELATION_NAMES, SIGNS, Field
from flightlog.questions.otherwords import RELATION_WORDS, VALUE_WORDS, field_meant, one_of_meant
from flightlog.questions.unexpected import unexpected
from flightlog.records.errors import UnreadableQuestion
from flightlog.records.question import (
    And,
    Comparison,
    Has,
    Matter,
    Moment,
    Not,
    Or,
    Pattern,
    Question,
    Related,
    Relation,
    Sign,
)

LONGEST: Final = 4_000
"""Characters that a question has at most."""

DEEPEST: Final = 40
"""Parentheses and NOTs within each other at most, so that no engine runs out of stack."""

MOST_TERMS: Final = 500
"""Comparisons at most."""

MOST_WILDCARDS: Final = 8
"""Wildcards in one value at most: each makes the slowest comparison slower by the length of the text."""

_QUOTES: Final = ("'", '"')
_EQUAL: Final = frozenset({":", "=", "!="})
_ORDERS: Final = frozenset({">", ">=", "<", "<="})
_ATTRIBUTE_WORD: Final = re.compile(r"^(?:attr|attrs|attribute|attributes)\.", re.IGNORECASE)
_ESCAPED: Final = re.compile(r"\\([\s\S])")
_PART: Final = re.compile(r"\\([\s\S])|\*|[^\\*]+|\\")
_LISTED: Final = {"status": "status", "level": "level", "has": "such thing as"}
_EXPECTED: Final = {
    "duration": "a duration; say 200ms, 1.5s, 2h or 7d",
    "money": "an amount in US dollars; say 0.01 or $0.01",
    "count": "a whole number; say 500 or 10k",
    "time": "a time; say 2h, 7d, yesterday, 2026-11-20 or 2026-11-20T14:00Z",
}
_WHICH: Final = {
    "attr": 'which attribute? say attr.http.route or attr."a name"',
    "score": 'which score? say score.correctness or score."a name"',
}
_READ: Final[Mapping[str, Callable[[str], int | Moment | None]]] = {
    "duration": units.duration,
    "money": units.money,
    "count": units.count,
    "time": units.moment,
}


class _Wrong(Exception):
    """What is wrong with a part of a question, on its way to who knows the whole."""

    def __init__(self, why: str, token: Token, skip: int = 0) -> None:
        self.why = why
        self.place = (token.start_pos or 0) + skip
        self.length = len(token) - skip


class _TooMuch(Exception):
    """A limit that a question goes beyond."""


class _Built(NamedTuple):
    """A part of a question."""

    question: Question
    depth: int = 1
    terms: int = 1


def parse(text: str) -> Question:
    """Read a question.

    Raises:
        UnreadableQuestion: it is none; the message points at the place, and names what may have been meant.
    """
    _check(text)
    try:
        found: Any = _parser().parse(text)
    except _Wrong as wrong:
        raise fault(wrong.why, text, wrong.place, wrong.length) from None
    except _TooMuch as limit:
        raise UnreadableQuestion(str(limit), text, 0) from None
    except UnexpectedInput as error:
        raise unexpected(error, text) from None
    question: Question = found.question
    return question


def _check(text: str) -> None:
    """Refuse what no question can hold."""
    if len(text) > LONGEST:
        raise UnreadableQuestion(f"a question has at most {LONGEST:,} characters", text, LONGEST)
    if not text.strip():
        raise UnreadableQuestion("a question has a condition at least; say status:error or kind:llm", text, 0)
    for place, sign in enumerate(text):
        if sign == "\0" or "\ud800" <= sign <= "\udfff":
            raise fault("no text can have this character", text, place)


@cache
def _parser() -> Lark:
    grammar = files(__package__).joinpath("grammar.lark").read_text(encoding="utf-8")
    return Lark(grammar, parser="lalr", lexer="contextual", transformer=_Builder(), maybe_placeholders=False)


@v_args(inline=True)
class _Builder(Transformer[Token, Any]):
    """Makes the parts of a question as the parser meets them."""

    def start(self, built: _Built) -> _Built:
        """The whole."""
        return built

    def either(self, *parts: _Built) -> _Built:
        """One of several."""
        return _joined(Or, parts)

    def both(self, *parts: _Built) -> _Built:
        """All of several."""
        return _joined(And, parts)

    def negation(self, part: _Built) -> _Built:
        """The opposite."""
        return _deeper(Not(part.question), part)

    def group(self, part: _Built) -> _Built:
        """What stands in parentheses."""
        return _deeper(part.question, part)

    def related(self, word: Token, part: _Built) -> _Built:
        """A question of something else."""
        how = word.lower()
        if how not in RELATION_NAMES:
            known = one_of_meant(how, RELATION_WORDS, RELATION_NAMES) or meant(how, RELATION_NAMES)
            hint = known or f"; these may stand before one: {', '.join(RELATION_NAMES)}"
            raise _Wrong(f"no word {shortened(word)} stands before a parenthesis{hint}", word)
        return _deeper(Related(cast("Relation", how), part.question), part)

    def comparison(self, name: Token, sign: Token, value: Token) -> _Built:
        """A field against a value."""
        word, _, attribute = name.partition(".")
        word = word.lower()
        field = FIELDS.get(word)
        if field is None or (attribute and word not in NAMED):
            raise _Wrong(f"no field {shortened(name)}{_field_meant(word, name)}", name)
        if word in NAMED and not attribute:
            raise _Wrong(_WHICH[word], name)
        if sign not in SIGNS[field.nature]:
            usual = " ".join(SIGNS[field.nature])
            raise _Wrong(f"{word} is not compared with {sign.value}; it takes {usual}", sign)
        if sign in {"=", "!="} and value.startswith("="):
            raise _Wrong(
                f"{sign.value}= is no sign; say {sign.value}, or put what begins with = into quotes", value
            )
        question = _compared(word, field, sign, value, _unquoted(attribute))
        return _Built(Not(question) if sign == "!=" else question)


def _joined(kind: type[And | Or], parts: tuple[_Built, ...]) -> _Built:
    if len(parts) == 1:
        return parts[0]
    terms = sum(part.terms for part in parts)
    if terms > MOST_TERMS:
        raise _TooMuch(f"a question has at most {MOST_TERMS} conditions")
    flat: list[Question] = []
    for part in parts:
        flat += part.question.parts if isinstance(part.question, kind) else (part.question,)
    return _Built(kind(tuple(flat)), max(part.depth for part in parts) + 1, terms)


def _deeper(question: Question, part: _Built) -> _Built:
    if part.depth >= DEEPEST:
        raise _TooMuch(f"at most {DEEPEST} parentheses and NOTs stand within each other")
    return _Built(question, part.depth + 1, part.terms)


def _compared(word: str, field: Field, sign: Token, value: Token, name: str) -> Question:
    if field.nature in _READ:
        return Comparison(word, _sign(sign), _number(field, value))
    if field.nature in ("word", "rank"):
        return _of_list(word, field, sign, value)
    if field.nature == "attribute" and sign in _ORDERS:
        number = units.number(_plain(value))
        if number is None:
            raise _Wrong(f"{sign.value} takes a number, such as 5, 0.25 or 10k", value)
        return Comparison(word, _sign(sign), number, name)
    pattern = Pattern((_plain(value),)) if sign in {"=", "!="} else _pattern(value)
    shown: Sign = "~" if sign == "~" or field.nature == "content" else "="
    return Comparison(word, shown, pattern, name)


def _of_list(word: str, field: Field, sign: Token, value: Token) -> Question:
    """One of the words of a closed list."""
    chosen = _plain(value).lower()
    if chosen not in field.values:
        known = one_of_meant(chosen, VALUE_WORDS, field.values) or meant(chosen, field.values)
        hint = known or f"; there are {', '.join(field.values)}"
        raise _Wrong(f"no {_LISTED[word]} {shortened(chosen)}{hint}", value)
    if word == "has":
        return Has(cast("Matter", chosen))
    return Comparison(word, _sign(sign), Pattern((chosen,)))


def _number(field: Field, value: Token) -> int | Moment:
    found = _READ[field.nature](_plain(value))
    if found is None and field.nature == "duration" and units.number(_plain(value)) is not None:
        shown = _plain(value)
        raise _Wrong(
            f"{shortened(shown)} of which unit? say {shown}ms, {shown}s or {shown}h, without a blank", value
        )
    if found is None:
        raise _Wrong(f"{shortened(_plain(value))} is not {_EXPECTED[field.nature]}", value)
    return found


def _sign(sign: Token) -> Sign:
    return "=" if sign in _EQUAL else cast("Sign", sign.value)


def _plain(value: Token) -> str:
    """The text that a value stands for, with no wildcard in it."""
    return _ESCAPED.sub(lambda match: match[1] or match[0], _inner(value))


def _pattern(value: Token) -> Pattern:
    """A value with its wildcards; several in a row are one."""
    pieces = [""]
    for match in _PART.finditer(_inner(value)):
        if match[0] != "*":
            pieces[-1] += match[1] or match[0]
        elif len(pieces) == 1 or pieces[-1]:
            pieces.append("")
    if len(pieces) - 1 > MOST_WILDCARDS:
        raise _Wrong(f"a value has at most {MOST_WILDCARDS} wildcards", value)
    return Pattern(tuple(pieces))


def _inner(value: str) -> str:
    return value[1:-1] if value[:1] in _QUOTES else value


def _unquoted(name: str) -> str:
    """The name of an attribute; in quotes, without them."""
    if name[:1] not in _QUOTES:
        return name
    return _ESCAPED.sub(lambda match: match[1] or match[0], name[1:-1])


def _field_meant(word: str, name: str) -> str:
    """What may have been meant by a field that there is not."""
    if word.startswith("-") and word[1:] in FIELDS:
        return f"; the opposite is NOT {word[1:]}:…"
    if "." in name:
        own = _ATTRIBUTE_WORD.sub("", name) or name
        return f"; an attribute is named like attr.{own[:40]}"
    return field_meant(word) or meant(word, FIELDS) or _attribute_meant(name)


def _attribute_meant(name: str) -> str:
    if name.startswith("attr"):
        return f"; an attribute is named like attr.{name.removeprefix('attr').lstrip('.')[:40]}"
    return f"; there are {', '.join(FIELDS)}"
