"""What must stand in a text for a pattern of `re` to match: its outline, as paths of character classes.

A compiled scanner cannot run patterns, but it can look for a few characters in a row, each of one class, with runs
of any length between. An outline is a list of such paths, of which at least one is in every text that the pattern
matches. It is never stricter than the pattern: what a path cannot say (a look ahead that forbids, a word's border, a
group that is repeated) is left out of it, and where nothing more can be said, the path ends.

Classes are sets of bytes as integers of 256 bits. Bit 255 stands for U+00FF and every character above.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from importlib import import_module
from typing import Any, Final

try:
    _parser: Any = import_module("re._parser")  # no public door leads to what reads patterns
except ImportError:
    _parser = None

Element = tuple[int, bool]
"""A class, and whether it stands any number of times, none included."""
Path = tuple[Element, ...]

ANY: Final = (1 << 256) - 1
BEYOND: Final = 1 << 255
WILD: Final = "\u0130\u0131\u017f\u212a"
"""The characters outside ASCII that are another case of a letter in it. A text with one is not judged by outlines."""

_MOST_PATHS: Final = 256
"""Of one pattern; one that forks more often has its paths cut where they are."""
_LONGEST: Final = 24
"""Elements of a path: what follows says little more."""
_BEGINNING: Final = 3
"""Elements of a group that is repeated."""


class Unclear(Exception):
    """Nothing certain can be said of a pattern."""


def of_pattern(pattern: re.Pattern[str], *, in_lower_case: bool = False) -> list[Path]:
    """Return the outline of a pattern.

    Args:
        pattern: any pattern over text.
        in_lower_case: the pattern is matched against the text in lower case.

    Raises:
        Unclear: some text may match of which nothing is known.
    """
    if _parser is None:
        raise Unclear(pattern.pattern)
    folds = in_lower_case or bool(pattern.flags & re.IGNORECASE)
    drafts = _Reader(folds).read(_parser.parse(pattern.pattern, pattern.flags & ~re.UNICODE), [_Draft()])
    paths = [path for draft in drafts if (path := draft.path()) is not None]
    if not all(paths):
        raise Unclear(pattern.pattern)
    return paths


def of_text(text: str) -> Path:
    """Return the path of a text that stands in another as it is."""
    return tuple((_bit(ord(letter)), False) for letter in text[:_LONGEST])


class _Draft:
    """A path that is being written: what was read so far, and what is known of what comes next."""

    __slots__ = ("cursor", "ended", "grown", "impossible", "parts")

    def __init__(self) -> None:
        self.parts: list[Element] = []
        self.cursor = 0
        """Parts behind it were looked ahead at."""
        self.grown = 0
        """Parts that looks behind have put in front of the first."""
        self.ended = False
        """Nothing more is known of what follows."""
        self.impossible = False

    def copy(self) -> _Draft:
        other = _Draft()
        other.parts, other.cursor, other.grown = self.parts[:], self.cursor, self.grown
        other.ended, other.impossible = self.ended, self.impossible
        return other

    def once(self, kind: int) -> None:
        if self.ended:
            return
        if self.cursor < len(self.parts):
            self._narrow(self.cursor, kind)
        else:
            self.parts.append((kind, False))
        self.cursor += 1

    def often(self, kind: int) -> None:
        if self.ended:
            return
        del self.parts[self.cursor :]  # where it stands is not known any more
        self.parts.append((kind, True))
        self.cursor += 1

    def end(self) -> None:
        self.ended = True

    def behind(self, kinds: Sequence[int]) -> None:
        """Take to account what a look behind says of the characters up to here."""
        if self.ended:
            return
        for back, kind in enumerate(reversed(kinds), 1):
            place = self.cursor - back
            if place < 0:
                self.parts.insert(0, (kind, False))
                self.cursor += 1
                self.grown += 1
            elif self.parts[place][1]:
                return
            else:
                self._narrow(place, kind)

    def _narrow(self, place: int, kind: int) -> None:
        kind &= self.parts[place][0]
        self.parts[place] = kind, False
        self.impossible |= not kind

    def path(self) -> Path | None:
        """The path, without the runs at its ends; None if no text fits."""
        parts = self.parts
        first, last = 0, min(len(parts), _LONGEST)
        while first < last and parts[first][1]:
            first += 1
        while first < last and parts[last - 1][1]:
            last -= 1
        return None if self.impossible else tuple(parts[first:last])


class _Reader:
    """Goes through a parsed pattern with every path that it may take."""

    def __init__(self, folds: bool) -> None:
        self.folds = folds

    def read(self, nodes: Any, drafts: list[_Draft]) -> list[_Draft]:
        for name, told in nodes:
            if len(drafts) > _MOST_PATHS:
                for draft in drafts:
                    draft.end()
                return drafts
            done = [draft for draft in drafts if draft.ended]
            drafts = [*done, *self._node(str(name), told, [draft for draft in drafts if not draft.ended])]
        return drafts

    def _node(self, name: str, told: Any, drafts: list[_Draft]) -> list[_Draft]:
        kind = self._class(name, told)
        if kind is not None:
            for draft in drafts:
                draft.once(kind)
        elif name == "SUBPATTERN":
            if told[1] or told[2]:
                return _ended(drafts)  # flags of its own
            return self.read(told[3], drafts)
        elif name == "ATOMIC_GROUP":
            return self.read(told, drafts)
        elif name == "BRANCH":
            return [draft for way in told[1] for draft in self.read(way, [old.copy() for old in drafts])]
        elif name in ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"):
            return self._repeat(told, drafts)
        elif name == "ASSERT":
            return self._ahead(told[1], drafts) if told[0] > 0 else self._behind(told[1], drafts)
        elif name not in ("ASSERT_NOT", "AT"):
            return _ended(drafts)
        return drafts

    def _repeat(self, told: Any, drafts: list[_Draft]) -> list[_Draft]:
        least, most, nodes = told
        kind = self._class(str(nodes[0][0]), nodes[0][1]) if len(nodes) == 1 else None
        if kind is None:
            if (least, most) == (0, 1):
                return [*(draft.copy() for draft in drafts), *self.read(nodes, drafts)]
            unread = [] if least else [draft.copy() for draft in drafts]
            return [*unread, *self._begun(nodes, drafts)]
        for draft in drafts:
            for _ in range(min(least, _LONGEST)):
                draft.once(kind)
            if most > least:
                draft.often(kind)
        return drafts

    def _begun(self, nodes: Any, drafts: list[_Draft]) -> list[_Draft]:
        """What a group that is repeated begins with; the rest would only make more paths of it."""
        found: list[_Draft] = []
        for draft in drafts:
            longest = len(draft.parts) - draft.grown + _BEGINNING
            for seen in _ended(self.read(nodes, [draft.copy()])):
                del seen.parts[max(longest + seen.grown, 1) :]
                found.append(seen)
        return found

    def _ahead(self, nodes: Any, drafts: list[_Draft]) -> list[_Draft]:
        """What is looked ahead at stays known behind the cursor, up to the first run of any length."""
        found: list[_Draft] = []
        for draft in drafts:
            for seen in self.read(nodes, [draft.copy()]):
                seen.cursor, seen.ended = draft.cursor + seen.grown - draft.grown, draft.ended
                ahead = range(seen.cursor, len(seen.parts))
                del seen.parts[next((place for place in ahead if seen.parts[place][1]), len(seen.parts)) :]
                found.append(seen)
        return found

    def _behind(self, nodes: Any, drafts: list[_Draft]) -> list[_Draft]:
        ways = self.read(nodes, [_Draft()])
        if any(way.ended or any(often for _, often in way.parts) for way in ways):
            return drafts
        found: list[_Draft] = []
        for draft in drafts:
            for way in ways:
                seen = draft.copy()
                seen.behind([kind for kind, _ in way.parts[: way.cursor]])
                found.append(seen)
        return [draft for draft in found if not draft.impossible]

    def _class(self, name: str, told: Any) -> int | None:
        kind = _class_of(name, told)
        return _both_cases(kind) if kind is not None and self.folds else kind


def _ended(drafts: list[_Draft]) -> list[_Draft]:
    for draft in drafts:
        draft.end()
    return drafts


_UPPER: Final = sum(1 << code for code in (*range(0x41, 0x5B), *range(0xC0, 0xDF)))
_LOWER: Final = _UPPER << 32
_LATIN: Final = (1 << 255) - (1 << 128)
_CATEGORIES: Final = {
    f"CATEGORY_{name}": BEYOND | sum(1 << code for code in range(255) if re.match(letter, chr(code)))
    for name, letter in (
        ("DIGIT", r"\d"),
        ("NOT_DIGIT", r"\D"),
        ("SPACE", r"\s"),
        ("NOT_SPACE", r"\S"),
        ("WORD", r"\w"),
        ("NOT_WORD", r"\W"),
    )
}


def _bit(code: int) -> int:
    return 1 << min(code, 255)


def _both_cases(kind: int) -> int:
    """The class with the other case of each of its letters; at the edge of U+00FF with more than that."""
    kind |= (kind & _UPPER) << 32 | (kind & _LOWER) >> 32
    if kind & BEYOND:
        kind |= _LATIN
    return kind | BEYOND if kind & _LATIN else kind


def _class_of(name: str, told: Any) -> int | None:
    """The class that a node of a parsed pattern is; None if it is something else."""
    if name == "LITERAL":
        return _bit(told)
    if name == "NOT_LITERAL":
        return ANY & ~_bit(told) | BEYOND
    if name == "ANY":
        return ANY  # the line end, too: what `.` means is up to a flag
    return _set_of(told) if name == "IN" else None


def _set_of(items: Any) -> int:
    kind, negated = 0, False
    for item, what in items:
        name = str(item)
        if name == "NEGATE":
            negated = True
        elif name == "LITERAL":
            kind |= _bit(what)
        elif name == "RANGE":
            kind |= (2 << min(what[1], 255)) - (1 << min(what[0], 255))
        elif name == "CATEGORY":
            kind |= _CATEGORIES[str(what)]
        else:
            return ANY
    return ANY & ~kind | BEYOND if negated else kind
