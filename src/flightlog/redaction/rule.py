"""What a rule is: a name to count by, and a function that takes the secrets out of a text.

Looking for every rule in every text would cost more than recording it. So rules that share a cheap sign stand
together in a `Family`, which asks first ("is there a dash, and one after `sk` or `glpat`?"). For almost every
text the answer is no, and asking is all that the text ever costs.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from msgspec import Struct

from flightlog.redaction.modes import Hide


class Rule(Struct, frozen=True):
    """One kind of secret."""

    name: str
    """What hits are counted under, and what settings call it: lower-case words with `_` between."""
    clean: Callable[[str, Hide], tuple[str, int]]
    """Returns the text without this kind of secret, and how many there were; with 0, the same object."""
    by_default: bool = True
    """Whether it is in force unless a setting says otherwise."""


class Family(Struct, frozen=True):
    """Rules that share one sign: without it, none of them has anything to do.

    Both halves of the sign are asked of every text, so they have to be cheap; they may say yes in vain, and
    must never say no where a rule would find something.
    """

    needle: str
    """Is in every text that the rules change: one character where possible, which costs next to nothing."""
    sign: Callable[[str], object]
    """Asked when the needle is there; falsy when no rule of the family can change the text."""
    rules: tuple[Rule, ...]


def matching(
    name: str,
    pattern: str | re.Pattern[str],
    proof: Callable[[str], object] | None = None,
    *,
    by_default: bool = True,
) -> Rule:
    """Make the rule that replaces the first group of each match, or the whole match when it has no group.

    Args:
        name: what hits are counted under.
        pattern: what to look for, in `re`'s language.
        proof: says of what would be replaced whether it is a secret; without one, everything is.
        by_default: whether it is in force unless a setting says otherwise.
    """
    found: list[re.Pattern[str]] = []

    def clean(text: str, hide: Hide) -> tuple[str, int]:
        if not found:
            found.append(re.compile(pattern))  # most patterns are never needed, and compiling all takes 20 ms
        compiled = found[0]
        group = min(compiled.groups, 1)
        hits = 0

        def replace(match: re.Match[str]) -> str:
            nonlocal hits
            secret = match[group]
            hidden = hide(secret) if secret and (proof is None or proof(secret)) else None
            if hidden is None:
                return match[0]
            hits += 1
            start, end = match.span(group)
            return text[match.start() : start] + hidden + text[end : match.end()]

        cleaned = compiled.sub(replace, text)
        return (cleaned, hits) if hits else (text, 0)

    return Rule(name, clean, by_default)


def finding(name: str, find: Callable[[str], Iterable[tuple[int, int]]]) -> Rule:
    """Make the rule that replaces what a function finds.

    Args:
        name: what hits are counted under.
        find: yields where secrets begin and end, in order; what begins inside the one before is passed over.
    """

    def clean(text: str, hide: Hide) -> tuple[str, int]:
        pieces: list[str] = []
        done = 0
        for start, end in find(text):
            hidden = hide(text[start:end]) if done <= start < end else None
            if hidden is not None:
                pieces += text[done:start], hidden
                done = end
        return ("".join([*pieces, text[done:]]), len(pieces) // 2) if pieces else (text, 0)

    return Rule(name, clean)


def merged(families: Iterable[Family]) -> tuple[Family, ...]:
    """Make one family of those whose signs are patterns that begin with the same needle: one search asks for all.

    Such a pattern is the needle and one sequence after it: an alternation stands in a group.
    """
    together: dict[object, list[Family]] = {}
    for family in families:
        together.setdefault(family if _rest(family) is None else family.needle, []).append(family)
    return tuple(same[0] if len(same) == 1 else _one_of(same) for same in together.values())


def _one_of(families: list[Family]) -> Family:
    needle = families[0].needle
    signs = "|".join(_rest(family) or "" for family in families)
    rules = dict.fromkeys(rule for family in families for rule in family.rules)
    return Family(needle, re.compile(f"{re.escape(needle)}(?:{signs})").search, tuple(rules))


def _rest(family: Family) -> str | None:
    """What follows the needle in a family's sign; None where that is no pattern, or begins otherwise."""
    pattern = getattr(family.sign, "__self__", None)
    if not family.needle or not isinstance(pattern, re.Pattern):
        return None
    for begin in (re.escape(family.needle), family.needle):
        if pattern.pattern.startswith(begin):
            return str(pattern.pattern[len(begin) :])
    return None
