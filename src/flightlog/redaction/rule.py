"""What a rule is: a name to count by, and a function that takes the secrets out of a text.

Looking for every rule in every text would cost more than recording it. So rules that share a cheap sign stand
together in a `Family`, which asks first ("is there a dash, and one after `sk` or `glpat`?"). For almost every
text the answer is no, and asking is all that the text ever costs.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Final

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
    before: frozenset[str] = frozenset()
    """The two characters before the needle of its family, of which one pair is in every text that it changes;
    empty where there is more to it."""


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
    rooted: bool = False
    """They change only texts of which `roots.may_name` holds."""


class Choice:
    """The rules of one family that may have something to do in a text, told by what stands before its needle.

    Behind one needle there can be ninety rules, and the sign does not say whose head it was: asking all of them
    costs twenty times as much as looking at two characters.
    """

    __slots__ = ("_by_pair", "_family", "_found", "_order")

    def __init__(self, family: Family) -> None:
        self._family = family
        self._by_pair: dict[str, tuple[Rule, ...]] | None = None
        self._found: Callable[[str], Iterable[re.Match[str]]] = re.compile("").finditer
        self._order = {rule: place for place, rule in enumerate(family.rules)} if _rest(family) else {}

    def __call__(self, text: str) -> tuple[Rule, ...]:
        """Return them in the order of the family; the sign has said yes to the text."""
        if not self._order:
            return self._family.rules
        if self._by_pair is None:
            self._by_pair = self._made()
        places = [found.start() for found in self._found(text)]
        pairs = {text[max(0, place - 2) : place] for place in places}
        if len(pairs) == 1:
            return self._of(pairs.pop())
        chosen = {rule for pair in pairs for rule in self._of(pair)}
        return tuple(sorted(chosen, key=self._order.__getitem__))

    def _of(self, pair: str) -> tuple[Rule, ...]:
        made = self._by_pair or {}
        return made.get(pair) or made[""]

    def _made(self) -> dict[str, tuple[Rule, ...]]:
        """Put the rules together by pair; under the empty one are those that have none. Few processes need it."""
        family = self._family
        self._found = re.compile(f"{re.escape(family.needle)}(?={_rest(family)})").finditer
        pairs = {pair for rule in family.rules for pair in rule.before}
        return {
            pair: tuple(rule for rule in family.rules if not rule.before or pair in rule.before)
            for pair in (*pairs, "")
        }


def matching(
    name: str,
    pattern: str | re.Pattern[str],
    proof: Callable[[str], object] | None = None,
    *,
    by_default: bool = True,
    before: frozenset[str] = frozenset(),
) -> Rule:
    """Make the rule that replaces the first group of each match, or the whole match when it has no group.

    Args:
        name: what hits are counted under.
        pattern: what to look for, in `re`'s language.
        proof: says of what would be replaced whether it is a secret; without one, everything is.
        by_default: whether it is in force unless a setting says otherwise.
        before: as `Rule.before`.
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

    return Rule(name, clean, by_default, before)


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


def merged(families: Iterable[Family], ahead: Mapping[str, str] | None = None) -> tuple[Family, ...]:
    """Make one family of those whose signs are patterns that begin with the same needle: one search asks for all.

    Such a pattern is the needle and one sequence after it: an alternation stands in a group.

    Args:
        families: of which some share a needle.
        ahead: by needle, a look ahead that holds behind it wherever one of the rules finds anything, and hardly
            anywhere else: where it does not, the search goes on at once.
    """
    ahead = ahead or {}
    together: dict[object, list[Family]] = {}
    for family in families:
        together.setdefault(family if _rest(family) is None else family.needle, []).append(family)
    return tuple(
        same[0] if len(same) == 1 else _one_of(same, ahead.get(same[0].needle, ""))
        for same in together.values()
    )


def _one_of(families: list[Family], ahead: str) -> Family:
    needle = families[0].needle
    signs = "|".join(_ungrouped(_rest(family) or "") for family in families)
    rules = dict.fromkeys(rule for family in families for rule in family.rules)
    return Family(
        needle,
        re.compile(f"{re.escape(needle)}{ahead}(?:{signs})").search,
        tuple(rules),
        all(family.rooted for family in families),
    )


_MARK_OF_GROUPS: Final = re.compile(r"\\.|\[(?:\\.|[^\]\\])+\]|[()]")


def _ungrouped(sign: str) -> str:
    """Take off the group around a whole sign.

    Of an alternation, `re` passes over what begins otherwise for free, but it does not look into a group.
    """
    if not sign.startswith("(?:"):
        return sign
    depth = 0
    for mark in _MARK_OF_GROUPS.finditer(sign):
        depth += {"(": 1, ")": -1}.get(mark[0], 0)
        if not depth:
            return sign[3:-1] if mark.end() == len(sign) else sign
    return sign


def _rest(family: Family) -> str | None:
    """What follows the needle in a family's sign; None where that is no pattern, or begins otherwise."""
    pattern = getattr(family.sign, "__self__", None)
    if not family.needle or not isinstance(pattern, re.Pattern):
        return None
    for begin in (re.escape(family.needle), family.needle):
        if pattern.pattern.startswith(begin):
            return str(pattern.pattern[len(begin) :])
    return None
