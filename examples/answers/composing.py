"""The answer: what the best passages say, in their own words, and where they say it."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Sequence
from typing import Final

from question import Term
from ranking import Ranked, nearness
from sources import Passage
from words import stem, stems_of

import flightlog as fl

_LONGEST_QUOTE: Final = 240
_WIDTH: Final = 76


def compose(question: str, ranked: Sequence[Ranked], terms: Sequence[Term]) -> str:
    """Quote each passage with its name and its place in the sources."""
    with fl.span("compose_answer", kind="step", passages=len(ranked)) as span:
        passages = [one.candidate.passage for one in ranked]
        parts = [_quoted(passage, terms) for passage in passages]
        nothing = "  The documentation of the standard library says nothing about that."
        answer = "\n".join([question, *(parts or [nothing])])
        span.output = answer
    return answer


def source_of(passage: Passage) -> str:
    """Where a passage stands, as `module:line`."""
    return f"{passage.module}:{passage.line}"


def _quoted(passage: Passage, terms: Sequence[Term]) -> str:
    quote = textwrap.shorten(_best_paragraph(passage.text, terms), _LONGEST_QUOTE, placeholder=" …")
    body = textwrap.fill(f'"{quote}"', _WIDTH, initial_indent="    ", subsequent_indent="    ")
    return f"  {passage.name} ({source_of(passage)})\n{body}"


def _best_paragraph(text: str, terms: Sequence[Term]) -> str:
    """The paragraph that has most of the question's words; of equal ones the first."""
    wanted = {stem(term.word) for term in terms}

    def worth(paragraph: str) -> tuple[int, float]:
        stems = stems_of(paragraph)
        return len(wanted.intersection(stems)), nearness(stems, wanted)

    return max(re.split(r"\n\s*\n", text), key=worth)
