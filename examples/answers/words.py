"""Words of a text, reduced far enough that `copies` and `copying` meet at `copy`."""

from __future__ import annotations

import re
from typing import Final

_WORD: Final = re.compile(r"[a-z][a-z0-9]+")
_ENDINGS: Final = (("ies", "y"), ("ing", ""), ("es", ""), ("ed", ""), ("s", ""), ("e", ""))
_SHORTEST_STEM: Final = 3


def words_of(text: str) -> list[str]:
    """The words of a text in their order, in lower case."""
    return _WORD.findall(text.lower())


def stem(word: str) -> str:
    """Cut the ending off; crude, but the same for the question and the text."""
    for ending, instead in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= _SHORTEST_STEM:
            return word.removesuffix(ending) + instead
    return word


def stems_of(text: str) -> list[str]:
    """The stem of each word of a text, in their order."""
    return [stem(word) for word in words_of(text)]
