"""The functions that a question's SQL calls for words within values.

The index says where they may be, a look at the value says whether they are. The functions belong to one connection,
and remember only what one snapshot said.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from functools import lru_cache
from typing import Any, Final

import msgspec
from msgspec import Struct

from flightlog.records.question import And, Comparison, Pattern, Question
from flightlog.store.sqlite import layout
from flightlog.store.sqlite.asked import decoded
from flightlog.store.sqlite.askedfunctions import AskedFunctions
from flightlog.store.sqlite.statements import as_array
from flightlog.store.sqlite.textnotes import indexed_error
from flightlog.store.sqlite.textsought import FIELDS, MOST, Sought
from flightlog.store.words import Piece, holds, pieces_of, plain

FEW: Final = 5_000
"""Spans that are looked at first, wherever they are; of more the newest traces are gone through."""

_ERROR: Final = "SELECT type, message FROM span_errors WHERE span = ?"

Read = Callable[[int, int], bytes]


LOOKS: Final = 2_000
"""Spans that are looked at before the index is asked for words that are in many: there one meets enough soon."""


class _Known(Struct):
    """What is known of some words."""

    pieces: tuple[Piece, ...]
    candidates: frozenset[int] | None
    """The spans that may hold them, if they are asked for; None for any may."""
    looks: int = 0


class AskedTexts:
    """What the SQL of questions may call about words, on one connection."""

    def __init__(self, connection: sqlite3.Connection, functions: AskedFunctions, sought: Sought) -> None:
        self._connection = connection
        self._read: Read = functions.payload
        self._sought = sought
        functions.add("asked_words", 6, self._words)
        functions.add("asked_few", 1, self._few)

    def forget(self) -> None:
        """Begin a snapshot."""
        self._sought.forget()
        self._known: dict[tuple[str, str], _Known] = {}

    def _words(self, field: str, asked: str, span: int, *row: Any) -> bool:
        """Whether a span has words somewhere; the row is what it has aside, its input and its output."""
        known = self._known.get((field, asked))
        if known is None:
            pattern = _pattern(asked)
            few = self._sought.candidates(self._connection, field, pattern, FEW)
            known = self._known[field, asked] = _Known(pieces_of(pattern), few)
        elif known.candidates is None and known.looks == LOOKS:
            known.candidates = self._sought.candidates(self._connection, field, _pattern(asked), MOST)
        if known.candidates is not None and span not in known.candidates:
            return False
        known.looks += 1
        return any(holds(text, known.pieces) for text in self._texts(field, span, *row))

    def _texts(self, field: str, span: int, more: int, given: str | None, answered: str | None) -> list[str]:
        texts: list[str] = []
        for bit, name, inline in ((layout.INPUT, "input", given), (layout.OUTPUT, "output", answered)):
            if field in (name, "message", "text"):
                value = self._payload(span, bit) if more & bit else inline
                if value is not None:
                    texts.append(plain(value))
        if field in ("text", "error") and more & layout.ERROR:
            large = plain(self._payload(span, layout.MESSAGE)) if more & layout.MESSAGE else ""
            rows = self._connection.execute(_ERROR, (span,)).fetchall()
            texts += [indexed_error(kind, message) + large for kind, message in rows]
        return texts

    def _payload(self, span: int, part: int) -> str:
        return self._read(span, part).decode("utf-8", "replace")

    def _few(self, asked: str) -> str | None:
        """The spans that alone can fit a question, as a JSON array; None where they are not few."""
        question = decoded(asked)
        best: frozenset[int] | None = None
        for part in question.parts if isinstance(question, And) else (question,):
            if words := words_of(part):
                found = self._sought.candidates(self._connection, *words, FEW)
                if found is not None and (best is None or len(found) < len(best)):
                    best = found
        return None if best is None else as_array(sorted(best))


def words_of(question: Question) -> tuple[str, Pattern] | None:
    """The field and the pattern of a question of words within values; None for any other."""
    if isinstance(question, Comparison) and question.sign == "=" and question.field in FIELDS:
        value = question.value
        if isinstance(value, Pattern) and pieces_of(value):
            return question.field, value
    return None


def few_spans(connection: sqlite3.Connection, question: Question | None) -> str | None:
    """The spans that alone can fit a question, as a JSON array; None where nobody knows, or they are not few."""
    if question is None:
        return None
    if not any(map(words_of, question.parts if isinstance(question, And) else (question,))):
        return None
    asked = msgspec.json.encode(question).decode()
    found: str | None = connection.execute("SELECT asked_few(?)", (asked,)).fetchone()[0]
    return found


@lru_cache(maxsize=256)
def _pattern(data: str) -> Pattern:
    return msgspec.json.decode(data, type=Pattern)
