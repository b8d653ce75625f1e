"""What may come next in a question that is being typed: for shells, a terminal page and a web page alike."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from msgspec import Struct

from flightlog.questions.fields import FIELDS, MATTERS, NAMED, RELATIONS, SIGNS

_TYPED: Final = re.compile(r"""(?:(?P<field>[\w.]+)(?P<sign>>=|<=|!=|[:=<>~]))?(?P<word>[^\s()"':=<>!~]*)$""")
_QUOTED: Final = re.compile(r"""\\[\s\S]|"(?:[^"\\]|\\[\s\S])*"|'(?:[^'\\]|\\[\s\S])*'""")


class Completion(Struct, frozen=True):
    """One way to go on."""

    text: str
    """What stands in place of what was typed from `start` on."""
    start: int
    meaning: str


def completions(
    text: str, place: int | None = None, *, known: Mapping[str, Sequence[str]] | None = None
) -> list[Completion]:
    """What may stand where somebody types, the likeliest first; nothing within quotes.

    Args:
        text: the question so far.
        place: of the cursor; None for the end.
        known: values that a store has of a field, such as its models, beside those that are well known.
    """
    typed = text if place is None else text[:place]
    outside = _QUOTED.sub(lambda match: "." * len(match[0]), typed)
    match = _TYPED.search(outside)
    if match is None or '"' in outside or "'" in outside:
        return []
    field = match["field"]
    start = match.start("word")
    found = _values(field.lower(), known or {}) if field else _beginnings()
    word = match["word"].lower()
    return [
        Completion(one, start, meaning)
        for one, meaning in found
        if one.lower().startswith(word) and one != word
    ]


def _values(field: str, known: Mapping[str, Sequence[str]]) -> Iterator[tuple[str, str]]:
    if field == "has":
        yield from MATTERS.items()
    elif field in FIELDS:
        for value in dict.fromkeys((*known.get(field, ()), *FIELDS[field].values)):
            yield value, ""


def _beginnings() -> Iterator[tuple[str, str]]:
    for name, field in FIELDS.items():
        yield (f"{name}." if name in NAMED else f"{name}{SIGNS[field.nature][0]}"), field.meaning
    for name, meaning in RELATIONS.items():
        yield f"{name}(", meaning
    yield from (("NOT", "the opposite"), ("OR", "one of both"), ("AND", "both, as without a word"))
