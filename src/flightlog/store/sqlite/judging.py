"""What a question asks of scores and notes, as SQL.

Of a span those count that are about it; of the root of a trace also those that are about the whole trace. Of what one
judge said again the latest counts, as `LATEST` has it.
"""

from __future__ import annotations

from typing import Final

from flightlog.records.question import Moment, Pattern
from flightlog.store.sqlite.matching import Clause, matching

LATEST: Final = """NOT EXISTS (SELECT 1 FROM annotations z WHERE z.trace = a.trace AND z.name = a.name
  AND z.by IS a.by AND z.span_id IS a.span_id AND (z.time, z.annotation_id) > (a.time, a.annotation_id))"""
"""That nothing was said later by the same one of the same; `a` is the annotation."""

_ABOUT: Final = f"""a.trace = t.id AND (a.span_id = s.span_id OR (a.span_id IS NULL AND s.id = t.root))
  AND {LATEST}"""
_SAID: Final = f"EXISTS (SELECT 1 FROM annotations a WHERE {_ABOUT} AND "  # noqa: S608 - constants
HAS_SCORE: Final = f"{_SAID} (a.value IS NOT NULL OR a.label IS NOT NULL))"
HAS_NOTE: Final = f"{_SAID} a.note IS NOT NULL)"

_TRUTHS: Final = {"true": 1, "false": 0}


def judged(field: str, name: str, sign: str, value: Pattern | float | Moment) -> Clause:
    """A score of this name, or a note, against a value."""
    if field == "note" and isinstance(value, Pattern):
        sql, values = matching("a.note", sign, value)
        return Clause(f"{_SAID} {sql})", values)
    if not isinstance(value, Pattern):
        return Clause(f"{_SAID} a.name = ? AND a.value {sign} ?)", (name, value))
    sql, values = matching("a.label", sign, value)
    if sign == "=" and len(value.pieces) == 1 and (number := _number(value.pieces[0])) is not None:
        return Clause(f"{_SAID} a.name = ? AND (ifnull({sql}, 0) OR a.value = ?))", (name, *values, number))
    return Clause(f"{_SAID} a.name = ? AND {sql})", (name, *values))


def _number(text: str) -> float | None:
    """The number or the truth value that a text says."""
    truth = _TRUTHS.get(text.lower())
    if truth is not None:
        return truth
    try:
        return float(text)
    except ValueError:
        return None
