"""The order of the candidates: what the index thought of them, and how the question's words stand in them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from question import Term
from retrieval import Candidate
from words import stem, stems_of

import flightlog as fl

BEST: Final = 3
_BY_INDEX, _BY_COVERAGE, _BY_NEARNESS, _BY_NAME = 1.0, 2.0, 1.0, 1.5
"""How much each part of a score counts."""


class Ranked(NamedTuple):
    """A candidate with its score."""

    candidate: Candidate
    score: float


def rerank(candidates: Sequence[Candidate], terms: Sequence[Term]) -> list[Ranked]:
    """The best candidates, best first; equal scores are ordered by name, so a question has one answer."""
    with fl.span("rerank", kind="rerank", candidates=len(candidates)) as span:
        ranked = [Ranked(candidate, _score(candidate, terms)) for candidate in candidates]
        ranked.sort(key=lambda one: (-one.score, one.candidate.passage.name))
        best = ranked[:BEST]
        span.output = [{"name": one.candidate.passage.name, "score": round(one.score, 3)} for one in best]
        for one in best:
            span.link(one.candidate.found_by, relation="caused_by", passage=one.candidate.passage.name)
    return best


def _score(candidate: Candidate, terms: Sequence[Term]) -> float:
    text = stems_of(candidate.passage.text)
    name = candidate.passage.name.lower()
    return (
        _BY_INDEX * candidate.weight
        + _BY_COVERAGE * _share([term for term in terms if stem(term.word) in text], terms)
        + _BY_NEARNESS * nearness(text, {stem(term.word) for term in terms})
        + _BY_NAME * _share([term for term in terms if stem(term.word) in name], terms)
    )


def _share(some: Sequence[Term], terms: Sequence[Term]) -> float:
    """How much of the question this is; a rare word is more of it than a frequent one."""
    whole = sum(term.rarity for term in terms)
    return sum(term.rarity for term in some) / whole if whole else 0.0


def nearness(text: Sequence[str], wanted: set[str]) -> float:
    """1.0 when the wanted words of the text stand side by side, towards 0.0 the further apart they are."""
    here = wanted.intersection(text)
    if len(here) < 2:
        return 0.0
    last_seen: dict[str, int] = {}
    shortest = len(text)
    for position, word in enumerate(text):
        if word in here:
            last_seen[word] = position
            if len(last_seen) == len(here):
                shortest = min(shortest, position - min(last_seen.values()) + 1)
    return len(here) / shortest * len(here) / len(wanted)
