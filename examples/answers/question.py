"""A question in somebody's words becomes the words that the documentation uses."""

from __future__ import annotations

import math
from typing import Final, NamedTuple

from library import Library
from words import words_of

import flightlog as fl

_SAY_NOTHING: Final = frozenset(
    words_of(
        "a about all an and any are at be best by can could do does every everything for from get have how i if"
        " in into is it its itself make me my of on or should some that the there this to two use way what when"
        " where which whole why with you"
    )
)
"""Words of a question that say nothing about its subject."""
_AS_DOCUMENTED: Final = {
    "folder": "directory",
    "folders": "directories",
    "delete": "remove",
    "erase": "remove",
    "program": "command",
    "similar": "similarity",
    "speed": "time",
}
"""What people say, and what the documentation says."""
_MOST_TERMS: Final = 5


class Term(NamedTuple):
    """A word to search for."""

    word: str
    rarity: float
    """0 when every passage has it; the rarer, the greater."""


class Vocabulary:
    """How rare words are in a library, asked once a word."""

    def __init__(self, library: Library, passages: int) -> None:
        self._library = library
        self._passages = passages
        self._counts: dict[str, int] = {}

    def count(self, word: str) -> int:
        """How many passages have this word."""
        hit = word in self._counts
        fl.event("cache", key=word, hit=hit)
        if not hit:
            self._counts[word] = self._library.count(word)
        return self._counts[word]

    def rarity(self, word: str) -> float:
        """The logarithm of how many passages there are for each that has the word."""
        return math.log((1 + self._passages) / (1 + self.count(word)))


def rewrite(question: str, vocabulary: Vocabulary) -> list[Term]:
    """The terms to search for, rarest first; none when the library knows no word of the question."""
    with fl.span("rewrite_question", kind="step", input={"question": question}) as span:
        said = [word for word in words_of(question) if word not in _SAY_NOTHING]
        words = dict.fromkeys(_AS_DOCUMENTED.get(word, word) for word in said)
        known = [word for word in words if vocabulary.count(word)]
        terms = sorted((Term(word, vocabulary.rarity(word)) for word in known), key=lambda term: -term.rarity)
        span.output = [term.word for term in terms[:_MOST_TERMS]]
        span.set(unknown=[word for word in words if word not in known])
    return terms[:_MOST_TERMS]
