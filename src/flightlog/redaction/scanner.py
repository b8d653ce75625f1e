"""The first look at a text, in C: whether any sign of any rule can be in it at all.

Nearly every text holds no secret, and saying so is nearly all that the gate ever does. Where the compiled core is
there, a text is gone through once, with the outlines of all signs at the same time; only when one of them fits, the
signs themselves are asked, as they are where there is no compiled core. So the scanner decides nothing: it says no
where the signs, or the rules behind them, would have nothing to do, and the answers of the gate are the same with
and without it.

The outlines are made from the patterns of the rules (`outline.py`), once a process has looked at so many texts that
it is worth it: a program that records little does not pay for them.
"""

from __future__ import annotations

import re
import struct
from array import array
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from typing import Any, Final

from flightlog._speed import presence
from flightlog.border import let_through
from flightlog.redaction import assignments, documents
from flightlog.redaction.keys import ELSEWHERE
from flightlog.redaction.outline import WILD, Path, Unclear, of_pattern, of_text
from flightlog.redaction.policy import Policy
from flightlog.redaction.rule import Family

MayHold = Callable[[str], bool]

_COMMON: Final = {
    0.3: " ",
    0.13: '"',
    0.06: "etasni",
    0.04: ":or,",
    0.027: "\nl-chdf",
    0.018: "0um21p_",
    0.012: "x.b/()'g",
    0.008: "y\\*=57w3v4",
    0.004: "kE#T[]NI9{}@Z68|",
    0.002: "SAjOR>DCPFLzM+?U",
    0.001: "qB%H<VG;WYKX~!`&JQ^$\t\r",
}
"""How common characters are where they are most common: in prose, source code or JSON."""
_RARE: Final = 0.0001

_WORTH: Final = 2_000_000
"""Characters to look at before a scanner is made: making it takes as long as looking at so many without it."""
_CALL: Final = 250
"""Characters that asking the signs costs, however short a text is."""

_FEW: Final = 16
"""Characters of a class that is rare enough to look for."""
_ROW: Final = 3
"""Such classes in a row that are enough to look for."""

_LONGEST_ROOT: Final = max(map(len, assignments.ROOTS))
"""A path says so many characters less of what follows a root, behind whichever: more of it would only be more looks."""

IN_TEXTS: Final = 1
IN_DOCUMENTS: Final = 2
Look = tuple[int, Path]
"""Where it holds, and what it is."""


class FirstLook:
    """The scanner of one gate, made once it is worth its making."""

    __slots__ = ("_exact", "_left", "_policy", "may_hold")

    def __init__(self, policy: Policy, exact: tuple[str, ...]) -> None:
        """Begin without one.

        Args:
            policy: the rules that hold.
            exact: the texts that are sought as they are.
        """
        self._policy, self._exact = policy, exact
        self._left = _WORTH
        self.may_hold: MayHold | None = self._wait if presence.CORE is not None else None
        """Says of a text whether a sign can be in it; False is certain. None: only the signs can say."""

    def make(self) -> None:
        """Make the scanner now; where that fails, the signs are asked as if there were no compiled core."""
        self.may_hold = None
        try:
            self.may_hold = scanner(self._policy, self._exact)
        except Exception as failure:  # noqa: BLE001 - what reads patterns is private to `re`, and promises nothing
            let_through(failure)

    def _wait(self, text: str) -> bool:
        self._left -= len(text) + _CALL
        if self._left < 0:
            self.make()
        return True


def scanner(policy: Policy, exact: tuple[str, ...]) -> MayHold | None:
    """Make the first look for a policy; None where there is no compiled core, or where nothing can be said."""
    if presence.CORE is None:
        return None
    try:
        looks = _looks_of(policy.families, policy.assignments)
        looks = [*looks, *((IN_TEXTS | IN_DOCUMENTS, of_text(text)) for text in exact)]
        made = presence.CORE.Scanner(**_tables(looks), every=bool(policy.keys), wild=WILD)
    except (Unclear, OverflowError):  # a rule of the program's own can be anything, and there can be many
        return None
    may_hold: MayHold = made.may_hold
    return may_hold


@lru_cache(maxsize=4)
def _looks_of(families: tuple[Family, ...], by_key: tuple[Family, ...]) -> list[Look]:
    everywhere = [path for family in families for path in _of_family(family)]
    looks = [(IN_TEXTS | IN_DOCUMENTS, path) for path in everywhere]
    looks += [
        (IN_DOCUMENTS, path)
        for pattern in (*(sign for _, sign in assignments.ROOT_SIGNS), documents.ESCAPED)
        for path in of_pattern(pattern, in_lower_case=True)
    ]
    looks += [(IN_TEXTS, path) for path in _of_assignments(by_key)]
    return _without_needless([easy for look in looks for easy in _easier(look)])


