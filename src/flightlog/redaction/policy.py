"""What is looked for, and what becomes of what is found: the rules of one process, put together from its settings.

`FAMILIES` are the rules that Flightlog brings. A program adds its own, switches single ones off, chooses what
stands in a secret's place, and names keys and texts that are secret, or that are not.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from fnmatch import translate
from functools import lru_cache
from typing import Final

from msgspec import Struct, field

from flightlog.redaction import (
    assignments,
    commands,
    formats,
    pairs,
    personal,
    places,
    prose,
    shapes,
    statements,
    tables,
)
from flightlog.redaction.modes import MODES, Hide, Mode
from flightlog.redaction.rule import Family, Rule, matching, merged

OFF: Final = "off"
EXACT: Final = "exact_value"
"""The rule for texts that the program itself holds as secrets."""

SHORTEST_EXACT: Final = 6
"""Characters of the shortest text that is found inside others; a shorter one, in every other word, is found alone."""

EVERYWHERE: Final = (
    *shapes.FAMILIES,
    *places.FAMILIES,
    *statements.FAMILIES,
    *commands.FAMILIES,
    *prose.FAMILIES,
    *tables.FAMILIES,
    *pairs.ANYWHERE,
    *formats.ANYWHERE,
    *personal.FAMILIES,
)
AHEAD: Final = {"-": "(?![ >])", "=": "(?=[A-Za-z0-9%+/._~-]{16})"}
"""By needle, what is asked first of what follows it: it begins no dash of a sentence and no arrow of a program; it is
as long as what a parameter of an address gives away."""

FAMILIES: Final = merged(EVERYWHERE, AHEAD)
"""All rules but the assignments. Shapes come first: what they find inside a value shortens the work of the others."""

ASSIGNMENTS: Final = merged((*assignments.FAMILIES, *pairs.FAMILIES, *formats.FAMILIES))
"""Those that need not be asked of a JSON document without a root of a secret's key in it."""

NAMELESS: Final = merged((family for family in EVERYWHERE if not family.rooted), AHEAD)
"""Those of all rules but the assignments that have something to do in a text that names no secret."""


def _in_force(families: Iterable[Family], wants: Callable[[Rule], bool]) -> tuple[Family, ...]:
    kept = (
        Family(family.needle, family.sign, tuple(rule for rule in family.rules if wants(rule)), family.rooted)
        for family in families
    )
    return tuple(family for family in kept if family.rules)


class Policy(Struct, frozen=True):
    """The rules and modes of a gate."""

    families: tuple[Family, ...]
    assignments: tuple[Family, ...] = ASSIGNMENTS
    nameless: tuple[Family, ...] | None = None
    """Those of `families` that have something to do in a text that names no secret; None where that is not known."""
    mode: Mode = "mask"
    modes: Mapping[str, Mode] = {}
    """Where a rule's mode is another."""
    allowed: frozenset[str] = frozenset()
    """Texts and keys that are no secrets, whatever the rules say."""
    keys: tuple[str, ...] = ()
    """Patterns of further keys as `fnmatch` has them: in lower case, and in words with `_` between (`spelled`)."""
    exact: tuple[str, ...] = field(default=())
    """Texts that are secret wherever they stand, the longest first."""
    exact_rule: str = EXACT

    def mode_of(self, rule: str) -> Mode:
        """What becomes of what this rule finds."""
        return self.modes.get(rule, self.mode)

    def names_secret(self, key: str) -> bool:
        """Say whether one of the program's own patterns fits a key."""
        return _fits(self.keys, key)


