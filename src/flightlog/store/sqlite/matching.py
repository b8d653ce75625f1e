"""A text against a pattern, as a condition of SQL whose values are bound."""

from __future__ import annotations

from typing import Any, NamedTuple

from flightlog.records.question import Pattern


class Clause(NamedTuple):
    """A condition and the values for its question marks, in their order."""

    sql: str
    values: tuple[Any, ...] = ()


def matching(column: str, sign: str, pattern: Pattern) -> Clause:
    """A text against a pattern: the whole of it, or with `~` a part of it whatever its ASCII case."""
    if sign == "~":
        return Clause(f"{column} LIKE ? ESCAPE '\\'", (like(pattern),))
    if len(pattern.pieces) == 1:
        return Clause(f"{column} = ?", pattern.pieces)
    return Clause(f"{column} GLOB ?", ("*".join(map(_literal, pattern.pieces)),))


def like(pattern: Pattern) -> str:
    """The pattern that LIKE takes for a part of a text."""
    escaped = (
        piece.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") for piece in pattern.pieces
    )
    return f"%{'%'.join(escaped)}%"


def _literal(piece: str) -> str:
    """A piece of a GLOB pattern that means itself."""
    return "".join(f"[{sign}]" if sign in "*?[" else sign for sign in piece)
