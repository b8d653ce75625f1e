"""What is worth saying of a question that nothing fits: words of an open list that look like a slip of the finger."""

from __future__ import annotations

from collections.abc import Iterator

from flightlog.questions.faults import nearest
from flightlog.questions.fields import FIELDS
from flightlog.records.question import And, Comparison, Not, Or, Pattern, Question, Related


def hints(question: Question) -> list[str]:
    """One sentence for each word that is near a well-known one and is none."""
    return list(dict.fromkeys(_hints(question)))


def _hints(question: Question) -> Iterator[str]:
    match question:
        case And(parts) | Or(parts):
            for part in parts:
                yield from _hints(part)
        case Not(inner) | Related(_, inner):
            yield from _hints(inner)
        case Comparison(field, "=", Pattern((word,))) if word not in FIELDS[field].values:
            if near := nearest(word, FIELDS[field].values):
                yield f"no well-known {field} is {word!r}, perhaps {field}:{near} was meant"