_HUMP: Final = re.compile("(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_BETWEEN_WORDS: Final = str.maketrans("-. ", "___")


def spelled(key: str) -> str:
    """A key as words with `_` between: of `motherMaidenName`, `Mother-Maiden-Name`, `mother.maiden name` the same."""
    return _HUMP.sub("_", key).translate(_BETWEEN_WORDS).lower()


@lru_cache(maxsize=4096)
def _fits(patterns: tuple[str, ...], key: str) -> bool:
    names = {key.lower(), spelled(key)}
    return any(_compiled(pattern)(name) for pattern in patterns for name in names)


@lru_cache(maxsize=256)
def _compiled(pattern: str) -> Callable[[str], object]:
    return re.compile(translate(pattern)).match


def policy_from(
    modes: Mapping[str, str],
    *,
    rules: Mapping[str, str | re.Pattern[str] | Callable[[str], str]] | None = None,
    keys: Iterable[str] = (),
    allowed: Iterable[str] = (),
    exact: Iterable[str] = (),
) -> Policy:
    """Put a policy together.

    Args:
        modes: rule name to one of `MODES` or `off`; the name `*` stands for every rule that is not named.
        rules: further rules by name: a pattern, of which the first group or else the whole match is secret, or
            a function that returns the text without what it knows to be secret.
        keys: patterns of further secret keys.
        allowed: texts and keys that are no secrets.
        exact: texts that are secret wherever they stand; short ones, where they stand alone.
    """
    exact = tuple(exact)
    own = (*(own_rule(name, rule) for name, rule in (rules or {}).items()), *_alone(exact))
    everywhere = modes.get("*", "mask")

    def wants(rule: Rule) -> bool:
        return modes.get(rule.name, "" if rule.by_default else OFF) != OFF

    of_own = tuple(Family("", bool, (rule,)) for rule in own)
    return Policy(
        families=_in_force((*FAMILIES, *of_own), wants),
        assignments=_in_force(ASSIGNMENTS, wants),
        nameless=_in_force((*NAMELESS, *of_own), wants),
        mode=everywhere,  # type: ignore[arg-type]  # the setting takes no other word
        modes={name: mode for name, mode in modes.items() if mode in MODES},
        allowed=frozenset(allowed),
        keys=tuple(dict.fromkeys(spelling for key in keys for spelling in _spellings(key))),
        exact=sought(exact),
    )


def _spellings(pattern: str) -> tuple[str, ...]:
    """A pattern as it is meant, whatever case; in words, too, unless it has a class, whose `-` is no sign of one."""
    return (pattern.lower(),) if "[" in pattern else (pattern.lower(), spelled(pattern))


def sought(exact: Iterable[str]) -> tuple[str, ...]:
    """The texts that are looked for as they are: the longest first, so that none is found inside another."""
    return tuple(
        sorted({text for text in exact if len(text) >= SHORTEST_EXACT}, key=lambda text: (-len(text), text))
    )


def _alone(exact: Iterable[str]) -> Iterator[Rule]:
    """The rule for texts that are too short to be looked for inside words."""
    short = sorted(
        {text for text in exact if 0 < len(text) < SHORTEST_EXACT}, key=lambda text: (-len(text), text)
    )
    if short:
        words = "|".join(map(re.escape, short))
        yield matching(EXACT, re.compile(rf"(?<![^\W_])(?:{words})(?![^\W_])"))


def own_rule(name: str, made: str | re.Pattern[str] | Callable[[str], str]) -> Rule:
    """Make a rule of what a program gave.

    Raises:
        re.error: a pattern that is none.
    """
    if isinstance(made, (str, re.Pattern)):
        return matching(name, re.compile(made))
    function = made

    def clean(text: str, _hide: Hide) -> tuple[str, int]:
        cleaned = function(text)
        if not isinstance(cleaned, str):
            raise TypeError(f"the rule {name} returned no text")
        return (text, 0) if cleaned == text else (cleaned, 1)

    return Rule(name, clean)


def rule_names() -> tuple[str, ...]:
    """Every rule that settings can name, in the order in which they are asked."""
    families = (*FAMILIES, *ASSIGNMENTS)
    return tuple(dict.fromkeys(rule.name for family in families for rule in family.rules))


DEFAULT: Final = Policy(
    families=_in_force(FAMILIES, lambda rule: rule.by_default),
    nameless=_in_force(NAMELESS, lambda rule: rule.by_default),
)
"""What holds where nobody set anything."""
