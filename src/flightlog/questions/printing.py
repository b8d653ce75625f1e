"""A question as the text that is read as the same question."""

from __future__ import annotations

import re
from typing import Final

from flightlog.questions import units
from flightlog.questions.fields import FIELDS, NAMED
from flightlog.records.question import And, Comparison, Has, Moment, Not, Or, Pattern, Question, Related

_BARE: Final = re.compile(r"[\w./@+%$,;#&\[\]?-]+", re.ASCII)
"""What needs no quotes."""

_NAME: Final = re.compile(r"[\w./@-]+", re.ASCII)
"""The name of an attribute that needs none."""


def text_of(question: Question) -> str:
    """The question in its language."""
    match question:
        case Or(parts):
            return " OR ".join(_within(part, Or) for part in parts)
        case And(parts):
            return " ".join(_within(part, Or, And) for part in parts)
        case Not(inner):
            return f"NOT {_within(inner, Or, And)}"
        case Related(how, inner):
            return f"{how}({text_of(inner)})"
        case Has(what):
            return f"has:{what}"
        case Comparison():
            return _comparison(question)


def _within(part: Question, *loose: type) -> str:
    """A part, in parentheses where it would fall apart."""
    return f"({text_of(part)})" if isinstance(part, loose) else text_of(part)


def _comparison(comparison: Comparison) -> str:
    field, sign, value = comparison.field, comparison.sign, comparison.value
    name = f"{field}.{_name(comparison.name)}" if field in NAMED else field
    if isinstance(value, Moment):
        return f"{name}:{units.of_moment(value)}"
    if isinstance(value, Pattern):
        shown = ":" if sign == "=" or FIELDS[field].nature == "content" else sign
        return f"{name}{shown}{_pattern(value)}"
    return f"{name}{sign}{_number(FIELDS[field].nature, value)}"


def _number(nature: str, value: float) -> str:
    if nature == "attribute":
        return units.of_number(value)
    written = {"duration": units.of_duration, "money": units.of_money}.get(nature, str)
    return written(int(value))


def _pattern(pattern: Pattern) -> str:
    """The pieces with wildcards between them; in quotes where a sign in them would mean something."""
    pieces = pattern.pieces
    if all(not piece or _BARE.fullmatch(piece) for piece in pieces) and pieces != ("",):
        return "*".join(pieces)
    return '"' + "*".join(_escaped(piece).replace("*", "\\*") for piece in pieces) + '"'


def _name(name: str) -> str:
    return name if _NAME.fullmatch(name) else f'"{_escaped(name)}"'


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')
