"""Passages: the places of a recorded value where words stand that somebody looked for, with a few words around them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any, Final

import msgspec

from flightlog.records.question import Pattern
from flightlog.store.textport import Passage, Where
from flightlog.store.words import marks, may_be_marked, pieces_of

AROUND: Final = 60
"""Characters before the first place that fits, and about as many behind the last one."""

LONGEST: Final = 200
"""Characters of a passage at most, about."""

_NEAR: Final = 4000
_SCANNED: Final = 256 * 1024
"""So much of a text is gone through word by word, where its words cannot be found in a quicker way."""

_MOST_KNOWN: Final = 1000

_SPACE: Final = re.compile(r"\s+")


class Passages:
    """Passages for some patterns. What short texts hold is remembered: a conversation repeats them."""

    def __init__(self, patterns: Sequence[Pattern]) -> None:
        self._patterns = patterns
        self._known: dict[tuple[str, Where, Pattern], Passage | None] = {}

    def of(self, value: Any, where: Where) -> list[Passage]:
        """A passage for each of the patterns that stands in a value; those that stand together have one."""
        found: list[Passage] = []
        left = list(self._patterns)
        for text in _strings(value):
            if not left:
                break
            for pattern in tuple(left):
                if pattern in left and (passage := self._passage(text, where, pattern)):
                    found.append(passage)
                    left = [one for one in left if one != pattern and not marks(passage.text, [one])]
        return found

    def _passage(self, text: str, where: Where, pattern: Pattern) -> Passage | None:
        if len(text) > _NEAR:
            return _passage(text, where, pattern, self._patterns)
        key = (text, where, pattern)
        if key not in self._known:
            if len(self._known) >= _MOST_KNOWN:
                self._known.clear()
            self._known[key] = _passage(text, where, pattern, self._patterns)
        return self._known[key]


def _strings(value: Any) -> Iterator[str]:
    """Every text in a value, names of members included, in the order in which they were recorded."""
    ahead = [value]
    while ahead:
        item = ahead.pop()
        if isinstance(item, str):
            yield item
        elif isinstance(item, dict):
            for key, inner in reversed(item.items()):
                ahead += (inner, key)
        elif isinstance(item, list | tuple):
            ahead += reversed(item)
        elif item is not None:
            yield msgspec.json.encode(item).decode()


def _passage(text: str, where: Where, pattern: Pattern, others: Sequence[Pattern]) -> Passage | None:
    """The first place of a pattern in a text, with what is around it."""
    if not may_be_marked(text, pattern):
        return None
    near = _near(text, pattern)
    window = _SPACE.sub(" ", text[near[0] : near[1]])
    own = marks(window, [pattern])
    if not own:
        return None
    begin = max(0, own[0][0] - AROUND)
    if begin:
        begin = window.find(" ", begin, own[0][0]) + 1 or begin
    end = min(len(window), max(begin + LONGEST, own[0][1] + AROUND))
    if end < len(window):
        end = max(window.rfind(" ", own[0][1], end), own[0][1])
    shown = window[begin:end]
    every = tuple(marks(shown, others))
    return Passage(where, shown, every, begin > 0 or near[0] > 0, end < len(window) or near[1] < len(text))


def _near(text: str, pattern: Pattern) -> tuple[int, int]:
    """The part of a text to look for words in: of a long one a little around the first place that may be it."""
    if len(text) <= _NEAR:
        return 0, len(text)
    word = max((word for piece in pieces_of(pattern) for word in piece.words), key=len, default="")
    for match in re.finditer(re.escape(word), text, re.IGNORECASE):
        begin = max(0, match.start() - _NEAR // 2)
        end = min(len(text), match.end() + _NEAR // 2)
        if marks(text[begin:end], [pattern]):
            return begin, end
    return 0, min(len(text), _SCANNED)
