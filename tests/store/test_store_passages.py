"""Passages, and how little is looked at for them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flightlog.records.question import Pattern
from flightlog.store import passages as subject
from flightlog.store.passages import Passages
from flightlog.store.words import marks, may_be_marked

_texts = st.text("aAbBéEe\u0301\u0131İß\u017f1½ﬁ字あ_-'. \"\n\\", max_size=30)
_patterns = st.lists(st.text("abées1字fi .", max_size=5), min_size=1, max_size=3).map(
    lambda pieces: Pattern(tuple(pieces))
)


@given(_texts, _patterns)
def test_a_text_that_cannot_be_marked_has_no_marks(text: str, pattern: Pattern) -> None:
    if marks(text, [pattern]):
        assert may_be_marked(text, pattern)


@given(st.lists(_texts, min_size=1, max_size=6), _patterns, _patterns)
def test_what_is_remembered_of_texts_changes_no_passage(
    texts: list[str], one: Pattern, other: Pattern
) -> None:
    finder = Passages((one, other))
    again = [finder.of(texts, "input") for _ in range(2)]
    assert again == [Passages((one, other)).of(texts, "input")] * 2


def test_places_of_words_side_by_side_are_told() -> None:
    text = "no refund, no Refund policy; the refund policies"
    assert marks(text, [Pattern(("refund policy",))]) == [(14, 27)]
    assert marks(text, [Pattern(("refund polic", ""))]) == [(14, 27), (33, 48)]
    assert marks("the end of refund", [Pattern(("refund policy",))]) == []


def test_a_conversation_that_is_said_again_is_gone_through_once(monkeypatch: pytest.MonkeyPatch) -> None:
    looks: list[str] = []

    def counted(text: str, patterns: Any) -> list[tuple[int, int]]:
        looks.append(text)
        return marks(text, patterns)

    monkeypatch.setattr(subject, "marks", counted)
    said = [{"role": "user", "content": f"question {number} of many"} for number in range(50)]
    asked = {"role": "user", "content": "where is the zyxomma"}
    finder = Passages([Pattern(("zyxomma",))])
    for turn in range(1, 51):
        (found,) = finder.of({"messages": [*said[:turn], asked]}, "input")
        assert found.text == asked["content"]
    assert len(looks) == 2  # where the word stands, and what of the passage is bright
    assert set(looks) == {asked["content"]}