def _in_any_case(pattern: str | re.Pattern[str]) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE) if isinstance(pattern, str) else pattern


def _of_family(family: Family) -> Iterable[Path]:
    """The outline of a family's sign, or of what its rules find where that says more; else its needle."""
    owner = getattr(family.sign, "__self__", None)
    patterns = getattr(owner, "outlines", (owner,))
    known = [_in_any_case(pattern) for pattern in patterns if isinstance(pattern, str | re.Pattern)]
    if len(known) == len(patterns):
        return [path for pattern in known for path in of_pattern(pattern)]
    if not family.needle:
        raise Unclear(family.rules[0].name)
    return [of_text(family.needle)]


def _of_assignments(families: tuple[Family, ...]) -> Iterator[Path]:
    """The outlines of the rules themselves, where they are asked far less in vain than their signs."""
    for family in families:
        yield from _of_tails() if family.sign is assignments.may_assign else _of_family(family)


def _of_tails() -> Iterator[Path]:
    """The outlines of what follows a root, read once: it is the same behind each."""
    paths = of_pattern(re.compile("x" * _LONGEST_ROOT + assignments.TAIL), in_lower_case=True)
    looks = _without_needless([easy for path in paths for easy in _easier((IN_TEXTS, path))])
    for head in (*(head for _, head in assignments.HEADS), *ELSEWHERE):
        for begun in of_pattern(re.compile(head), in_lower_case=True):
            yield from (begun + path[_LONGEST_ROOT:] for _, path in looks)


def _easier(look: Look) -> Iterator[Look]:
    """Write a path that has no three characters in a row of few kinds, but runs between them, as two without one."""
    where, path = look
    row = 0
    for kind, often in path:
        row = row + 1 if not often and kind.bit_count() <= _FEW else 0
        if row == _ROW:
            yield look
            return
    place = next((place for place, (_, often) in enumerate(path) if often), None)
    if place is None or place > _ROW:
        yield look
        return
    yield from _easier((where, path[:place] + path[place + 1 :]))
    yield from _easier((where, (*path[:place], (path[place][0], False), *path[place:])))


def _without_needless(looks: list[Look]) -> list[Look]:
    """Make one look of those that differ in a single class, and leave out what a shorter one finds as well."""
    kept = list(dict.fromkeys(looks))
    for place in range(max(len(path) for _, path in kept)):
        together: dict[tuple[int, Path, bool, Path], int] = {}
        for where, path in kept:
            if place < len(path):
                key = where, path[:place], path[place][1], path[place + 1 :]
                together[key] = together.get(key, 0) | path[place][0]
        kept = [look for look in kept if place >= len(look[1])]
        kept += [
            (where, (*head, (kind, often), *tail)) for (where, head, often, tail), kind in together.items()
        ]
    ends: dict[Path, list[tuple[int, int]]] = {}
    for where, path in kept:
        ends.setdefault(path[:-1], []).append((where, path[-1][0]))
    return [look for look in kept if not _is_needless(look, ends)]


def _is_needless(look: Look, ends: dict[Path, list[tuple[int, int]]]) -> bool:
    """Say whether a shorter look, the same but for its last class, which is wider, finds what this one does."""
    where, path = look
    return any(
        where & there == where and path[count][0] & kind == path[count][0]
        for count in range(len(path) - 1)
        for there, kind in ends.get(path[:count], ())
    )


def _tables(looks: list[Look]) -> dict[str, Any]:
    """What `Scanner` is made of: its contract stands in `scan.c`."""
    classes: dict[int, int] = {}
    told = tuple((*_sides(where), _packed(path, classes)) for where, path in looks)
    return {
        "classes": b"".join(kind.to_bytes(32, "little") for kind in classes),
        "weights": array("d", _WEIGHTS),
        "looks": told,
        "opens": b"{[",
        "blanks": b" \t\r\n",
        "longest": documents.LONGEST,
    }


def _sides(where: int) -> tuple[bool, bool]:
    return bool(where & IN_TEXTS), bool(where & IN_DOCUMENTS)


def _packed(path: Path, classes: dict[int, int]) -> bytes:
    numbers = [number for kind, often in path for number in (classes.setdefault(kind, len(classes)), often)]
    return struct.pack(f"={len(numbers)}H", *numbers)


def _weights() -> list[float]:
    weights = [_RARE] * 256
    for weight, letters in _COMMON.items():
        for letter in letters:
            weights[ord(letter)] = weight
    return weights


_WEIGHTS: Final = _weights()
"""How common each byte is: it decides by which characters a look is found, and changes no answer."""
