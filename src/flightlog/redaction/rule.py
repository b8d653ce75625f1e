"""What a rule is: a name to count by, and a function that takes the secrets out of a text.

Looking for every rule in every text would cost more than recording it. So rules that share a cheap sign stand
together in a `Family`, which asks first ("is there a dash, and one after `sk` or `glpat`?"). For almost every
text the answer is no, and asking is all that the text ever costs.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from msgspec import Struct

REDACTED: Final = "[REDACTED]"
"""What stands in the place of a secret. Brackets belong to no secret's shape, so it never joins a new one."""


class Rule(Struct, frozen=True):
    """One kind of secret."""

    name: str
    """What hits are counted under."""
    clean: Callable[[str], tuple[str, int]]
    """Returns the text without this kind of secret, and how many there were; with 0, the same object."""


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


def matching(name: str, pattern: str, proof: Callable[[str], object] | None = None) -> Rule:
    """Make the rule that replaces the first group of each match, or the whole match when it has no group.

    Args:
        name: what hits are counted under.
        pattern: what to look for, in `re`'s language.
        proof: says of what would be replaced whether it is a secret; without one, everything is.
    """
    compiled = re.compile(pattern)
    group = min(compiled.groups, 1)

    def clean(text: str) -> tuple[str, int]:
        hits = 0

        def replace(match: re.Match[str]) -> str:
            nonlocal hits
            if proof is not None and not proof(match[group]):
                return match[0]
            hits += 1
            start, end = match.span(group)
            return text[match.start() : start] + REDACTED + text[end : match.end()]

        cleaned = compiled.sub(replace, text)
        return (cleaned, hits) if hits else (text, 0)

    return Rule(name, clean)
