"""What is said of a text that is no question: what is wrong, where it is, and what may have been meant."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from difflib import get_close_matches
from typing import Final

from flightlog.records.errors import UnreadableQuestion

WIDTH: Final = 76
"""Columns of a question that a message shows; of a longer one, those around the place."""

_AHEAD: Final = 30
"""Columns before the place, of a question that is cut."""


def fault(why: str, text: str, place: int, length: int = 1) -> UnreadableQuestion:
    """The error that points at a place.

    Args:
        why: what is wrong there.
        text: the whole question.
        place: of the first wrong character, from 0; the length of the text for its end.
        length: how many characters are wrong.
    """
    line, before, marked = _window(text, place, max(1, length))
    pointer = " " * _columns(before) + "^" * max(1, _columns(marked))
    return UnreadableQuestion(f"{why}\n  {line}\n  {pointer}", text, place)


def nearest(word: str, known: Iterable[str], *, least: float = 0.6) -> str:
    """The known word that may have been meant, alike by that much of 1 at least; empty for none."""
    found = get_close_matches(word.lower(), list(known), n=1, cutoff=least)
    return found[0] if found else ""


def meant(word: str, known: Iterable[str]) -> str:
    """`; did you mean …?`, or nothing."""
    near = nearest(word, known)
    return f"; did you mean {near}?" if near else ""


def shortened(word: str) -> str:
    """A word that a message quotes, not at any length."""
    return repr(str(word) if len(word) <= _AHEAD else f"{word[:_AHEAD]}…")


def _window(text: str, place: int, length: int) -> tuple[str, str, str]:
    """What is shown of a question, what of that stands before the place, and what is pointed at."""
    shown = "".join(" " if unicodedata.category(sign).startswith("C") else sign for sign in text)
    first = 0 if len(shown) <= WIDTH else max(0, min(place - _AHEAD, len(shown) - WIDTH))
    last = min(len(shown), first + WIDTH)
    head, tail = ("…" if first else ""), ("…" if last < len(shown) else "")
    return (
        head + shown[first:last] + tail,
        head + shown[first:place],
        shown[place : min(last, place + length)],
    )


def _columns(text: str) -> int:
    """Columns of a terminal that a text takes."""
    return sum(
        0 if unicodedata.combining(sign) else 1 + (unicodedata.east_asian_width(sign) in "WF")
        for sign in text
    )
