"""The last step of every line: text to bytes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flightlog.core.fields import encoded

_PIECES = st.lists(st.sampled_from(["a", "?", "\ufffd", "é", "\ud800", "\udbff", "\udc00", "\udfff", "😀"]))


@given(_PIECES)
def test_halves_of_surrogate_pairs_are_joined_or_replaced(pieces: list[str]) -> None:
    """As UTF-16 has it, which knows what a pair is."""
    line = "".join(pieces)
    assert encoded(line).decode() == line.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("what? \ud800 why?", "what? \ufffd why?"),
        ("\udc00?\udfff", "\ufffd?\ufffd"),
        ("\ud83d\ude00 and \ud83d", "😀 and \ufffd"),
        ("\udc00 first, \ud83d\ude00", "\ufffd first, 😀"),
        ("\ud800" * 1000, "\ufffd" * 1000),
    ],
)
def test_each_half_is_one_replacement_and_nothing_else_changes(line: str, expected: str) -> None:
    assert encoded(line).decode() == expected
