"""How the names of models and providers are recognised: rules as data, and whether a name fits them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import Final, Literal

from msgspec import Struct


class Clause(Struct, frozen=True, array_like=True):
    """One rule for a name in lower case."""

    sign: Literal["=", "^", "$", "*", "~", "&", "|"]
    """Is, begins with, ends with, contains, a regular expression finds something; all of, or any of the parts."""
    text: str = ""
    parts: list[Clause] = []


def fits_any(clauses: Iterable[Clause], name: str) -> bool:
    """Whether a name in lower case fits one of the rules."""
    return any(_fits(clause, name) for clause in clauses)


def _fits(clause: Clause, name: str) -> bool:
    if clause.sign == "&":
        return all(_fits(part, name) for part in clause.parts)
    if clause.sign == "|":
        return fits_any(clause.parts, name)
    return _CHECKS[clause.sign](name, clause.text)


def _finds(name: str, pattern: str) -> bool:
    return _compiled(pattern).search(name) is not None


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)


def is_at(address: str, pattern: str) -> bool:
    """Whether a provider whose addresses begin like this pattern serves at this host."""
    return bool(pattern) and _compiled(pattern).match(f"https://{address}") is not None


_CHECKS: Final[Mapping[str, Callable[[str, str], bool]]] = {
    "=": str.__eq__,
    "^": str.startswith,
    "$": str.endswith,
    "*": str.__contains__,
    "~": _finds,
}
