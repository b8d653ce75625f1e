"""How a secret is found by its head: the literal that its provider begins it with.

Each pattern begins with that literal and reads one unbroken run of characters from there. The runs of one
pattern never overlap, so that a hostile text is read a bounded number of times, however often it repeats the
literal. A shape that ordinary words can take (`sk-` begins names of style sheets, too) is looked at once more by
its `proof`.

The heads that end in the same character share one sign: that character, and one of the heads before it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from itertools import product
from typing import Final

from msgspec import Struct

from flightlog.redaction.rule import Family, Rule, finding, matching

_CLASS: Final = re.compile(r"\[[^\]]*\]|\\.")
_PARTS: Final = re.compile(r"\[[^\]]*\]|\\.|.")
_FEW: Final = 26
"""Characters of a class that are told apart."""
_RUNS: Final = re.compile(r"[A-Za-z0-9]{12,}").findall
_DIGIT: Final = re.compile(r"[0-9]").search
_ENDS_OF_NO_WORD: Final = (
    r"\\[nrt]",
    "%[0-9A-Fa-f]{2}",
    r"\\x[0-9A-Fa-f]{2}",
    "=3D",
    r"\\u00[0-9A-Fa-f]{2}",
    r"[\[;][0-9]m",
    r"[\[;][0-9]{2}m",
)


def _edge(head: str) -> str:
    r"""Look behind a head for the end of a word.

    An escaped line end (`\n` as two characters), a percent escape, an escaped character of JSON or of Python, the
    sign `=` as mail spells it, and a colour of a terminal are no words, although they end in a letter or a digit.
    """
    ends = [rf"(?<={end}{head})" for end in _ENDS_OF_NO_WORD]
    return "(?:" + "|".join([f"(?<![A-Za-z0-9]{head})", *ends]) + ")"


EDGE: Final = _edge("")
"""Where a secret without a head may begin."""


class Shape(Struct, frozen=True):
    """One kind of key or token."""

    name: str
    """What its rule is called; several shapes may share a name."""
    heads: tuple[str, ...]
    """What it begins with: patterns of one fixed length each, all ending in the character of their family, with a
    letter or a digit before it."""
    tail: str
    """What follows, in `re`'s language."""
    proof: Callable[[str], object] | None = None
    """Says of a match whether it is a secret; without one, every match is."""
    is_common: bool = False
    """Its heads begin words of programs, too (`test_…`), so that the sign looks at the tail as well."""


def family(
    needle: str,
    shapes: Iterable[Shape],
    after: str,
    others: Iterable[tuple[str, Rule]] = (),
    *,
    as_long: Iterable[tuple[str, Rule]] = (),
    stricter: tuple[Iterable[Shape], str] = ((), ""),
    longer: str = "",
) -> Family:
    """Make the family of shapes whose heads end in the character `needle`.

    Args:
        needle: the character.
        shapes: what to look for.
        after: what every tail begins with, as a pattern; it keeps the sign from asking at each needle.
        others: further rules, each with what stands around the needle where it may have something to do:
            a pattern that begins behind the needle and may look back over it.
        as_long: the same, where what every tail begins with has to follow as well.
        stricter: further shapes, and what their tails begin with: less than `after` allows. They are asked first.
        longer: what the tails of the first shapes begin with, further than `after` says it.
    """
    shapes, others, as_long = tuple(shapes), tuple(others), tuple(as_long)
    strict, narrow = tuple(stricter[0]), stricter[1]
    long = [f"(?={narrow}){_any_of(strict)}"] if strict else []
    ahead = f"(?={longer})" if longer else ""
    long += [ahead + _any_of(shapes), *dict.fromkeys(sign for sign, _ in as_long)]
    edge = f"(?<=[A-Za-z0-9]{re.escape(needle)})" if not as_long else ""
    signs = [f"(?={after}){edge}(?:{'|'.join(long)})", *dict.fromkeys(sign for sign, _ in others)]
    rules = [rule for shape in strict for rule in _rules(shape, narrow)]
    rules += [rule for shape in shapes for rule in _rules(shape, after)]
    rules += [rule for _, rule in (*others, *as_long)]
    return Family(needle, re.compile(f"{re.escape(needle)}(?:{'|'.join(signs)})").search, tuple(rules))


def after_head(
    name: str,
    head: str,
    tail: str,
    proof: Callable[[str], object] | None = None,
    before: frozenset[str] = frozenset(),
) -> Rule:
    """Make the rule for `head` + `tail`, where no word runs into the head; `before` is that of `Rule`.

    The head stands first in the pattern, because its literal is what `re` searches for at the speed of
    `memchr`; the look behind it comes after.
    """
    return matching(name, f"{head}{_edge(head)}{tail}", proof, before=before)


def around(
    name: str,
    mark: str,
    before: Iterable[int],
    pattern: str,
    proof: Callable[[str], object] | None = None,
) -> Rule:
    """Make the rule for a secret that has its mark not at the head but so many characters `before` it.

    Args:
        name: what hits are counted under.
        mark: a pattern that begins with a literal.
        before: where the secret may begin, in characters before the mark.
        pattern: the secret, mark included.
        proof: says of a match whether it is a secret; without one, every match is.
    """
    marks, secret, places = re.compile(mark), re.compile(EDGE + pattern), tuple(before)

    def find(text: str) -> Iterator[tuple[int, int]]:
        for found in marks.finditer(text):
            for place in places:
                start = found.start() - place
                match = secret.match(text, start) if start >= 0 else None
                if match and (proof is None or proof(match[0])):
                    yield match.span()
                    break

    return finding(name, find)


def has_random_run(text: str) -> bool:
    """Find twelve letters and digits in a row, not letters alone, as no word has them."""
    return any(_DIGIT(run) for run in _RUNS(text))


def has_digit(text: str) -> bool:
    """Find a digit."""
    return _DIGIT(text) is not None


def _rules(shape: Shape, after: str) -> list[Rule]:
    """The rules of a shape, which ask for what the sign of their family asks for, too."""
    return [
        after_head(shape.name, head, f"(?={after}){shape.tail}", shape.proof, _pairs_before_the_last(head))
        for head in shape.heads
    ]


def _pairs_before_the_last(head: str) -> frozenset[str]:
    """Every two characters that a head can have before its last one; none where it says no single ones."""
    if "{" in head or "(" in head:
        return frozenset()
    ends = [_members(part) for part in _PARTS.findall(head)[-3:-1]]
    return frozenset(map("".join, product(*ends))) if len(ends) == 2 and all(ends) else frozenset()


@cache
def _members(part: str) -> str:
    """The characters of a class of a few, or the one that a part of a pattern is; none of a wide class."""
    if part[0] != "[":
        return part[-1]
    members = re.sub("(.)-(.)", _range, part[1:-1])
    return members if len(members) <= _FEW else ""


def _range(ends: re.Match[str]) -> str:
    return "".join(map(chr, range(ord(ends[1]), ord(ends[2]) + 1)))


def _any_of(shapes: Iterable[Shape]) -> str:
    """One look behind for all heads of a length: a branch that fails at its first character costs the least."""
    shapes = tuple(shapes)
    by_width: dict[int, list[str]] = {}
    for head in sorted({head for shape in shapes if not shape.is_common for head in shape.heads}):
        by_width.setdefault(len(_CLASS.sub("x", head)), []).append(head)
    signs = [f"(?<={'|'.join(same)})" for _, same in sorted(by_width.items())]
    signs += [f"(?<={head}){shape.tail}" for shape in shapes if shape.is_common for head in shape.heads]
    return f"(?:{'|'.join(signs)})"
