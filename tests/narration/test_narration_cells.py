"""Widths are those that terminals give letters, and a cut text is never wider than asked."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from flightlog.narration.cells import cut, fill, width, wrapped


@pytest.mark.parametrize(
    "text",
    ["plain", "é", "e\u0301", "日本語", "\uff46\uff55", "한국", "🚚", "…", "→", "Ж", "‖", "✓", "עברית", ""],
)
def test_letters_are_as_wide_as_the_command_line_takes_them_to_be(text: str) -> None:
    assert width(text) == cell_len(text)


@pytest.mark.parametrize(("text", "cells"), [("👩\u200d💻", 2), ("👍🏽", 2), ("❤\ufe0f", 2), ("a\u200d", 1)])
def test_what_is_tied_to_a_letter_takes_no_room_of_its_own(text: str, cells: int) -> None:
    assert width(text) == cells


@given(st.text(max_size=60), st.integers(-1, 30))
def test_a_text_is_cut_and_filled_to_any_width(text: str, cells: int) -> None:
    assert width(cut(text, cells)) <= max(0, cells)
    assert width(fill(text, cells)) == max(0, cells)
    if width(text) <= cells and len(text) <= 16 * cells:
        assert cut(text, cells) == text


def test_a_pile_of_marks_is_cut_for_it() -> None:
    assert len(cut("a" + "\u0301" * 10_000, 10)) <= 170


@given(st.text(alphabet="ab 日\u0301\u200d👩é", max_size=80), st.integers(2, 20))
def test_a_wrapped_text_fits_and_loses_nothing_but_blanks(text: str, cells: int) -> None:
    drawn = wrapped(text, cells)
    assert all(width(line) <= cells for line in drawn)
    assert "".join(drawn).replace(" ", "") == text.replace(" ", "")


def test_words_stay_whole_where_they_can() -> None:
    assert wrapped("one two three", 8) == ["one two", "three"]
    assert wrapped("unbreakable", 4) == ["unbr", "eaka", "ble"]
    assert wrapped("", 4) == [""]
